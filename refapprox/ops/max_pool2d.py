"""Largest value of each window.

    y[n, c, p, q] = max over taps (i, j) of xpad[n, c, p*sh + i, q*sw + j]             (1)

padded positions holding the least value that there is. Vector-Jacobian product: each dy goes to the tap that won; of
equal values the first one in reading order wins, as in PyTorch:

    dx[n, c, p*sh + i, q*sw + j] += dy[n, c, p, q]    where (i, j) is the first with x = y     (2)
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.ops.patches import check_images, from_batch_last, geometry, to_batch_last
from refapprox.validation import check_numbers

__all__ = ["backward", "forward"]


def forward(x: ArrayLike, kernel: int | tuple, stride: int | tuple | None = None,
            padding: int | tuple | str = 0) -> tuple[NDArray, tuple]:
    """Pool images.

    Parameters
    ----------
    x : array, shape (n, c, h, w)
    kernel : int or (vertical, horizontal)
    stride : int or (vertical, horizontal), optional
        The kernel unless given.
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)) or "same", optional
        Half the kernel at most on every side: every window sees a pixel.

    Returns
    -------
    y : ndarray, shape (n, c, oh, ow)
    cache : tuple

    Raises
    ------
    TypeError
        If x does not hold real numbers.
    ValueError
        If x has other than four axes, the padding is too wide, or the kernel does not fit the padded image.

    Examples
    --------
    >>> forward(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0][0, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """
    x = check_numbers("x of max_pool2d", x)
    check_images("x of max_pool2d", x)
    window = geometry("max_pool2d", kernel, kernel if stride is None else stride, padding).on(*x.shape[2:])
    if any(2 * max(sides) > k for sides, k in zip(window.padding, window.kernel, strict=True)):
        raise ValueError(f"padding of max_pool2d must be at most half the kernel {window.kernel}, "
                         f"got {window.padding}.")
    oh, ow = window.output_size(*x.shape[2:])
    padded = window.pad(to_batch_last(x), -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min)
    first, *others = np.ndindex(window.kernel)
    y = window.tap(padded, *first, oh, ow).copy("K")
    for i, j in others:
        np.maximum(y, window.tap(padded, i, j, oh, ow), out=y)                         # (1)
    return from_batch_last(y), (padded, y, window)


def backward(dy: ArrayLike, cache: tuple) -> NDArray:
    """Gradient for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape (n, c, oh, ow)
    cache : tuple
        What `forward` returned.

    Returns
    -------
    dx : ndarray, shape (n, c, h, w)

    Raises
    ------
    TypeError
        If dy does not hold real numbers.

    Examples
    --------
    >>> backward([[[[8.0]]]], forward([[[[1.0, 3.0], [2.0, 3.0]]]], 2)[1]).tolist()
    [[[[0.0, 8.0], [0.0, 0.0]]]]
    """
    padded, y, window = cache
    d = to_batch_last(check_numbers("dy of max_pool2d", dy, shape=from_batch_last(y).shape))
    unclaimed, part, apart = np.ones_like(y, bool), np.empty_like(d), window.stride == window.kernel
    dpadded = (np.empty_like if apart and padded.size == y.size * math.prod(window.kernel) else np.zeros_like)(
        padded, d.dtype)
    for i, j in np.ndindex(window.kernel):
        won = window.tap(padded, i, j, *y.shape[1:3]) == y
        won &= unclaimed
        unclaimed ^= won
        np.copyto(part, won)      # NumPy takes twice as long to multiply with a bool
        target = window.tap(dpadded, i, j, *y.shape[1:3])
        np.multiply(d, part, out=target if apart else part)
        if not apart:
            target += part                                                             # (2)
    return from_batch_last(window.crop(dpadded))


doors(__name__)
