"""Mean of each window.

    y[n, c, p, q] = 1/(kh*kw) * sum over taps (i, j) of xpad[n, c, p*sh + i, q*sw + j]         (1)

Padded positions hold 0 and count, PyTorch's default; TensorFlow leaves them out of the mean. Vector-Jacobian product:

    dx[n, c, p*sh + i, q*sw + j] += dy[n, c, p, q] / (kh*kw)                                   (2)
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
    """Average images over windows.

    Parameters
    ----------
    x : array, shape (n, c, h, w)
    kernel : int or (vertical, horizontal)
        A kernel of the size of the image is global average pooling.
    stride : int or (vertical, horizontal), optional
        The kernel unless given.
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)) or "same", optional

    Returns
    -------
    y : ndarray, shape (n, c, oh, ow)
    cache : tuple

    Raises
    ------
    TypeError
        If x does not hold real numbers.
    ValueError
        If x has other than four axes, or the kernel does not fit the padded image.

    Examples
    --------
    >>> forward(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0][0, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    x = check_numbers("x of avg_pool2d", x)
    check_images("x of avg_pool2d", x)
    window = geometry("avg_pool2d", kernel, kernel if stride is None else stride, padding).on(*x.shape[2:])
    oh, ow = window.output_size(*x.shape[2:])
    padded = window.pad(to_batch_last(x), 0)
    y = sum(window.tap(padded, i, j, oh, ow) for i, j in np.ndindex(window.kernel))
    y = from_batch_last(y / math.prod(window.kernel))                                          # (1)
    return y, (y.shape, padded.shape[1:3], window)


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
    >>> backward([[[[8.0]]]], forward(np.zeros((1, 1, 2, 2)), 2)[1]).tolist()
    [[[[2.0, 2.0], [2.0, 2.0]]]]
    """
    shape, padded_size, window = cache
    dy = check_numbers("dy of avg_pool2d", dy, floating=True, shape=shape)
    share = to_batch_last(dy) / math.prod(window.kernel)
    dpadded = np.zeros_like(share, shape=(share.shape[0], *padded_size, share.shape[3]))
    for i, j in np.ndindex(window.kernel):
        window.tap(dpadded, i, j, *dy.shape[2:])[...] += share                                 # (2)
    return from_batch_last(window.crop(dpadded))


doors(__name__)
