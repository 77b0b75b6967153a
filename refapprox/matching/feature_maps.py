"""The integer operands of every layer over sample data: what the error statistics start from."""
from dataclasses import dataclass

import numpy as np

from refapprox.validation import check_rng


@dataclass
class IntermediateLayerResults:
    """Integer operands and outputs of one layer over sample data, exact multiplication.

    Attributes
    ----------
    fan_in : int
    features : int array, shape (fields, fan_in)
        Activation codes; every row is what one output sums over. Grouped layers pool their groups.
    outputs : int64 array, shape (fields, m)
        Exact accumulator values after zero-point correction.
    weights : int array, shape (fan_in, m)
    channel_scale : float array, shape (m,), or None
        Scale of each output channel relative to their mean; None where all are equal.
    """

    fan_in: int
    features: np.ndarray
    outputs: np.ndarray
    weights: np.ndarray
    channel_scale: np.ndarray | None = None

    @property
    def groups(self):
        """Groups of the layer: fields and weights are those of group 0, then of group 1, ..."""
        return self.weights.shape[1] // self.outputs.shape[1]

    def output_std(self):
        """std of the outputs in accumulator units, ddof 0."""
        outputs = self.outputs if self.channel_scale is None else self.outputs * self.channel_scale
        return float(np.std(outputs, ddof=0))


def get_feature_maps(model, datamodule, *, rng, num_images=128):
    """Record the integer operands of every multiplying layer over random training images.

    Parameters
    ----------
    model : ApproxNet
        After quantization-aware training; its mode is restored.
    datamodule : DataModule
    rng : numpy.random.Generator
        Draws the images.
    num_images : int, optional

    Returns
    -------
    dict of str to IntermediateLayerResults
    """
    check_rng(rng)
    images = datamodule.sample(num_images, rng)
    recorded, mode = {}, model.mode
    model.set_mode("quantized")
    try:
        for name, layer in model.noisy_modules:
            layer.recorder = lambda *codes, name=name: recorded.update({name: codes})
        model.forward(images)
    finally:
        for _, layer in model.noisy_modules:
            layer.recorder = None
        model.set_mode(mode)
    return {name: layer_results(layer, *recorded[name]) for name, layer in model.noisy_modules}


def layer_results(layer, x_codes, qx, w_codes, qw):
    """IntermediateLayerResults of one layer from its codes and their QuantizationParameters."""
    features, weights = layer.operands(x_codes, w_codes, pad_code=qx.zero_point)      # (g, fields, k), (g, k, m/g)
    z_w = np.broadcast_to(qw.zero_point, weights.shape[0] * weights.shape[2]).reshape(len(weights), 1, -1)
    # float64 is an integer oracle here: fan_in * 2**16 stays far below 2**53
    outputs = ((features - qx.zero_point).astype(np.float64) @ (weights - z_w)).astype(np.int64)
    scale = np.asarray(qw.scale, np.float64)
    relative = None if scale.ndim == 0 or np.ptp(scale) == 0 else scale / scale.mean()
    if len(features) > 1 and relative is not None:
        raise ValueError("per-channel weights of a grouped layer cannot be pooled over groups: "
                         "quantize its weights per tensor.")
    return IntermediateLayerResults(layer.fan_in, features.reshape(-1, layer.fan_in),
                                    outputs.reshape(-1, outputs.shape[2]), np.concatenate(weights, axis=1), relative)
