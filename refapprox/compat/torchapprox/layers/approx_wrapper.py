"""Quantization of the activations around a layer, which has to know their scale and zero point."""
import numpy as np

from refapprox.compat.torchapprox.layers.approx_conv2d import ApproxConv2d
from refapprox.compat.torchapprox.layers.approx_layer import PRESET, ApproxLayer
from refapprox.compat.torchapprox.layers.approx_linear import ApproxLinear
from refapprox.quantization import quantize_with_mask


class ApproxWrapper:
    """Quantizes the activations and passes them to a layer with their scale and zero point.

    Parameters
    ----------
    wrapped : ApproxLayer, or a torch.nn.Linear or torch.nn.Conv2d
        Of PyTorch's layers weights and settings are taken; what ``prepare_qat`` does there is done here.
    qconfig : optional
        How weights are quantized, for PyTorch's layers; see `ApproxLayer.weight_parameters`.
    """

    def __init__(self, wrapped, qconfig=None):
        if isinstance(wrapped, ApproxLayer):
            self.wrapped = wrapped
        elif hasattr(wrapped, "weight") and hasattr(wrapped, "kernel_size"):
            self.wrapped = ApproxConv2d.from_float(wrapped, qconfig)
        elif hasattr(wrapped, "weight") and hasattr(wrapped, "in_features"):
            self.wrapped = ApproxLinear.from_float(wrapped, qconfig)
        else:
            raise TypeError(f"wrapped must be an ApproxLinear or ApproxConv2d, got {type(wrapped).__name__}.")
        self._inside = None

    def forward(self, x):
        """Layer output of real `x`, whose range becomes the codes 0 to 127."""
        x = np.asarray(x, np.float64)
        qx = PRESET.x_parameters(x)
        codes, self._inside = quantize_with_mask(x, qx, np.float64)
        return self.wrapped(qx.dequantize(codes), qx.scale, qx.zero_point)

    __call__ = forward

    def backward(self, dy):
        """Gradient dx, straight-through: none where an activation was clipped; the layer's gradients are set."""
        dx = self.wrapped.backward(dy)
        return dx if self._inside is None else dx * self._inside


def layer_mapping_dict():
    """Name of PyTorch's layer to the one in its place (upstream's keys are the classes themselves)."""
    return {"Linear": ApproxLinear, "Conv2d": ApproxConv2d}
