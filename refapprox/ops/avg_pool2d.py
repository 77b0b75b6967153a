"""Mean of each window.

    y[n, c, p, q] = 1/(kh*kw) * sum over taps (i, j) of xpad[n, c, p*sh + i, q*sw + j]         (1)

Padded positions hold 0 and count, PyTorch's default. Vector-Jacobian product:

    dx[n, c, p*sh + i, q*sw + j] += dy[n, c, p, q] / (kh*kw)                                   (2)
"""
import math

import numpy as np

from refapprox.ops.patches import check_images, from_batch_last, geometry, to_batch_last


def forward(x, kernel, stride=None, padding=0):
    """Average images `x` (n, c, h, w) over windows.

    Parameters
    ----------
    x : float array, shape (n, c, h, w)
    kernel, stride, padding : int or (vertical, horizontal)
        The stride is the kernel unless given. A kernel of the size of the image is global average pooling.

    Returns
    -------
    y : ndarray, shape (n, c, oh, ow)
    cache : tuple

    Examples
    --------
    >>> forward(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0][0, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    check_images("x of avg_pool2d", x)
    window = geometry("avg_pool2d", kernel, kernel if stride is None else stride, padding)
    oh, ow = window.output_size(*x.shape[2:])
    padded = window.pad(to_batch_last(x), 0)
    y = sum(window.tap(padded, i, j, oh, ow) for i, j in np.ndindex(window.kernel))
    return from_batch_last(y / math.prod(window.kernel)), (padded.shape, window)               # (1)


def backward(dy, cache):
    """Gradient dx for the cotangent `dy` (n, c, oh, ow)."""
    padded_shape, window = cache
    share = to_batch_last(dy) / math.prod(window.kernel)
    dpadded = np.zeros(padded_shape, dy.dtype)
    for i, j in np.ndindex(window.kernel):
        window.tap(dpadded, i, j, *dy.shape[2:])[...] += share                                 # (2)
    return from_batch_last(window.crop(dpadded))
