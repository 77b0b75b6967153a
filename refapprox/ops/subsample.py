"""Shortcut of a residual block that shrinks the image and widens it, without parameters.

    y[n, c + before, p, q] = x[n, c, p*s, q*s],   0 in the channels before and after    (1)
    dx[n, c, p*s, q*s] = dy[n, c + before, p, q],   0 elsewhere                         (2)

with before = (c_out - c_in) // 2.

Reference: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
arXiv:1512.03385, option A of section 3.3.
"""
import numpy as np

from refapprox.ops.patches import check_images, from_batch_last
from refapprox.validation import check_integer


def forward(x, channels, stride=1):
    """Every `stride`-th pixel of `x`, zeros around its channels.

    Parameters
    ----------
    x : float array, shape (n, c, h, w)
    channels : int
        Of the result, at least c.
    stride : int, optional

    Returns
    -------
    y : ndarray, shape (n, channels, ceil(h / stride), ceil(w / stride))
    cache : tuple

    Examples
    --------
    >>> forward(np.arange(1.0, 10.0).reshape(1, 1, 3, 3), 2, 2)[0].tolist()
    [[[[1.0, 3.0], [7.0, 9.0]], [[0.0, 0.0], [0.0, 0.0]]]]
    """
    check_images("x of subsample", x)
    check_integer("channels of subsample", channels, minimum=x.shape[1])
    check_integer("stride of subsample", stride, minimum=1)
    kept = x[:, :, ::stride, ::stride]
    before = (channels - x.shape[1]) // 2
    y = from_batch_last(np.zeros((channels, *kept.shape[2:], len(x)), x.dtype))
    y[:, before:before + x.shape[1]] = kept                                            # (1)
    return y, (x.shape, before, stride)


def backward(dy, cache):
    """Gradient dx for the cotangent `dy`, which has the shape of y."""
    (n, c, h, w), before, stride = cache
    dx = from_batch_last(np.zeros((c, h, w, n), dy.dtype))
    dx[:, :, ::stride, ::stride] = dy[:, before:before + c]                            # (2)
    return dx
