"""Two-dimensional convolution (cross-correlation, as in every deep-learning tool), without bias.

    y[n, o, p, q] = sum_{c, i, j} w[o, c, i, j] * xpad[n, g*C + c, p*sh + i*dh, q*sw + j*dw]          (1)

with C = channels/groups and g = o // (m/groups) the group of output o. As matrices, X the columns of patches and
W the weight of one group with a row per output:

    Y = W X                                                                                            (2)

Vector-Jacobian product, for the cotangent D of Y, and the adjoint P* of taking patches:

    dW = D X^T                                                                                         (3)
    dx = P*(W^T D), cropped to the image: the padding is a constant                                    (4)

X is kh*kw times as large as x, so only the definition holds it whole: see `rolling` for the fast form, which also gives
(3), and (4) as the convolution that it is.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.ops import rolling
from refapprox.ops.patches import Geometry, check_images, empty_maps, from_batch_last, geometry, to_batch_last
from refapprox.validation import check_integer, check_numbers, check_real

__all__ = ["backward", "forward", "prepare"]

@dataclass(frozen=True)
class Cache:
    """What `backward` needs: the input (c, h, w, n), the weight and the geometry."""

    x: np.ndarray
    w: np.ndarray
    window: Geometry
    groups: int
    pad_value: float = 0.0


def forward(x: ArrayLike, w: ArrayLike, *, stride: int | tuple = 1, padding: int | tuple | str = 0,
            dilation: int | tuple = 1, groups: int = 1, pad_value: float = 0.0, workers: int = 1
            ) -> tuple[NDArray, Cache]:
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
    workers : int, optional
        Threads over bands of rows, at most one a core; no bit depends on it.

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
    return product(cache, workers), cache


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
    >>> columns(prepare(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)), padding=1)).shape
    (1, 4, 9)
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
    return operands(x, w, geometry("conv2d", w.shape[2:], stride, padding, dilation), groups, pad_value)


def operands(x, w, window, groups, pad_value=0.0):
    """`prepare` of operands that are known to match, with their Geometry."""
    return Cache(to_batch_last(x), w, window.on(*x.shape[2:]), groups, pad_value)


def product(cache, workers=1):
    """y of a Cache."""
    x, w = cache.x, cache.w
    walk = forward_walk(cache)
    y = empty_maps(len(w), *walk.size, x.shape[3], np.result_type(x, w))
    source = rolling.maps_source(x, cache.groups, y.dtype, cache.pad_value)
    rolling.correlate(source, rolling.kernels_of(w, cache.groups), rolling.outputs_of(y, cache.groups), walk,
                      workers=workers)                                                                      # (1)
    return from_batch_last(y)


def definition(cache):
    """`product` by (2), with X held whole."""
    kernels, matrices = per_group(cache.w, cache.groups), columns(cache)
    window, (_, h, w, n) = cache.window, cache.x.shape
    return from_batch_last((kernels @ matrices).reshape(len(cache.w), *window.output_size(h, w), n))      # (2)


def backward(dy: ArrayLike, cache: Cache, *, need_dx: bool = True, workers: int = 1) -> tuple[NDArray | None, NDArray]:
    """Gradients for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape (n, m, oh, ow)
    cache : Cache
        What `forward` or `prepare` returned.
    need_dx : bool, optional
    workers : int, optional
        As of `forward`.

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
    shape = cache.x.shape[3], len(cache.w), *forward_walk(cache).size
    d = to_batch_last(check_numbers("dy of conv2d", dy, shape=shape))
    source = rolling.maps_source(cache.x, cache.groups, np.result_type(d, cache.x), cache.pad_value)
    dw = rolling.correlate_kernels(source, rolling.outputs_of(d, cache.groups), forward_walk(cache),
                                   len(cache.w) // cache.groups, workers=workers)                           # (3)
    dw = dw.transpose(0, 1, 4, 3, 2).reshape(cache.w.shape)
    return from_batch_last(input_gradient(d, cache, workers)) if need_dx else None, dw


def input_gradient(d, cache, workers=1):
    """(4): for every residue of the position modulo the stride a convolution of the cotangent `d` (m, oh, ow, n).

    Position p = a + sh t of x is seen by output q through tap i where q sh + i - top = p, so by the taps
    i = first + sh u, first = (a + top) mod sh, with q = t + shift - u: a correlation with every sh-th tap, reversed.
    """
    window, groups, w = cache.window, cache.groups, cache.w
    if window.dilation != (1, 1) and window.stride != (1, 1):
        w = dilated(w, window.dilation)
    dilation = window.dilation if w is cache.w else (1, 1)
    reverse = rolling.kernels_of(w, groups).transpose(0, 4, 2, 3, 1)[:, :, ::-1, ::-1]      # (g, c, kw, kh, m)
    dx = empty_maps(*cache.x.shape, np.result_type(d, w))
    source = rolling.maps_source(d, groups, dx.dtype)
    for residues in np.ndindex(*window.stride):
        part = dx[:, residues[0]::window.stride[0], residues[1]::window.stride[1]]
        axes = zip(residues, w.shape[2:], window.stride, dilation, window.padding, strict=True)
        starts, kernel, origin = zip(*(residue_taps(*axis) for axis in axes), strict=True)
        if 0 in kernel:
            part[...] = 0
        elif part.size:
            taps = reverse[:, :, starts[1]::window.stride[1], starts[0]::window.stride[0]]
            walk = rolling.Walk(kernel, (1, 1), dilation, origin, part.shape[1:3])
            rolling.correlate(source, taps, rolling.outputs_of(part, groups), walk, workers=workers)
    return dx


def residue_taps(residue, kernel, stride, dilation, padding):
    """Of one axis: the first of the reversed taps that see positions of a residue, how many do, where they begin."""
    before, _ = padding
    first = (residue + before) % stride
    count = len(range(first, kernel, stride))
    shift = (residue + before - first) // stride
    return (kernel - 1 - first) % stride, count, shift - dilation * (count - 1)


def dilated(w, dilation):
    """Kernels with zeros between their taps, which stand `dilation` apart."""
    *outer, kh, kw = w.shape
    dh, dw = dilation
    wide = np.zeros((*outer, dh * (kh - 1) + 1, dw * (kw - 1) + 1), w.dtype)
    wide[..., ::dh, ::dw] = w
    return wide


def forward_walk(cache):
    """Where the windows of a Cache fall."""
    window = cache.window
    (top, _), (left, _) = window.padding
    return rolling.Walk(window.kernel, window.stride, window.dilation, (-top, -left),
                        window.output_size(*cache.x.shape[1:3]))


def per_group(outputs, groups):
    """`outputs` (m, ...) as matrices (groups, m/groups, ...), a row per output."""
    return outputs.reshape(groups, outputs.shape[0] // groups, -1)


def columns(cache):
    """X of (2) for every group: a line for (channel, kh, kw), columns (oh, ow, n); a copy."""
    window = cache.window
    patches = window.patches(window.pad(cache.x, cache.pad_value)).transpose(0, 3, 4, 1, 2, 5)
    c, kh, kw, oh, ow, n = patches.shape
    return patches.reshape(cache.groups, c // cache.groups * kh * kw, oh * ow * n)


doors(__name__)
