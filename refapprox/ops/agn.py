"""Additive Gaussian noise, scaled by the spread of what it disturbs.

    y = x + sigma * std(x) * eps,      eps ~ N(0, 1) elementwise

`std` is taken over the whole tensor with ddof=1. `sigma` is a scalar parameter: the noise level that a layer
tolerates is learned together with its weights.

Vector-Jacobian product, eps held fixed, s = std(x), N = x.size, xbar = mean(x):

    dsigma = s * sum(dy * eps)                                                   (1)
    dx     = dy + sigma * sum(dy * eps) * (x - xbar) / ((N - 1) * s)             (2)

(2) without its second term is the *detached* reading, in which s counts as a constant. A constant x has s = 0: no
noise is added, and the second term is taken as 0 (std has no gradient there).

References
----------
E. Trommer, B. Waschneck, A. Kumar, "Combining Gradients and Probabilities for Heterogeneous Approximation of Neural
Networks", ICCAD 2022, arXiv:2208.07265.
"""
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from refapprox.ops.patches import from_batch_last
from refapprox.validation import check_numbers, check_real, check_rng

__all__ = ["Cache", "backward", "draw", "forward"]


def draw(shape: tuple, rng: np.random.Generator, dtype: DTypeLike = np.float64) -> NDArray:
    """A standard-normal draw for `forward`.

    Parameters
    ----------
    shape : tuple of int
    rng : numpy.random.Generator
    dtype : float32 or float64, optional

    Returns
    -------
    ndarray of `shape`
        Images (n, c, h, w) in batch-last memory, as convolutions return them.

    Raises
    ------
    TypeError
        If rng is no Generator.

    Examples
    --------
    >>> draw((2, 3), np.random.default_rng(0)).shape
    (2, 3)
    """
    check_rng(rng)
    if len(shape) != 4:
        return rng.standard_normal(shape, dtype)
    n, *rest = shape
    return from_batch_last(rng.standard_normal((*rest, n), dtype))


@dataclass(frozen=True)
class Cache:
    """What `backward` needs: x - xbar, its spread, the draw, and the reading of std(x)."""

    centered: np.ndarray
    spread: float
    eps: np.ndarray
    sigma: float
    detach_std: bool


def forward(x: ArrayLike, sigma: float, *, eps: ArrayLike, detach_std: bool = False) -> tuple[NDArray, Cache]:
    """Disturb `x` with noise of relative level `sigma`.

    Parameters
    ----------
    x : array, any shape, at least 2 elements
        Integers count as float64.
    sigma : float
        Noise std relative to std(x), dimensionless; its sign is irrelevant to the law of y.
    eps : array, shape of x
        The standard-normal draw, made by the caller: the same draw gives the same y.
    detach_std : bool, optional
        Treat std(x) as a constant in `backward`.

    Returns
    -------
    y : ndarray, shape and floating dtype of x
    cache : Cache

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If x has fewer than 2 elements, eps has another shape, or sigma is not finite.

    Examples
    --------
    >>> y, _ = forward([0.0, 2.0], 0.5, eps=[1.0, -1.0])
    >>> np.allclose(y, [np.sqrt(2) / 2, 2 - np.sqrt(2) / 2])
    True
    """
    x, eps = check_numbers("x of agn", x, floating=True), check_numbers("eps of agn", eps, floating=True)
    sigma = check_real("sigma of agn", sigma)
    if x.size < 2:
        raise ValueError(f"x of agn needs at least 2 elements to have a spread, got shape {x.shape}.")
    if eps.shape != x.shape:
        raise ValueError(f"eps of agn must have the shape of x {x.shape}, got {eps.shape}.")
    centered = x - x.mean()
    spread = math.sqrt(inner(centered, centered) / (x.size - 1))
    level = x.dtype.type(sigma) * x.dtype.type(spread)
    y = (level * eps).astype(x.dtype, copy=False)
    y += x
    return y, Cache(centered, spread, eps, sigma, detach_std)


def backward(dy: ArrayLike, cache: Cache) -> tuple[NDArray, float]:
    """Gradients for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape of y
    cache : Cache
        What `forward` returned.

    Returns
    -------
    dx : ndarray, shape of y
    dsigma : float

    Raises
    ------
    TypeError
        If dy does not hold real numbers.

    Examples
    --------
    >>> dx, dsigma = backward([1.0, 0.0], forward([0.0, 2.0], 0.0, eps=[1.0, -1.0])[1])
    >>> dx.tolist(), round(dsigma, 6)
    ([1.0, 0.0], 1.414214)
    """
    dy = check_numbers("dy of agn", dy, floating=True)
    along_noise = inner(dy, cache.eps)
    dsigma = cache.spread * along_noise                                           # (1)
    if cache.detach_std or cache.spread == 0:
        return dy, dsigma
    dx = cache.centered * (cache.sigma * along_noise / ((dy.size - 1) * cache.spread))
    dx += dy
    return dx, dsigma                                                             # (2)


def inner(a, b):
    """sum(a * b) without a temporary of their size; the first axis is summed first, so that rounding stays small."""
    return float(np.einsum("n...,n...->...", a, b).sum())
