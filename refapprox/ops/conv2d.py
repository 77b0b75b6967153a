"""Two-dimensional convolution (cross-correlation, as in every deep-learning tool), without bias.

    y[n, o, p, q] = sum_{c, i, j} w[o, c, i, j] * xpad[n, g*C + c, p*sh + i*dh, q*sw + j*dw]          (1)

with C = channels/groups and g = o // (m/groups) the group of output o. As matrices, X the columns of patches and
W the weight of one group with a row per output:

    Y = W X                                                                                            (2)

Vector-Jacobian product, for the cotangent D of Y, and the adjoint P* of taking patches:

    dW = D X^T                                                                                         (3)
    dx = P*(W^T D), cropped to the image: the padding is a constant                                    (4)

X is kh*kw times as large as x, so it is never held whole: a band of rows of outputs at a time is taken, multiplied
while it is in cache, and forgotten; `backward` takes it again.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.ops.patches import Geometry, check_images, even_slices, from_batch_last, geometry, to_batch_last
from refapprox.validation import check_integer, check_numbers, check_real

__all__ = ["Cache", "backward", "forward", "prepare"]

BAND_BYTES = 8 << 20      # of a band of X: in smaller ones the threads of BLAS wait for each other too often


@dataclass(frozen=True)
class Cache:
    """What `backward` needs: the padded input (c, h, w, n), the weight and the geometry."""

    padded: np.ndarray
    w: np.ndarray
    window: Geometry
    groups: int


def forward(x: ArrayLike, w: ArrayLike, *, stride: int | tuple = 1, padding: int | tuple | str = 0,
            dilation: int | tuple = 1, groups: int = 1, pad_value: float = 0.0) -> tuple[NDArray, Cache]:
    """Convolve images `x` with kernels `w`.

    Parameters
    ----------
    x : array, shape (n, c, h, w)
    w : array, shape (m, c/groups, kh, kw)
    stride, dilation : int or (vertical, horizontal), optional
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)) or "same", optional
        "same" is TensorFlow's rule, see `patches`.
    groups : int, optional
        Channels and outputs are cut into this many independent convolutions; groups = c is the depthwise one.
    pad_value : float, optional
        What a padded position holds.

    Returns
    -------
    y : ndarray, shape (n, m, oh, ow), batch-last in memory
        int64 for integers, else floating.
    cache : Cache

    Raises
    ------
    TypeError
        If x or w do not hold real numbers, or a number of the geometry is no integer.
    ValueError
        If the shapes do not match, or the kernel does not fit the padded image.

    Examples
    --------
    >>> y, _ = forward(np.arange(9.0).reshape(1, 1, 3, 3), [[[[1.0, 0.0], [0.0, 10.0]]]])
    >>> y[0, 0].tolist()
    [[40.0, 51.0], [73.0, 84.0]]
    """
    cache = prepare(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups, pad_value=pad_value)
    return product(cache), cache


def prepare(x: ArrayLike, w: ArrayLike, *, stride: int | tuple = 1, padding: int | tuple | str = 0,
            dilation: int | tuple = 1, groups: int = 1, pad_value: float = 0.0) -> Cache:
    """The Cache of `forward` without its product, for those who form the product in another way.

    Parameters
    ----------
    x, w, stride, padding, dilation, groups, pad_value
        As of `forward`.

    Returns
    -------
    Cache

    Raises
    ------
    TypeError, ValueError
        As of `forward`.

    Examples
    --------
    >>> prepare(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)), padding=1).padded.shape
    (1, 4, 4, 1)
    """
    x, w = check_numbers("x of conv2d", x), check_numbers("w of conv2d", w)
    check_images("x of conv2d", x)
    groups = check_integer("groups of conv2d", groups, minimum=1)
    if w.ndim != 4 or x.shape[1] != groups * w.shape[1] or w.shape[0] % groups:
        raise ValueError(f"w of conv2d must have shape (m, c/groups, kh, kw) with m a multiple of groups, "
                         f"got {w.shape} for x {x.shape} and groups {groups}.")
    pad_value = check_real("pad_value of conv2d", pad_value)
    if x.dtype.kind == "i" and not pad_value.is_integer():
        x = x.astype(np.float64)
    return padded_operands(x, w, geometry("conv2d", w.shape[2:], stride, padding, dilation), groups, pad_value)


def padded_operands(x, w, window, groups, pad_value=0.0):
    """`prepare` of operands that are known to match, with their Geometry."""
    window = window.on(*x.shape[2:])
    return Cache(window.pad(to_batch_last(x), pad_value), w, window, groups)


def product(cache):
    """y of a Cache."""
    maps, w, window, groups = cache.padded, cache.w, cache.window, cache.groups
    oh, ow = window.output_size(*window.crop(maps).shape[1:3])
    n, kernels = maps.shape[3], per_group(w, groups)
    y = np.empty((*kernels.shape[:2], oh * ow * n), np.result_type(maps, w))
    for rows, outputs in bands(cache, oh, ow):
        np.matmul(kernels, columns(maps, window, groups, rows), out=y[..., outputs])                      # (2)
    return from_batch_last(y.reshape(w.shape[0], oh, ow, n))


def backward(dy: ArrayLike, cache: Cache, *, need_dx: bool = True) -> tuple[NDArray | None, NDArray]:
    """Gradients for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape (n, m, oh, ow)
    cache : Cache
        What `forward` or `prepare` returned.
    need_dx : bool, optional

    Returns
    -------
    dx : ndarray, shape (n, c, h, w); None unless `need_dx`
    dw : ndarray, shape of w

    Raises
    ------
    TypeError
        If dy does not hold real numbers.

    Examples
    --------
    >>> dx, dw = backward([[[[2.0]]]], prepare([[[[3.0]]]], [[[[5.0]]]]))
    >>> dx.tolist(), dw.tolist()
    ([[[[10.0]]]], [[[[6.0]]]])
    """
    padded, window, groups = cache.padded, cache.window, cache.groups
    dy = check_numbers("dy of conv2d", dy)
    kernels, d = per_group(cache.w, groups), per_group(to_batch_last(dy), groups)
    dw = np.zeros(kernels.shape, np.result_type(d, padded))
    dpadded = np.zeros(padded.shape, np.result_type(d, kernels)) if need_dx else None
    for rows, outputs in bands(cache, *dy.shape[2:]):
        d_band = d[..., outputs]
        dw += d_band @ columns(padded, window, groups, rows).transpose(0, 2, 1)                           # (3)
        if need_dx:
            dcolumns = kernels.transpose(0, 2, 1) @ d_band
            shape = (len(padded), *window.kernel, rows.stop - rows.start, dy.shape[3], len(dy))
            window.add_patches(dpadded, dcolumns.reshape(shape).transpose(0, 3, 4, 1, 2, 5), rows)        # (4)
    dx = from_batch_last(window.crop(dpadded)) if need_dx else None
    return dx, dw.reshape(cache.w.shape)


def bands(cache, oh, ow):
    """Pairs of slices that cut the outputs into bands: rows of the map, and the columns of Y and X behind them.

    A band is not small beside the kernels, which every matrix product arranges anew.
    """
    column_bytes = cache.padded.itemsize * cache.groups * cache.w[0].size
    row_bytes = column_bytes * ow * cache.padded.shape[3]
    rows_at_once = max(1, max(BAND_BYTES, cache.w.nbytes) // max(1, row_bytes))
    for rows in even_slices(oh, -(-oh // rows_at_once)):
        yield rows, slice(*(row * ow * cache.padded.shape[3] for row in (rows.start, rows.stop)))


def per_group(outputs, groups):
    """`outputs` (m, ...) as matrices (groups, m/groups, ...), a row per output."""
    return outputs.reshape(groups, outputs.shape[0] // groups, -1)


def columns(padded, window, groups, rows=slice(None)):
    """X of (2) for every group and some rows of outputs: a line for (channel, kh, kw), columns (oh, ow, n); a copy."""
    patches = window.patches(padded)[:, rows].transpose(0, 3, 4, 1, 2, 5)
    c, kh, kw, oh, ow, n = patches.shape
    return patches.reshape(groups, c // groups * kh * kw, oh * ow * n)
