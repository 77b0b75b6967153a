"""Are these samples compatible with that closed form? An answer with a stated false-alarm rate and a stated power.

With b such that a single draw has |S - mu| > b with probability at most d = alpha / (8 N) (`Moments.window`), all N
draws stay within b but for a probability of alpha / 8. What is left is bounded, and a correct sampler of N
independent draws fails one of the three checks with probability at most alpha:

    every S_i within [lower, upper]                                     certain
    |mean S_i - mu| <= t_1                                              alpha / 2, Bernstein with reach b
    |mean (S_i - mu)^2 - sigma^2| <= t_2                                alpha / 4, Bernstein with reach b^2

Truncation at b moves the mean by at most sqrt(d) sigma and the mean square by at most sqrt(d E(S - mu)^4)
(Cauchy-Schwarz); t_1 and t_2 include that.

A sampler whose mean is off by 2 t_1, or whose variance by 2 t_2, and whose law is otherwise no wider, is rejected
with probability at least 1 - alpha: `detectable_mean` and `detectable_std` say so in the units of the samples.
"""
from dataclasses import dataclass

import numpy as np

from refapprox.error_stats.bounds import bernstein_deviation
from refapprox.error_stats.result import Moments
from refapprox.validation import check_finite, check_real


@dataclass(frozen=True)
class Agreement:
    """The verdict, and what it rests on. True in a condition when the samples agree.

    Attributes
    ----------
    num_samples : int
    alpha : float
        A correct sampler is rejected with at most this probability.
    mean_difference, mean_allowed : float
        Sample mean - mu, and t_1.
    variance_difference, variance_allowed : float
        Mean square about mu - sigma^2, and t_2.
    outside : int
        Samples that the closed form holds to be impossible.
    std : float
        sigma.
    """

    num_samples: int
    alpha: float
    mean_difference: float
    mean_allowed: float
    variance_difference: float
    variance_allowed: float
    outside: int
    std: float

    @property
    def agrees(self):
        return (self.outside == 0 and abs(self.mean_difference) <= self.mean_allowed
                and abs(self.variance_difference) <= self.variance_allowed)

    def __bool__(self):
        return self.agrees

    @property
    def detectable_mean(self):
        """Smallest error of the mean that is found with probability at least 1 - alpha."""
        return 2 * self.mean_allowed

    @property
    def detectable_std(self):
        """Smallest excess of the std that is found with probability at least 1 - alpha."""
        return np.sqrt(self.std ** 2 + 2 * self.variance_allowed) - self.std

    def __str__(self):
        verdict = "agrees" if self.agrees else "DISAGREES"
        return (f"{verdict} (alpha {self.alpha:g}, {self.num_samples} samples): "
                f"mean off by {self.mean_difference:.4g}, allowed {self.mean_allowed:.4g}; "
                f"variance off by {self.variance_difference:.4g}, allowed {self.variance_allowed:.4g}; "
                f"{self.outside} impossible samples; would have found {self.detectable_mean:.4g} in the mean, "
                f"{self.detectable_std:.4g} in the std of {self.std:.4g}")


def agreement(closed_form, samples, alpha=1e-6):
    """Compare samples with the exact moments of the law that they claim to follow.

    Parameters
    ----------
    closed_form : Moments
        Of one sample, such as from `single_distribution_moments` or `fixed_weights_moments`.
    samples : array, any shape, at least 2 elements
        Independent draws of an accumulated error, exact - approximate, in accumulator units.
    alpha : float, optional
        Largest tolerated probability of rejecting a correct sampler.

    Returns
    -------
    Agreement

    Examples
    --------
    >>> from refapprox import load_library
    >>> from refapprox.error_stats import Operands, draw_sums, single_distribution_moments
    >>> uniform, multiplier = np.full(256, 1 / 256), load_library()["mul8s_1L2H"]
    >>> layer = Operands.from_distributions(uniform, uniform, fan_in=9)
    >>> samples = draw_sums(multiplier, layer, 20_000, rng=np.random.default_rng(0))
    >>> law = single_distribution_moments(multiplier, layer)
    >>> bool(agreement(law, samples)), bool(agreement(law, -samples))
    (True, False)
    """
    if not isinstance(closed_form, Moments) or np.ndim(closed_form.mean) != 0:
        raise ValueError("closed_form must be the Moments of one law, such as from single_distribution_moments, "
                         f"got {type(closed_form).__name__}.")
    samples = check_finite("samples", np.asarray(samples)).astype(np.float64).ravel()
    if samples.size < 2:
        raise ValueError(f"samples must hold at least 2 draws, got {samples.size}.")
    alpha = check_real("alpha", alpha)
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1, got {alpha}.")
    n, variance, fourth = samples.size, float(closed_form.variance), float(closed_form.fourth)
    slack = rounding_of(closed_form)
    rare = alpha / (8 * n)
    window = closed_form.window(rare)
    mean_allowed = bernstein_deviation(variance, window, n, alpha / 2) + np.sqrt(rare * variance) + slack
    missing = min(np.sqrt(rare * fourth), variance)
    square_variance = max(fourth - (variance - missing) ** 2, 0.0)
    variance_allowed = (bernstein_deviation(square_variance, max(window ** 2, variance), n, alpha / 4)
                        + missing + slack ** 2)
    squares = (samples - closed_form.mean) ** 2
    outside = (samples < closed_form.lower - slack) | (samples > closed_form.upper + slack)
    return Agreement(n, alpha, float(samples.mean() - closed_form.mean), float(mean_allowed),
                     float(squares.mean() - variance), float(variance_allowed),
                     int(outside.sum()), float(np.sqrt(variance)))


def rounding_of(closed_form):
    """What float64 sums of this size may be off by, in accumulator units."""
    return 1e-12 * max(abs(closed_form.lower), abs(closed_form.upper))
