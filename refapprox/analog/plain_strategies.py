"""Plain strategies: pairs filled one after the other, and which factors serve them best."""
from itertools import product
from typing import NamedTuple

import numpy as np

from refapprox.analog.converters import NPairConductanceConverter

GRID_POINTS = {0: 1, 1: 46, 2: 16}      # of the coarse scan, per free factor; 8 beyond that


class FactorScan(NamedTuple):
    """Plain strategies that were tried: factors (n, P) and losses (n,); `best` is the refined optimum."""

    factors: np.ndarray
    losses: np.ndarray
    best: tuple
    best_loss: float


def plain_losses(loss, factors, g_max, g_min):
    """Losses (n,) of plain strategies with `factors` (n, P) under a `PopulationLoss`."""
    converters = [NPairConductanceConverter(row.tolist(), g_max, g_min) for row in factors]
    conductances = np.stack([converter.conductances_at(loss.u) for converter in converters])
    return loss(conductances, factors, np.array([converter.full_scale for converter in converters]))


def scan_factors(loss, f_lst, g_max, g_min, f_min, f_max):
    """Best plain strategy over the free factors (None) of `f_lst`: a grid over [f_min, f_max], then refined."""
    from scipy.optimize import minimize

    free = [j for j, factor in enumerate(f_lst) if factor is None]
    axis = np.linspace(f_min, f_max, GRID_POINTS.get(len(free), 8))
    grid = np.array(list(product(axis, repeat=len(free))))          # one empty row when nothing is free

    def with_free_factors(values):
        factors = np.tile([0.0 if factor is None else factor for factor in f_lst], (len(values), 1))
        factors[:, free] = values
        return factors

    def losses_of(values):
        return plain_losses(loss, with_free_factors(np.atleast_2d(values)), g_max, g_min)

    losses = losses_of(grid)
    start = grid[losses.argmin()]
    best, best_loss = start, float(losses.min())
    if free:
        found = minimize(lambda values: losses_of(values)[0], start, method="Nelder-Mead",
                         bounds=[(f_min, f_max)] * len(free), options={"xatol": 1e-4, "fatol": 1e-9 * best_loss,
                                                                       "maxfev": 100 * len(free)})
        if found.fun < best_loss:
            best, best_loss = found.x, float(found.fun)
    return FactorScan(with_free_factors(grid), losses, tuple(with_free_factors(best[None])[0].tolist()), best_loss)
