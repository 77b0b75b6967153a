"""One result type: the law of an accumulated error as far as an estimator knows it.

A sum over a fan-in of n has a mean and a std in accumulator units; agnapprox and the matching rule speak of the
same figures *per single operation*, n times less. `ErrorEstimate` holds the first and derives the second, so that
the two cannot be mixed.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refapprox.error_stats.bounds import SUM_ROUNDING, TailBound
from refapprox.validation import check_integer


@dataclass(frozen=True)
class ErrorMoments:
    """Central moments of one random accumulated error, and the interval that it cannot leave.

    Attributes
    ----------
    mean, variance, third, fourth : float or ndarray, accumulator units to the power 1, 2, 3, 4
        third = E(S - mean)^3, fourth = E(S - mean)^4.
    lower, upper : float or ndarray
        Smallest and largest value of S.
    tail : TailBound, optional
        A sharper bound than lower and upper, where S is a sum of independent errors or a mixture of such sums.

    Examples
    --------
    One fair error of 0 or 2:

    >>> moments = ErrorMoments(mean=1.0, variance=1.0, third=0.0, fourth=1.0, lower=0.0, upper=2.0)
    >>> float(moments.excess_kurtosis), float(moments.mean_error(100))
    (-2.0, 0.1)
    """

    mean: float | NDArray[np.float64]
    variance: float | NDArray[np.float64]
    third: float | NDArray[np.float64]
    fourth: float | NDArray[np.float64]
    lower: float | NDArray[np.float64]
    upper: float | NDArray[np.float64]
    tail: TailBound | None = None

    @property
    def std(self) -> float | NDArray[np.float64]:
        """Root of the variance."""
        return np.sqrt(self.variance)

    @property
    def skewness(self) -> float | NDArray[np.float64]:
        """third / std^3, and 0 for a constant."""
        return ratio(self.third, self.variance ** 1.5)

    @property
    def excess_kurtosis(self) -> float | NDArray[np.float64]:
        """fourth / variance^2 - 3, and 0 for a constant."""
        return ratio(self.fourth - 3 * np.square(self.variance), np.square(self.variance))

    @property
    def reach(self) -> float | NDArray[np.float64]:
        """Largest possible |S - mean|."""
        return np.maximum(self.upper - self.mean, self.mean - self.lower)

    def window(self, delta: float) -> float | NDArray[np.float64]:
        """b with P(|S - mean| >= b) <= delta."""
        return self.reach if self.tail is None else min(self.reach, self.tail.window(delta))

    def mean_error(self, num_samples: int) -> float | NDArray[np.float64]:
        """Standard error of the mean of `num_samples` independent draws."""
        return np.sqrt(self.variance / check_integer("num_samples", num_samples, minimum=1))

    def std_error(self, num_samples: int) -> float | NDArray[np.float64]:
        """Standard error of their std, to first order: sqrt((fourth - variance^2) / N) / (2 std)."""
        num_samples = check_integer("num_samples", num_samples, minimum=1)
        spread = np.sqrt(np.maximum(self.fourth - np.square(self.variance), 0) / num_samples)
        return ratio(spread, 2 * self.std)


@dataclass(frozen=True)
class ErrorEstimate:
    """Mean and std of the accumulated error of a layer; arrays have one entry per multiplier.

    Attributes
    ----------
    fan_in : int
    accumulated_mean, accumulated_std : float or ndarray
        Of the sum of `fan_in` errors exact - approximate, in accumulator units; ddof 0.
    accumulated_mean_error, accumulated_std_error : float or ndarray, optional
        Their standard errors, where the estimate is random.
    moments : ErrorMoments, optional
        Where the estimator knows more than two moments.

    Examples
    --------
    >>> found = ErrorEstimate(fan_in=9, accumulated_mean=18.0, accumulated_std=27.0)
    >>> found.per_operation_mean, found.per_operation_std
    (2.0, 3.0)
    """

    fan_in: int
    accumulated_mean: float | NDArray[np.float64]
    accumulated_std: float | NDArray[np.float64]
    accumulated_mean_error: float | NDArray[np.float64] | None = None
    accumulated_std_error: float | NDArray[np.float64] | None = None
    moments: ErrorMoments | None = None

    @property
    def per_operation_mean(self) -> float | NDArray[np.float64]:
        """Mean of the accumulated error / fan_in."""
        return self.accumulated_mean / self.fan_in

    @property
    def per_operation_std(self) -> float | NDArray[np.float64]:
        """Std of the accumulated error / fan_in: what agnapprox calls the std for a single operation."""
        return self.accumulated_std / self.fan_in


def mixture(mean, variance, third, fourth, lower, upper, summand=None):
    """Moments of a draw from one of several equally likely laws; the last axis runs over the laws.

    `summand` is the largest |error - its mean| of a summand where the laws are those of sums of independent errors.

    The k-th central moment of a mixture is the mean over laws of sum_r binomial(k, r) m_r (mean_j - mean)^(k - r).
    """
    overall = np.mean(mean, axis=-1)
    shift = mean - overall[..., np.newaxis]
    tail = None if summand is None else bounded_tail(shift, variance, summand, np.abs([lower, upper]).max())
    return ErrorMoments(
        overall,
        np.mean(variance + shift ** 2, axis=-1),
        np.mean(third + 3 * variance * shift + shift ** 3, axis=-1),
        np.mean(fourth + 4 * third * shift + 6 * variance * shift ** 2 + shift ** 4, axis=-1),
        np.min(lower, axis=-1),
        np.max(upper, axis=-1),
        tail)


def bounded_tail(shift, variance, summand, largest):
    """TailBound of components whose means and variances were summed in float64, from values of at most `largest`."""
    rounding = SUM_ROUNDING * largest
    return TailBound(np.abs(shift).max() + 2 * rounding, np.max(variance) * (1 + SUM_ROUNDING) + rounding ** 2,
                     summand + rounding)


def ratio(numerator, denominator):
    """numerator / denominator, and 0 where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator != 0)[()]
