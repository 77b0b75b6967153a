"""Where an error goes from the layer that makes it: moments through the layers behind, in closed form.

Random quantities are Gaussian, given by mean and variance (or covariance); phi and Phi are the normal density and
distribution function.

    linear            mean W m,  covariance W S W^T                                                (1)
    batch norm        scaled by gamma / sqrt(running_var + eps)                                    (2)
    ReLU              mean m Phi(m/s) + s phi(m/s),  E y^2 = (m^2 + s^2) Phi(m/s) + m s phi(m/s)   (3)
    average pooling   mean of means, mean of all covariances                                       (4)
    max of two        Clark's formulas                                                             (5)
    max pooling       E (b - max) = int F,  E (b - max)^2 = 2 int (b - x) F,  F = prod_i Phi((x - m_i) / s_i)   (6)
    requantization    adds step^2 / 12                                                             (7)
    top-1 flip        Phi(-margin / std of the difference), over rivals                            (8)

(1), (2) and (4) hold for any law, (3), (5) and (6) for Gaussian ones, (6) for independent ones; (7) for values that
spread over several steps without clipping. (6) is integrated from where F is 0 to a b where it is 1, panel by panel
between the places where one of its factors bends: `docs/results.md` has its error over random windows.

Means and variances are float arrays that broadcast, and are returned as float64; a negative variance is a ValueError.

References
----------
C. E. Clark, "The greatest of a finite set of random variables", Operations Research 9(2), 1961, 145.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.validation import check_array, check_broadcast, check_finite, check_real, largest_magnitude

__all__ = ["avg_pool", "batch_norm", "combined_signal_to_noise", "linear", "max_of_two", "max_pool", "relu",
           "requantize", "signal_to_noise", "top1_flip_probability"]

BENDS = np.array([-9.0, -6.0, -4.0, -2.5, -1.2, 0.0, 1.2, 2.5, 4.0, 6.0, 9.0])      # Phi(-9) = 1e-19
LARGEST = 1e100              # of means and variances, whose squares are taken
NODES = 12                   # of Gauss and Legendre, in each panel
BLOCK_WINDOWS = 1 << 10      # windows integrated at once: some 50 MB for 4 values each


def linear(mean: ArrayLike, covariance: ArrayLike, weight: ArrayLike) -> tuple[NDArray, NDArray]:
    """(1): moments of W y.

    Parameters
    ----------
    mean : float array, shape (k,)
        Of y.
    covariance : float array, shape (k, k)
        Of y.
    weight : float array, shape (m, k)
        As a layer holds it.

    Returns
    -------
    mean, covariance : float64 arrays, shapes (m,) and (m, m)

    Raises
    ------
    ValueError
        If something is not finite, or the shapes do not fit.

    Examples
    --------
    >>> linear([1.0, 2.0], [[1.0, 0.0], [0.0, 4.0]], [[1.0, 1.0]])
    (array([3.]), array([[5.]]))
    """
    mean, covariance = mean_and_covariance(mean, covariance)
    weight = check_finite("weight", weight, dtype=np.float64)
    if weight.ndim != 2 or weight.shape[1] != len(mean):
        raise ValueError(f"weight must have shape (m, {len(mean)}), got {weight.shape}.")
    return weight @ mean, weight @ covariance @ weight.T


def batch_norm(mean: ArrayLike, variance: ArrayLike, *, gamma: ArrayLike, beta: ArrayLike, running_mean: ArrayLike,
               running_var: ArrayLike, eps: float = 1e-5) -> tuple[NDArray, NDArray]:
    """(2) with fixed statistics, elementwise.

    Parameters
    ----------
    mean, variance : float arrays
        Of the input.
    gamma, beta, running_mean, running_var : float arrays
        Of the layer, as PyTorch names them.
    eps : float, optional

    Returns
    -------
    mean, variance : float64 arrays

    Raises
    ------
    ValueError
        If a variance is negative, or running_var + eps not above 0.

    Examples
    --------
    >>> mean, variance = batch_norm(3.0, 4.0, gamma=2.0, beta=1.0, running_mean=1.0, running_var=4.0, eps=0.0)
    >>> float(mean), float(variance)
    (3.0, 4.0)
    """
    mean, variance = mean_and_variance(mean, variance)
    gamma, beta, running_mean, running_var = (
        check_finite(name, array, dtype=np.float64) for name, array in
        (("gamma", gamma), ("beta", beta), ("running_mean", running_mean), ("running_var", running_var)))
    spread = running_var + check_real("eps", eps, minimum=0.0)
    if not (spread > 0).all():
        raise ValueError(f"running_var + eps must be above 0, got {spread.min()}.")
    scale = gamma / np.sqrt(spread)
    return scale * (mean - running_mean) + beta, scale ** 2 * variance


def relu(mean: ArrayLike, variance: ArrayLike) -> tuple[NDArray, NDArray]:
    """(3), elementwise; a variance of 0 passes the mean through the kink itself.

    Parameters
    ----------
    mean, variance : float arrays
        Of the input, which is Gaussian.

    Returns
    -------
    mean, variance : float64 arrays

    Raises
    ------
    ValueError
        If a variance is negative.

    Examples
    --------
    >>> mean, variance = relu(0.0, 1.0)
    >>> bool(abs(mean - (2 * np.pi) ** -0.5) < 1e-12), bool(abs(variance - (0.5 - mean ** 2)) < 1e-12)
    (True, True)
    """
    from scipy.special import ndtr  # kept out of the import of refapprox
    mean, variance = mean_and_variance(mean, variance)
    std = np.sqrt(variance)
    z = standardized(mean, std)
    density, below = normal_density(z), ndtr(z)
    first = mean * below + std * density
    second = (mean ** 2 + variance) * below + mean * std * density
    return first, np.maximum(second - first ** 2, 0)


def avg_pool(mean: ArrayLike, covariance: ArrayLike) -> tuple[float, float]:
    """(4): moments of the average over a window.

    Parameters
    ----------
    mean : float array, shape (k,)
        Of the k values of the window.
    covariance : float array, shape (k, k)
        Of the same.

    Returns
    -------
    mean, variance : float

    Raises
    ------
    ValueError
        If something is not finite, or the shapes do not fit.

    Examples
    --------
    >>> avg_pool([1.0, 3.0], [[1.0, 0.5], [0.5, 1.0]])
    (2.0, 0.75)
    """
    mean, covariance = mean_and_covariance(mean, covariance)
    return float(mean.mean()), float(covariance.mean())


def max_pool(mean: ArrayLike, variance: ArrayLike) -> tuple[NDArray, NDArray]:
    """(6): moments of the maximum of independent Gaussians, in any order.

    Parameters
    ----------
    mean, variance : float arrays, shape (..., k)
        A window along the last axis.

    Returns
    -------
    mean, variance : float64 arrays, shape (...)

    Raises
    ------
    ValueError
        If a variance is negative, or windows hold nothing.

    Examples
    --------
    >>> mean, variance = max_pool([0.0, 0.0], [1.0, 1.0])
    >>> bool(abs(mean - np.pi ** -0.5) < 1e-10), bool(abs(variance - (1 - 1 / np.pi)) < 1e-10)
    (True, True)
    """
    mean, variance = mean_and_variance(mean, variance)
    if mean.ndim == 0 or mean.shape[-1] == 0:
        raise ValueError(f"mean must hold windows of at least one value, shape (..., k), got shape {mean.shape}.")
    windows, spread = mean.reshape(-1, mean.shape[-1]), np.sqrt(variance).reshape(-1, mean.shape[-1])
    found = [max_of_windows(windows[start:start + BLOCK_WINDOWS], spread[start:start + BLOCK_WINDOWS])
             for start in range(0, len(windows), BLOCK_WINDOWS)]
    first, second = (np.concatenate(part).reshape(mean.shape[:-1])[()] for part in zip(*found, strict=True))
    return first, second


def max_of_windows(mean, std):
    """(6) for windows (n, k): mean and variance (n,)."""
    from scipy.special import ndtr
    top = (mean + BENDS[-1] * std).max(axis=1, keepdims=True)                                     # b
    bottom = (mean + BENDS[0] * std).max(axis=1, keepdims=True)      # below, one factor of F and so F itself is 0
    ends = np.sort((mean[:, :, np.newaxis] + std[:, :, np.newaxis] * BENDS).reshape(len(mean), -1).clip(bottom, top))
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half = np.diff(ends)[:, :, np.newaxis] / 2
    x = ((ends[:, :-1, np.newaxis] + half) + half * nodes).reshape(len(mean), -1)
    shares = (half * weights).reshape(len(mean), -1)
    cumulative = np.prod(ndtr(standardized(x[:, :, np.newaxis] - mean[:, np.newaxis], std[:, np.newaxis])), axis=2)
    first = (shares * cumulative).sum(axis=1)
    second = 2 * (shares * (top - x) * cumulative).sum(axis=1)
    return top[:, 0] - first, np.maximum(second - first ** 2, 0)


def max_of_two(mean_a: ArrayLike, variance_a: ArrayLike, mean_b: ArrayLike, variance_b: ArrayLike,
               covariance: ArrayLike = 0.0) -> tuple[NDArray, NDArray]:
    """(5): mean and variance of max(a, b) for jointly Gaussian a and b; exact.

    Parameters
    ----------
    mean_a, variance_a, mean_b, variance_b : float arrays
        Of a and of b.
    covariance : float array, optional
        Of a with b.

    Returns
    -------
    mean, variance : float64 arrays

    Raises
    ------
    ValueError
        If a variance is negative, or the covariance larger than the variances allow.

    Examples
    --------
    >>> mean, variance = max_of_two(1.0, 2.0, 1.0, 2.0, covariance=2.0)      # one and the same
    >>> float(mean), float(variance)
    (1.0, 2.0)
    """
    from scipy.special import ndtr
    mean_a, variance_a = mean_and_variance(mean_a, variance_a, "_a")
    mean_b, variance_b = mean_and_variance(mean_b, variance_b, "_b")
    covariance = check_finite("covariance", covariance, dtype=np.float64)
    if (covariance ** 2 > variance_a * variance_b * (1 + 1e-12)).any():
        raise ValueError("covariance must not exceed the root of the product of the variances.")
    std = np.sqrt(np.maximum(variance_a + variance_b - 2 * covariance, 0))      # of a - b
    z = standardized(mean_a - mean_b, std)
    density, wins = normal_density(z), ndtr(z)
    first = mean_a * wins + mean_b * (1 - wins) + std * density
    second = ((mean_a ** 2 + variance_a) * wins + (mean_b ** 2 + variance_b) * (1 - wins)
              + (mean_a + mean_b) * std * density)
    return first, np.maximum(second - first ** 2, 0)


def requantize(variance: ArrayLike, step: float) -> NDArray:
    """(7): variance after rounding to multiples of a step.

    Parameters
    ----------
    variance : float array
    step : float
        In the units of the standard deviation.

    Returns
    -------
    float64 array

    Raises
    ------
    ValueError
        If a variance or the step is negative.

    Examples
    --------
    >>> float(requantize(1.0, 6.0))
    4.0
    """
    _, variance = mean_and_variance(0.0, variance)
    return variance + check_real("step", step, minimum=0.0, maximum=LARGEST) ** 2 / 12


def signal_to_noise(signal_std: ArrayLike, error_std: ArrayLike) -> NDArray:
    """Layer SNR = signal variance / error variance; infinite without error.

    Inverse SNRs of independent errors that reach the same output add up: 1 / SNR = sum_l 1 / SNR_l.

    Parameters
    ----------
    signal_std, error_std : float arrays
        Of a layer's outputs and of their error, in the same units.

    Returns
    -------
    float64 array

    Raises
    ------
    ValueError
        If something is not finite.

    Examples
    --------
    >>> float(signal_to_noise(4.0, 2.0)), float(signal_to_noise(4.0, 0.0))
    (4.0, inf)
    """
    signal_std, error_std = np.broadcast_arrays(check_finite("signal_std", signal_std, dtype=np.float64),
                                                check_finite("error_std", error_std, dtype=np.float64))
    with np.errstate(over="ignore"):      # as good as infinite
        return np.divide(signal_std, error_std, out=np.full(error_std.shape, np.inf), where=error_std != 0)[()] ** 2


def combined_signal_to_noise(ratios: ArrayLike) -> float:
    """SNR of an output that several independent errors reach, from the SNR of each error alone.

    Parameters
    ----------
    ratios : float array
        One SNR an error, infinite where there is no error.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a ratio is negative or nan.

    Examples
    --------
    >>> combined_signal_to_noise([4.0, 4.0, np.inf])
    2.0
    """
    ratios = check_array("ratios", ratios, dtype=np.float64)
    if not (ratios >= 0).all():
        raise ValueError("ratios must not be negative or nan.")
    inverse = np.divide(1.0, ratios, out=np.full(ratios.shape, np.inf), where=ratios != 0).sum()
    return float(np.inf if inverse == 0 else 1 / inverse)


def top1_flip_probability(logits: ArrayLike, covariance: ArrayLike,
                          mean_error: ArrayLike = 0.0) -> tuple[float, float]:
    """(8): how likely Gaussian errors of the logits change the winner.

    Parameters
    ----------
    logits : float array, shape (classes,)
        Exact ones; ties go to the first, before and after the errors.
    covariance : float array, shape (classes, classes)
        Of the errors.
    mean_error : float or array, shape (classes,), optional
        Mean of exact - approximate.

    Returns
    -------
    lower, upper : float
        The largest probability of a single rival to overtake, and the sum over rivals, at most 1. Both are exact
        for two classes.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Examples
    --------
    >>> top1_flip_probability([1.0, 1.0, 0.0], np.zeros((3, 3)))      # a tie, and no error: the first stays first
    (0.0, 0.0)
    """
    from scipy.special import ndtr
    logits, covariance, mean_error = (check_finite(name, array, dtype=np.float64) for name, array in
                                      (("logits", logits), ("covariance", covariance), ("mean_error", mean_error)))
    if logits.ndim != 1 or len(logits) < 2 or covariance.shape != (len(logits),) * 2:
        raise ValueError(f"logits must have shape (classes,) with at least 2 classes and covariance "
                         f"(classes, classes), got {logits.shape} and {covariance.shape}.")
    if mean_error.shape not in ((), logits.shape):
        raise ValueError(f"mean_error must be one number or have shape {logits.shape}, got {mean_error.shape}.")
    winner = int(np.argmax(logits))
    shifted = logits - mean_error
    margin = shifted[winner] - shifted
    std = np.sqrt(np.maximum(covariance[winner, winner] + np.diagonal(covariance) - 2 * covariance[winner], 0))
    certain = (margin < 0) | ((margin == 0) & (np.arange(len(logits)) < winner))      # what happens without spread
    flips = np.delete(np.where(std > 0, ndtr(-standardized(margin, std)), certain), winner)
    return float(flips.max()), float(min(flips.sum(), 1.0))


def normal_density(z):
    """phi(z)."""
    return np.exp(-0.5 * np.square(z)) / np.sqrt(2 * np.pi)


def standardized(mean, std):
    """mean / std, and +-infinity of the sign of the mean where std is 0 (a mean of 0 stays 0)."""
    mean, std = np.broadcast_arrays(mean, std)
    certain = np.where(mean == 0, 0.0, np.copysign(np.inf, mean))
    return np.divide(mean, std, out=certain, where=std != 0)


def mean_and_variance(mean, variance, suffix=""):
    """Both as float64 of one shape; a negative variance is refused. `suffix` ends their names in messages."""
    given = {f"mean{suffix}": mean, f"variance{suffix}": variance}
    for name, array in given.items():
        given[name] = check_finite(name, array, dtype=np.float64)
        if (largest := largest_magnitude(given[name])) > LARGEST:
            raise ValueError(f"{name} must be at most {LARGEST:g} in size, got {largest:g}.")
    check_broadcast(**given)
    mean, variance = np.broadcast_arrays(*given.values())
    if variance.size and variance.min() < 0:
        raise ValueError(f"variance{suffix} must not be negative, got {variance.min()}.")
    return mean, variance


def mean_and_covariance(mean, covariance):
    """Both as float64, of shapes (k,) and (k, k), k at least 1."""
    mean = check_finite("mean", mean, dtype=np.float64)
    covariance = check_finite("covariance", covariance, dtype=np.float64)
    if mean.ndim != 1 or not len(mean) or covariance.shape != (len(mean),) * 2:
        raise ValueError(f"mean and covariance must have shapes (k,) and (k, k), k at least 1, got {mean.shape} and "
                         f"{covariance.shape}.")
    return mean, covariance


doors(__name__)
