"""Matrix product whose scalar products come from a table.

    y[..., j] = sum_k lut[x[..., k], w[k, j]],   exact in int64

The route "index" is this formula by fancy indexing: the definition that every other route is held against.
"""
import math

import numpy as np

from refapprox.validation import check_choice, check_codes

METHODS = ("auto", "index")
BLOCK_ELEMENTS = 1 << 22      # products held at once by the definition: 16 MiB of int32


def lut_matmul(x, w, multiplier, *, method="auto"):
    """Sums of table products, exact.

    Parameters
    ----------
    x : integer array, shape (..., k)
        Activation codes.
    w : integer array, shape (k, m)
        Weight codes.
    multiplier : Multiplier
    method : str, optional
        "index" is the definition by fancy indexing.

    Returns
    -------
    int64 array, shape (..., m)
    """
    check_choice("method of lut_matmul", method, METHODS)
    x, w = np.asarray(x), np.asarray(w)
    if w.ndim != 2 or x.ndim == 0 or x.shape[-1] != w.shape[0]:
        raise ValueError(f"lut_matmul needs x of shape (..., k) and w of shape (k, m), got {x.shape} and {w.shape}.")
    check_sums_fit(w.shape[0], multiplier)
    x = check_codes("x of lut_matmul", x, *multiplier.range_x)
    w = check_codes("w of lut_matmul", w, *multiplier.range_w)
    return matmul_sums(x, w, multiplier, method=method).astype(np.int64, copy=False)


def matmul_sums(x, w, multiplier, *, method="auto"):
    """`lut_matmul` without its checks, in whatever dtype holds the sums exactly (int64, float32 or float64).

    Codes may be integers of any width or floats that hold whole numbers; they are trusted to lie in range.
    """
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    return index_route(rows, w, multiplier).reshape(*x.shape[:-1], w.shape[1])


def zero_point_terms(x_sums, w_sums, k, x_zero_point, w_zero_point):
    """What a sum of table products lacks to be the sum over (x - z_x)(w - z_w).

        sum (x - z_x)(w - z_w) = sum x w  -  z_x sum w  -  z_w sum x  +  k z_x z_w

    Only the first sum goes through the table; the others are sums of codes and exact.

    Parameters
    ----------
    x_sums, w_sums : integer arrays that broadcast against each other
        Sums of the k activation and weight codes behind each output.
    k : int
    x_zero_point, w_zero_point : int, or integer array that broadcasts against the sums

    Returns
    -------
    int64 array: the last three terms
    """
    x_zero_point, w_zero_point = (np.asarray(z, dtype=np.int64) for z in (x_zero_point, w_zero_point))
    return k * x_zero_point * w_zero_point - x_zero_point * w_sums - w_zero_point * x_sums


def check_sums_fit(k, multiplier, *zero_points):
    """Refuse sums of k products that could leave int64, zero-point terms included."""
    largest = np.abs(multiplier.lut.astype(np.int64)).max().item()
    codes = max(map(abs, (*multiplier.range_x, *multiplier.range_w)))
    for zero_point in zero_points:
        largest += 2 * codes * int(np.abs(np.asarray(zero_point, dtype=np.int64)).max(initial=0))
    if k * largest > np.iinfo(np.int64).max:
        raise ValueError(f"sums of {k} products of {multiplier.name} must fit int64, "
                         f"but could reach {k} * {largest} = {k * largest}.")


def index_route(x, w, multiplier):
    """The definition: look every product up, sum in int64, in blocks of rows. x is (n, k), w (k, m)."""
    k, m = w.shape
    rows = x.astype(np.intp) - multiplier.range_x[0]
    columns = w.astype(np.intp) - multiplier.range_w[0]
    sums = np.zeros((rows.shape[0], m), dtype=np.int64)
    block = max(1, BLOCK_ELEMENTS // max(1, k * m))
    for start in range(0, rows.shape[0], block):
        products = multiplier.lut[rows[start:start + block, :, None], columns]
        sums[start:start + block] = products.sum(axis=1, dtype=np.int64)
    return sums
