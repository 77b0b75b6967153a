"""Are these samples compatible with that closed form? An answer with a stated false-alarm rate and a stated power.

With b such that a single draw has |S - mu| > b with probability at most d = alpha / (8 N) (`ErrorMoments.window`), all
N draws stay within b but for a probability of alpha / 8. What is left is bounded, and a correct sampler of N
independent draws fails one of the three checks with probability at most 7/8 alpha, for any N >= 2 and 0 < alpha < 1:

    every S_i within [lower, upper]                                     certain
    |mean S_i - mu| <= t_1                          alpha / 2, Bernstein with reach b + sqrt(d) sigma
    |mean (S_i - mu)^2 - sigma^2| <= t_2                                alpha / 4, Bernstein with reach b^2

Truncation at b moves the mean by at most sqrt(d) sigma and the mean square by at most sqrt(d E(S - mu)^4)
(Cauchy-Schwarz); t_1 and t_2 include that, and what float64 rounds. docs/derivations/error_statistics.md has the proof.

A sampler whose mean is off by 2 t_1, or whose variance by 2 t_2, and whose law is otherwise no wider, is rejected
with probability at least 1 - alpha: `detectable_mean` and `detectable_std` say so in the units of the samples.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from refapprox.error_stats.bounds import SUM_ROUNDING, bernstein_deviation
from refapprox.error_stats.result import ErrorMoments
from refapprox.validation import check_finite, check_real

LEAST_ALPHA = 1e-300      # what bounds divide by, times the number of samples, is a float


@dataclass(frozen=True)
class Thresholds:
    """What N independent draws of a law may stray by; see the top of this file.

    Attributes
    ----------
    mean, variance : float
        mu and sigma^2 of the law.
    mean_allowed, variance_allowed : float
        t_1 and t_2.
    lower, upper : float
        What a draw cannot leave.
    """

    mean: float
    variance: float
    mean_allowed: float
    variance_allowed: float
    lower: float
    upper: float

    @property
    def detectable_mean(self):
        """Smallest error of the mean that is found with probability at least 1 - alpha."""
        return 2 * self.mean_allowed

    @property
    def detectable_std(self):
        """Smallest excess of the std that is found with probability at least 1 - alpha."""
        return np.sqrt(self.variance + 2 * self.variance_allowed) - np.sqrt(self.variance)


def thresholds(moments, num_samples, alpha):
    """Thresholds for `num_samples` draws of a law with these moments, at a false-alarm rate of at most `alpha`."""
    variance, fourth = float(moments.variance), float(moments.fourth)
    rounding = SUM_ROUNDING * max(abs(float(moments.lower)), abs(float(moments.upper)))
    rare = alpha / (8 * num_samples)
    window = float(moments.window(rare)) + rounding
    shift = np.sqrt(rare * variance)
    mean_allowed = bernstein_deviation(variance, window + shift, num_samples, alpha / 2) + shift + rounding
    missing = min(np.sqrt(rare * fourth), variance)
    square_variance = max(fourth - (variance - missing) ** 2, 0.0)
    variance_allowed = (bernstein_deviation(square_variance, max(window ** 2, variance), num_samples, alpha / 4)
                        + missing + (2 * window + rounding) * rounding)
    return Thresholds(float(moments.mean), variance, float(mean_allowed), float(variance_allowed),
                      float(moments.lower) - rounding, float(moments.upper) + rounding)


@dataclass(frozen=True)
class Agreement:
    """The verdict, and what it rests on. True in a condition when the samples agree.

    Attributes
    ----------
    num_samples : int
    alpha : float
        A correct sampler is rejected with at most this probability.
    mean_difference, variance_difference : float
        Sample mean - mu, and mean square about mu - sigma^2.
    outside : int
        Samples that the closed form holds to be impossible.
    allowed : Thresholds

    Examples
    --------
    >>> from refapprox.error_stats import ErrorMoments
    >>> fair = ErrorMoments(mean=1.0, variance=1.0, third=0.0, fourth=1.0, lower=0.0, upper=2.0)
    >>> verdict = agreement(fair, [0, 2] * 5000)
    >>> bool(verdict), verdict.outside, verdict.mean_difference
    (True, 0, 0.0)
    """

    num_samples: int
    alpha: float
    mean_difference: float
    variance_difference: float
    outside: int
    allowed: Thresholds

    @property
    def agrees(self) -> bool:
        """Whether all three checks hold."""
        return (self.outside == 0 and abs(self.mean_difference) <= self.allowed.mean_allowed
                and abs(self.variance_difference) <= self.allowed.variance_allowed)

    def __bool__(self):
        return self.agrees

    @property
    def detectable_mean(self) -> float:
        """Smallest error of the mean that is found with probability at least 1 - alpha."""
        return self.allowed.detectable_mean

    @property
    def detectable_std(self) -> float:
        """Smallest excess of the std that is found with probability at least 1 - alpha."""
        return self.allowed.detectable_std

    def __str__(self):
        verdict = "agrees" if self.agrees else "DISAGREES"
        allowed = self.allowed
        return (f"{verdict} (alpha {self.alpha:g}, {self.num_samples} samples): "
                f"mean off by {self.mean_difference:.4g}, allowed {allowed.mean_allowed:.4g}; "
                f"variance off by {self.variance_difference:.4g}, allowed {allowed.variance_allowed:.4g}; "
                f"{self.outside} impossible samples; would have found {self.detectable_mean:.4g} in the mean, "
                f"{self.detectable_std:.4g} in the std of {np.sqrt(allowed.variance):.4g}")


def agreement(closed_form: ErrorMoments, samples: ArrayLike, alpha: float = 1e-6) -> Agreement:
    """Compare samples with the exact moments of the law that they claim to follow.

    Parameters
    ----------
    closed_form : ErrorMoments
        Of one sample, such as from `error_moments`.
    samples : array, any shape, at least 2 elements
        Independent draws of an accumulated error, exact - approximate, in accumulator units.
    alpha : float, optional
        Largest tolerated probability of rejecting a correct sampler.

    Returns
    -------
    Agreement

    Raises
    ------
    ValueError
        If there are fewer than 2 samples, one is not finite, or alpha is not between 0 and 1.

    Examples
    --------
    >>> from refapprox import load_library
    >>> from refapprox.error_stats import LayerOperands, draw_errors, error_moments
    >>> uniform, multiplier = np.full(256, 1 / 256), load_library()["mul8s_1L2H"]
    >>> layer = LayerOperands.from_distributions(uniform, uniform, fan_in=9)
    >>> samples = draw_errors(multiplier, layer, "single_distribution", 20_000, rng=np.random.default_rng(0))
    >>> law = error_moments(multiplier, layer, "single_distribution")
    >>> bool(agreement(law, samples)), bool(agreement(law, -samples))
    (True, False)
    """
    if not isinstance(closed_form, ErrorMoments) or np.ndim(closed_form.mean) != 0:
        raise ValueError("closed_form must be the ErrorMoments of one law, such as from error_moments, "
                         f"got {type(closed_form).__name__}.")
    samples, alpha = check_samples(samples), check_alpha(alpha)
    allowed = thresholds(closed_form, samples.size, alpha)
    outside = int(np.count_nonzero((samples < allowed.lower) | (samples > allowed.upper)))
    deviations = samples - allowed.mean
    return Agreement(samples.size, alpha, float(deviations.mean()),
                     float(np.square(deviations).mean() - allowed.variance), outside, allowed)


def check_samples(samples):
    """`samples` as a 1-D float64 array of at least 2 finite draws."""
    samples = check_finite("samples", samples, dtype=np.float64).ravel()
    if samples.size < 2:
        raise ValueError(f"samples must hold at least 2 draws, got {samples.size}.")
    return samples


def check_alpha(alpha):
    """`alpha` as a float strictly between 0 and 1, and of a size that can be divided by."""
    alpha = check_real("alpha", alpha)
    if not LEAST_ALPHA <= alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1, at least {LEAST_ALPHA}, got {alpha}.")
    return alpha
