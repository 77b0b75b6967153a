"""Products of integer codes through a table: the matrix product and the depthwise convolution."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.compat.pipelines import check_side, signed_multiplier
from refapprox.multipliers import Multiplier
from refapprox.ops.lut_conv2d import lut_conv2d
from refapprox.ops.lut_matmul import lut_matmul
from refapprox.ops.patches import check_images
from refapprox.validation import check_array, check_codes


def approx(a: ArrayLike, b: ArrayLike, lut: ArrayLike) -> NDArray[np.int32]:
    """Matrix product through a table, one operand being batched.

    ``out[..., i, j] = sum_k lut[uint8(a[..., i, k]), uint8(b[..., k, j])]``: the first operand indexes the rows,
    whichever of the two is the activation.

    Parameters
    ----------
    a, b : int8 or uint8 arrays of one dtype
        Shapes (batch, n, k) and (k, m), or (n, k) and (batch, k, m).
    lut : int32 array, shape (256, 256)
        Two's-complement order for int8, value order for uint8: in either case the bit pattern is the index.

    Returns
    -------
    int32 array, shape (batch, n, m)

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, or a sum leaves int32, which the published kernel would let wrap.

    Examples
    --------
    >>> codes = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int32)
    >>> a = np.array([[[-2, 3]]], np.int8)
    >>> approx(a, np.array([[5], [7]], np.int8), np.multiply.outer(codes, codes)).tolist()
    [[[11]]]
    """
    a, b, lut = (check_array(f"{name} of approx", value) for name, value in (("a", a), ("b", b), ("lut", lut)))
    if a.dtype != b.dtype or a.dtype not in (np.int8, np.uint8):
        raise ValueError(f"a and b of approx must both be int8 or both uint8, got {a.dtype} and {b.dtype}.")
    if lut.dtype != np.int32:
        raise ValueError(f"lut of approx must be int32, got {lut.dtype}.")
    if sorted((a.ndim, b.ndim)) != [2, 3] or a.shape[-1] != b.shape[-2]:
        raise ValueError(f"approx needs shapes (batch, n, k) and (k, m), or (n, k) and (batch, k, m), "
                         f"got {a.shape} and {b.shape}.")
    multiplier = (signed_multiplier(lut, "lut of approx") if a.dtype == np.int8
                  else Multiplier("lut of approx", check_side(lut), signed=False))
    if a.ndim == 3:
        sums = lut_matmul(a, b, multiplier)
    else:
        batch, k, m = b.shape
        sums = lut_matmul(a, b.transpose(1, 0, 2).reshape(k, batch * m), multiplier)
        sums = sums.reshape(len(a), batch, m).transpose(1, 0, 2)
    limits = np.iinfo(np.int32)
    if sums.size and (sums.min() < limits.min or sums.max() > limits.max):
        raise ValueError(f"sums of approx must fit int32, got {sums.flat[np.abs(sums).argmax()]}.")
    return sums.astype(np.int32)


def dwconv2d(x: ArrayLike, w: ArrayLike, lut: ArrayLike, stride: int | tuple[int, int] = 1,
             padding: int | tuple[int, int] = 0) -> NDArray[np.float64]:
    """Depthwise convolution of signed codes, the activation indexing the rows; padding is the code 0, looked up.

    Parameters
    ----------
    x : array of whole numbers in [-128, 127], shape (n, c, h, w)
    w : array of whole numbers in [-128, 127], shape (c, 1, kh, kw)
    lut : int32 array, shape (256, 256)
        Two's-complement order.
    stride, padding : int or (vertical, horizontal), optional

    Returns
    -------
    float64 array, shape (n, c, oh, ow)

    Raises
    ------
    ValueError
        If shapes do not fit, or an operand is not a code.

    Notes
    -----
    Published as a CUDA kernel only, in two variants that index the table in opposite orders: which one runs depends on
    the size of the images.

    Examples
    --------
    >>> codes = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int32)
    >>> x, w = np.arange(8).reshape(1, 2, 2, 2), np.ones((2, 1, 2, 2), int)
    >>> dwconv2d(x, w, np.multiply.outer(codes, codes)).ravel().tolist()
    [6.0, 22.0]
    """
    x, w = (check_codes(f"{name} of dwconv2d", array, -128, 127) for name, array in (("x", x), ("w", w)))
    check_images("x of dwconv2d", x)
    return lut_conv2d(x, w, signed_multiplier(lut, "lut of dwconv2d"), stride=stride, padding=padding,
                      groups=x.shape[1]).astype(np.float64)
