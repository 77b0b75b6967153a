"""The objective for a whole population of strategies at once: what the optimizer calls.

The weights are replaced by a Gauss rule of their distribution (module `quadrature`), on |u| when strategies are
symmetric, g-(u) = g+(-u): u and -u then err alike.  Equations (2) to (4) of `objective` are evaluated on arrays
(candidates, devices, weight points, times), in the limit of a large array and with perfect readout.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog import moments
from refapprox.analog.compensation import FLOOR, GLOBAL, check_compensation
from refapprox.analog.converters import normalizer
from refapprox.analog.devices import DeviceModel
from refapprox.analog.objective import check_score_weights, check_times
from refapprox.analog.quadrature import empirical_rule
from refapprox.analog.tables import moment_table
from refapprox.validation import check_finite, check_flag, check_integer, check_numbers

BLOCK_BYTES = 1 << 20         # of moments at a time: what fits into the processor's cache
ROUNDING = 1e-9               # of g_max, by which conductances may leave [0, g_max]
FINE_CELLS = (0.0, 0.01, 0.025, 0.05)        # near 0 moments change within a programming error of the first pair


class PopulationLoss:
    """Expected TNMSE of many strategies.

    Parameters
    ----------
    weights, device, t_steps, compensation
        As in `expected_tnmse`. Columns count as alike for compensation per column.
    symmetric : bool
        Strategies treat u and -u alike; the distribution is folded.
    cells : int
        Equispaced cells of [0, 1] (with `FINE_CELLS` added); two weight points each.

    Attributes
    ----------
    u, p : float64 array (K,)
        Weight points, normalized, and their probabilities.

    Raises
    ------
    TypeError, ValueError
        As of `expected_tnmse`; for fewer than one cell.

    Examples
    --------
    >>> from refapprox.analog import PCMLikeNoiseModel, SinglePairConductanceConverter, expected_tnmse
    >>> converter, weights = SinglePairConductanceConverter(), np.random.default_rng(0).normal(size=5000)
    >>> loss = PopulationLoss(weights, PCMLikeNoiseModel(), [3600.0])
    >>> (found,) = loss(converter.conductances_at(loss.u)[None], np.ones((1, 1)), np.array([25.0]))
    >>> bool(abs(found / expected_tnmse(converter, weights, PCMLikeNoiseModel(), [3600.0]) - 1) < 0.01)
    True
    """

    def __init__(self, weights: ArrayLike, device: DeviceModel, t_steps: Sequence[float], compensation: Any = GLOBAL, *,
                 symmetric: bool = True, cells: int = 24) -> None:
        weights = check_score_weights(weights)
        self.compensation = check_compensation(compensation)
        self.device, self.t_steps = device, check_times(t_steps, device)
        unit = normalizer(weights)
        self.floor = FLOOR / unit
        edges = np.union1d(np.linspace(0, 1, check_integer("cells", cells, minimum=1) + 1), FINE_CELLS)
        u = weights / unit
        if check_flag("symmetric", symmetric):
            u = np.abs(u)
        else:
            edges = np.union1d(-edges, edges)
        self.u, self.p = empirical_rule(u, edges)
        self.table = moment_table(device, self.t_steps)

    def __call__(self, conductances: NDArray[np.float64], factors: NDArray[np.float64],
                 full_scale: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected TNMSE, (C,), of C strategies.

        `conductances` (C, 2P, K), uS, are those of the devices at the weight points `u`, `factors` (C, P), and
        `full_scale` (C,), uS, is the conductance of u = 1.
        """
        return self.per_time(conductances, factors, full_scale).mean(axis=1)

    def per_time(self, conductances: NDArray[np.float64], factors: NDArray[np.float64],
                 full_scale: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same for each time: (C, T).

        Parameters
        ----------
        conductances, factors, full_scale
            As of the call.
        """
        conductances = check_finite("conductances", conductances, ndim=3)
        candidates, devices, points = conductances.shape
        share = conductances / self.device.g_max
        if share.size and not -ROUNDING <= share.min() <= share.max() <= 1 + ROUNDING:
            raise ValueError(f"conductances must lie in [0, {self.device.g_max:g}] uS, got values from "
                             f"{conductances.min():g} to {conductances.max():g}.")
        if devices % 2 or points != len(self.u):
            raise ValueError(f"conductances must have shape (C, 2P, {len(self.u)}), got {conductances.shape}.")
        factors = check_numbers("factors", check_finite("factors", factors), shape=(candidates, devices // 2))
        full_scale = check_numbers("full_scale", check_finite("full_scale", full_scale), shape=(candidates,))
        if full_scale.size and full_scale.min() <= 0:
            raise ValueError(f"full_scale must be positive, got {full_scale.min()}.")
        losses = np.empty((candidates, len(self.t_steps)))
        per_candidate = 16 * self.table.n_stages * devices * points
        step = max(1, BLOCK_BYTES // per_candidate)
        for start in range(0, candidates, step):
            block = slice(start, start + step)
            losses[block] = self._losses(*self._sides(conductances[block], factors[block], full_scale[block]))
        return losses

    def _sides(self, conductances, factors, full_scale):
        """Means and variances (C, K, 1 + T) of X+ and X-, programmed and aged: (2) and (3) of `objective`."""
        stages = self.table.n_stages
        columns = self.table(conductances)                                        # (C, 2P, K, 2 (1 + T))
        share = factors / full_scale[:, None]
        return [np.einsum("cp,cpkt->ckt", weight, columns[:, side::2, :, part])
                for weight, part in ((share, slice(stages)), (share**2, slice(stages, None))) for side in (0, 1)]

    def _losses(self, plus, minus, plus_variance, minus_variance):
        """(4) of `objective`: (C, T)."""
        magnitude = moments.difference_magnitude(plus, plus_variance, minus, minus_variance)
        magnitude = np.einsum("ckt,k->ct", magnitude, self.p)
        alpha = self.compensation.expected_factor(np.abs(self.u) @ self.p, magnitude[:, :1], magnitude[:, 1:],
                                                  self.floor)[:, None, :]
        error = alpha * (plus - minus)[..., 1:] - self.u[:, None]
        variance = (plus_variance + minus_variance)[..., 1:]
        return np.einsum("ckt,k->ct", error**2 + alpha**2 * variance, self.p)
