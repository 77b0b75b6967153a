"""Additive Gaussian noise, scaled by the spread of what it disturbs.

    y = x + sigma * std(x) * eps,      eps ~ N(0, 1) elementwise

`std` is taken over the whole tensor with ddof=1.  `sigma` is a scalar parameter: the noise
level that a layer stands is learned together with its weights.

Vector-Jacobian product, eps held fixed, s = std(x), N = x.size, xbar = mean(x):

    dsigma = s * sum(dy * eps)                                                   (1)
    dx     = dy + sigma * sum(dy * eps) * (x - xbar) / ((N - 1) * s)             (2)

(2) without its second term is the *detached* reading, in which s counts as a constant.  A constant
x has s = 0: no noise is added, and the second term is taken as 0 (std has no gradient there).

References
----------
E. Trommer, B. Waschneck, A. Kumar, "Combining Gradients and Probabilities for Heterogeneous
Approximation of Neural Networks", ICCAD 2022, arXiv:2208.07265.
"""
import math
from dataclasses import dataclass

import numpy as np

from refapprox.ops.patches import from_batch_last


def draw(shape, rng, dtype=np.float64):
    """A standard-normal draw for `forward`; images (n, c, h, w) in batch-last memory, as convolutions return them."""
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


def forward(x, sigma, *, eps, detach_std=False):
    """Disturb `x` with noise of relative level `sigma`.

    Parameters
    ----------
    x : ndarray, any shape, at least 2 elements, float
    sigma : float
        Noise std relative to std(x), dimensionless; its sign is irrelevant to the law of y.
    eps : ndarray, shape of x
        The standard-normal draw, made by the caller: the same draw gives the same y.
    detach_std : bool, optional
        Treat std(x) as a constant in `backward`.

    Returns
    -------
    y : ndarray, shape and dtype of x
    cache : Cache

    Raises
    ------
    ValueError
        If x has fewer than 2 elements, or eps has another shape.

    Examples
    --------
    >>> y, _ = forward(np.array([0.0, 2.0]), 0.5, eps=np.array([1.0, -1.0]))
    >>> np.allclose(y, [np.sqrt(2) / 2, 2 - np.sqrt(2) / 2])
    True
    """
    if x.size < 2:
        raise ValueError(f"x of agn needs at least 2 elements to have a spread, got shape {x.shape}.")
    if eps.shape != x.shape:
        raise ValueError(f"eps of agn must have the shape of x {x.shape}, got {eps.shape}.")
    centered = x - x.mean()
    spread = math.sqrt(inner(centered, centered) / (x.size - 1))
    y = (sigma * spread * eps).astype(x.dtype, copy=False)
    y += x
    return y, Cache(centered, spread, eps, float(sigma), detach_std)


def backward(dy, cache):
    """Gradients (dx, dsigma) for the cotangent `dy`, which has the shape of y."""
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
