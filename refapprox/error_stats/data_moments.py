"""Rung 6: the moments of the accumulated error over a data set, exact, without looking a single product up.

The error map is factored, e(x, w) = sum_r u_r(x) v_r(w), and with the factor features F[k] = (u_r(x[k, i]))_ir of a
field and G[j] = (v_r(w[i, j]))_ir of a neuron

    error[k, j] = F[k] . G[j]                                                                       (R6)
    mean_j      = (mean_k F[k]) . G[j]                                                              (R6a)
    Cov_jj'     = G[j]^T Cov_k(F) G[j']                                                             (R6b)

`exact_moments` forms (R6) by ordinary matrix products in blocks of fields and gathers all moments up to the fourth;
`feature_moments` goes by (R6b), which pays where neurons outnumber features. Both are the same numbers.
An integer error map gives integer errors: they are rounded to integers, which removes the factors' rounding whole.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refapprox.error_stats.elimination import RESIDUAL, rank_one_terms
from refapprox.error_stats.error_maps import ErrorMapLike, ErrorMapsLike, check_layer, fitting_map
from refapprox.error_stats.estimators import rung
from refapprox.error_stats.operands import LayerOperands
from refapprox.error_stats.result import ErrorEstimate, ErrorMoments, mixture

BLOCK_FEATURES = 1 << 21      # features of a block of fields: 16 MiB
MAX_FEATURES = 1 << 13        # of `feature_moments`, whose covariance then takes 512 MiB


@dataclass(frozen=True)
class LayerMoments:
    """Moments of the accumulated error of one layer over its fields.

    Attributes
    ----------
    neuron_mean : float64 array, shape (neurons,)
    covariance : float64 array, shape (neurons, neurons)
        Between neurons over the fields, ddof 0.
    pooled : ErrorMoments
        Over all fields and neurons, with skewness and excess kurtosis.

    Examples
    --------
    >>> layer = LayerOperands.from_codes([[0, 1], [1, 1]], [[1, 0], [1, 1]], range_x=(0, 1), range_w=(0, 1))
    >>> exact_moments([[0, 0], [0, 2]], layer).covariance.tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """

    neuron_mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    pooled: ErrorMoments


@rung("With the codes of both sides.", mean=2.5, variance=0.75)
def exact_data(emaps: ErrorMapsLike, operands: LayerOperands) -> ErrorEstimate:
    """Rung 6: mean and std over all fields and neurons, with moments up to the fourth in `ErrorEstimate.moments`."""
    maps, single = check_layer(emaps, operands)
    pooled = [exact_moments(emap, operands).pooled for emap in maps]
    if not single:
        columns = ("mean", "variance", "third", "fourth", "lower", "upper")
        pooled = [ErrorMoments(**{name: np.array([getattr(m, name) for m in pooled]) for name in columns})]
    return ErrorEstimate(operands.fan_in, pooled[0].mean, pooled[0].std, moments=pooled[0])


def exact_moments(emap: ErrorMapLike, operands: LayerOperands) -> LayerMoments:
    """All moments up to the fourth of the accumulated error, by (R6).

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
    operands : LayerOperands
        With the codes of both sides.

    Returns
    -------
    LayerMoments

    Raises
    ------
    ValueError
        If the error map does not fit the operands, or these hold no codes.

    Examples
    --------
    >>> layer = LayerOperands.from_codes([[0, 1], [1, 1]], [[1, 0], [1, 1]], range_x=(0, 1), range_w=(0, 1))
    >>> exact_moments([[0, 0], [0, 2]], layer).neuron_mean.tolist()
    [3.0, 2.0]
    """
    emap = fitting_map(emap, operands).astype(np.float64)
    fields, neurons = len(operands.x.index), len(operands.w.index)
    sums = np.zeros((4, neurons))
    cross = np.zeros((neurons, neurons))
    lower, upper = np.full(neurons, np.inf), np.full(neurons, -np.inf)
    shift = None
    for errors in error_blocks(emap, operands):
        shift = errors.mean(axis=0) if shift is None else shift      # near the mean: powers below do not cancel
        lower, upper = np.minimum(lower, errors.min(axis=0)), np.maximum(upper, errors.max(axis=0))
        errors -= shift
        cross += errors.T @ errors
        power = np.ones_like(errors)
        for total in sums:
            power *= errors
            total += power.sum(axis=0)
    s1, s2, s3, s4 = sums / fields
    variance = np.maximum(s2 - s1 ** 2, 0)
    third = s3 - 3 * s1 * s2 + 2 * s1 ** 3
    fourth = s4 - 4 * s1 * s3 + 6 * s1 ** 2 * s2 - 3 * s1 ** 4
    mean = shift + s1
    return LayerMoments(mean, cross / fields - np.outer(s1, s1),
                        mixture(mean, variance, third, fourth, lower, upper))


def error_blocks(emap, operands):
    """(R6) for consecutive blocks of fields: float64 (block, neurons), whole numbers for an integer map.

    Positions are taken in chunks, so that neither the features of a block nor those of the weights exceed
    `BLOCK_FEATURES`, whatever the rank.
    """
    u, v = rank_one_terms(emap)
    x, w = operands.x.index, operands.w.index
    rank, (fields, fan_in), neurons = max(1, u.shape[1]), x.shape, len(w)
    whole = np.array_equal(emap, np.rint(emap)) and fan_in * RESIDUAL * np.abs(emap).max() < 0.1
    block = max(1, BLOCK_FEATURES // max(neurons, min(fan_in * rank, BLOCK_FEATURES // 256)))
    chunk = max(1, BLOCK_FEATURES // (rank * max(neurons, min(block, fields))))
    chunks = [slice(first, first + chunk) for first in range(0, fan_in, chunk)]
    kept = [factor_features(v, w[:, part]).T for part in chunks] if len(chunks) == 1 else None           # G
    for start in range(0, fields, block):
        rows = x[start:start + block]
        errors = sum(factor_features(u, rows[:, part]) @ (kept[0] if kept else factor_features(v, w[:, part]).T)
                     for part in chunks)
        yield np.rint(errors, out=errors) if whole else errors


def factor_features(factors, index):
    """factors[index] with positions and terms on one axis: (groups, positions * rank)."""
    return factors[index].reshape(len(index), -1)


def feature_moments(emap: ErrorMapLike,
                    operands: LayerOperands) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of every neuron and covariance between neurons by the covariance of factor features, (R6a) and (R6b).

    Parameters
    ----------
    emap, operands
        As of `exact_moments`.

    Returns
    -------
    neuron_mean : float64 array, shape (neurons,)
    covariance : float64 array, shape (neurons, neurons)

    Raises
    ------
    ValueError
        If the map has more than `MAX_FEATURES` features, fan_in * rank, or does not fit the operands.

    Examples
    --------
    >>> layer = LayerOperands.from_codes([[0, 1], [1, 1]], [[1, 0], [1, 1]], range_x=(0, 1), range_w=(0, 1))
    >>> mean, covariance = feature_moments([[0, 0], [0, 2]], layer)
    >>> mean.tolist(), covariance.tolist()
    ([3.0, 2.0], [[1.0, 0.0], [0.0, 0.0]])
    """
    emap = fitting_map(emap, operands).astype(np.float64)
    u, v = rank_one_terms(emap)
    x, w = operands.x.index, operands.w.index
    size = operands.fan_in * u.shape[1]
    if size > MAX_FEATURES:
        raise ValueError(f"operands must have at most {MAX_FEATURES} features, fan_in * rank: their covariance "
                         f"is a square of numbers. Got {size}; exact_moments forms none.")
    weights = v[w].reshape(len(w), size)
    mean = (operands.x.taps @ u).ravel()                                     # mean_k F[k]: tap by tap
    covariance = np.zeros((size, size))
    block = max(1, BLOCK_FEATURES // max(1, size))
    for start in range(0, len(x), block):
        rows = x[start:start + block]
        centered = u[rows].reshape(len(rows), size) - mean
        covariance += centered.T @ centered
    return weights @ mean, weights @ (covariance / len(x)) @ weights.T
