"""Rungs 1 to 5: estimators that look at histograms only.

With n = fan_in, the parts of `decomposition` and their variances alpha, beta, delta, let p_k be the distribution
within field k, q_j that within neuron j, and

    A = mean_k (p_k . a)^2        how much the fields differ,      B = mean_j (q_j . b)^2      how much the neurons do
    G = mean_kj (p_k . d . q_j)^2

Variances of the accumulated error (docs/error_statistics.md derives them):

    single distribution   n (alpha + beta + delta)                                                  (R1)
    population            n (alpha + beta + delta) + n (n - 1) A                                    (R2)
    receptive field       n (beta + delta) + n^2 A                                                  (R3)
    fixed weights         n (alpha + delta) + n^2 B                                                 (R4)
    matched               n^2 / (n - 1) E_kj Var_kj(d) + n^2 (A + B + G)                            (R5)

(R5) fixes both contents and draws only which activation meets which weight: E_kj Var_kj(d) is the mean over fields
and neurons of the variance of the doubly centered table d - E_q_j d - E_p_k d + ..., as Hoeffding's combinatorial
theorem has it. The mean is n mu for all of them.

References
----------
W. Hoeffding, "A combinatorial central limit theorem", Ann. Math. Statist. 22 (1951), doi:10.1214/aoms/1177729545.
"""
from __future__ import annotations

import numpy as np

from refapprox.error_stats.decomposition import decompose, quadratic_form
from refapprox.error_stats.error_maps import ErrorMapsLike, fitting_maps
from refapprox.error_stats.estimators import rung
from refapprox.error_stats.operands import LayerOperands
from refapprox.error_stats.result import ErrorEstimate

BLOCK_MAPS = 16      # error maps worked on at once: each takes a few times 0.5 MiB at 8 bits


@rung("Any.", mean=2.25, variance=1.96875)
def single_distribution(emaps: ErrorMapsLike, operands: LayerOperands) -> ErrorEstimate:
    """Rung 1: activations and weights drawn anew for every product, (R1). As published (11-14)."""
    def variance(parts, n, x, w):
        return n * (parts.x_variance + parts.w_variance + parts.interaction_variance)
    return evaluate(variance, emaps, operands)


@rung("With codes or one distribution for each field.", mean=2.25, variance=2.25)
def population(emaps: ErrorMapsLike, operands: LayerOperands) -> ErrorEstimate:
    """Rung 2: a random field, then activations drawn from its histogram and weights from the layer's, (R2).

    As published (15-16). A field's own values are drawn as if they could be drawn again: its spread counts twice.
    """
    def variance(parts, n, x, w):
        between = quadratic_form(parts.x_part, x.occurring_pairs)
        return n * (parts.x_variance + parts.w_variance + parts.interaction_variance) + n * (n - 1) * between
    return evaluate(variance, emaps, operands)


@rung("With codes or one distribution for each field.", mean=2.25, variance=1.6875)
def receptive_field(emaps: ErrorMapsLike, operands: LayerOperands) -> ErrorEstimate:
    """Rung 3: a random field with its contents fixed, weights drawn from the layer's histogram, (R3)."""
    def variance(parts, n, x, w):
        between = quadratic_form(parts.x_part, x.occurring_pairs)
        return n * (parts.w_variance + parts.interaction_variance) + n ** 2 * between
    return evaluate(variance, emaps, operands)


@rung("With codes or one distribution for each neuron.", mean=2.25, variance=1.6875)
def fixed_weights(emaps: ErrorMapsLike, operands: LayerOperands) -> ErrorEstimate:
    """Rung 4: a random neuron with its weights fixed, activations drawn from the layer's histogram, (R4).

    The mean over neurons j of Var_j = sum_i v(w_ij) plus the variance over neurons of E_j = sum_i g(w_ij), where
    g(w) and v(w) are mean and variance of e(x, w) over x; only the neurons' histograms enter.
    """
    def variance(parts, n, x, w):
        between = quadratic_form(parts.w_part, w.occurring_pairs)
        return n * (parts.x_variance + parts.interaction_variance) + n ** 2 * between
    return evaluate(variance, emaps, operands)


@rung("With codes or distributions for each field and each neuron.", mean=2.25, variance=1.4375)
def matched(emaps: ErrorMapsLike, operands: LayerOperands) -> ErrorEstimate:
    """Rung 5: a random field and a random neuron, both with their contents fixed, matched at random, (R5)."""
    def variance(parts, n, x, w):
        between_fields = quadratic_form(parts.x_part, x.occurring_pairs)
        between_neurons = quadratic_form(parts.w_part, w.occurring_pairs)
        d = parts.interaction
        over_fields = x.occurring_pairs @ d                              # C d, C = mean_k p_k p_k^T
        over_neurons = d @ w.occurring_pairs                             # d D, D = mean_j q_j q_j^T
        between_cells = np.maximum((over_fields * over_neurons).sum(axis=(1, 2)), 0)                 # G
        within_rows = ((over_fields * d).sum(axis=1)) @ w.occurring_pooled       # mean_kj E_w (p_k . d)^2
        within_columns = ((over_neurons * d).sum(axis=2)) @ x.occurring_pooled   # mean_kj E_x (d . q_j)^2
        centered = parts.interaction_variance - within_rows - within_columns + between_cells
        matching = 0 if n == 1 else n ** 2 / (n - 1) * np.maximum(centered, 0)
        return matching + n ** 2 * (between_fields + between_neurons + between_cells)
    return evaluate(variance, emaps, operands)


def evaluate(variance, emaps, operands):
    """The estimate with mean n mu and `variance(parts, n, x, w)`, in blocks of error maps.

    Behind a ReLU at most half of all codes occur: maps and distributions are restricted to those that do.
    """
    maps, single = fitting_maps(emaps, operands)
    x, w = operands.x, operands.w
    n, means, variances = operands.fan_in, [], []
    for start in range(0, len(maps), BLOCK_MAPS):
        block = np.array([emap[np.ix_(x.occurring, w.occurring)] for emap in maps[start:start + BLOCK_MAPS]], float)
        parts = decompose(block, x.occurring_pooled, w.occurring_pooled)
        means.append(n * parts.mean)
        variances.append(variance(parts, n, x, w))
    mean, std = np.concatenate(means), np.sqrt(np.concatenate(variances))
    return ErrorEstimate(n, *((mean[0], std[0]) if single else (mean, std)))
