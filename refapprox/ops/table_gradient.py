"""Backward through products of a table with slopes of one's own instead of the straight-through ones.

    y_j = sum_i m(x_i, w_ij) - z_x w_ij - z_w x_i + z_x z_w                              of codes, as the layers have it
    dx_i  = sum_j dy_j (G_x(x_i, w_ij) - z_w)                                                      (1)
    dw_ij = dy_j (G_w(x_i, w_ij) - z_x), summed over samples and positions                         (2)

G_x = sum_r u_r(x) v_r(w) and G_w = sum_r p_r(x) q_r(w) are sums of outer products (`multipliers.gradients`), and the
layer's product f is bilinear with the gradients f_x(dy, w) and f_w(dy, x). So

    dx = sum_r u_r(x) f_x(dy, v_r(w)) - f_x(dy, z_w)                                               (3)
    dw = sum_r q_r(w) f_w(dy, p_r(x)) - f_w(dy, z_x)                                               (4)

as many exact backward passes as the tables have ranks, each in the memory of one.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from refapprox.multipliers.gradients import TableGradient


def backward(dy: NDArray, x_index: NDArray, w_index: NDArray, gradient: TableGradient, product_backward: Callable,
             *, pad_index: int = 0, x_zero_point: float = 0.0, w_zero_point: NDArray | float = 0.0,
             w_scale: NDArray | float = 1.0, need_dx: bool = True) -> tuple[NDArray | None, NDArray]:
    """Gradients with respect to the codes.

    Parameters
    ----------
    dy : float array
        Cotangent of the sums.
    x_index, w_index : integer arrays
        Rows and columns of the tables (code - qmin).
    gradient : TableGradient
    product_backward : callable
        ``product_backward(dy, x, w, pad_value, need_dx) -> (dx, dw)``: the gradients of the layer's bilinear product
        for operands x and w, positions around x holding `pad_value`.
    pad_index : int, optional
        Row of the code in padded positions.
    x_zero_point, w_zero_point : optional
        z_x, and z_w as a scalar or an array that broadcasts against the weight.
    w_scale : optional
        Factor of dx, as a scalar or an array that broadcasts against the weight.
    need_dx : bool, optional

    Returns
    -------
    dx, dw : ndarrays
        The first None unless `need_dx`.

    Examples
    --------
    >>> from refapprox import exact
    >>> from refapprox.multipliers.gradients import straight_through_gradient
    >>> from refapprox.ops import linear
    >>> def product(dy, x, w, pad_value, need_dx):
    ...     return linear.backward(dy, (x, w), need_dx=need_dx)
    >>> gradient = straight_through_gradient(exact(4, signed=False))
    >>> dx, dw = backward(np.ones((1, 1)), np.array([[2, 3]]), np.array([[4, 5]]), gradient, product)
    >>> dx.round(9).tolist(), dw.round(9).tolist()
    ([[4.0, 5.0]], [[2.0, 3.0]])
    """
    dtype = dy.dtype
    (u, v), (p, q) = ([factor.astype(dtype) for factor in gradient.factors(side)] for side in "xw")
    shift_x, shift_w = (np.asarray(z, dtype) for z in (x_zero_point, w_zero_point))
    w_scale = np.asarray(w_scale, dtype)
    # the zero points' terms, (3) and (4) without the tables
    dx, dw = product_backward(dy, np.broadcast_to(-shift_x, x_index.shape), -shift_w * np.broadcast_to(
        w_scale, w_index.shape), -float(shift_x), need_dx)
    for r in range(max(u.shape[1], p.shape[1])):
        x_of, w_of = (f[:, r] if r < f.shape[1] else np.zeros(len(f), dtype) for f in (p, v))
        dx_r, dw_r = product_backward(dy, x_of[x_index], w_of[w_index] * w_scale, float(x_of[pad_index]),
                                      need_dx and r < u.shape[1])
        if dx_r is not None:
            dx = dx + u[:, r][x_index] * dx_r                                                      # (3)
        if r < q.shape[1]:
            dw = dw + q[:, r][w_index] * dw_r                                                      # (4)
    return dx, dw
