"""Exact moments of sums of independent errors, up to the fourth, and how far such a sum can stray.

Cumulants of independent summands add: kappa_r(S) = sum_i kappa_r(e_i), with kappa_2 the variance, kappa_3 the third
central moment and kappa_4 = fourth central moment - 3 variance^2. Each function below says what is fixed and what
is drawn; the assumptions are those of the rung of the same name. A rung's variance is in closed form in
`histogram_rungs`; the fourth moments here give standard errors and bounds for samples of the same law.
"""
from dataclasses import dataclass

import numpy as np

from refapprox.error_stats.operands import check_layer
from refapprox.error_stats.result import mixture


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
    """Rung 1: sum of fan_in errors whose activations and weights are all drawn anew.

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
    operands : Operands

    Returns
    -------
    Moments
        So do the other functions of this module.
    """
    (emap,), _ = check_layer(emap, operands)
    joint = np.outer(operands.x.pooled, operands.w.pooled).ravel()
    return mixture_of_sums(error_cumulants(emap.reshape(1, -1), joint), np.full((1, 1), operands.fan_in))


def population_moments(emap, operands):
    """Rung 2: a random field, then activations from its histogram and weights from the layer's, all anew."""
    (emap,), _ = check_layer(emap, operands)
    laws = [error_cumulants(emap.reshape(1, -1), np.outer(p, operands.w.pooled).ravel()) for p in operands.x.local]
    together = Cumulants(np.concatenate([law.kappa for law in laws], axis=1),
                         np.concatenate([law.lower for law in laws]), np.concatenate([law.upper for law in laws]))
    return mixture_of_sums(together, operands.fan_in * np.eye(len(laws)))


def receptive_field_moments(emap, operands):
    """Rung 3: a random field with its contents fixed, weights drawn from the layer's histogram."""
    (emap,), _ = check_layer(emap, operands)
    return mixture_of_sums(error_cumulants(emap, operands.w.pooled), operands.fan_in * operands.x.local)


def fixed_weights_moments(emap, operands):
    """Rung 4: a random neuron with its weights fixed, activations drawn from the layer's histogram."""
    (emap,), _ = check_layer(emap, operands)
    return mixture_of_sums(error_cumulants(emap.T, operands.x.pooled), operands.fan_in * operands.w.local)


def fixed_weights_by_tap_moments(emap, operands):
    """Rung 4 by tap: a random neuron with its weights fixed, activation i drawn from the distribution of tap i."""
    (emap,), _ = check_layer(emap, operands)
    totals, lower, upper, reach = 0, 0, 0, 0
    for p, w in zip(operands.x.taps, operands.w.index.T, strict=True):
        law = error_cumulants(emap.T, p)
        totals, lower, upper = totals + law.kappa[:, w], lower + law.lower[w], upper + law.upper[w]
        reach = max(reach, law.reach[w].max())
    mean, variance, third, kappa4 = totals
    return mixture(mean, variance, third, kappa4 + 3 * variance ** 2, lower, upper, reach)
