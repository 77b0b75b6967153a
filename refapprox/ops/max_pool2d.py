"""Largest value of each window.

    y[n, c, p, q] = max over taps (i, j) of xpad[n, c, p*sh + i, q*sw + j]             (1)

padded positions holding -infinity. Vector-Jacobian product: each dy goes to the tap that won; of equal values the
first one in reading order wins, as in PyTorch:

    dx[n, c, p*sh + i, q*sw + j] += dy[n, c, p, q]    where (i, j) is the first with x = y     (2)
"""
import numpy as np

from refapprox.ops.patches import check_images, from_batch_last, geometry, to_batch_last


def forward(x, kernel, stride=None, padding=0):
    """Pool images `x` (n, c, h, w).

    Parameters
    ----------
    x : float array, shape (n, c, h, w)
    kernel, stride, padding : int or (vertical, horizontal)
        The stride is the kernel unless given. Padding may be half the kernel at most: every window sees a pixel.

    Returns
    -------
    y : ndarray, shape (n, c, oh, ow)
    cache : tuple

    Examples
    --------
    >>> forward(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0][0, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """
    check_images("x of max_pool2d", x)
    window = geometry("max_pool2d", kernel, kernel if stride is None else stride, padding)
    if any(2 * p > k for p, k in zip(window.padding, window.kernel, strict=True)):
        raise ValueError(f"padding of max_pool2d must be at most half the kernel {window.kernel}, "
                         f"got {window.padding}.")
    oh, ow = window.output_size(*x.shape[2:])
    padded = window.pad(to_batch_last(x), -np.inf)
    first, *others = np.ndindex(window.kernel)
    y = window.tap(padded, *first, oh, ow).copy()
    for i, j in others:
        np.maximum(y, window.tap(padded, i, j, oh, ow), out=y)                         # (1)
    return from_batch_last(y), (padded, y, window)


def backward(dy, cache):
    """Gradient dx for the cotangent `dy` (n, c, oh, ow)."""
    padded, y, window = cache
    d = to_batch_last(dy)
    dpadded = np.zeros(padded.shape, d.dtype)
    unclaimed, part = np.ones(y.shape, bool), np.empty_like(d)
    for i, j in np.ndindex(window.kernel):
        won = window.tap(padded, i, j, *y.shape[1:3]) == y
        won &= unclaimed
        unclaimed ^= won
        np.multiply(d, won, out=part)
        window.tap(dpadded, i, j, *y.shape[1:3])[...] += part                          # (2)
    return from_batch_last(window.crop(dpadded))
