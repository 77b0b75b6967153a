"""How Gaussian an accumulated error is: what a layer's noise model N(mean, std^2) gets wrong at most.

    D = sup_s |P(S <= s) - Phi((s - mean) / std)|                                      Kolmogorov distance
    D <= 0.4748 rho / (sqrt(n) s^3)           identically distributed errors           Berry-Esseen
    D <= 0.5600 sum_i rho_i / (sum_i s_i^2)^1.5            independent ones

with s^2 and rho the variance and third absolute central moment of one error. D bounds by how much the surrogate can
misjudge the probability of any half-line; the bounds need no pmf of S, only of single errors.

References
----------
I. G. Shevtsova, "On the absolute constants in the Berry-Esseen type inequalities for identically distributed
summands", 2011, arXiv:1111.6554 (0.4748); "An improvement of convergence rate estimates in the Lyapunov theorem",
Doklady Mathematics 82 (2010), doi:10.1134/S1064562410060062 (0.5600).
"""
import numpy as np

from refapprox.error_stats.operands import check_layer


def gaussian_distance(law):
    """Kolmogorov distance between a `Law` and the Gaussian of its mean and std; 1 for a constant.

    Returns
    -------
    float
        Within sqrt(values) * law.rounding of the exact distance.
    """
    from scipy.special import ndtr  # kept out of the import of refapprox

    if law.std == 0:
        return 1.0
    cumulative = np.cumsum(law.pmf)
    gaussian = ndtr((law.values - law.mean) / law.std)
    before = np.concatenate([[0.0], cumulative[:-1]])      # P(S < s): the jump's other side
    return float(max(np.abs(cumulative - gaussian).max(), np.abs(before - gaussian).max()))


def berry_esseen_bound(emap, operands):
    """Bound on the Kolmogorov distance for rung 1, all operands drawn anew; at most 1, and 1 for a constant."""
    (emap,), _ = check_layer(emap, operands)
    joint = np.outer(operands.x.pooled, operands.w.pooled)
    mean = np.sum(joint * emap)
    variance = np.sum(joint * (emap - mean) ** 2)
    if variance == 0:
        return 1.0
    return float(min(1.0, 0.4748 * np.sum(joint * np.abs(emap - mean) ** 3)
                     / (np.sqrt(operands.fan_in) * variance ** 1.5)))


def berry_esseen_bound_fixed_weights(emap, operands):
    """Bound for each neuron of rung 4, weights fixed and activations from the layer's histogram; shape (neurons,)."""
    (emap,), _ = check_layer(emap, operands)
    p = operands.x.pooled
    centered = emap - p @ emap
    counts = operands.fan_in * operands.w.local
    variance = counts @ (p @ centered ** 2)
    third = counts @ (p @ np.abs(centered) ** 3)
    bound = np.divide(0.56 * third, variance ** 1.5, out=np.ones_like(third), where=variance > 0)
    return np.minimum(bound, 1.0)
