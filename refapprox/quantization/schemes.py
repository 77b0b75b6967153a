"""Which codes a tensor gets: the kind of scheme, its range of codes, and where the range of real numbers comes from.

    symmetric   scale = max |x| / qmax, zero_point = 0                                            (1)
    affine      [min(x, 0), max(x, 0)] spans [qmin, qmax]: real zero has a code of its own,
                the zero point, which is what a padded position holds                             (2)

A step below the smallest normal float32 (1.2e-38) stands for a tensor that has vanished: it counts as zeros.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.quantization.codes import QuantizationParameters
from refapprox.quantization.observers import BatchObserver, MinMaxObserver, MovingAverageObserver
from refapprox.validation import (
    WrongKindError,
    check_choice,
    check_finite,
    check_flag,
    check_integer,
    check_numbers,
    shown,
)

SCHEMES = ("symmetric", "affine")
RANGES = {"moving": MovingAverageObserver, "batch": BatchObserver, "static": MinMaxObserver}
SMALLEST_STEP = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class TensorScheme:
    """How one tensor becomes codes.

    Parameters
    ----------
    kind : {"symmetric", "affine"}, optional
    qmin, qmax : int, optional
        Range of codes.
    per_channel : bool, optional
        One scale and zero point for each entry of axis 0, instead of one for the tensor.

    Raises
    ------
    TypeError
        If qmin or qmax is no integer.
    ValueError
        If the kind is unknown, the range empty, or that of a symmetric scheme does not hold 0 and a positive code.

    Examples
    --------
    >>> TensorScheme("affine", 0, 255).parameters(-1.0, 3.0).zero_point
    64
    """

    kind: str = "symmetric"
    qmin: int = -128
    qmax: int = 127
    per_channel: bool = False

    def __post_init__(self):
        check_choice("kind of TensorScheme", self.kind, SCHEMES)
        qmin = check_integer("qmin of TensorScheme", self.qmin)
        qmax = check_integer("qmax of TensorScheme", self.qmax, minimum=qmin + 1)
        if self.kind == "symmetric" and qmax <= 0:
            raise ValueError(f"qmax of a symmetric TensorScheme must be positive, got {qmax}.")
        if self.kind == "symmetric" and qmin > 0:
            raise ValueError(f"qmin of a symmetric TensorScheme must be at most 0, the code of zero, got {qmin}.")
        object.__setattr__(self, "per_channel", check_flag("per_channel of TensorScheme", self.per_channel))
        object.__setattr__(self, "qmin", qmin)
        object.__setattr__(self, "qmax", qmax)

    def parameters(self, low: ArrayLike, high: ArrayLike) -> QuantizationParameters:
        """Scale and zero point for values in [low, high].

        Parameters
        ----------
        low, high : float, or float arrays (c,)
            Bounds of the tensor, or of every channel.

        Returns
        -------
        QuantizationParameters

        Raises
        ------
        TypeError
            If a bound is no real number.
        ValueError
            If a bound is not finite, low exceeds high, or low is negative and the codes of a symmetric scheme are not.

        Examples
        --------
        >>> TensorScheme().parameters(-1.27, 1.0).scale
        0.01
        """
        low, high = (check_finite(name, check_numbers(name, bound, floating=True)).astype(np.float64)
                     for name, bound in (("low", low), ("high", high)))
        if (low > high).any():
            raise ValueError(f"low must not exceed high, got {low} and {high}.")
        low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
        span = self._symmetric_step(low, high) if self.kind == "symmetric" else (high - low) / (self.qmax - self.qmin)
        scale = np.where(span >= SMALLEST_STEP, span, 1.0)      # a tensor of zeros: any scale represents it
        zero_point = np.zeros(low.shape, np.int64)
        if self.kind == "affine":
            zero_point = np.clip(np.rint(self.qmin - low / scale), self.qmin, self.qmax).astype(np.int64)        # (2)
        return QuantizationParameters(scale, zero_point, self.qmin, self.qmax)

    def _symmetric_step(self, low, high):
        """(1); where there are fewer negative codes than positive ones, the negative values get a step that fits."""
        if self.qmin == 0 and (low < 0).any():
            raise ValueError(f"codes in [{self.qmin}, {self.qmax}] of a symmetric scheme have no negative value, "
                             f"got {low.min():.6g}: take TensorScheme('affine', {self.qmin}, {self.qmax}), which has a "
                             f"zero point, or codes of both signs.")
        step = np.maximum(-low, high) / self.qmax
        return step if -self.qmin >= self.qmax or self.qmin == 0 else np.maximum(step, -low / -self.qmin)


@dataclass(frozen=True)
class LayerQuantization:
    """Schemes of a layer's activations and weights, and where the range of the activations comes from.

    Parameters
    ----------
    x, w : TensorScheme, optional
        Symmetric int8 per tensor unless given.
    ranges : {"moving", "batch", "static"}, optional
        "moving": an exponential moving average over training batches, as in quantization-aware training. "batch": that
        of every batch itself, in evaluation too. "static": measured once, by `ApproxNet.calibrate`, and kept.

    Raises
    ------
    ValueError
        If x is per channel, or ranges unknown.

    Examples
    --------
    >>> LayerQuantization(ranges="static").w_parameters(np.array([[1.27, -0.5]])).scale
    0.01
    """

    x: TensorScheme = TensorScheme()
    w: TensorScheme = TensorScheme()
    ranges: str = "moving"

    def __post_init__(self):
        check_choice("ranges of LayerQuantization", self.ranges, RANGES)
        if self.x.per_channel:
            raise ValueError("x of LayerQuantization cannot be per channel: channels are summed over before rescaling.")

    @classmethod
    def for_multiplier(cls, multiplier: Any, ranges: str = "moving") -> LayerQuantization:
        """The quantization whose codes are the operands of `multiplier`.

        Parameters
        ----------
        multiplier : Multiplier or Circuit
        ranges : str, optional

        Returns
        -------
        LayerQuantization
            Symmetric for signed operands; for unsigned ones affine: activations after a rectifier get the zero point
            0, weights one inside.

        Examples
        --------
        >>> from refapprox import exact
        >>> LayerQuantization.for_multiplier(exact(8, signed=False)).w
        TensorScheme(kind='affine', qmin=0, qmax=255, per_channel=False)
        """
        if not hasattr(multiplier, "range_x"):
            raise WrongKindError(f"multiplier must be of type Multiplier or Circuit, got {shown(multiplier)}.")
        return cls(*(TensorScheme("symmetric" if qmin < 0 else "affine", qmin, qmax)
                     for qmin, qmax in (multiplier.range_x, multiplier.range_w)), ranges)

    def x_parameters(self, bounds: tuple) -> QuantizationParameters:
        """Of activations in bounds (low, high)."""
        bounds = check_finite("bounds", bounds)
        if bounds.shape != (2,):
            raise ValueError(f"bounds must be (low, high), got shape {bounds.shape}.")
        if bounds[0] > bounds[1]:
            raise ValueError(f"bounds must be (low, high), low not above high, got {bounds.tolist()}.")
        return self.x.parameters(*bounds)

    def w_parameters(self, weight: NDArray) -> QuantizationParameters:
        """Of a weight, whose axis 0 are the output channels."""
        weight = check_numbers("weight", weight, floating=True)
        if not weight.size:
            raise ValueError(f"weight must hold at least one number, got shape {weight.shape}.")
        axes = tuple(range(1, weight.ndim)) if self.w.per_channel else None
        low, high = weight.min(axis=axes), weight.max(axis=axes)
        if not np.isfinite([low, high]).all():
            raise ValueError(f"weight must be finite, got values from {np.min(low)} to {np.max(high)}.")
        return self.w.parameters(low, high)
