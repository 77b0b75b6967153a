"""Rungs between 4 and 6: weights fixed where they are, activations known position by position.

A tap i is a position within the receptive field, p_i the distribution of its activation over the fields, and

    g_i(w) = E_{p_i} e(x, w),    v_i(w) = Var_{p_i} e(x, w).

Neuron j then has the mean E_j = sum_i g_i(w_ij): exact, whatever the dependence between taps. Its variance is
V_j = sum_i v_i(w_ij) if taps are independent; if they are not, covariances between taps are added:

    fixed weights by tap          mean_j V_j + Var_j(E_j)                                           (R4t)
    exchangeable, correlated taps (R4t) + mean_j sum_{i != i'} Cov[e(x_i, w_ij), e(x_i', w_i'j)]    (R5t)

Few numbers stand for the covariances. Let f(x) be a handful of features, by default the code itself and whether it
is nonzero, which is what activations behind a ReLU share. Split the indicator [x_i = x] into its regression
t_i(x) . (f(x_i) - E f) on the features and a residual. The covariance S of all features at all taps is kept as it
is; the residuals' covariance is replaced by its average K over pairs of taps, which follows from the histograms of
fields and taps alone:

    Cov[e(x_i, w), e(x_i', w')] ~ (t_i e)(w) S_ii' (t_i' e)(w') + e(., w)^T K e(., w')                (C)
    n (n - 1) K = n^2 (C - p p^T) - n diag(p) + sum_i p_i p_i^T - sum_{i != i'} t_i^T S_ii' t_i'      (K)

with C = mean_k p_k p_k^T over fields. No features at all leave every pair of taps the same covariance.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refapprox.error_stats.error_maps import ErrorMapsLike, check_layer
from refapprox.error_stats.estimators import rung
from refapprox.error_stats.operands import LayerOperands
from refapprox.error_stats.result import ErrorEstimate
from refapprox.validation import check_finite

RELATIVE_RANK = 1e-9      # features whose spread at a tap is smaller than this, relatively, are dependent there


@rung("With codes or tap distributions of the activations, and codes of the weights.", mean=2.5, variance=0.75)
def fixed_weights_by_tap(emaps: ErrorMapsLike, operands: LayerOperands) -> ErrorEstimate:
    """Rung 4 with one activation distribution a position, (R4t): exact for independent taps."""
    return evaluate(lambda emap: 0.0, emaps, operands)


@rung("With the codes of both sides. What is taken from the activation codes does not depend on the multiplier.",
      mean=2.5, variance=0.75, parameters="""
    features : float array, shape (features, codes of x), optional
        Functions of the activation code; default: its value, and whether it is nonzero. Codes with a zero point
        want ``[codes, codes != zero_point]``. An empty one leaves all pairs of taps the same covariance.""")
def correlated_taps(emaps: ErrorMapsLike, operands: LayerOperands, features: ArrayLike | None = None) -> ErrorEstimate:
    """Between rungs 5 and 6, (R5t): tap distributions and the covariance of a few features between taps."""
    features = default_features(operands) if features is None else features
    features = check_finite("features", features, dtype=np.float64)
    if features.ndim != 2 or features.shape[1] != operands.x.size:
        raise ValueError(f"features must have shape (features, {operands.x.size}), got {features.shape}.")
    slopes, covariance, kernel = tap_statistics(operands, features)
    n, w = operands.fan_in, operands.w.index

    def between_taps(emap):
        by_feature = (slopes @ emap).transpose(0, 2, 1)                 # (taps, codes of w, features)
        loads = by_feature[np.arange(n), w].reshape(len(w), -1)         # (neurons, taps * features)
        spread = kernel @ emap
        all_pairs = n ** 2 * np.sum(spread * (emap @ operands.w.pairs))
        same_tap = n * (np.sum(spread * emap, axis=0) @ operands.w.pooled)
        return ((loads @ covariance) * loads).sum(axis=1).mean() + all_pairs - same_tap               # (C)
    return evaluate(between_taps, emaps, operands)


@rung("With the codes of both sides.", mean=2.5, variance=0.75)
def exchangeable_taps(emaps: ErrorMapsLike, operands: LayerOperands) -> ErrorEstimate:
    """`correlated_taps` without features: all pairs of taps have one covariance, as field histograms tell it."""
    return correlated_taps(emaps, operands, features=np.zeros((0, operands.x.size)))


def default_features(operands):
    if operands.x.code_range is None:
        raise ValueError("operands of correlated_taps must include the codes of x, or features must be given.")
    qmin, qmax = operands.x.code_range
    codes = np.arange(qmin, qmax + 1)
    return np.array([codes, codes != 0])


def tap_statistics(operands, features):
    """Slopes t (taps, features, codes), feature covariance S between different taps, and the kernel K."""
    n, size, count = operands.fan_in, operands.x.size, len(features)
    taps, p = operands.x.taps, operands.x.pooled
    centered = features - (taps @ features.T)[:, :, np.newaxis]
    weighted = centered * taps[:, np.newaxis]                                           # (taps, features, codes)
    own = weighted @ centered.transpose(0, 2, 1)                                        # S_ii
    slopes = np.linalg.pinv(own, rcond=RELATIVE_RANK, hermitian=True) @ weighted        # t_i
    values = features[:, operands.x.index].transpose(1, 2, 0).reshape(len(operands.x.index), -1)
    values -= values.mean(axis=0)
    covariance = values.T @ values / len(values)
    blocks = covariance.reshape(n, count, n, count)
    blocks[np.arange(n), :, np.arange(n), :] = 0
    flat = slopes.reshape(n * count, size)
    kernel = n ** 2 * (operands.x.pairs - np.outer(p, p)) - n * np.diag(p) + taps.T @ taps
    kernel -= flat.T @ covariance @ flat                                                              # (K)
    return slopes, covariance, kernel / max(n * (n - 1), 1)      # one tap has no pair: the kernel is 0


def evaluate(between_taps, emaps, operands):
    """(R4t) plus the mean over neurons of the covariances `between_taps(centered error map)`."""
    maps, single = check_layer(emaps, operands)
    taps, w = operands.x.taps, operands.w.index
    rows = np.arange(operands.fan_in)
    means, variances = np.empty(len(maps)), np.empty(len(maps))
    for k, emap in enumerate(maps):
        center = operands.x.pooled @ emap @ operands.w.pooled
        emap = emap - center                                   # keeps the differences below from cancelling
        g = taps @ emap
        v = taps @ emap ** 2 - g ** 2
        neuron_means = g[rows, w].sum(axis=1)                                                         # E_j
        within = v[rows, w].sum(axis=1).mean() + between_taps(emap)
        means[k] = operands.fan_in * center + neuron_means.mean()
        variances[k] = max(within, 0.0) + neuron_means.var(ddof=0)
    std = np.sqrt(variances)
    return ErrorEstimate(operands.fan_in, *((means[0], std[0]) if single else (means, std)))
