"""The six functions of agnapprox, with its meaning: mean and std *per single operation*.

With the error map e = exact - approximate, activation pmf p, weight pmf q and fan-in n:

    mu  = sum_xw p(x) q(w) e(x, w)                                                                  (11)
    s2  = sum_xw p(x) q(w) (e(x, w) - mu)^2                                                         (12)
    std = sqrt(s2 / n)          std per operation of a sum of n errors, n times less than the sum's (13-14)

and over K receptive fields, each with its own pmf p_k and from it mu_k and s2_k:

    mean = mean_k mu_k                                                                              (15)
    std  = sqrt(mean_k (s2_k / n + mu_k^2) - (mean_k mu_k)^2)                                       (16)

These are rungs 1 and 2 of the ladder in other units: the functions are wrappers of `single_distribution` and
`population`. `docs/error_statistics.md` says where (16) counts a field's own spread twice, and what to use instead.

References
----------
E. Trommer, B. Waschneck, A. Kumar, "Combining Gradients and Probabilities for Heterogeneous Approximation of
Neural Networks", ICCAD 2022, arXiv:2208.07265. Its code numbers (15) and (16); the other numbers are inferred.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.error_stats.error_maps import ErrorMapLike, check_error_map, check_error_maps
from refapprox.error_stats.histogram_rungs import population, single_distribution
from refapprox.error_stats.monte_carlo import draw_errors
from refapprox.error_stats.operands import LayerOperands, check_fan_in, count_codes
from refapprox.validation import check_array, check_distribution, check_finite, check_integer, check_rng


def to_distribution(tensor: ArrayLike, min_val: int,
                    max_val: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Relative frequency of every code from `min_val` to `max_val`, inclusive.

    Parameters
    ----------
    tensor : integer array, any shape, not empty
    min_val, max_val : int
        Smallest and largest possible code.

    Returns
    -------
    values : int64 array, shape (max_val - min_val + 1,)
    frequencies : float64 array of the same shape
        ``frequencies[code - min_val]``; sums to 1.

    Raises
    ------
    ValueError
        If the tensor is None, empty, not integer or holds a code outside the range.

    Examples
    --------
    >>> values, frequencies = to_distribution([-1, 2, 2, 0], -1, 2)
    >>> values.tolist(), frequencies.tolist()
    ([-1, 0, 1, 2], [0.25, 0.25, 0.0, 0.5])
    """
    if tensor is None:
        raise ValueError("tensor must hold integer codes, got None: were the feature maps recorded?")
    counts = count_codes(np.reshape(tensor, (1, -1)), min_val, max_val)[0]
    return int(min_val) + np.arange(counts.size), counts / counts.sum()


def field_distributions(fields: ArrayLike, min_val: int, max_val: int) -> NDArray[np.float64]:
    """`to_distribution` of every receptive field at once.

    Parameters
    ----------
    fields : integer array, shape (fields, fan_in)
    min_val, max_val : int

    Returns
    -------
    float64 array, shape (fields, max_val - min_val + 1)
        Rows sum to 1: the `x_multidist` of `population_prediction`.

    Raises
    ------
    ValueError
        If a code lies outside the range, or there is none.

    Examples
    --------
    >>> field_distributions([[5, 7, 7, 6], [6, 6, 6, 6]], 5, 7).tolist()
    [[0.25, 0.25, 0.5], [0.0, 1.0, 0.0]]
    """
    return count_codes(fields, min_val, max_val, "fields") / np.shape(fields)[1]


def get_sample_population(tensor: ArrayLike, num_samples: int = 512, *, rng: np.random.Generator) -> NDArray[Any]:
    """Random receptive fields, drawn with replacement.

    Parameters
    ----------
    tensor : array, shape (..., fan_in)
    num_samples : int, optional
    rng : numpy.random.Generator

    Returns
    -------
    array, shape (num_samples, fan_in), dtype of `tensor`

    Raises
    ------
    ValueError
        If the tensor is empty.
    TypeError
        If `rng` is not a Generator.

    Examples
    --------
    >>> get_sample_population([[1, 2], [3, 4]], 5, rng=np.random.default_rng(0)).shape
    (5, 2)
    """
    num_samples = check_integer("num_samples", num_samples, minimum=1)
    tensor = check_array("tensor", tensor, kinds="biuf")
    if tensor.ndim == 0 or tensor.size == 0:
        raise ValueError(f"tensor must be a non-empty array of shape (..., fan_in), got shape {tensor.shape}.")
    fields = tensor.reshape(-1, tensor.shape[-1])
    return fields[check_rng(rng).integers(len(fields), size=num_samples)]


def single_dist_mc(emap: ErrorMapLike, x_dist: ArrayLike, w_dist: ArrayLike, fan_in: int, num_samples: int = 100_000, *,
                   rng: np.random.Generator) -> tuple[float, float]:
    """Mean and std per single operation, estimated by drawing `num_samples` sums of `fan_in` independent errors.

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
        exact - approximate.
    x_dist, w_dist : float arrays, shapes (codes of x,) and (codes of w,)
        Each sums to 1.
    fan_in : int
    num_samples : int, optional
    rng : numpy.random.Generator

    Returns
    -------
    mean, std : float
        ddof 0, as published.

    Raises
    ------
    ValueError
        If shapes do not fit, a distribution does not sum to 1, or fan_in is below 1.

    Examples
    --------
    >>> mean, _ = single_dist_mc([[0, 0], [0, 2]], [0.5, 0.5], [0.5, 0.5], 3, rng=np.random.default_rng(0))
    >>> abs(mean - 0.5) < 0.02
    True
    """
    emap, operands = published_layer(emap, x_dist, w_dist, fan_in)
    sums = draw_errors(emap, operands, "single_distribution", num_samples, rng=rng)
    return float(sums.mean() / operands.fan_in), float(sums.std(ddof=0) / operands.fan_in)


def error_prediction(emap: ErrorMapLike, x_dist: ArrayLike, w_dist: ArrayLike, fan_in: int) -> tuple[float, float]:
    """Mean and std per single operation from one distribution of each operand, equations (11) to (14).

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
        The error map, exact - approximate.
    x_dist, w_dist : float arrays, shapes (codes of x,) and (codes of w,)
        How often each code of an activation and of a weight occurs; each sums to 1.
    fan_in : int
        Products per output.

    Returns
    -------
    mean, std : float
        Times `fan_in` they are those of the accumulated error.

    Raises
    ------
    ValueError
        If shapes do not fit, a distribution does not sum to 1, or fan_in is below 1.

    Examples
    --------
    A neuron of three products, in which one of the four equally likely operand pairs is wrong by 2:

    >>> mean, std = error_prediction([[0, 0], [0, 2]], [0.5, 0.5], [0.5, 0.5], 3)
    >>> mean, std == (0.75 / 3) ** 0.5
    (0.5, True)
    """
    emap, operands = published_layer(emap, x_dist, w_dist, fan_in)
    found = single_distribution(emap, operands)
    return float(found.per_operation_mean), float(found.per_operation_std)


def population_prediction(emap: ErrorMapLike, x_multidist: ArrayLike, w_dist: ArrayLike,
                          fan_in: int) -> tuple[float, float]:
    """Mean and std of the error per single operation, where every receptive field has a distribution of its own.

    With n products per output, p_k the distribution of activations in field k and q that of the weights

        mu_k = sum_xw p_k(x) q(w) e(x, w),          mean = mean_k mu_k,                               (15)
        s2_k = sum_xw p_k(x) q(w) (e(x, w) - mu_k)^2,
        std  = sqrt(mean_k (s2_k / n + mu_k^2) - mean^2).                                             (16)

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
        The error map e, exact - approximate.
    x_multidist : float array, shape (fields, codes of x)
        The p_k, each of which sums to 1; `field_distributions` makes them from recorded activations.
    w_dist : float array, shape (codes of w,)
        The q; it sums to 1.
    fan_in : int
        The n.

    Returns
    -------
    mean, std : float
        Times `fan_in` they are those of the accumulated error.

    Raises
    ------
    ValueError
        If shapes do not fit, a distribution does not sum to 1, or fan_in is below 1.

    Examples
    --------
    Two fields of two products: one holds zeros only, the other activations that err by 2 against half of the weights.

    >>> mean, std = population_prediction([[0, 0], [0, 2]], [[1, 0], [0, 1]], [0.5, 0.5], 2)
    >>> mean, std == (((0 + 1 / 2 + 1 ** 2) / 2) - 0.5 ** 2) ** 0.5
    (0.5, True)
    """
    means, stds = population_predictions([check_error_map(emap)], x_multidist, w_dist, fan_in)
    return float(means[0]), float(stds[0])


def population_predictions(emaps: Sequence[ErrorMapLike] | ArrayLike, x_multidist: ArrayLike, w_dist: ArrayLike,
                           fan_in: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`population_prediction` for many multipliers at once.

    Parameters
    ----------
    emaps : sequence of multipliers or error maps, or array of shape (multipliers, codes of x, codes of w)
    x_multidist, w_dist, fan_in
        As in `population_prediction`.

    Returns
    -------
    means, stds : float64 arrays, shape (multipliers,)

    Raises
    ------
    ValueError
        If shapes do not fit, a distribution does not sum to 1, or fan_in is below 1.

    Examples
    --------
    >>> means, stds = population_predictions([[[0, 0], [0, 2]], [[0, 0], [0, 4]]], [[1, 0], [0, 1]], [0.5, 0.5], 2)
    >>> means.tolist(), bool(stds[1] == 2 * stds[0])
    ([0.5, 1.0], True)
    """
    maps = check_error_maps(emaps)
    x_multidist = check_distribution("x_multidist", x_multidist, maps[0].shape[0], ndim=2)
    w_dist = check_distribution("w_dist", w_dist, maps[0].shape[1])
    found = population(maps, LayerOperands.from_distributions(x_multidist, w_dist, check_fan_in(fan_in)))
    return found.per_operation_mean, found.per_operation_std


def error_calculation(accurate: ArrayLike, approximate: ArrayLike, fan_in: int) -> tuple[float, float]:
    """Mean and std per single operation of the observed error accurate - approximate.

    Parameters
    ----------
    accurate, approximate : arrays of one shape
        Accumulated results. Integers are widened to int64 before they are subtracted.
    fan_in : int

    Returns
    -------
    mean, std : float
        ddof 0.

    Raises
    ------
    ValueError
        If the shapes differ, or something is not finite.

    Examples
    --------
    >>> error_calculation([10, 20], [8, 14], 2)
    (2.0, 1.0)
    """
    accurate, approximate = (widened(name, a) for name, a in
                             (("accurate", accurate), ("approximate", approximate)))
    if accurate.shape != approximate.shape or accurate.size == 0:
        raise ValueError(f"accurate and approximate must be non-empty arrays of one shape, "
                         f"got {accurate.shape} and {approximate.shape}.")
    error = (accurate - approximate) / check_fan_in(fan_in)
    return float(error.mean()), float(error.std(ddof=0))


def widened(name, array):
    """`array` as int64 or float64, whichever holds it."""
    array = check_finite(name, array)
    return check_array(name, array, dtype=np.float64 if array.dtype.kind == "f" else np.int64)


def published_layer(emap, x_dist, w_dist, fan_in):
    """(error map, LayerOperands) of the published arguments."""
    emap = check_error_map(emap)
    x_dist = check_distribution("x_dist", x_dist, emap.shape[0])
    w_dist = check_distribution("w_dist", w_dist, emap.shape[1])
    return emap, LayerOperands.from_distributions(x_dist, w_dist, check_fan_in(fan_in))
