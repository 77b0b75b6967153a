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
    x = check_codes("x of lut_matmul", x, *multiplier.range_x)
    w = check_codes("w of lut_matmul", w, *multiplier.range_w)
    if w.ndim != 2 or x.ndim == 0 or x.shape[-1] != w.shape[0]:
        raise ValueError(f"lut_matmul needs x of shape (..., k) and w of shape (k, m), got {x.shape} and {w.shape}.")
    return index_route(x, w, multiplier)


def index_route(x, w, multiplier):
    """The definition: look every product up, sum in int64, in blocks of rows."""
    (k, m), lead = w.shape, x.shape[:-1]
    rows = x.reshape(math.prod(lead), k).astype(np.intp) - multiplier.range_x[0]
    columns = w.astype(np.intp) - multiplier.range_w[0]
    sums = np.zeros((rows.shape[0], m), dtype=np.int64)
    block = max(1, BLOCK_ELEMENTS // max(1, k * m))
    for start in range(0, rows.shape[0], block):
        products = multiplier.lut[rows[start:start + block, :, None], columns]
        sums[start:start + block] = products.sum(axis=1, dtype=np.int64)
    return sums.reshape(*lead, m)
