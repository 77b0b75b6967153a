"""Shortcut of a residual block that shrinks the image and widens it, without parameters.

    y[n, c + before, p, q] = x[n, c, p*s, q*s],   0 in the channels before and after    (1)
    dx[n, c, p*s, q*s] = dy[n, c + before, p, q],   0 elsewhere                         (2)

with before = (c_out - c_in) // 2.

References
----------
K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385,
option A of section 3.3.
"""
from __future__ import annotations

from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.ops.patches import LARGEST, check_images, empty_maps, from_batch_last
from refapprox.validation import check_integer, check_numbers

__all__ = ["backward", "forward"]


def forward(x: ArrayLike, channels: int, stride: int = 1) -> tuple[NDArray, tuple]:
    """Every `stride`-th pixel of `x`, zeros around its channels.

    Parameters
    ----------
    x : array, shape (n, c, h, w)
    channels : int
        Of the result, at least c.
    stride : int, optional

    Returns
    -------
    y : ndarray, shape (n, channels, ceil(h / stride), ceil(w / stride))
    cache : tuple

    Raises
    ------
    TypeError
        If x does not hold real numbers, or another argument is no integer.
    ValueError
        If x has other than four axes, channels are fewer than c, or stride is below 1.

    Examples
    --------
    >>> forward(np.arange(1.0, 10.0).reshape(1, 1, 3, 3), 2, 2)[0].tolist()
    [[[[1.0, 3.0], [7.0, 9.0]], [[0.0, 0.0], [0.0, 0.0]]]]
    """
    x = check_numbers("x of subsample", x)
    check_images("x of subsample", x)
    channels = check_integer("channels of subsample", channels, minimum=x.shape[1], maximum=LARGEST)
    stride = check_integer("stride of subsample", stride, minimum=1)
    kept = x[:, :, ::stride, ::stride]
    before = (channels - x.shape[1]) // 2
    y = from_batch_last(empty_maps(channels, *kept.shape[2:], len(x), x.dtype))
    y[...] = 0
    y[:, before:before + x.shape[1]] = kept                                            # (1)
    return y, (x.shape, y.shape, before, stride)


def backward(dy: ArrayLike, cache: tuple) -> NDArray:
    """Gradient for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape of y
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
    >>> backward([[[[5.0]]]], forward(np.ones((1, 1, 2, 2)), 1, 2)[1]).tolist()
    [[[[5.0, 0.0], [0.0, 0.0]]]]
    """
    (n, c, h, w), shape, before, stride = cache
    dy = check_numbers("dy of subsample", dy, shape=shape)
    dx = from_batch_last(empty_maps(c, h, w, n, dy.dtype))
    dx[...] = 0
    dx[:, :, ::stride, ::stride] = dy[:, before:before + c]                            # (2)
    return dx


doors(__name__)
