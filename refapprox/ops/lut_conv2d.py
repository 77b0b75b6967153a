"""Convolution whose scalar products come from a table, on integer codes.

    S[n, o, a, b] = sum over the patch of lut[x, w]                                         (1)
    y = S - z_x sum w - z_w sum x + k z_x z_w,      k = kh kw c / groups                    (2)

All sums run over every position of the patch. Padding holds the code of real zero and goes through the table
like any other code: where lut[pad_code, w] is not pad_code * w, padding is not free, in hardware either.
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.multipliers.operator import BinaryOperator
from refapprox.ops import depthwise
from refapprox.ops.lut_matmul import (
    MEMORY_LIMIT,
    METHODS,
    check_sums_fit,
    exact_dtype,
    fill,
    zero_point_terms,
)
from refapprox.ops.patches import empty_maps, from_batch_last, geometry, to_batch_last
from refapprox.ops.table_convolution import TableConvolution, largest_product, narrow_dtype
from refapprox.validation import check_array, check_choice, check_codes, check_integer, is_several, largest_magnitude

__all__ = ["lut_conv2d"]

TURNED = 8      # times a copy of one byte a code, which turning takes three of, may fit into the memory limit


def lut_conv2d(x: ArrayLike, w: ArrayLike, multiplier: BinaryOperator, *, stride: int | tuple = 1,
               padding: int | tuple | str = 0, dilation: int | tuple = 1, groups: int = 1, pad_code: int = 0,
               x_zero_point: int = 0, w_zero_point: ArrayLike = 0, method: str = "auto",
               memory_limit: int = MEMORY_LIMIT, workers: int = 1) -> NDArray[np.int64]:
    """Convolution of integer codes through a product table, zero points corrected, exact.

    Parameters
    ----------
    x : integer array, shape (n, c, h, w)
        Activation codes.
    w : integer array, shape (m, c / groups, kh, kw)
        Weight codes.
    multiplier : Multiplier or Circuit
    stride, dilation : int or (vertical, horizontal), optional
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)) or "same", optional
        "same" is TensorFlow's rule: ceil(size / stride) outputs, an odd padded position below and on the right.
    groups : int, optional
        Channels and outputs are split into `groups` independent convolutions; `groups` = c is depthwise.
    pad_code : int, optional
        What padded positions hold: the code of real zero, so usually `x_zero_point`.
    x_zero_point : int, optional
    w_zero_point : int or integer array, shape (m,), optional
    method : str, optional
        As in `lut_matmul`.
    memory_limit : int, optional
        As in `lut_matmul`.
    workers : int, optional
        As in `lut_matmul`.

    Returns
    -------
    int64 array, shape (n, m, h_out, w_out)

    Raises
    ------
    TypeError
        If a number of the geometry, a zero point, memory_limit or workers is no integer.
    ValueError
        If shapes or codes do not fit, a sum could leave int64, or `memory_limit` is too small for one block.

    Examples
    --------
    >>> from refapprox import Multiplier
    >>> m = Multiplier.from_function("off by one", lambda x, w: x * w + 1)
    >>> lut_conv2d([[[[2, 3]]]], [[[[5, 7]]]], m).tolist()
    [[[[33]]]]
    >>> lut_conv2d([[[[2, 3]]]], [[[[5, 7]]]], m, padding="same").tolist()      # the code 0 after the 3
    [[[[33, 17]]]]
    """
    x, w = check_array("x", x), check_array("w", w)
    groups = check_shapes(x, w, groups)
    check_choice("method of lut_conv2d", method, METHODS)
    window = geometry("lut_conv2d", w.shape[2:], stride, padding, dilation)
    pad_code = check_integer("pad_code of lut_conv2d", pad_code, minimum=multiplier.range_x[0],
                             maximum=multiplier.range_x[1])
    x_zero_point = check_integer("x_zero_point of lut_conv2d", x_zero_point)
    w_zero_point = check_zero_points("w_zero_point of lut_conv2d", w_zero_point, w.shape[0])
    memory_limit = check_integer("memory_limit of lut_conv2d", memory_limit, minimum=1)
    workers = check_integer("workers of lut_conv2d", workers, minimum=1)
    check_sums_fit(math.prod(w.shape[1:]), multiplier, x_zero_point, w_zero_point)
    x = check_codes("x of lut_conv2d", x, *multiplier.range_x, dtype=None)
    w = check_codes("w of lut_conv2d", w, *multiplier.range_w, dtype=None)
    return convolve(x, w, multiplier, window, np.int64, groups, pad_code, x_zero_point, w_zero_point, method,
                    memory_limit, workers)


def conv2d_sums(x, w, multiplier, window, *, groups=1, pad_code=0, x_zero_point=0, w_zero_point=0,
                method="auto", memory_limit=MEMORY_LIMIT, workers=1):
    """`lut_conv2d` without its checks, in float32, float64 or int64: the first that holds any such sum exactly.

    Codes may be integers of any width or floats that hold whole numbers; they are trusted to lie in range.
    `window` is a `patches.Geometry`. The result is an (n, m, h_out, w_out) view of batch-last memory.
    """
    k = math.prod(w.shape[1:])
    constant = output_constants(w, k, x_zero_point, w_zero_point)
    bound = (k * largest_product(multiplier) + largest_magnitude(constant)
             + k * largest_magnitude(np.asarray(w_zero_point)) * max(map(abs, multiplier.range_x)))
    return convolve(x, w, multiplier, window, exact_dtype(bound), groups, pad_code, x_zero_point, w_zero_point,
                    method, memory_limit, workers)


def convolve(x, w, multiplier, window, dtype, groups, pad_code, x_zero_point, w_zero_point, method, memory_limit,
             workers):
    """(1) and (2) into a new array of `dtype`, batch-last in memory."""
    n, c, h, width = x.shape
    window = window.on(h, width)
    sums = empty_maps(len(w), *window.output_size(h, width), n, dtype)
    narrow = narrow_dtype(*multiplier.range_x)
    if narrow.itemsize == 1 and x.strides[0] != x.itemsize and TURNED * x.size <= memory_limit:
        x = from_batch_last(to_batch_last(x.astype(narrow, copy=False)))
        memory_limit -= x.size
    whole = TableConvolution(x.transpose(1, 2, 3, 0), w, multiplier, window, pad_code, memory_limit, workers)
    by_column = method in ("auto", "gather") and multiplier.has_table
    if 1 < groups == c and sums.size and by_column:
        depthwise.run(whole, sums)                                                                  # (1)
    else:
        for problem, outputs in whole.groups(groups):
            fill(problem, sums[outputs], method)                                                    # (1)
    if np.any(w_zero_point):
        z_w = np.broadcast_to(w_zero_point, len(w))
        for problem, outputs in whole.groups(groups):
            subtract_patch_sums(problem, z_w[outputs], sums[outputs])                               # (2)
    constant = output_constants(w, math.prod(w.shape[1:]), x_zero_point, w_zero_point)
    if constant.any():
        sums += constant.astype(dtype)[:, None, None, None]                                         # (2)
    return from_batch_last(sums)


def output_constants(w, k, x_zero_point, w_zero_point):
    """k z_x z_w - z_x sum w for each output, int64: the terms of (2) that the activations do not change."""
    if not np.any(x_zero_point):
        return np.zeros(w.shape[0], dtype=np.int64)
    w_sums = w.reshape(w.shape[0], -1).sum(axis=1, dtype=np.int64)
    return zero_point_terms(0, w_sums, k, x_zero_point, w_zero_point)


def subtract_patch_sums(problem, z_w, sums):
    """Take z_w sum x over every patch off `sums` (m, h_out, w_out, n): channels first, then the kernel's positions."""
    _, h_out, w_out, n = problem.output_shape
    if not n:
        return
    image_bytes = 16 * math.prod(problem.padded_size) + 24 * h_out * w_out
    problem.check_memory(image_bytes)
    for images in problem.image_blocks(image_bytes, problem.memory_limit):
        codes = problem.x[..., images]
        padded = problem.window.pad(codes.sum(axis=0, dtype=np.int64, keepdims=True), problem.pad_code * len(codes))
        patch_sums = np.zeros((1, h_out, w_out, codes.shape[3]), dtype=np.int64)
        for i, j in np.ndindex(problem.window.kernel):
            patch_sums += problem.window.tap(padded, i, j, h_out, w_out)
        for output, z in zip(sums[..., images], z_w.tolist(), strict=True):
            if z:
                output -= (z * patch_sums[0]).astype(sums.dtype)


def check_shapes(x, w, groups):
    """`groups`, for which x (n, c, h, w) and w (m, c / groups, kh, kw) must agree."""
    groups = check_integer("groups of lut_conv2d", groups, minimum=1)
    if x.ndim != 4 or w.ndim != 4:
        raise ValueError(f"lut_conv2d needs x of shape (n, c, h, w) and w of shape (m, c / groups, kh, kw), "
                         f"got {x.shape} and {w.shape}.")
    if x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        raise ValueError(f"lut_conv2d with groups={groups} needs c = groups * w.shape[1] and m divisible by groups, "
                         f"got x of shape {x.shape} and w of shape {w.shape}.")
    return groups


def check_zero_points(name, value, m):
    """One zero point, or one for each of m outputs, as an int or an int64 array of shape (m,)."""
    if not is_several(value):
        return check_integer(name, value)
    value = check_array(name, value)
    if value.dtype.kind not in "iu" or value.shape != (m,):
        raise ValueError(f"{name} must be one integer or an integer array of shape ({m},), "
                         f"got dtype {value.dtype} and shape {value.shape}.")
    return value.astype(np.int64)


doors(__name__)
