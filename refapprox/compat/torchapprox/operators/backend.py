"""The approximate matrix product."""
import numpy as np

from refapprox.compat.tables import check_side, signed_multiplier
from refapprox.multipliers import Multiplier
from refapprox.ops.lut_matmul import lut_matmul


def approx(a, b, lut):
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
    a, b, lut = np.asarray(a), np.asarray(b), np.asarray(lut)
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
    if sums.size and np.abs(sums).max() > np.iinfo(np.int32).max:
        raise ValueError(f"sums of approx must fit int32, got {sums.flat[np.abs(sums).argmax()]}.")
    return sums.astype(np.int32)
