"""Conductance converters: a weight as a weighted sum of pairs of conductances, and back.

A unit cell has P pairs (g_j+, g_j-) with significance factors f_j.  With m = max |W| of the matrix given,

    w = (1 / s) * sum_j f_j * (g_j+ - g_j-),      s = full_scale / max(m, EPSILON)  [uS per unit weight]      (1)

Every converter is a set of piecewise linear curves g(u) of the normalized weight u = w / m in [-1, 1]:
`breakpoints` (n,) and `curves` (2P, n) in the order g0+, g0-, g1+, g1-, ...; `full_scale` is the conductance
that u = 1 is mapped to.  The converters differ only in those curves:

* single pair: g+ = g_min + R max(u, 0), g- = g_min + R max(-u, 0), R = g_max - g_min;
* N pairs: pairs are filled in list order; pair j leaves g_min once pairs 0..j-1 are full;
* custom pairs: any curves, given at breakpoints (equispaced unless told otherwise).

References
----------
C. Mackin et al., "Optimised weight programming for analogue memory-based deep neural networks", Nature
Communications 13, 3765 (2022), doi:10.1038/s41467-022-31405-1.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.checks import (
    check_factors,
    check_range,
    check_weights,
)
from refapprox.validation import check_array, check_finite, check_instance, check_real

EPSILON = 1e-7                # weights below it are not stretched to the full range of the devices


class ConductanceConverter:
    """What all converters with pairs share; see the module's docstring for the formulas.

    Attributes
    ----------
    f_lst : tuple of P floats
        Significance factors.
    g_max, g_min : float, uS
        Range of the devices.
    breakpoints : float64 array, shape (n,)
        Normalized weights, increasing from -1 to 1.
    curves : float64 array, shape (2P, n), uS
    full_scale : float, uS

    Examples
    --------
    >>> converter = SinglePairConductanceConverter()
    >>> isinstance(converter, ConductanceConverter), converter.full_scale, converter.breakpoints.tolist()
    (True, 25.0, [-1.0, 0.0, 1.0])
    """

    breakpoints: NDArray[np.float64]
    curves: NDArray[np.float64]
    full_scale: float

    def __init__(self, f_lst: Sequence[float], g_max: float, g_min: float) -> None:
        self.g_max, self.g_min = check_range(g_max, g_min)
        self.f_lst = self._check_factors(f_lst)

    @property
    def n_pairs(self) -> int:
        """P."""
        return len(self.f_lst)

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest target conductance, uS."""
        return float(self.curves.min()), float(self.curves.max())

    def _check_factors(self, f_lst):
        return check_factors(f_lst)

    def conductances_at(self, u: ArrayLike) -> NDArray[np.float64]:
        """Conductances (2P, ...) in uS of the normalized weights `u` (...) in [-1, 1]."""
        u = check_finite("u", u, dtype=np.float64)
        return np.stack([np.interp(u, self.breakpoints, curve) for curve in self.curves])

    def convert_to_conductances(self, weights: ArrayLike) -> tuple[list[NDArray[np.float64]], dict[str, Any]]:
        """Split weights over the devices.

        Parameters
        ----------
        weights : array of any shape, finite

        Returns
        -------
        conductances : list of 2P ndarrays, each of the shape of weights, uS
        params : dict
            `scale_ratio` (uS per unit weight) and `f_lst`: what `convert_back_to_weights` needs.
        """
        weights = check_weights(weights)
        scale_ratio = self.full_scale / normalizer(weights)
        return self._split(weights, scale_ratio), {"scale_ratio": scale_ratio, "f_lst": list(self.f_lst)}

    def _split(self, weights, scale_ratio):
        return list(self.conductances_at(weights * (scale_ratio / self.full_scale)))

    def convert_back_to_weights(self, conductances: Sequence[ArrayLike],
                                params: Mapping[str, Any]) -> NDArray[np.float64]:
        """Weights from 2P conductance arrays, equation (1) of the module.

        Parameters
        ----------
        conductances : list of 2P arrays of one shape, uS
        params : dict
            With `scale_ratio`: what `convert_to_conductances` returned.

        Returns
        -------
        float64 array of the shape of one of conductances

        Raises
        ------
        ValueError
            If the number of arrays is not 2P, or params has no scale_ratio.
        """
        if "scale_ratio" not in check_instance("params", params, Mapping):
            raise ValueError(f"params must hold scale_ratio (uS per unit weight), got keys {sorted(params)}.")
        scale_ratio = check_real("scale_ratio of params", params["scale_ratio"])
        if scale_ratio == 0:
            raise ValueError("scale_ratio of params must not be 0: no weight leads there.")
        if not isinstance(conductances, (list, tuple)):      # an array of as many rows
            conductances = check_array("conductances", np.atleast_1d(conductances))
        if len(conductances) != 2 * self.n_pairs:
            raise ValueError(f"conductances must be {2 * self.n_pairs} arrays (g+ and g- of {self.n_pairs} pairs), "
                             f"got {len(conductances)}.")
        parts = [check_finite("conductances", part, dtype=np.float64) for part in conductances]
        if len({part.shape for part in parts}) > 1:
            raise ValueError(f"conductances must have one shape, got {sorted({part.shape for part in parts})}.")
        total = sum(factor * (plus - minus) for factor, plus, minus in zip(self.f_lst, parts[::2], parts[1::2],
                                                                           strict=True))
        return total / scale_ratio                                                    # (1)

    def __eq__(self, other):
        return (type(self) is type(other) and self.f_lst == other.f_lst
                and (self.g_max, self.g_min) == (other.g_max, other.g_min)
                and np.array_equal(self.breakpoints, other.breakpoints)
                and np.array_equal(self.curves, other.curves))

    def __hash__(self):
        return hash((type(self), self.f_lst, self.g_max, self.g_min, self.curves.tobytes()))

    def __repr__(self):
        factors = ", ".join(f"{factor:g}" for factor in self.f_lst)
        return f"{type(self).__name__}(f_lst=[{factors}], g_max={self.g_max:g}, g_min={self.g_min:g})"


class NPairConductanceConverter(ConductanceConverter):
    """P pairs filled one after the other, in the order of `f_lst`.

    Parameters
    ----------
    f_lst : list of P positive floats
        Significance factors; the first pair carries the small weights.
    g_max, g_min : float, uS
        Largest and smallest target conductance.

    Raises
    ------
    ValueError
        For factors that are not positive, or a range that is not 0 <= g_min < g_max.

    Examples
    --------
    >>> converter = NPairConductanceConverter([1, 3])
    >>> g, params = converter.convert_to_conductances([[-1.0, 0.25, 0.5]])
    >>> np.array(g).tolist()
    [[[0.0, 25.0, 25.0]], [[25.0, 0.0, 0.0]], [[0.0, 0.0, 8.333333333333334]], [[25.0, 0.0, 0.0]]]
    >>> converter.convert_back_to_weights(g, params).tolist()
    [[-1.0, 0.25, 0.5]]
    """

    def __init__(self, f_lst: Sequence[float], g_max: float = 25.0, g_min: float = 0.0) -> None:
        super().__init__(f_lst, g_max, g_min)
        spans = np.array(self.f_lst) * (self.g_max - self.g_min)
        self.full_scale = float(spans.sum())
        filled = np.concatenate([[0.0], np.cumsum(spans)]) / self.full_scale
        filled[-1] = 1.0
        self.breakpoints = np.concatenate([-filled[:0:-1], filled])
        self.curves = np.array(self._split(self.breakpoints, self.full_scale))

    def _split(self, weights, scale_ratio):
        """The definition: pair j takes what pairs 0..j-1 could not, up to its own range."""
        target = scale_ratio * weights
        conductances, below = [], 0.0
        for factor in self.f_lst:
            for signed in (target, -target):
                share = (np.maximum(signed, 0) - below) / factor
                conductances.append(np.clip(share + self.g_min, self.g_min, self.g_max))
            below += factor * (self.g_max - self.g_min)
        return conductances


class SinglePairConductanceConverter(NPairConductanceConverter):
    """One pair: positive weights in g+, negative ones in g-, the other device at g_min.

    Parameters
    ----------
    g_max, g_min : float, uS
        Largest and smallest target conductance.

    Examples
    --------
    >>> g, params = SinglePairConductanceConverter().convert_to_conductances([0.5, -1.0])
    >>> [device.tolist() for device in g], params["scale_ratio"]
    ([[12.5, 0.0], [0.0, 25.0]], 25.0)
    """

    def __init__(self, g_max: float = 25.0, g_min: float = 0.0) -> None:
        super().__init__([1.0], g_max, g_min)

    def __repr__(self):
        return f"{type(self).__name__}(g_max={self.g_max:g}, g_min={self.g_min:g})"


class DualPairConductanceConverter(NPairConductanceConverter):
    """Two pairs, filled one after the other.

    Parameters
    ----------
    f_lst : list of 2 positive floats
        Significance factors; the first pair carries the small weights.
    g_max, g_min : float, uS
        Largest and smallest target conductance.

    Examples
    --------
    >>> g, _ = DualPairConductanceConverter([1, 1]).convert_to_conductances([0.25, 1.0])
    >>> [device.tolist() for device in g]
    [[12.5, 25.0], [0.0, 0.0], [0.0, 25.0], [0.0, 0.0]]
    """

    def __init__(self, f_lst: Sequence[float], g_max: float = 25.0, g_min: float = 0.0) -> None:
        super().__init__(f_lst, g_max, g_min)

    def _check_factors(self, f_lst):
        factors = super()._check_factors(f_lst)
        if len(factors) != 2:
            raise ValueError(f"f_lst of a dual pair must have 2 factors, got {len(factors)}: {list(factors)}.")
        return factors


def normalizer(weights):
    """max(max |W|, EPSILON): the weight that is mapped to full scale."""
    return max(float(np.abs(weights).max(initial=0.0)), EPSILON)
