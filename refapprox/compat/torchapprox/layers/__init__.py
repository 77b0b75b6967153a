"""torchapprox's layers, forward and backward, in NumPy.

The approximate mode computes what torchapprox is meant to compute; what it does wrong (`refapprox.compat.presets`) is
reproduced as far as a layer's `defects` say so. `ApproxWrapper` quantizes the activations around a layer, which has to
know their scale and zero point.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.compat.torchapprox.layers.approx_layer import (
    PRESET,
    ApproxLayer,
    InferenceMode,
    QuantizationParameters,
    to_array,
)
from refapprox.compat.torchapprox.operators import ApproxConv2dOp, ApproxGeMM, Conv2dArgs
from refapprox.ops import conv2d, linear
from refapprox.ops.patches import geometry, pair
from refapprox.quantization import quantize_with_mask
from refapprox.validation import check_array, check_integer, check_numbers, shown

__all__ = ["ApproxConv2d", "ApproxLayer", "ApproxLinear", "ApproxWrapper", "InferenceMode", "layer_mapping_dict"]


class ApproxLinear(ApproxLayer):
    """y = x w^T + b.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool, optional
    qconfig, rng
        As of `ApproxLayer`.
    device, dtype
        Without effect.

    Examples
    --------
    >>> layer = ApproxLinear(20, 10, rng=np.random.default_rng(0))
    >>> layer.fan_in, layer.opcount, layer(np.zeros((4, 20))).shape
    (20, 200, (4, 10))
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, qconfig: Any = None, device: Any = None,
                 dtype: Any = None, *, rng: np.random.Generator | None = None) -> None:
        self.in_features, self.out_features = (check_integer(name, value, minimum=1) for name, value in (
            ("in_features", in_features), ("out_features", out_features)))
        super().__init__((self.out_features, self.in_features), bias, qconfig, rng)

    @classmethod
    def from_float(cls, layer: Any, qconfig: Any = None) -> ApproxLinear:
        """The layer with the sizes, weight and bias of another.

        Parameters
        ----------
        layer : torch.nn.Linear, or what has its attributes
        qconfig
            As of `ApproxLayer`.
        """
        made = cls(layer.in_features, layer.out_features, layer.bias is not None, qconfig)
        made.weight, made.bias = to_array(layer.weight), to_array(layer.bias)
        return made

    @property
    def fan_in(self) -> int:
        return self.in_features

    @property
    def opcount(self) -> int:
        return self.in_features * self.out_features

    def quant_fwd(self, x_q: NDArray[Any], w_q: NDArray[Any]) -> NDArray[Any]:
        return linear.forward(x_q, w_q)[0]

    def approx_fwd(self, x_q: NDArray[Any], w_q: NDArray[Any], quant_params: QuantizationParameters) -> NDArray[Any]:
        return ApproxGeMM.apply(x_q, w_q, self.multiplier, quant_params, self.htp_model, self.traced_inputs)

    def product_backward(self, dy: NDArray[Any], x_q: NDArray[Any],
                         w_q: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        return linear.backward(dy, (check_array("x_q", x_q, ndim=2), check_array("w_q", w_q, ndim=2)))


class ApproxConv2d(ApproxLayer):
    """Convolution of (n, c, h, w).

    `fan_in` is that of the groups, which the published one ignores.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, dilation : int or (vertical, horizontal)
    groups : int, optional
    bias : bool, optional
    padding_mode : "zeros"
        Others are refused.
    qconfig, rng
        As of `ApproxLayer`.
    device, dtype
        Without effect.

    Raises
    ------
    ValueError
        For another padding mode.

    Examples
    --------
    >>> layer = ApproxConv2d(3, 8, 3, padding=1, rng=np.random.default_rng(0))
    >>> layer.fan_in, layer(np.zeros((1, 3, 4, 4))).shape, layer.opcount
    (27, (1, 8, 4, 4), 3456)
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int | tuple[int, int],
                 stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0,
                 dilation: int | tuple[int, int] = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros",
                 qconfig: Any = None, device: Any = None, dtype: Any = None, *,
                 rng: np.random.Generator | None = None) -> None:
        if padding_mode != "zeros":
            raise ValueError(f"padding_mode of ApproxConv2d must be 'zeros', got {shown(padding_mode)}.")
        self.in_channels, self.out_channels, self.groups = (check_integer(name, value, minimum=1) for name, value in (
            ("in_channels", in_channels), ("out_channels", out_channels), ("groups", groups)))
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ValueError(f"groups must divide in_channels and out_channels, got {groups} for {in_channels} and "
                             f"{out_channels}.")
        self.kernel_size = pair("kernel_size of ApproxConv2d", kernel_size, 1)
        self.stride, self.padding, self.dilation = (
            pair(f"{name} of ApproxConv2d", value, least)
            for name, value, least in (("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)))
        super().__init__((out_channels, in_channels // groups, *self.kernel_size), bias, qconfig, rng)
        self._opcount = None

    @classmethod
    def from_float(cls, layer: Any, qconfig: Any = None) -> ApproxConv2d:
        """The layer with the geometry, weight and bias of another.

        Parameters
        ----------
        layer : torch.nn.Conv2d, or what has its attributes
        qconfig
            As of `ApproxLayer`.
        """
        made = cls(layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding,
                   layer.dilation, layer.groups, layer.bias is not None, layer.padding_mode, qconfig)
        made.weight, made.bias = to_array(layer.weight), to_array(layer.bias)
        return made

    from_conv2d = from_super = from_float

    @property
    def fan_in(self) -> int:
        return math.prod(self.weight.shape[1:])

    @property
    def opcount(self) -> int:
        """Multiplications per sample; known after the first forward pass."""
        if self._opcount is None:
            raise ValueError("opcount of ApproxConv2d is known after the first forward pass only.")
        return self._opcount

    @property
    def conv_args(self) -> Conv2dArgs:
        """The settings as `ApproxConv2dOp` takes them."""
        return Conv2dArgs(self.in_channels, self.out_channels, self.kernel_size, self.stride, self.padding,
                          self.dilation, self.groups)

    def output_dims(self, x: NDArray[Any]) -> tuple[int, int]:
        """(height, width) of the output for images `x`."""
        return geometry("ApproxConv2d", self.kernel_size, self.stride, self.padding,
                        self.dilation).output_size(*x.shape[2:])

    def forward(self, x: ArrayLike, x_scale: Any = None, x_zero_point: Any = None) -> NDArray[np.float64]:
        y = super().forward(x, x_scale, x_zero_point)
        self._opcount = self.fan_in * math.prod(y.shape[1:])
        return y

    __call__ = forward

    def quant_fwd(self, x_q: NDArray[Any], w_q: NDArray[Any]) -> NDArray[Any]:
        return conv2d.forward(x_q, w_q, **self.conv_args.backward_args())[0]

    def approx_fwd(self, x_q: NDArray[Any], w_q: NDArray[Any], quant_params: QuantizationParameters) -> NDArray[Any]:
        return ApproxConv2dOp.apply(x_q, w_q, quant_params, self.conv_args, self.htp_model, self.output_dims(x_q),
                                    self.multiplier, self.traced_inputs, defects=self.defects)

    def product_backward(self, dy: NDArray[Any], x_q: NDArray[Any],
                         w_q: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        return conv2d.backward(dy, conv2d.prepare(x_q, w_q, **self.conv_args.backward_args()))


class ApproxWrapper:
    """Quantizes the activations and passes them to a layer with their scale and zero point.

    Parameters
    ----------
    wrapped : ApproxLayer, or a torch.nn.Linear or torch.nn.Conv2d
        Of PyTorch's layers weights and settings are taken; what ``prepare_qat`` does there is done here.
    qconfig : optional
        How weights are quantized, for PyTorch's layers; see `ApproxLayer.weight_parameters`.

    Raises
    ------
    TypeError
        For another layer.

    Examples
    --------
    >>> wrapped = ApproxWrapper(ApproxLinear(3, 2, rng=np.random.default_rng(0)))
    >>> y = wrapped(np.ones((4, 3)))
    >>> y.shape, wrapped.backward(np.ones((4, 2))).shape
    ((4, 2), (4, 3))
    """

    def __init__(self, wrapped: Any, qconfig: Any = None) -> None:
        if isinstance(wrapped, ApproxLayer):
            self.wrapped = wrapped
        elif hasattr(wrapped, "weight") and hasattr(wrapped, "kernel_size"):
            self.wrapped = ApproxConv2d.from_float(wrapped, qconfig)
        elif hasattr(wrapped, "weight") and hasattr(wrapped, "in_features"):
            self.wrapped = ApproxLinear.from_float(wrapped, qconfig)
        else:
            raise TypeError(f"wrapped must be an ApproxLinear or ApproxConv2d, got {type(wrapped).__name__}.")
        self._inside = None

    def forward(self, x: ArrayLike) -> NDArray[np.float64]:
        """Layer output of real `x`, whose range becomes the codes 0 to 127."""
        x = check_array("x", x, dtype=np.float64)
        qx = PRESET.x_parameters(x)
        codes, self._inside = quantize_with_mask(x, qx, np.float64)
        return self.wrapped(qx.dequantize(codes), qx.scale, qx.zero_point)

    __call__ = forward

    def backward(self, dy: ArrayLike) -> NDArray[np.float64]:
        """Gradient dx, straight-through: none where an activation was clipped; the layer's gradients are set."""
        dx = self.wrapped.backward(check_numbers("dy", dy, floating=True))
        return dx if self._inside is None else dx * self._inside


def layer_mapping_dict() -> dict[str, type[ApproxLayer]]:
    """Name of PyTorch's layer -> the one in its place (upstream's keys are the classes themselves).

    Returns
    -------
    dict of str to class

    Examples
    --------
    >>> sorted(layer_mapping_dict())
    ['Conv2d', 'Linear']
    """
    return {"Linear": ApproxLinear, "Conv2d": ApproxConv2d}


doors(__name__)
