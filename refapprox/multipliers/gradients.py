"""Estimates of the slopes of a product table, for training through it.

A table has no derivative. The straight-through estimator takes those of the exact product, dm/dx = w and dm/dw = x. The
estimates here look at the table m(x, w) itself; each is a pair of tables G_x(x, w) ~ dm/dx and G_w(x, w) ~ dm/dw.

Smoothed differences, of half window H >= 1, for every w (and the same with x and w exchanged):

    S(x) = mean of m(x + k, w) over k = -H .. H                                                         (1)
    G_x(x) = (S(x + 1) - S(x - 1)) / 2            for qmin + H < x < qmax - H                           (2)
    G_x(x) = (max_x m - min_x m) / 2**B           elsewhere, B the width of x                           (3)

Regression: the slope of the least-squares line through all (x, m(x, w)) of one w, with weights p(x)

    G_x(x) = sum_x p(x) (x - mean) m(x, w) / sum_x p(x) (x - mean)**2      for all x                    (4)

Edge rules that others use in place of (3), by name: "appmult" is (3) as the published code computes it, which takes the
extremes of G_x from row w instead of column w; "approxtorch" is (S(qmax) - S(qmin)) / (2**B - 1) with windows cut at
the edges.

References
----------
C. Meng, W. Burleson, W. Qian, G. De Micheli, "Gradient Approximation of Approximate Multipliers for High-Accuracy Deep
Neural Network Retraining", DATE 2025, equations 4 to 6 for (1) to (3); their repository, scripts/gen_bp_lut.py.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.multipliers.multiplier import Multiplier, codes
from refapprox.validation import check_choice, check_finite, check_instance, check_integer

EDGES = ("published", "appmult", "approxtorch")
RANK_TOLERANCE = 1e-10      # singular values below it, relative to the largest, are rounding of the tables


@dataclass(frozen=True, eq=False)
class TableGradient:
    """A pair of tables in value order: what stands for dm/dx and dm/dw at every pair of codes.

    Parameters
    ----------
    x, w : float arrays, shape (2**bits_x, 2**bits_w)
        Slopes with respect to the activation and to the weight, ``x[x - qmin, w - qmin]``.
    name : str, optional

    Raises
    ------
    TypeError
        If a table does not hold real numbers.
    ValueError
        If a table is not finite, or the shapes differ.

    Examples
    --------
    >>> gradient = TableGradient(np.zeros((4, 4)), np.ones((4, 4)))
    >>> gradient.factors("w")[0].shape      # of rank one
    (4, 1)
    """

    x: NDArray
    w: NDArray
    name: str = "given tables"

    def __post_init__(self):
        for side in "xw":
            table = check_finite(f"{side} of TableGradient", getattr(self, side), ndim=2).astype(np.float64)
            table.setflags(write=False)
            object.__setattr__(self, side, table)
        if self.x.shape != self.w.shape:
            raise ValueError(f"tables of TableGradient must have one shape, got {self.x.shape} and {self.w.shape}.")

    def factors(self, side: str) -> tuple[NDArray, NDArray]:
        """(u, v) with u @ v.T the table of `side`, "x" or "w", as few columns as its rank."""
        return self._factors[check_choice("side", side, ("x", "w"))]

    @cached_property
    def _factors(self):
        found = {}
        for side in "xw":
            u, s, vt = np.linalg.svd(getattr(self, side), full_matrices=False)
            kept = s > RANK_TOLERANCE * s[0] if s[0] else np.zeros(len(s), bool)
            found[side] = u[:, kept] * np.sqrt(s[kept]), vt[kept].T * np.sqrt(s[kept])
        return found


def straight_through_gradient(multiplier: Multiplier) -> TableGradient:
    """The slopes of the exact product, as tables: dm/dx = w, dm/dw = x.

    Parameters
    ----------
    multiplier : Multiplier

    Returns
    -------
    TableGradient

    Examples
    --------
    >>> from refapprox import exact
    >>> straight_through_gradient(exact(2, signed=False)).x[0].tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    x, w = operand_codes(multiplier)
    return TableGradient(np.broadcast_to(w, multiplier.lut.shape), np.broadcast_to(x[:, None], multiplier.lut.shape),
                         "straight-through")


def difference_gradient(multiplier: Multiplier, half_window: int, *, edges: str = "published") -> TableGradient:
    """Smoothed finite differences, (1) to (3).

    Parameters
    ----------
    multiplier : Multiplier
    half_window : int
        H, at least 1.
    edges : {"published", "appmult", "approxtorch"}, optional
        What stands where (2) would leave the table; the second and third are known deviations.

    Returns
    -------
    TableGradient

    Raises
    ------
    TypeError
        If multiplier is no Multiplier, or half_window no integer.
    ValueError
        If half_window is below 1, the rule is unknown, or "appmult" is asked of operands of two widths.

    Examples
    --------
    >>> from refapprox import exact
    >>> difference_gradient(exact(8, signed=False), 4).x[100, :3].tolist()      # the slope of x w is w
    [0.0, 1.0, 2.0]
    """
    lut = check_instance("multiplier", multiplier, Multiplier).lut.astype(np.float64)
    half = check_integer("half_window", half_window, minimum=1)
    check_choice("edges", edges, EDGES)
    if edges == "appmult" and lut.shape[0] != lut.shape[1]:
        raise ValueError(f"edges 'appmult' takes rows for columns: widths must be equal, got {lut.shape}.")
    extremes = lut.T if edges == "appmult" else lut      # of the first operand only, as their code has it
    return TableGradient(slopes(lut, half, edges, extremes), slopes(lut.T, half, edges, lut.T).T,
                         f"differences, half window {half}" + (f", edges {edges}" if edges != "published" else ""))


def slopes(lut, half, edges, extremes):
    """Slopes along axis 0 of `lut`; those of (3) from the columns of `extremes`."""
    size = len(lut)
    padded = np.concatenate([np.zeros((1, lut.shape[1])), np.cumsum(lut, axis=0)])
    first, last = (np.clip(np.arange(size) + shift, 0, size) for shift in (-half, half + 1))
    smooth = (padded[last] - padded[first]) / (last - first)[:, None]                                      # (1)
    found = np.empty_like(lut)
    found[1:-1] = (smooth[2:] - smooth[:-2]) / 2                                                           # (2)
    edge = ((smooth[-1] - smooth[0]) / (size - 1) if edges == "approxtorch" else np.ptp(extremes, axis=0) / size)  # (3)
    outside = np.ones(size, bool)
    outside[half + 1:size - 1 - half] = False
    found[outside] = edge
    return found


def regression_gradient(multiplier: Multiplier, x_dist: ArrayLike | None = None,
                        w_dist: ArrayLike | None = None) -> TableGradient:
    """Slopes of least-squares lines, (4): one for each code of the other operand.

    Parameters
    ----------
    multiplier : Multiplier
    x_dist, w_dist : float arrays, optional
        Probability of every code in value order, the weights of the lines; uniform by default.

    Returns
    -------
    TableGradient

    Raises
    ------
    TypeError
        If multiplier is no Multiplier.
    ValueError
        If a distribution does not sum to one, has another length, or all its mass on one code.

    Examples
    --------
    >>> from refapprox import exact
    >>> np.allclose(regression_gradient(exact(4)).x, straight_through_gradient(exact(4)).x)
    True
    """
    lut = check_instance("multiplier", multiplier, Multiplier).lut.astype(np.float64)
    tables = []
    for table, values, dist, name in zip((lut, lut.T), operand_codes(multiplier),
                                         multiplier.check_distributions(x_dist, w_dist), ("x_dist", "w_dist"),
                                         strict=True):
        p = np.full(len(values), 1 / len(values)) if dist is None else dist
        centered = values - p @ values
        spread = p @ centered ** 2
        if not spread > 0:
            raise ValueError(f"{name} must have mass on two codes at least for a line to have a slope.")
        tables.append(np.broadcast_to((p * centered) @ table / spread, table.shape))                       # (4)
    return TableGradient(tables[0], tables[1].T, "regression")


def operand_codes(multiplier):
    """Codes of both operands in value order."""
    return codes(multiplier.bits_x, multiplier.signed), codes(multiplier.bits_w, multiplier.signed)
