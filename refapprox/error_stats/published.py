"""The six functions of agnapprox, with its meaning: mean and std *per single operation*.

With the error map e = exact - approximate, activation pmf p, weight pmf q and fan-in n:

    mu  = sum_xw p(x) q(w) e(x, w)                                                                  (11)
    s2  = sum_xw p(x) q(w) (e(x, w) - mu)^2                                                         (12)
    std = sqrt(s2 / n)          std per operation of a sum of n errors, n times less than the sum's (13-14)

and over K receptive fields, each with its own pmf p_k and from it mu_k and s2_k:

    mean = mean_k mu_k                                                                              (15)
    std  = sqrt(mean_k (s2_k / n + mu_k^2) - (mean_k mu_k)^2)                                       (16)

`refapprox.error_stats` says where (16) counts a field's own spread twice, and what to use instead.

References
----------
E. Trommer, B. Waschneck, A. Kumar, "Combining Gradients and Probabilities for Heterogeneous Approximation of
Neural Networks", ICCAD 2022, arXiv:2208.07265; the equation numbers follow the comments of its code.
"""
import numpy as np

from refapprox.error_stats.monte_carlo import draw_sums
from refapprox.error_stats.operands import Operands, check_error_map, check_error_maps, check_fan_in, count_codes
from refapprox.validation import check_distribution, check_finite, check_integer, check_rng


def to_distribution(tensor, min_val, max_val):
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
    return np.arange(min_val, max_val + 1), counts / counts.sum()


def field_distributions(fields, min_val, max_val):
    """`to_distribution` of every receptive field at once.

    Parameters
    ----------
    fields : integer array, shape (fields, fan_in)
    min_val, max_val : int

    Returns
    -------
    float64 array, shape (fields, max_val - min_val + 1)
        Rows sum to 1: the `x_multidist` of `population_prediction`.
    """
    return count_codes(fields, min_val, max_val, "fields") / np.shape(fields)[1]


def get_sample_population(tensor, num_samples=512, *, rng):
    """Random receptive fields, drawn with replacement.

    Parameters
    ----------
    tensor : array, shape (..., fan_in)
    num_samples : int, optional
    rng : numpy.random.Generator

    Returns
    -------
    array, shape (num_samples, fan_in), dtype of `tensor`
    """
    num_samples = check_integer("num_samples", num_samples, minimum=1)
    tensor = np.asarray(tensor)
    if tensor.ndim == 0 or tensor.size == 0:
        raise ValueError(f"tensor must be a non-empty array of shape (..., fan_in), got shape {tensor.shape}.")
    fields = tensor.reshape(-1, tensor.shape[-1])
    return fields[check_rng(rng).integers(len(fields), size=num_samples)]


def single_dist_mc(emap, x_dist, w_dist, fan_in, num_samples=100_000, *, rng):
    """Mean and std per single operation, estimated by drawing `num_samples` sums of `fan_in` independent errors.

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
        exact - approximate.
    x_dist, w_dist : float arrays, shapes (codes of x,) and (codes of w,)
    fan_in : int
    num_samples : int, optional
    rng : numpy.random.Generator

    Returns
    -------
    mean, std : float
        ddof 0, as published.
    """
    emap, x_dist, w_dist, fan_in = check_operands(emap, x_dist, w_dist, fan_in)
    num_samples = check_integer("num_samples", num_samples, minimum=1)
    sums = draw_sums(emap, Operands.from_distributions(x_dist, w_dist, fan_in), num_samples, rng=rng)
    return float(sums.mean() / fan_in), float(sums.std(ddof=0) / fan_in)


def error_prediction(emap, x_dist, w_dist, fan_in):
    """Mean and std per single operation from one distribution of each operand, equations (11) to (14).

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
        exact - approximate.
    x_dist, w_dist : float arrays, shapes (codes of x,) and (codes of w,)
        Each sums to 1.
    fan_in : int

    Returns
    -------
    mean, std : float

    Examples
    --------
    A neuron of three products, in which one of the four equally likely operand pairs is wrong by 2:

    >>> mean, std = error_prediction([[0, 0], [0, 2]], [0.5, 0.5], [0.5, 0.5], 3)
    >>> mean, std == (0.75 / 3) ** 0.5
    (0.5, True)
    """
    emap, x_dist, w_dist, fan_in = check_operands(emap, x_dist, w_dist, fan_in)
    mean = x_dist @ emap @ w_dist                                                                 # (11)
    variance = x_dist @ (emap - mean) ** 2 @ w_dist                                               # (12)
    return float(mean), float(np.sqrt(variance / fan_in))                                         # (13-14)


def population_prediction(emap, x_multidist, w_dist, fan_in):
    """Mean and std per single operation from many local activation distributions, equations (15) and (16).

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
        exact - approximate.
    x_multidist : float array, shape (fields, codes of x)
        One activation distribution a receptive field; see `field_distributions`.
    w_dist : float array, shape (codes of w,)
    fan_in : int

    Returns
    -------
    mean, std : float
    """
    means, stds = population_predictions([emap], x_multidist, w_dist, fan_in)
    return float(means[0]), float(stds[0])


def population_predictions(emaps, x_multidist, w_dist, fan_in):
    """`population_prediction` for many multipliers at once.

    Parameters
    ----------
    emaps : sequence of multipliers or error maps, or array of shape (multipliers, codes of x, codes of w)
    x_multidist, w_dist, fan_in
        As in `population_prediction`.

    Returns
    -------
    means, stds : float64 arrays, shape (multipliers,)

    Notes
    -----
    Let p be the mean of the p_k, and mu = (15) = sum p q e. With the centered map d = e - mu,
    s2_k = sum p_k q d^2 - (mu_k - mu)^2, so that (16) becomes a sum of terms that cannot cancel:

        std^2 = sum p q d^2 / n + (1 - 1/n) mean_k (mu_k - mu)^2                                    (16')
    """
    maps = check_error_maps(emaps)
    x_multidist = check_distribution("x_multidist", x_multidist, maps[0].shape[0], ndim=2)
    w_dist = check_distribution("w_dist", w_dist, maps[0].shape[1])
    fan_in = check_fan_in(fan_in)
    x_dist = x_multidist.mean(axis=0)
    rows, columns = np.flatnonzero(x_dist), np.flatnonzero(w_dist)      # codes that occur: often a quarter of the map
    emaps = np.array([emap[np.ix_(rows, columns)] for emap in maps], dtype=np.float64)
    x_multidist, x_dist, w_dist = x_multidist[:, rows], x_dist[rows], w_dist[columns]
    given_x = emaps @ w_dist                                    # E_w[e | x], (multipliers, codes of x)
    means = given_x @ x_dist                                                                      # (15)
    deviation = x_multidist @ (given_x - means[:, np.newaxis]).T                # mu_k - mu, (fields, multipliers)
    total = ((emaps - means[:, np.newaxis, np.newaxis]) ** 2 @ w_dist) @ x_dist
    variances = total / fan_in + (1 - 1 / fan_in) * (deviation ** 2).mean(axis=0)                 # (16')
    return means, np.sqrt(variances)


def error_calculation(accurate, approximate, fan_in):
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
    """
    accurate, approximate = (widened(name, a) for name, a in
                             (("accurate", accurate), ("approximate", approximate)))
    if accurate.shape != approximate.shape or accurate.size == 0:
        raise ValueError(f"accurate and approximate must be non-empty arrays of one shape, "
                         f"got {accurate.shape} and {approximate.shape}.")
    error = (accurate - approximate) / check_fan_in(fan_in)
    return float(error.mean()), float(error.std(ddof=0))


def widened(name, array):
    array = check_finite(name, array)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be a numeric array, got dtype {array.dtype}.")
    return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)


def check_operands(emap, x_dist, w_dist, fan_in):
    emap = check_error_map(emap).astype(np.float64)
    return (emap, check_distribution("x_dist", x_dist, emap.shape[0]),
            check_distribution("w_dist", w_dist, emap.shape[1]), check_fan_in(fan_in))
