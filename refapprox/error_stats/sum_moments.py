"""Exact moments of sums of independent errors, up to the fourth, and how far such a sum can stray.

Cumulants of independent summands add: kappa_r(S) = sum_i kappa_r(e_i), with kappa_2 the variance, kappa_3 the third
central moment and kappa_4 = fourth central moment - 3 variance^2. What is fixed and what is drawn is told by the name
of a rung (`RUNGS`); its variance is in closed form in `histogram_rungs` and `tap_rungs`, the fourth moments here give
standard errors and bounds for samples of the same law.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from refapprox.error_stats.error_maps import ErrorMapLike, fitting_map
from refapprox.error_stats.operands import LayerOperands
from refapprox.error_stats.result import ErrorMoments, mixture
from refapprox.validation import check_choice


@dataclass(frozen=True)
class Cumulants:
    """kappa_1 to kappa_4 of one error per entry, its smallest and largest value."""

    kappa: np.ndarray      # (4, laws)
    lower: np.ndarray      # (laws,)
    upper: np.ndarray

    @property
    def reach(self):
        """Largest |error - its mean| of each law."""
        return np.maximum(self.upper - self.kappa[0], self.kappa[0] - self.lower)


def error_cumulants(errors, probabilities):
    """Cumulants of each row of `errors` under the law of its columns."""
    mean = errors @ probabilities
    centered = errors - mean[:, np.newaxis]
    second, third, fourth = (centered ** r @ probabilities for r in (2, 3, 4))
    possible = errors[:, probabilities > 0]
    return Cumulants(np.array([mean, second, third, fourth - 3 * second ** 2]),
                     possible.min(axis=1), possible.max(axis=1))


def mixture_of_sums(laws, counts):
    """Moments of the mixture over groups of sums that hold counts[group, law] independent errors of each law."""
    mean, variance, third, kappa4 = laws.kappa @ counts.T
    held = counts.any(axis=0)
    return mixture(mean, variance, third, kappa4 + 3 * variance ** 2, counts @ laws.lower, counts @ laws.upper,
                   laws.reach[held].max())


def single_distribution_moments(emap, operands):
    joint = np.outer(operands.x.pooled, operands.w.pooled).ravel()
    return mixture_of_sums(error_cumulants(emap.reshape(1, -1), joint), np.full((1, 1), operands.fan_in))


def population_moments(emap, operands):
    laws = [error_cumulants(emap.reshape(1, -1), np.outer(p, operands.w.pooled).ravel()) for p in operands.x.local]
    return mixture_of_sums(joined(laws), operands.fan_in * np.eye(len(laws)))


def joined(laws):
    """One Cumulants of the laws of several."""
    return Cumulants(np.concatenate([law.kappa for law in laws], axis=1),
                     np.concatenate([law.lower for law in laws]), np.concatenate([law.upper for law in laws]))


def receptive_field_moments(emap, operands):
    return mixture_of_sums(error_cumulants(emap, operands.w.pooled), operands.fan_in * operands.x.local)


def fixed_weights_moments(emap, operands):
    return mixture_of_sums(error_cumulants(emap.T, operands.x.pooled), operands.fan_in * operands.w.local)


def fixed_weights_by_tap_moments(emap, operands):
    totals, lower, upper, reach = 0, 0, 0, 0
    for p, w in zip(operands.x.taps, operands.w.index.T, strict=True):
        law = error_cumulants(emap.T, p)
        totals, lower, upper = totals + law.kappa[:, w], lower + law.lower[w], upper + law.upper[w]
        reach = max(reach, law.reach[w].max())
    mean, variance, third, kappa4 = totals
    return mixture(mean, variance, third, kappa4 + 3 * variance ** 2, lower, upper, reach)


MOMENTS = {
    "single_distribution": single_distribution_moments,
    "population": population_moments,
    "receptive_field": receptive_field_moments,
    "fixed_weights": fixed_weights_moments,
    "fixed_weights_by_tap": fixed_weights_by_tap_moments,
}


def error_moments(emap: ErrorMapLike, operands: LayerOperands, estimator: str) -> ErrorMoments:
    """Exact moments, up to the fourth, of the accumulated error under the assumption of a rung.

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
        exact - approximate.
    operands : LayerOperands
    estimator : {"single_distribution", "population", "receptive_field", "fixed_weights", "fixed_weights_by_tap"}
        The rung whose assumption holds: see `RUNGS[estimator].assumption`.

    Returns
    -------
    ErrorMoments
        Accumulator units; mean and std equal those of the rung.

    Raises
    ------
    ValueError
        If `estimator` has no law of independent errors, or the operands do not hold what it needs.

    Examples
    --------
    A sum of three errors, each 2 with probability 1/4: 3 * 2 * 1/4, and 3 * 4 * 3/16.

    >>> from refapprox.error_stats import LayerOperands
    >>> layer = LayerOperands.from_distributions([0.5, 0.5], [0.5, 0.5], fan_in=3)
    >>> moments = error_moments([[0, 0], [0, 2]], layer, "single_distribution")
    >>> float(moments.mean), float(moments.variance)
    (1.5, 2.25)
    """
    check_choice("estimator", estimator, MOMENTS)
    emap = fitting_map(emap, operands).astype(np.float64)
    return MOMENTS[estimator](emap, operands)
