"""An error map as a sum of few products: e(x, w) = sum_r u_r(x) v_r(w).

With it the accumulated errors of all fields and neurons are one ordinary matrix product of features,

    error[k, j] = sum_{i, r} u_r(x[k, i]) v_r(w[i, j]).                                              (F)

Maps of circuits that drop partial products have ranks of at most the operand's width; arbitrary ones up to 2^bits.
The terms come from Gaussian elimination with complete pivoting, which needs no singular values: each step takes
the largest entry left as pivot and subtracts the product of its column and row.

These are not the factors of the product table (`multipliers.factorization`), which prove exact sums of products and
are searched for among integers. An error map is any array, has as few terms as its own rank (none for an exact
multiplier, whose table has one), and its errors are rounded to integers afterwards: plain elimination is enough, and
faster on every circuit.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.error_stats.error_maps import check_error_map

RESIDUAL = 1e-11      # of the largest entry: above the rounding of the elimination, far below any integer's unit


def rank_one_terms(emap: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The terms of (F): |emap - u v^T| <= RESIDUAL max |emap|.

    Parameters
    ----------
    emap : array, shape (codes of x, codes of w)

    Returns
    -------
    u : float64 array, shape (codes of x, rank)
    v : float64 array, shape (codes of w, rank)

    Raises
    ------
    TypeError, ValueError
        If emap is no matrix of finite numbers.

    Examples
    --------
    >>> u, v = rank_one_terms(np.outer([1, 2, 3], [4, 5]))
    >>> u.shape, np.array_equal(u @ v.T, np.outer([1, 2, 3], [4, 5]))
    ((3, 1), True)
    """
    rest = check_error_map(emap).astype(np.float64)
    tolerance = RESIDUAL * np.abs(rest).max()
    columns, rows = [], []
    while len(columns) < min(rest.shape):
        pivot = np.unravel_index(np.abs(rest).argmax(), rest.shape)
        if abs(rest[pivot]) <= tolerance:
            break
        columns.append(rest[:, pivot[1]] / rest[pivot])
        rows.append(rest[pivot[0]].copy())
        rest -= np.outer(columns[-1], rows[-1])
    return np.reshape(columns, (-1, rest.shape[0])).T, np.reshape(rows, (-1, rest.shape[1])).T
