"""Real numbers <-> integer codes: the one rounding of the package.

    q    = clip(round(x / scale) + zero_point, qmin, qmax)      round half to even, then the zero point, then the clip
    real = scale * (q - zero_point)

Symmetric: scale = max |x| / qmax, zero_point = 0. Affine: [min(x, 0), max(x, 0)] spans [qmin, qmax], so that real
zero has a code of its own, the zero point: what a padded position holds.

References
----------
B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
CVPR 2018, arXiv:1712.05877, section 2.1.
"""
from dataclasses import dataclass

import numpy as np

from refapprox.validation import check_choice, check_codes, check_finite, check_integer, check_real

SCHEMES = ("symmetric", "affine")


def quantize(x, scale, zero_point=0, qmin=-128, qmax=127):
    """Codes of `x`: round half to even, then add the zero point, then clip.

    Parameters
    ----------
    x : float array
    scale : float or float array that broadcasts against x, positive
    zero_point : int or integer array that broadcasts against x, within [qmin, qmax]
    qmin, qmax : int
        Range of codes.

    Returns
    -------
    int64 array, shape of x

    Raises
    ------
    ValueError
        If x or scale is not finite, scale not positive, or zero_point not a code.

    Examples
    --------
    >>> quantize(np.array([0.5, 1.5, -200.0]), 1.0, zero_point=1).tolist()
    [1, 3, -128]
    """
    x = check_finite("x of quantize", x)
    check_code_parameters(scale, zero_point, qmin, qmax)
    return np.clip(round_to_codes(x, scale, zero_point), qmin, qmax).astype(np.int64)


def dequantize(codes, scale, zero_point=0):
    """Real numbers that `codes` stand for, scale * (codes - zero_point)."""
    return scale * (np.asarray(codes) - zero_point)


def check_code_parameters(scale, zero_point, qmin, qmax):
    """Refuse a scale that is not finite and positive, and a zero point that is not a code."""
    check_integer("qmax", qmax, minimum=check_integer("qmin", qmin) + 1)
    check_codes("zero_point", zero_point, qmin, qmax)
    if not (check_finite("scale", scale) > 0).all():
        raise ValueError(f"scale must be positive, got {np.min(scale)}.")


def round_to_codes(x, scale, zero_point):
    """Codes before the clip, whole numbers in the floating dtype of `x`."""
    return np.rint(x / scale) + zero_point


@dataclass(frozen=True)
class QuantizationParameters:
    """scale and zero point, scalars or one an output channel (axis 0), and the range of codes."""

    scale: float | np.ndarray
    zero_point: int | np.ndarray = 0
    qmin: int = -128
    qmax: int = 127

    def __post_init__(self):
        check_code_parameters(self.scale, self.zero_point, self.qmin, self.qmax)

    def quantize(self, x):
        return quantize(x, self.scale_for(x), self.zero_point_for(x), self.qmin, self.qmax)

    def dequantize(self, codes):
        return dequantize(codes, self.scale_for(codes), self.zero_point_for(codes))

    def scale_for(self, x):
        """scale, shaped to broadcast along axis 0 of `x`, in its dtype where that is floating."""
        return along_axis_0(self.scale, x)

    def zero_point_for(self, x):
        return along_axis_0(self.zero_point, x)

    def channel_scale(self, dtype):
        """scale as a scalar or (channels,) of `dtype`."""
        return np.asarray(self.scale, dtype)[()]

    @property
    def largest_shifted_code(self):
        """max |q - zero_point| over all codes."""
        zero_point = np.asarray(self.zero_point)
        return int(max(np.max(self.qmax - zero_point), np.max(zero_point - self.qmin)))


def along_axis_0(parameter, x):
    parameter = np.asarray(parameter, x.dtype if x.dtype.kind == "f" else None)
    return parameter.reshape(-1, *[1] * (x.ndim - 1)) if parameter.ndim else parameter[()]


def quantize_with_mask(x, parameters, dtype):
    """Codes of `x` as whole numbers of the floating `dtype`, and where they were not clipped (None: nowhere).

    The mask is the surrogate gradient of the straight-through estimator: 1 where the code before clipping lies
    in [qmin, qmax], else 0.
    """
    raw = round_to_codes(x, parameters.scale_for(x), parameters.zero_point_for(x))
    inside = None
    if raw.min() < parameters.qmin or raw.max() > parameters.qmax:
        inside = (raw >= parameters.qmin) & (raw <= parameters.qmax)
        raw = np.clip(raw, parameters.qmin, parameters.qmax)
    return raw.astype(dtype, copy=False), inside


@dataclass(frozen=True)
class TensorScheme:
    """How one tensor becomes codes: "symmetric" or "affine", its range of codes, per tensor or per channel."""

    kind: str = "symmetric"
    qmin: int = -128
    qmax: int = 127
    per_channel: bool = False

    def __post_init__(self):
        check_choice("kind of TensorScheme", self.kind, SCHEMES)
        check_integer("qmin of TensorScheme", self.qmin)
        check_integer("qmax of TensorScheme", self.qmax, minimum=self.qmin + 1)
        if self.kind == "symmetric" and self.qmax <= 0:
            raise ValueError(f"qmax of a symmetric TensorScheme must be positive, got {self.qmax}.")

    def parameters(self, low, high):
        """QuantizationParameters for values in [low, high], scalars or one a channel."""
        low, high = check_finite("low", np.minimum(low, 0.0)), check_finite("high", np.maximum(high, 0.0))
        if self.kind == "symmetric":
            span, zero_point = np.maximum(-low, high) / self.qmax, np.zeros(np.shape(low), np.int64)
        else:
            span, zero_point = (high - low) / (self.qmax - self.qmin), None
        scale = np.where(span > 0, span, 1.0)      # a tensor of zeros: any scale represents it
        if zero_point is None:
            zero_point = np.clip(np.rint(self.qmin - low / scale), self.qmin, self.qmax).astype(np.int64)
        return QuantizationParameters(scale[()], zero_point[()], self.qmin, self.qmax)


@dataclass(frozen=True)
class LayerQuantization:
    """Schemes of a layer's activations and weights; the default is symmetric int8 per tensor for both."""

    x: TensorScheme = TensorScheme()
    w: TensorScheme = TensorScheme()

    def __post_init__(self):
        if self.x.per_channel:
            raise ValueError("x of LayerQuantization cannot be per channel: channels are summed over before rescaling.")

    def x_parameters(self, bounds):
        return self.x.parameters(*bounds)

    def w_parameters(self, weight):
        axes = tuple(range(1, weight.ndim)) if self.w.per_channel else None
        return self.w.parameters(weight.min(axis=axes).astype(np.float64), weight.max(axis=axes).astype(np.float64))


class MinMaxObserver:
    """Range of everything seen so far. `range` is the buffer (low, high), nan before the first tensor."""

    def __init__(self):
        self.range = np.full(2, np.nan)

    def observe(self, x):
        low, high = float(x.min()), float(x.max())
        if not np.isfinite(low) or not np.isfinite(high):
            raise ValueError(f"activations must be finite to have a range of codes, got values from {low} to {high}.")
        self.range[:] = self._merge(low, high)

    def _merge(self, low, high):
        return np.fmin(self.range[0], low), np.fmax(self.range[1], high)      # fmin ignores the initial nan

    def bounds(self):
        """(low, high), or a ValueError before anything was observed."""
        if np.isnan(self.range).any():
            raise ValueError("the activations' range is unknown: run train_quant, or a training forward pass in "
                             "mode 'quantized', before evaluating codes.")
        return self.range[0], self.range[1]


class MovingAverageObserver(MinMaxObserver):
    """Exponential moving average of each tensor's range, with PyTorch's averaging constant as the default."""

    def __init__(self, momentum=0.01):
        super().__init__()
        self.momentum = check_real("momentum of MovingAverageObserver", momentum, minimum=0.0, maximum=1.0)

    def _merge(self, low, high):
        if np.isnan(self.range[0]):
            return low, high
        return self.range + self.momentum * (np.array((low, high)) - self.range)
