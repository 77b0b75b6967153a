"""Real numbers <-> integer codes: the one rounding of the package.

    q    = clip(round(x / scale) + zero_point, qmin, qmax)      round half to even, then the zero point, then the clip
    real = scale * (q - zero_point)

The quotient is rounded in the floating dtype of x. Everything after it is exact: in float64, where the range of codes
is wider than what float32 holds as integers.

References
----------
B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
CVPR 2018, arXiv:1712.05877, section 2.1.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from refapprox.validation import (
    check_array,
    check_broadcast,
    check_choice,
    check_codes,
    check_finite,
    check_integer,
    check_numbers,
)

LARGEST_CODE = 2 ** 53        # in magnitude: codes go through float64
EXACT_FLOAT32 = 2 ** 23       # code plus zero point, both within it, is exact in float32


def quantize(x: ArrayLike, scale: ArrayLike, zero_point: ArrayLike = 0, qmin: int = -128, qmax: int = 127
             ) -> NDArray[np.int64]:
    """Codes of `x`: round half to even, then add the zero point, then clip.

    Parameters
    ----------
    x : array
        Real numbers; integers count as float64.
    scale : float or array that broadcasts against x, positive
    zero_point : int or integer array that broadcasts against x, within [qmin, qmax]
    qmin, qmax : int
        Range of codes, at most 2**53 in magnitude.

    Returns
    -------
    int64 array, shape of x

    Raises
    ------
    TypeError
        If x or scale do not hold real numbers, or qmin or qmax is no integer.
    ValueError
        If x or scale is not finite, scale not positive, or zero_point not a code.

    Examples
    --------
    >>> quantize([0.5, 1.5, -200.0], 1.0, zero_point=1).tolist()
    [1, 3, -128]
    """
    x = check_finite("x of quantize", check_numbers("x of quantize", x, floating=True))
    scale, zero_point, qmin, qmax = check_code_parameters(scale, zero_point, qmin, qmax)
    check_broadcast(x.shape, x=x, scale=np.asarray(scale), zero_point=np.asarray(zero_point))
    codes = round_to_codes(x, scale, zero_point, qmin, qmax)
    return np.clip(codes, qmin, qmax).astype(np.int64)


def dequantize(codes: ArrayLike, scale: ArrayLike, zero_point: ArrayLike = 0) -> NDArray:
    """Real numbers that `codes` stand for, scale * (codes - zero_point).

    Parameters
    ----------
    codes : array
        Integers of any width, or floats that hold whole numbers.
    scale : float or array that broadcasts against codes
    zero_point : int or integer array that broadcasts against codes

    Returns
    -------
    float array, shape of codes

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.

    Examples
    --------
    >>> dequantize(np.uint8([3]), 0.1, 128).tolist()
    [-12.5]
    """
    codes, zero_point = (check_numbers(f"{name} of dequantize", value)
                         for name, value in (("codes", codes), ("zero_point", zero_point)))
    scale = check_numbers("scale of dequantize", scale, floating=True)
    check_broadcast(codes=codes, scale=scale, zero_point=zero_point)
    return scale[()] * (codes - zero_point[()])


def check_code_parameters(scale, zero_point, qmin, qmax):
    """(scale, zero_point, qmin, qmax) as float64, int64, int and int; a scale that is not finite and positive, and a
    zero point that is not a code, are refused."""
    qmin = check_integer("qmin", qmin, minimum=-LARGEST_CODE)
    qmax = check_integer("qmax", qmax, minimum=qmin + 1, maximum=LARGEST_CODE)
    zero_point = check_codes("zero_point", zero_point, qmin, qmax).astype(np.int64)
    scale = check_finite("scale", check_numbers("scale", scale, floating=True)).astype(np.float64)
    if not (scale > 0).all():
        raise ValueError(f"scale must be positive, got {np.min(scale)}.")
    return scale[()], zero_point[()], qmin, qmax


def round_to_codes(x, scale, zero_point, qmin, qmax):
    """Codes of the floating `x` before the clip, whole numbers in its dtype; in float64 where the scale is no normal
    number in that dtype, or codes are too wide for it. An infinite quotient will be clipped."""
    with np.errstate(under="ignore"):
        narrow = np.asarray(scale, x.dtype)
    if (narrow < np.finfo(x.dtype).tiny).any():
        x, narrow = x.astype(np.float64), np.asarray(scale, np.float64)
    with np.errstate(over="ignore"):
        codes = np.asarray(x / narrow[()])
    np.rint(codes, out=codes)
    if max(abs(qmin), abs(qmax)) > EXACT_FLOAT32:
        codes = codes.astype(np.float64)
    codes += np.asarray(zero_point, codes.dtype)[()]      # of 0 too: it turns -0.0 into 0.0
    return codes


@dataclass(frozen=True)
class QuantizationParameters:
    """Scale and zero point of a tensor, and its range of codes.

    Parameters
    ----------
    scale : float, or float array (c,)
        One for the tensor, or one per output channel (axis 0); positive.
    zero_point : int, or int array (c,), optional
        The code of real zero.
    qmin, qmax : int, optional
        Range of codes.

    Raises
    ------
    TypeError
        If scale does not hold real numbers, or qmin or qmax is no integer.
    ValueError
        If scale is not finite and positive, or zero_point not a code.

    Examples
    --------
    >>> parameters = QuantizationParameters(0.5, 10, 0, 255)
    >>> codes = parameters.quantize([-1.0, 2.0])
    >>> codes.tolist(), parameters.dequantize(codes).tolist()
    ([8, 14], [-1.0, 2.0])
    """

    scale: float | np.ndarray
    zero_point: int | np.ndarray = 0
    qmin: int = -128
    qmax: int = 127

    def __post_init__(self):
        scale, zero_point, qmin, qmax = check_code_parameters(self.scale, self.zero_point, self.qmin, self.qmax)
        for name, value in (("scale", scale), ("zero_point", zero_point)):
            object.__setattr__(self, name, value if np.ndim(value) else value.item())
        object.__setattr__(self, "qmin", qmin)
        object.__setattr__(self, "qmax", qmax)

    def quantize(self, x: ArrayLike) -> NDArray[np.int64]:
        """Codes of `x`, channels along axis 0; see the function of the same name."""
        x = check_numbers("x of quantize", x, floating=True)
        return quantize(x, along_axis_0(self.scale, x), self.zero_point_for(x), self.qmin, self.qmax)

    def dequantize(self, codes: ArrayLike) -> NDArray:
        """Real numbers that `codes` stand for, in their dtype where it is floating."""
        codes = check_numbers("codes of dequantize", codes)
        return dequantize(codes, self.scale_for(codes), self.zero_point_for(codes))

    def scale_for(self, x: NDArray) -> Any:
        """scale, shaped to broadcast along axis 0 of `x`, in its dtype where that is floating."""
        x = check_array("x", x)
        scale = along_axis_0(self.scale, x)
        return x.dtype.type(scale) if x.dtype.kind == "f" else scale

    def zero_point_for(self, x: NDArray) -> Any:
        """zero_point, shaped to broadcast along axis 0 of `x`; int64."""
        return along_axis_0(self.zero_point, check_array("x", x))

    def channel_scale(self, dtype: DTypeLike) -> Any:
        """scale as a scalar or (channels,) of `dtype`."""
        return np.asarray(self.scale, dtype)[()]

    @property
    def largest_shifted_code(self) -> int:
        """max |q - zero_point| over all codes."""
        return max(int(np.max(self.qmax - self.zero_point)), int(np.max(self.zero_point - self.qmin)))


def along_axis_0(parameter, x):
    """`parameter`, a scalar or one per entry of axis 0 of `x`, in a shape that broadcasts against `x`."""
    parameter = np.asarray(parameter)
    if parameter.ndim and parameter.shape != x.shape[:1]:
        raise ValueError(f"scale and zero_point must be numbers or one for each entry of axis 0, got shape "
                         f"{parameter.shape} for {x.shape}.")
    return parameter.reshape(-1, *[1] * (x.ndim - 1)) if parameter.ndim else parameter[()]


def quantize_with_mask(x: NDArray, parameters: QuantizationParameters, dtype: DTypeLike
                       ) -> tuple[NDArray, NDArray[np.bool_] | None]:
    """Codes of `x` as layers want them, and where they were not clipped.

    The mask is the surrogate gradient of the straight-through estimator: 1 where the code before clipping lies
    in [qmin, qmax], else 0.

    Parameters
    ----------
    x : float array
        Channels along axis 0, if the parameters have any.
    parameters : QuantizationParameters
    dtype : float32 or float64
        Of the codes.

    Returns
    -------
    codes : array of `dtype`, shape of x, whole numbers
    inside : bool array, shape of x; None where nothing was clipped

    Raises
    ------
    TypeError
        If x holds no real numbers.
    KeyError
        If dtype is another.

    Examples
    --------
    >>> codes, inside = quantize_with_mask(np.array([1.4, 300.0]), QuantizationParameters(1.0), np.float32)
    >>> codes.tolist(), inside.tolist()
    ([1.0, 127.0], [True, False])
    """
    x = check_numbers("x of quantize_with_mask", x, floating=True)
    codes = np.empty(x.shape, check_choice("dtype of quantize_with_mask", np.dtype(dtype).name, ("float32", "float64")))
    clipped = quantize_into(codes, x, parameters)
    return codes, ~clipped if clipped.any() else None


def quantize_into(codes, x, parameters):
    """Fill `codes` with those of the floating `x`; a bool array that says where they were clipped."""
    qmin, qmax = parameters.qmin, parameters.qmax
    raw = round_to_codes(x, along_axis_0(parameters.scale, x), parameters.zero_point_for(x), qmin, qmax)
    np.clip(raw, qmin, qmax, out=codes, casting="same_kind")
    return raw != codes
