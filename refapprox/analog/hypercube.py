"""The search space of programming strategies as a unit hypercube, every point of which is a valid strategy.

A point x is laid out as [x_f for every free factor, in list order][x_kw unless use_max_kw][x_g].  `partition` turns
it into factors f_j = x_f (f_max - f_min) + f_min and the conductance of the largest weight,

    U = (0.05 + 0.95 x_kw) sum_j f_j R,   R = g_max - g_min                                           (1)

`reformat` turns x_g, row-major, into 2P - 1 rows of one entry for every discretized weight (for -max |W| up to 0 when
strategies are symmetric).  Row 2j says where on the line g+ - g- = const pair j sits, row 2j + 1 (j < P - 1) which
share of what is left of the weight it takes.  `denormalize` does, for each discretized weight u, from c = U u,

    rest = sum_{l > j} f_l R,  lo = max(c - rest, -f_j R),  hi = min(c + rest, f_j R)
    D_j = x (hi - lo) + lo   (x = row 2j + 1; the last pair takes all that is left)                    (2)
    c <- c - D_j,  d = D_j / f_j
    g+ = clip(row2j (top - bottom) + bottom),  bottom = g_min + max(d, 0) - g_err, top = g_max + min(d, 0) + g_err
    g- = clip(g+ - d),  clip to [g_min, g_max]                                                         (3)

so that sum_j f_j (g_j+ - g_j-) = U u exactly when g_err = 0.  Two layouts:

* ``"equispaced"``: equispaced discretized weights, as published; at u = 0 the mirror image is written last (g+ and g-
  swapped).
* ``"kinks"``, the default: the weights at which a plain strategy with these factors has its kinks, where the first j
  pairs are full, are discretized too (1/2 for factors [1, 1], 1/(1 + f) for [1, f] at full range), and move with the
  factors; at u = 0 both devices of a pair get the mean of the two, so that symmetric means symmetric.

References
----------
C. Mackin et al., Nature Communications 13, 3765 (2022), doi:10.1038/s41467-022-31405-1.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.checks import check_range
from refapprox.analog.converters import ConductanceConverter
from refapprox.analog.custom_converter import CustomPairConductanceConverter
from refapprox.validation import check_choice, check_finite, check_flag, check_instance, check_integer, check_real

KW_MIN = 0.05                 # share of the full range that the largest weight takes at least
COINCIDENT = 1e-9             # breakpoints closer than this are one


@dataclass(frozen=True)
class Strategies:
    """C strategies: factors (C, P), breakpoints (C, n), conductances (C, 2P, n) in uS, full_scale (C,) in uS."""

    factors: np.ndarray
    breakpoints: np.ndarray
    conductances: np.ndarray
    full_scale: np.ndarray

    def conductances_at(self, u):
        """Conductances (C, 2P, K) at normalized weights `u` (K,), by linear interpolation."""
        inner = self.breakpoints[:, None, 1:-1]
        index = np.sum(u[None, :, None] >= inner, axis=-1)                     # cell of each weight: (C, K)
        left = np.take_along_axis(self.breakpoints, index, axis=1)
        width = np.take_along_axis(self.breakpoints, index + 1, axis=1) - left
        share = np.divide(u - left, width, out=np.zeros_like(width), where=width > 0)[:, None, :]
        low = np.take_along_axis(self.conductances, index[:, None, :], axis=2)
        high = np.take_along_axis(self.conductances, index[:, None, :] + 1, axis=2)
        return low + share * (high - low)

    def converter(self, index, g_max, g_min, invertibility_test=True):
        """Strategy `index` as a converter; breakpoints that coincide are merged."""
        breakpoints = self.breakpoints[index]
        keep = np.concatenate([np.diff(breakpoints) > COINCIDENT, [True]])
        kept = breakpoints[keep]
        kept[0], kept[-1] = -1.0, 1.0
        return CustomPairConductanceConverter(self.factors[index].tolist(), self.conductances[index][:, keep].tolist(),
                                              g_max, g_min, invertibility_test, w_lst=kept.tolist())


class Hypercube:
    """The search space; see the module's docstring.

    Parameters
    ----------
    f_lst : list of P factors, None where free
    g_max, g_min : float, uS
    nbins : int
        Discretized weights from -max |W| to 0, both included.
    symmetric : bool
        Strategies treat positive and negative weights alike.
    use_max_kw : bool
        The largest weight takes the full range; x_kw is left out.
    g_err : float
        Share of R by which conductances may be over- or underprogrammed; above 0 strategies need not be invertible.
    f_min, f_max : float
        Range of free factors.
    layout : "kinks" or "equispaced"

    Raises
    ------
    ValueError
        For factors, ranges or numbers that no strategy has.

    Examples
    --------
    >>> Hypercube([1, None], 25, 0, layout="equispaced").n_dims
    20
    """

    def __init__(self, f_lst: Sequence[float | None], g_max: float, g_min: float, *, nbins: int = 6,
                 symmetric: bool = True, use_max_kw: bool = False, g_err: float = 0.0, f_min: float = 0.1,
                 f_max: float = 5.0, layout: str = "kinks") -> None:
        self.f_lst = check_free_factors(f_lst)
        self.g_max, self.g_min = check_range(g_max, g_min)
        self.nbins = check_integer("nbins", nbins, minimum=2)
        self.symmetric, self.use_max_kw = check_flag("symmetric", symmetric), check_flag("use_max_kw", use_max_kw)
        self.g_err = check_real("g_err", g_err, minimum=0) * (self.g_max - self.g_min)
        self.f_min, self.f_max = check_real("f_min", f_min), check_real("f_max", f_max)
        if not 0 < self.f_min < self.f_max:
            raise ValueError(f"f_min and f_max must satisfy 0 < f_min < f_max, got f_min={f_min}, f_max={f_max}.")
        self.layout = check_choice("layout", layout, ("kinks", "equispaced"))
        grid = np.linspace(-1, 1, 2 * self.nbins - 1)
        self.grid = grid[:self.nbins] if self.symmetric else grid

    @property
    def n_pairs(self) -> int:
        """P."""
        return len(self.f_lst)

    @property
    def n_free(self) -> int:
        """Factors to be optimized."""
        return self.f_lst.count(None)

    @property
    def n_kinks(self) -> int:
        """Discretized weights beside the equispaced ones."""
        if self.layout == "equispaced":
            return 0
        return (self.n_pairs - 1) * (1 if self.symmetric else 2)

    @property
    def n_columns(self) -> int:
        """Discretized weights."""
        return len(self.grid) + self.n_kinks

    @property
    def n_dims(self) -> int:
        """Coordinates of a point."""
        return self.n_free + (not self.use_max_kw) + self.n_columns * (2 * self.n_pairs - 1)

    def partition(self, x: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Factors (C, P), conductance U (C,) of the largest weight in uS, and x_g (C, ...) of points x (C, n_dims)."""
        x = check_finite("x", x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.n_dims:
            raise ValueError(f"x must have shape (candidates, {self.n_dims}), got {x.shape}.")
        if x.size and not -COINCIDENT <= x.min() <= x.max() <= 1 + COINCIDENT:
            raise ValueError(f"x must lie in the unit cube, got values from {x.min()} to {x.max()}.")
        factors = np.empty((len(x), self.n_pairs))
        for j, factor in enumerate(self.f_lst):
            before = self.f_lst[:j].count(None)
            factors[:, j] = x[:, before] * (self.f_max - self.f_min) + self.f_min if factor is None else factor
        full = factors.sum(axis=1) * (self.g_max - self.g_min)
        x_kw = np.ones(len(x)) if self.use_max_kw else x[:, self.n_free]
        return factors, (KW_MIN + x_kw * (1 - KW_MIN)) * full, x[:, self.n_free + (not self.use_max_kw):]      # (1)

    def reformat(self, x_g: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows (C, 2P - 1, columns) of x_g."""
        x_g = check_finite("x_g", x_g, ndim=2)
        wanted = (2 * self.n_pairs - 1) * self.n_columns
        if x_g.shape[1] != wanted:
            raise ValueError(f"x_g must have rows of {wanted} numbers, got shape {x_g.shape}.")
        return x_g.reshape(len(x_g), 2 * self.n_pairs - 1, self.n_columns)

    def weights(self, factors: NDArray[np.float64], top: NDArray[np.float64]) -> NDArray[np.float64]:
        """Discretized normalized weights (C, columns): the grid, then the kinks.

        Parameters
        ----------
        factors : float64 array (C, P)
        top : float64 array (C,), uS
            Conductance of the largest weight.
        """
        factors, top = check_finite("factors", factors, ndim=2), check_finite("top", top, ndim=1)
        if np.min(top, initial=1) <= 0:
            raise ValueError(f"top must be positive, got {top.min()}.")
        if len(top) != len(factors):
            raise ValueError(f"top must have one entry for each row of factors, got {len(top)} for {len(factors)}.")
        grid = np.broadcast_to(self.grid, (len(factors), len(self.grid)))
        if not self.n_kinks:
            return grid
        spans = factors[:, :-1] * (self.g_max - self.g_min)
        kinks = np.minimum(np.cumsum(spans, axis=1) / top[:, None], 1.0)
        return np.concatenate([grid, -kinks] if self.symmetric else [grid, -kinks, kinks], axis=1)

    def denormalize(self, x: ArrayLike) -> Strategies:
        """The strategies at points x (C, n_dims), equations (2) and (3)."""
        factors, top, x_g = self.partition(x)
        rows, u = self.reformat(x_g), self.weights(factors, top)
        spans = factors * (self.g_max - self.g_min)
        conductances = np.empty((len(factors), 2 * self.n_pairs, self.n_columns))
        left = top[:, None] * u
        for j in range(self.n_pairs):
            low, high = pair_limits(left, spans, j)
            share = rows[:, 2 * j + 1] if j < self.n_pairs - 1 else 1.0
            taken = share * (high - low) + low                                                          # (2)
            left = left - taken
            delta = taken / factors[:, j:j + 1]
            bottom, ceiling = self._line(delta)
            plus = np.clip(rows[:, 2 * j] * (ceiling - bottom) + bottom, self.g_min, self.g_max)        # (3)
            conductances[:, 2 * j] = plus
            conductances[:, 2 * j + 1] = np.clip(plus - delta, self.g_min, self.g_max)
        u, conductances = self._in_order(u, conductances)
        total = np.einsum("cp,cpn->cn", factors, conductances[:, ::2] - conductances[:, 1::2])
        return Strategies(factors, u, conductances, np.abs(total).max(axis=1))

    def _line(self, delta):
        """Lowest and highest g+ on the line g+ - g- = delta."""
        return (self.g_min + np.maximum(delta, 0) - self.g_err, self.g_max + np.minimum(delta, 0) + self.g_err)

    def _in_order(self, u, conductances):
        """Sorted by weight, and mirrored when symmetric."""
        if self.n_kinks:
            order = np.argsort(u, axis=1, kind="stable")
            u = np.take_along_axis(u, order, axis=1)
            conductances = np.take_along_axis(conductances, order[:, None, :], axis=2)
            for left in range(self.n_columns - 2, -1, -1):         # where a kink meets the grid, the kink decides
                same = u[:, left + 1] - u[:, left] <= COINCIDENT
                conductances[same, :, left] = conductances[same, :, left + 1]
        if not self.symmetric:
            return u, conductances
        swapped = np.empty_like(conductances)
        swapped[:, ::2], swapped[:, 1::2] = conductances[:, 1::2], conductances[:, ::2]
        center = swapped[:, :, -1:]
        if self.layout == "kinks":
            center = (center + conductances[:, :, -1:]) / 2
        return (np.concatenate([u, -u[:, -2::-1]], axis=1),
                np.concatenate([conductances[:, :, :-1], center, swapped[:, :, -2::-1]], axis=2))

    def normalize(self, converter: ConductanceConverter) -> NDArray[np.float64]:
        """The point (n_dims,) whose strategy agrees with `converter` at the discretized weights.

        The inverse of `denormalize` for strategies that the hypercube holds: same number of pairs, factors that
        are the fixed ones or lie in [f_min, f_max], full range if use_max_kw.

        Raises
        ------
        ValueError
            If it does not hold the strategy.
        """
        factors = np.array(converter.f_lst)
        fixed = [factor is None or factor == value for factor, value in zip(self.f_lst, factors, strict=False)]
        if len(factors) != self.n_pairs or not all(fixed):
            raise ValueError(f"converter must have the factors {self.f_lst} (None is free), got {factors.tolist()}.")
        x_f = [(value - self.f_min) / (self.f_max - self.f_min)
               for factor, value in zip(self.f_lst, factors, strict=True) if factor is None]
        full = factors.sum() * (self.g_max - self.g_min)
        x_kw = (converter.full_scale / full - KW_MIN) / (1 - KW_MIN)
        outside = [not -COINCIDENT <= value <= 1 + COINCIDENT for value in (*x_f, x_kw)]
        if any(outside) or (self.use_max_kw and x_kw < 1 - COINCIDENT):
            raise ValueError(f"converter must lie within f_min={self.f_min}, f_max={self.f_max} and the range of "
                             f"the devices, got factors {factors.tolist()} and full scale {converter.full_scale} uS.")
        top = np.array([converter.full_scale])
        u = self.weights(factors[None], top)[0]
        conductances = converter.conductances_at(u)
        spans, left = factors[None] * (self.g_max - self.g_min), (top * u)[None]
        rows = np.zeros((2 * self.n_pairs - 1, self.n_columns))
        for j in range(self.n_pairs):
            delta = conductances[2 * j] - conductances[2 * j + 1]
            low, high = (limit[0] for limit in pair_limits(left, spans, j))
            bottom, ceiling = self._line(delta)
            rows[2 * j] = ratio_or_zero(conductances[2 * j] - bottom, ceiling - bottom)
            if j < self.n_pairs - 1:
                rows[2 * j + 1] = ratio_or_zero(factors[j] * delta - low, high - low)
            left = left - factors[j] * delta
        x = np.concatenate([x_f, [] if self.use_max_kw else [x_kw], rows.ravel()])
        return np.clip(x, 0, 1)               # rounding only: what is truly outside was refused above


def pair_limits(left, spans, j):
    """Smallest and largest contribution of pair j, such that the pairs behind it can hold the rest."""
    rest = spans[:, j + 1:].sum(axis=1, keepdims=True)
    return np.maximum(left - rest, -spans[:, j:j + 1]), np.minimum(left + rest, spans[:, j:j + 1])


def ratio_or_zero(part, whole):
    """part / whole, 0 where there is nothing to choose."""
    return np.divide(part, whole, out=np.zeros_like(part), where=np.abs(whole) > 1e-12)


def check_free_factors(f_lst):
    """`f_lst` as a list of positive floats and None."""
    if len(check_instance("f_lst", f_lst, (list, tuple))) == 0:
        raise ValueError("f_lst must be a non-empty list of factors, None where free, got an empty one.")
    factors = [None if f is None else check_real(f"f_lst[{j}]", f) for j, f in enumerate(f_lst)]
    if any(f is not None and f <= 0 for f in factors):
        raise ValueError(f"f_lst must hold positive factors (None is free), got {list(f_lst)}.")
    return factors
