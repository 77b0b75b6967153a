"""Two-dimensional convolution (cross-correlation, as in every deep-learning tool), without bias.

    y[n, o, p, q] = sum_{c, i, j} w[o, c, i, j] * xpad[n, g*C + c, p*sh + i*dh, q*sw + j*dw]          (1)

with C = channels/groups and g = o // (m/groups) the group of output o. As matrices, X the columns of patches and
W the weight of one group with a row an output:

    Y = W X                                                                                            (2)

Vector-Jacobian product, for the cotangent D of Y, and the adjoint P* of taking patches:

    dW = D X^T                                                                                         (3)
    dx = P*(W^T D), cropped to the image: the padding is a constant                                    (4)

X is kh*kw times as large as x, so it is never held whole: a band of rows of outputs at a time is taken, multiplied
while it is in cache, and forgotten; `backward` takes it again.
"""
from dataclasses import dataclass

import numpy as np

from refapprox.ops.patches import Geometry, check_images, even_slices, from_batch_last, geometry, to_batch_last
from refapprox.validation import check_integer

BAND_BYTES = 8 << 20      # of a band of X: in smaller ones the threads of BLAS wait for each other too often


@dataclass(frozen=True)
class Cache:
    """What `backward` needs: the padded input (c, h, w, n), the weight and the geometry."""

    padded: np.ndarray
    w: np.ndarray
    window: Geometry
    groups: int


def forward(x, w, *, stride=1, padding=0, dilation=1, groups=1, pad_value=0.0):
    """Convolve images `x` with kernels `w`.

    Parameters
    ----------
    x : ndarray, shape (n, c, h, w)
    w : ndarray, shape (m, c/groups, kh, kw)
    stride, padding, dilation : int or (vertical, horizontal), optional
    groups : int, optional
        Channels and outputs are cut into this many independent convolutions; groups = c is the depthwise one.
    pad_value : float, optional
        What a padded position holds.

    Returns
    -------
    y : ndarray, shape (n, m, oh, ow), batch-last in memory
    cache : Cache

    Raises
    ------
    ValueError
        If the shapes do not match, or the kernel does not fit the padded image.

    Examples
    --------
    >>> y, _ = forward(np.arange(9.0).reshape(1, 1, 3, 3), np.array([[[[1.0, 0.0], [0.0, 10.0]]]]))
    >>> y[0, 0].tolist()
    [[40.0, 51.0], [73.0, 84.0]]
    """
    cache = prepare(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups, pad_value=pad_value)
    oh, ow = cache.window.output_size(*x.shape[2:])
    kernels = per_group(w, groups)
    y = np.empty((*kernels.shape[:2], oh * ow * len(x)), np.result_type(x, w))
    for rows, outputs in bands(cache, oh, ow):
        np.matmul(kernels, columns(cache.padded, cache.window, groups, rows), out=y[..., outputs])        # (2)
    return from_batch_last(y.reshape(w.shape[0], oh, ow, len(x))), cache


def prepare(x, w, *, stride=1, padding=0, dilation=1, groups=1, pad_value=0.0):
    """The Cache of `forward` without its product, for those who form the product in another way."""
    window = check_operands(x, w, stride, padding, dilation, groups)
    return Cache(window.pad(to_batch_last(x), pad_value), w, window, groups)


def backward(dy, cache, *, need_dx=True):
    """Gradients (dx, dw) for the cotangent `dy` (n, m, oh, ow); dx is None unless `need_dx`."""
    padded, window, groups = cache.padded, cache.window, cache.groups
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
    rows_at_once = max(1, max(BAND_BYTES, cache.w.nbytes) // row_bytes)
    for rows in even_slices(oh, -(-oh // rows_at_once)):
        yield rows, slice(*(row * ow * cache.padded.shape[3] for row in (rows.start, rows.stop)))


def per_group(outputs, groups):
    """`outputs` (m, ...) as matrices (groups, m/groups, ...), a row an output."""
    return outputs.reshape(groups, outputs.shape[0] // groups, -1)


def columns(padded, window, groups, rows=slice(None)):
    """X of (2) for every group and some rows of outputs: a line for (channel, kh, kw), columns (oh, ow, n); a copy."""
    patches = window.patches(padded)[:, rows].transpose(0, 3, 4, 1, 2, 5)
    c, kh, kw, oh, ow, n = patches.shape
    return patches.reshape(groups, c // groups * kh * kw, oh * ow * n)


def definition(x, w, *, stride=1, padding=0, dilation=1, groups=1, pad_value=0.0):
    """Equation (1) literally, tap by tap in Python numbers: slow, and what `forward` is held against."""
    window = check_operands(x, w, stride, padding, dilation, groups)
    (sh, sw), (ph, pw), (dh, dw) = window.stride, window.padding, window.dilation
    (n, _, height, width), (m, per_group, kh, kw) = x.shape, w.shape
    y = np.empty((n, m, *window.output_size(height, width)), np.result_type(x, w))
    for b, o, p, q in np.ndindex(y.shape):
        first_channel = o // (m // groups) * per_group
        total = 0
        for c, i, j in np.ndindex(per_group, kh, kw):
            row, column = p * sh + i * dh - ph, q * sw + j * dw - pw
            inside = 0 <= row < height and 0 <= column < width
            operand = x[b, first_channel + c, row, column] if inside else pad_value
            total += w[o, c, i, j] * operand
        y[b, o, p, q] = total
    return y


def check_operands(x, w, stride, padding, dilation, groups):
    """The window of a convolution, once the shapes of its operands have been found to match."""
    check_images("x of conv2d", x)
    check_integer("groups of conv2d", groups, minimum=1)
    if w.ndim != 4 or x.shape[1] != groups * w.shape[1] or w.shape[0] % groups:
        raise ValueError(f"w of conv2d must have shape (m, c/groups, kh, kw) with m a multiple of groups, "
                         f"got {w.shape} for x {x.shape} and groups {groups}.")
    return geometry("conv2d", w.shape[2:], stride, padding, dilation)
