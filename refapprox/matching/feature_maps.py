"""The integer operands of every layer over sample data: what the error statistics start from."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from refapprox.datasets import DataModule
from refapprox.validation import check_array, check_integer, check_offers, check_rng

if TYPE_CHECKING:
    from refapprox.nets.approx_net import ApproxNet

BLOCK_FIELDS = 1 << 12      # fields whose outputs are formed at once


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

    Examples
    --------
    >>> features, weights = np.array([[1, 2], [0, 3]]), np.array([[1], [-1]])
    >>> IntermediateLayerResults(2, features, features @ weights, weights).output_std()
    1.0
    """

    fan_in: int
    features: NDArray[Any]
    outputs: NDArray[np.int64]
    weights: NDArray[Any]
    channel_scale: NDArray[np.float64] | None = None

    @property
    def groups(self) -> int:
        """Groups of the layer: fields and weights are those of group 0, then of group 1, ..."""
        return self.weights.shape[1] // self.outputs.shape[1]

    def by_group(self) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """(features, weights) of every group: what meets in products."""
        return zip(np.split(self.features, self.groups), np.split(self.weights, self.groups, axis=1), strict=True)

    def scaled(self, sums: NDArray[Any]) -> NDArray[Any]:
        """`sums`, shape (groups, fields, m / groups), times the channels' scales."""
        sums = check_array("sums", sums, ndim=3)
        return sums if self.channel_scale is None else sums * self.channel_scale.reshape(self.groups, 1, -1)

    def output_std(self) -> float:
        """std of the outputs in accumulator units, ddof 0."""
        outputs = self.outputs
        if self.channel_scale is not None:
            outputs = self.scaled(outputs.reshape(self.groups, -1, outputs.shape[1]))
        return float(np.std(outputs, ddof=0))


def get_feature_maps(model: ApproxNet, datamodule: DataModule, *, rng: np.random.Generator, num_images: int = 128,
                     memory_limit: int = 1 << 30) -> dict[str, IntermediateLayerResults]:
    """Record the integer operands of every multiplying layer over random training images.

    Parameters
    ----------
    model : ApproxNet
        After quantization-aware training; its mode is restored.
    datamodule : DataModule
    rng : numpy.random.Generator
        Draws the images.
    num_images : int, optional
    memory_limit : int, optional
        Bytes that the recorded operands and outputs may take; 1 GiB by default.

    Returns
    -------
    dict of str to IntermediateLayerResults

    Raises
    ------
    ValueError
        If they would take more: fewer images take less.

    Examples
    --------
    >>> from refapprox import LeNet5, SyntheticDigits
    >>> net, data = LeNet5.pretrained("synthetic"), SyntheticDigits(n_train=20, n_test=1)
    >>> get_feature_maps(net, data, rng=np.random.default_rng(0), num_images=2)["linear3"].features.shape
    (2, 84)
    """
    check_rng(rng)
    check_offers("model", model, "noisy_modules")
    num_images = check_integer("num_images", num_images, minimum=1, maximum=len(datamodule.train.labels))
    fitting = images_that_fit(model, check_integer("memory_limit", memory_limit, minimum=1))
    if num_images > fitting:
        raise ValueError(f"num_images must leave the recorded operands within memory_limit, {memory_limit} bytes; "
                         f"{num_images} images take more. {fitting} images fit.")
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


def images_that_fit(model, memory_limit=1 << 30):
    """How many images' operands and outputs `get_feature_maps` can record within `memory_limit` bytes."""
    return memory_limit // sum(recorded_bytes(layer) for _, layer in model.noisy_modules)


def recorded_bytes(layer):
    """What one image leaves of a layer: a byte a feature, which each of m outputs multiplies, and int64 outputs."""
    m, groups = len(layer.parameters["weight"].value), getattr(layer, "groups", 1)
    return layer.opcount // m * groups + layer.opcount // layer.fan_in * 8


def layer_results(layer, x_codes, qx, w_codes, qw):
    """IntermediateLayerResults of one layer from its codes and their QuantizationParameters."""
    features, weights = layer.operands(x_codes.astype(narrowest(qx.qmin, qx.qmax)), w_codes.astype(np.int64),
                                       pad_code=qx.zero_point)                        # (g, fields, k), (g, k, m/g)
    z_w = np.broadcast_to(qw.zero_point, weights.shape[0] * weights.shape[2]).reshape(len(weights), 1, -1)
    shifted = (weights - z_w).astype(np.float64)
    outputs = np.empty((*features.shape[:2], weights.shape[2]), np.int64)
    for start in range(0, features.shape[1], BLOCK_FIELDS):
        # float64 is an integer oracle here: fan_in * 2**16 stays far below 2**53
        outputs[:, start:start + BLOCK_FIELDS] = (
            features[:, start:start + BLOCK_FIELDS] - np.float64(qx.zero_point)) @ shifted
    scale = check_array("scale", qw.scale, dtype=np.float64)
    relative = None if scale.ndim == 0 or np.ptp(scale) == 0 else scale / scale.mean()
    return IntermediateLayerResults(layer.fan_in, features.reshape(-1, layer.fan_in),
                                    outputs.reshape(-1, outputs.shape[2]), np.concatenate(weights, axis=1), relative)


def narrowest(qmin, qmax):
    """The smallest integer dtype that holds these codes: fields repeat every activation some ten times."""
    return next(dtype for dtype in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64)
                if np.iinfo(dtype).min <= qmin and qmax <= np.iinfo(dtype).max)
