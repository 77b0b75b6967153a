"""torchapprox's layers, forward: called with fake-quantized activations, their scale and zero point.

The approximate mode computes what torchapprox is meant to compute; what it does wrong (`presets`) is reproduced as far
as a layer's `defects` say so.
"""
import enum
import math

import numpy as np

from refapprox.compat import pipelines
from refapprox.compat.presets import get_preset
from refapprox.compat.tables import signed_multiplier
from refapprox.multipliers import exact
from refapprox.multipliers.formats import swap_order
from refapprox.ops import agn, conv2d, linear
from refapprox.ops.patches import pair
from refapprox.quantization import LayerQuantization, QuantizationParameters, round_to_codes
from refapprox.validation import check_codes

PRESET = get_preset("torchapprox")
EXACT = exact(8)


class InferenceMode(enum.Enum):
    """What a layer multiplies with."""

    QUANTIZED = "Quantized Mode"
    NOISE = "Noise Mode"
    APPROXIMATE = "Approximate Mode"


class ApproxLayer:
    """What convolution and linear share.

    Attributes
    ----------
    weight, bias : float arrays; bias may be None
    inference_mode : InferenceMode
    lut : int32 array, shape (256, 256)
        Two's-complement order; exact products unless set.
    stdev, mean : float
        Of the noise mode: relative to std(y), ddof 1, and absolute.
    training : bool
        Noise is added in training only.
    defects : collection of str
        See `refapprox.compat.presets`.
    """

    def __init__(self, weight_shape, bias, qconfig, rng):
        rng = np.random.default_rng() if rng is None else rng
        bound = 1 / math.sqrt(math.prod(weight_shape[1:]))
        self.weight = rng.uniform(-bound, bound, weight_shape)
        self.bias = rng.uniform(-bound, bound, weight_shape[0]) if bias else None
        self.qconfig, self.rng = qconfig, rng
        self.inference_mode = InferenceMode.QUANTIZED
        self.multiplier = EXACT
        self.stdev, self.mean, self.training, self.defects = 0.0, 0.0, True, ()

    @property
    def lut(self):
        return swap_order(self.multiplier.lut)

    @lut.setter
    def lut(self, table):
        self.multiplier = signed_multiplier(table, f"lut of {type(self).__name__}")

    fan_in = property(lambda self: math.prod(self.weight.shape[1:]), doc="Multiplications per output.")

    def weight_parameters(self):
        """Scale and zero point of the weights: the preset's, unless `qconfig` gives them or a TensorScheme for them."""
        if self.qconfig is None:
            return PRESET.w_parameters(self.weight)
        if isinstance(self.qconfig, QuantizationParameters):
            return self.qconfig
        return LayerQuantization(w=self.qconfig).w_parameters(self.weight)

    def forward(self, x, x_scale=None, x_zero_point=None):
        """Layer output of fake-quantized `x`.

        Parameters
        ----------
        x : float array
        x_scale, x_zero_point : float or array of one element
            Needed in the approximate mode.
        """
        x, qw = np.asarray(x, np.float64), self.weight_parameters()
        w_codes = qw.quantize(self.weight)
        if self.inference_mode is InferenceMode.APPROXIMATE:
            if x_scale is None or x_zero_point is None:
                raise ValueError("the approximate mode needs x_scale and x_zero_point of the activations.")
            zero_point = check_codes("x_zero_point", np.asarray(x_zero_point), -128, 127)
            qx = QuantizationParameters(np.asarray(x_scale).item(), int(zero_point.item()))
            x_codes = check_codes("codes of x", round_to_codes(x, qx.scale, qx.zero_point), qx.qmin, qx.qmax)
            y = self.table_products(x_codes, w_codes, qx, qw, PRESET.check_defects(self.defects))
        else:
            y = self.exact_products(x, qw.dequantize(w_codes))
            if self.inference_mode is InferenceMode.NOISE and self.training:
                y, _ = agn.forward(y, float(self.stdev), eps=self.rng.standard_normal(y.shape))
                y = y + self.mean
        return y if self.bias is None else y + self.bias.reshape(-1, *[1] * (y.ndim - 2))

    def __call__(self, x, x_scale=None, x_zero_point=None):
        return self.forward(x, x_scale, x_zero_point)


class ApproxLinear(ApproxLayer):
    """y = x w^T + b; `device` and `dtype` are without effect."""

    def __init__(self, in_features, out_features, bias=True, qconfig=None, device=None, dtype=None, *, rng=None):
        super().__init__((out_features, in_features), bias, qconfig, rng)
        self.in_features, self.out_features = in_features, out_features

    opcount = property(lambda self: self.weight.size, doc="Multiplications per sample.")

    def exact_products(self, x, w):
        return linear.forward(x, w)[0]

    def table_products(self, x_codes, w_codes, qx, qw, defects):
        return pipelines.linear_of_codes(PRESET, x_codes, w_codes, qx, qw, self.multiplier, defects)


class ApproxConv2d(ApproxLayer):
    """Convolution of (n, c, h, w); zero padding only, `device` and `dtype` are without effect."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
                 padding_mode="zeros", qconfig=None, device=None, dtype=None, *, rng=None):
        if padding_mode != "zeros":
            raise ValueError(f"padding_mode of ApproxConv2d must be 'zeros', got {padding_mode!r}.")
        kernel = pair("kernel_size of ApproxConv2d", kernel_size, 1)
        super().__init__((out_channels, in_channels // groups, *kernel), bias, qconfig, rng)
        self.geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        self._opcount = None

    @property
    def opcount(self):
        """Multiplications per sample; known after the first forward pass."""
        if self._opcount is None:
            raise ValueError("opcount of ApproxConv2d is known after the first forward pass only.")
        return self._opcount

    def forward(self, x, x_scale=None, x_zero_point=None):
        """As `ApproxLayer.forward`."""
        y = super().forward(x, x_scale, x_zero_point)
        self._opcount = self.fan_in * math.prod(y.shape[1:])
        return y

    def exact_products(self, x, w):
        return conv2d.forward(x, w, **self.geometry)[0]

    def table_products(self, x_codes, w_codes, qx, qw, defects):
        return pipelines.conv2d_of_codes(PRESET, x_codes, w_codes, qx, qw, self.multiplier, self.geometry, defects)


class ApproxWrapper:
    """Quantizes the activations and passes them to a layer with their scale and zero point."""

    def __init__(self, wrapped):
        if not isinstance(wrapped, ApproxLayer):
            raise TypeError(f"wrapped must be an ApproxLinear or ApproxConv2d, got {type(wrapped).__name__}.")
        self.wrapped = wrapped

    def forward(self, x):
        """Layer output of real `x`, whose range becomes the codes 0 to 127."""
        qx = PRESET.x_parameters(x)
        return self.wrapped(qx.dequantize(PRESET.quantize(x, qx)), qx.scale, qx.zero_point)

    __call__ = forward
