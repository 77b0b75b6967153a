"""How Gaussian an accumulated error is: what a layer's noise model N(mean, std^2) gets wrong at most.

    D = sup_s |P(S <= s) - Phi((s - mean) / std)|                                      Kolmogorov distance
    D <= 0.4748 rho / (sqrt(n) s^3)           identically distributed errors           Berry-Esseen
    D <= 0.5600 sum_i rho_i / (sum_i s_i^2)^1.5            independent ones

with s^2 and rho the variance and third absolute central moment of one error. D bounds by how much the surrogate can
misjudge the probability of any half-line; the bounds need no pmf of S, only of single errors. They are rounded up: a
mean that is off by delta moves s^2 by at most delta^2 and the cube root of rho by at most delta (Minkowski).

References
----------
I. G. Shevtsova, "On the absolute constants in the Berry-Esseen type inequalities for identically distributed
summands", 2011, arXiv:1111.6554 (0.4748); "An improvement of convergence rate estimates in the Lyapunov theorem",
Doklady Mathematics 82 (2010), doi:10.1134/S1064562410060062 (0.5600).
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refapprox.error_stats.bounds import EPS, SUM_ROUNDING
from refapprox.error_stats.error_maps import ErrorMapLike, fitting_map
from refapprox.error_stats.exact_law import Law
from refapprox.error_stats.operands import LayerOperands


def gaussian_distance(law: Law) -> float:
    """Kolmogorov distance between a `Law` and the Gaussian of its mean and std; 1 for a constant.

    Parameters
    ----------
    law : Law

    Returns
    -------
    float
        Within `gaussian_distance_rounding(law)` of the exact distance.

    Examples
    --------
    >>> from refapprox.error_stats import LayerOperands, error_law
    >>> coin = LayerOperands.from_distributions([0.5, 0.5], [0.0, 1.0], fan_in=1)
    >>> round(gaussian_distance(error_law([[0, 0], [0, 2]], coin, "single_distribution")), 6)
    0.341345
    """
    return 1.0 if law.std == 0 else kolmogorov_distance(law.values, law.pmf, law.mean, law.std)


def kolmogorov_distance(values, probabilities, mean, std):
    """sup_s |P(S <= s) - Phi((s - mean) / std)| of a law on ascending `values`; the std is not 0."""
    from scipy.special import ndtr  # kept out of the import of refapprox

    cumulative = np.cumsum(probabilities)
    gaussian = ndtr((values - mean) / std)
    before = np.concatenate([[0.0], cumulative[:-1]])      # P(S < s): the jump's other side
    return float(max(np.abs(cumulative - gaussian).max(), np.abs(before - gaussian).max()))


def gaussian_distance_rounding(law: Law) -> float:
    """How far `gaussian_distance(law)` may be from the distance of the exact law to the Gaussian of its moments.

    Sums of the pmf are off by sqrt(values) rounding and by their own additions. Mean and std are off by that much, as a
    share of the law's width, which moves Phi by at most 0.4 a std for the mean and 0.25 for the std.

    Parameters
    ----------
    law : Law

    Returns
    -------
    float

    Examples
    --------
    >>> from refapprox.error_stats import LayerOperands, error_law
    >>> coins = LayerOperands.from_distributions([0.5, 0.5], [0.0, 1.0], fan_in=30)
    >>> gaussian_distance_rounding(error_law([[0, 0], [0, 2]], coins, "single_distribution")) < 1e-9
    True
    """
    if law.std == 0:
        return 0.0
    sums = np.sqrt(len(law.pmf)) * law.rounding + len(law.pmf) * EPS
    width = len(law.pmf) / law.std
    return float(sums + 0.4 * sums * width + 0.25 * sums * width ** 2 + 8 * EPS)


def berry_esseen_bound(emap: ErrorMapLike, operands: LayerOperands) -> float:
    """Bound on the Kolmogorov distance for rung 1, all operands drawn anew; at most 1, and 1 for a constant.

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
    operands : LayerOperands

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the error map does not fit the operands.

    Examples
    --------
    >>> from refapprox.error_stats import LayerOperands
    >>> coin = LayerOperands.from_distributions([0.5, 0.5], [0.0, 1.0], fan_in=100)
    >>> round(berry_esseen_bound([[0, 0], [0, 2]], coin), 6)
    0.04748
    """
    emap = fitting_map(emap, operands).astype(np.float64)
    joint = np.outer(operands.x.pooled, operands.w.pooled)
    centered = np.abs(emap - np.sum(joint * emap))
    return float(rounded_up(0.4748 * operands.fan_in, np.sum(joint * centered ** 3), operands.fan_in,
                            np.sum(joint * centered ** 2), np.abs(emap).max()))


def berry_esseen_bound_fixed_weights(emap: ErrorMapLike, operands: LayerOperands) -> NDArray[np.float64]:
    """Bound for each neuron of rung 4, weights fixed and activations from the layer's distribution.

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
    operands : LayerOperands
        With the neurons' weights.

    Returns
    -------
    float64 array, shape (neurons,)

    Raises
    ------
    ValueError
        If the error map does not fit the operands, or the neurons' weights are not known.

    Examples
    --------
    >>> from refapprox.error_stats import LayerOperands
    >>> coin = LayerOperands.from_distributions([0.5, 0.5], [[0.0, 1.0]], fan_in=100)
    >>> berry_esseen_bound_fixed_weights([[0, 0], [0, 2]], coin).round(6).tolist()
    [0.056]
    """
    emap = fitting_map(emap, operands).astype(np.float64)
    p = operands.x.pooled
    centered = np.abs(emap - p @ emap)
    counts = operands.fan_in * operands.w.local
    return rounded_up(0.56, counts @ (p @ centered ** 3), operands.fan_in, counts @ (p @ centered ** 2),
                      np.abs(emap).max(), summed=True)


def rounded_up(constant, third, fan_in, variance, largest, summed=False):
    """constant * sum rho_i / (sum s_i^2)^1.5, at most 1, where each error's mean is off by SUM_ROUNDING * largest.

    `third` and `variance` are those of one error, or `summed` over fan_in of them.
    """
    each = 1 if summed else fan_in
    delta, low = SUM_ROUNDING * largest, 1 - 2 * SUM_ROUNDING
    least = each * variance * low - fan_in * delta ** 2
    most = ((third / low) ** (1 / 3) + (fan_in if summed else 1) ** (1 / 3) * delta) ** 3
    return np.minimum(np.divide(constant * most / low, np.maximum(least, 0) ** 1.5, out=np.ones(np.shape(least)),
                                where=least > 0), 1.0)
