"""Additive Gaussian noise, scaled by the spread of what it disturbs.

    y = x + sigma * std(x) * eps,      eps ~ N(0, 1) elementwise

`std` is taken over the whole tensor with ddof=1. `sigma` is a scalar parameter: the noise level that a layer
tolerates is learned together with its weights.

Vector-Jacobian product, eps held fixed, s = std(x), N = x.size, xbar = mean(x):

    dsigma = s * sum(dy * eps)                                                   (1)
    dx     = dy + sigma * sum(dy * eps) * (x - xbar) / ((N - 1) * s)             (2)

(2) without its second term is the *detached* reading, in which s counts as a constant. A constant x has s = 0: no
noise is added, and the second term is taken as 0 (std has no gradient there).

The draw in float32, for u and v uniform in (0, 1), is Box's and Muller's:

    sqrt(-2 log u) cos(2 pi v),  sqrt(-2 log u) sin(2 pi v)                      (3)

References
----------
E. Trommer, B. Waschneck, A. Kumar, "Combining Gradients and Probabilities for Heterogeneous Approximation of Neural
Networks", ICCAD 2022, arXiv:2208.07265. G. E. P. Box, M. E. Muller, "A Note on the Generation of Random Normal
Deviates", Ann. Math. Stat. 29 (1958) 610: (3).
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from refapprox._lazy import doors
from refapprox.ops.bands import channel_sums, dots, elementwise, from_rows, moments, rows_of
from refapprox.ops.threads import Scratch, bounded, each
from refapprox.validation import check_numbers, check_real, check_rng, check_sizes

__all__ = ["backward", "draw", "forward"]

DRAWN = 1 << 17      # pairs of normals at once


def draw(shape: tuple, rng: np.random.Generator, dtype: DTypeLike = np.float64, *, workers: int = 1
         ) -> NDArray:
    """A standard-normal draw for `forward`.

    Parameters
    ----------
    shape : tuple of int
    rng : numpy.random.Generator
    dtype : float32 or float64, optional
    workers : int, optional
        Threads over bands, at most one a core; no bit depends on it.

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
    shape = check_sizes("shape", shape)
    if np.dtype(dtype) != np.float32:
        rows = rng.standard_normal(math.prod(shape), dtype)
    else:
        rows = box_muller(math.prod(shape), rng, workers)
    if len(shape) != 4:
        return rows.reshape(shape)
    n, c, h, w = shape
    return from_rows(rows.reshape(h * w, c * n), shape)


def box_muller(count, rng, workers=1):
    """`count` standard normals in float32: radius and angle of pairs, each from 32 random bits, (3).

    A third of the time of the generator's own method, for logarithm, root, sine and cosine are vectors' work. The
    largest radius, from the bits 0, is sqrt(66 log 2) = 6.76.
    """
    pairs = -(-count // 2)
    normals, bits_of = np.empty(2 * pairs, np.float32), random_bits(rng, pairs)
    scratches = [Scratch() for _ in range(bounded(workers))]

    def work(start, worker):
        size = min(DRAWN, pairs - start)
        bits = bits_of(start, size).view(np.uint32)
        radius, angle = (scratches[worker].array(name, (size,), np.float32) for name in ("radius", "angle"))
        np.copyto(radius, bits[:size])
        radius += np.float32(0.5)
        radius *= np.float32(2.0 ** -32)
        np.log(radius, out=radius)
        radius *= np.float32(-2)
        np.sqrt(radius, out=radius)
        np.copyto(angle, bits[size:].view(np.int32))      # a turn less for half of them; faster than without sign
        angle *= np.float32(2 * np.pi * 2.0 ** -32)
        cosines, sines = normals[2 * start:2 * start + size], normals[2 * start + size:2 * (start + size)]
        np.multiply(radius, np.cos(angle, out=cosines), out=cosines)                               # (3)
        np.multiply(radius, np.sin(angle, out=sines), out=sines)

    each(work, range(0, pairs, DRAWN), workers)
    return normals[:count]


def random_bits(rng, count):
    """``bits(start, size)``: that part of the next `count` draws of 64 bits, which `rng` has made when this returns.

    The usual generator can be copied and advanced, so that workers draw their parts at once; others draw all here.
    """
    source = rng.bit_generator
    if type(source) is not np.random.PCG64:
        drawn = rng.integers(0, 1 << 64, count, np.uint64)
        return lambda start, size: drawn[start:start + size]
    state = source.state

    def ahead(start):
        copied = np.random.PCG64(0)
        copied.state = state
        return copied.advance(start)

    source.state = ahead(count).state | {key: state[key] for key in ("has_uint32", "uinteger")}
    return lambda start, size: ahead(start).random_raw(size)


@dataclass(frozen=True)
class Cache:
    """What `backward` needs: x, its mean and spread, the draw, and the reading of std(x)."""

    x: np.ndarray
    mean: float
    spread: float
    eps: np.ndarray
    sigma: float
    detach_std: bool


def forward(x: ArrayLike, sigma: float, *, eps: ArrayLike, detach_std: bool = False,
            workers: int = 1) -> tuple[NDArray, Cache]:
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
    workers : int, optional
        Threads over bands, at most one a core; no bit depends on it.

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
    rows = rows_of(x)
    with np.errstate(invalid="ignore"):      # inf - inf: said below
        (mean,), (var,) = moments(rows, one_channel(rows), workers)
    spread = math.sqrt(float(var) * (x.size / (x.size - 1)))
    if not math.isfinite(spread):
        raise ValueError("x of agn must have a finite standard deviation.")
    level = x.dtype.type(sigma) * x.dtype.type(spread)

    def disturb(x, eps, out):
        with np.errstate(invalid="raise"):      # inf * 0, said below
            np.multiply(eps, level, out=out, casting="same_kind")
        out += x

    try:
        y = elementwise(disturb, x, eps, dtype=x.dtype, workers=workers)
    except FloatingPointError:
        raise ValueError("eps of agn must be finite.") from None
    return y, Cache(x, mean, spread, eps, sigma, detach_std)


def backward(dy: ArrayLike, cache: Cache, *, workers: int = 1) -> tuple[NDArray, float]:
    """Gradients for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape of y
    cache : Cache
        What `forward` returned.
    workers : int, optional
        As of `forward`.

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
    dy = check_numbers("dy of agn", dy, floating=True, shape=cache.eps.shape)
    d, noise = rows_of(dy), rows_of(cache.eps)
    along_noise = channel_sums(lambda d, noise: (dots(d, noise),), d, noise, shape=one_channel(d),
                                     workers=workers).item()
    dsigma = cache.spread * along_noise                                           # (1)
    if cache.detach_std or cache.spread == 0:
        return dy, dsigma
    slope = dy.dtype.type(cache.sigma * along_noise / ((dy.size - 1) * cache.spread))

    def through_std(dy, x, out):
        np.subtract(x, cache.mean, out=out, casting="same_kind")
        out *= slope
        out += dy

    return elementwise(through_std, dy, cache.x, dtype=dy.dtype, workers=workers), dsigma      # (2)


def one_channel(rows):
    """The shape of one channel that `rows_of` makes the matrix `rows` of."""
    return rows.shape[1], 1, rows.shape[0], 1


doors(__name__)
