"""Moments of a device at many conductances: computed once on a grid, then read off by cubic interpolation.

The exact moments of `devices` cost a quadrature each.  A table holds them on `GRID` equispaced conductances from 0
to g_max with shape-preserving cubics between (PCHIP): differentiable, no overshoot at the kinks of a device model.
The error against the exact moments is below 2e-6 of g_max (mean) and g_max^2 (variance), which a test bounds for
every model.
"""
from functools import lru_cache

import numpy as np
from scipy.interpolate import PchipInterpolator

GRID = 4096


class MomentTable:
    """Means and variances of the programmed conductance and of those read at T times, and their covariances.

    Columns: `means` (1 + T: programmed, then read at each time), `variances` (1 + T), `covariances` (T, programmed
    with read), third central moments (T, read), in uS, uS^2 and uS^3.
    """

    def __init__(self, device, t_steps):
        self.device, self.t_steps = device, tuple(t_steps)
        grid = np.linspace(0, device.g_max, GRID)
        aged = [device.read_joint_moments(grid, t) for t in self.t_steps]
        stages = [device.programmed_moments(grid)] + [found[0] for found in aged]
        columns = ([stage.mean for stage in stages] + [stage.variance for stage in stages]
                   + [covariance for _, covariance, _ in aged] + [third for _, _, third in aged])
        # (4, GRID - 1, columns), highest power first, of the position within a cell in cells
        coefficients = PchipInterpolator(np.arange(GRID), np.stack(columns, axis=-1), axis=0).c
        self._coefficients = np.ascontiguousarray(coefficients)
        self._moments_only = np.ascontiguousarray(coefficients[..., :2 * len(stages)])

    @property
    def n_stages(self):
        return 1 + len(self.t_steps)

    def __call__(self, g, *, beyond_variances=False):
        """The columns at conductances `g` (...): (..., columns). Means, variances and, `beyond_variances`, the rest."""
        cells = np.asarray(g, dtype=np.float64) * ((GRID - 1) / self.device.g_max)
        index = np.minimum(cells.astype(np.int64), GRID - 2)
        cubic, square, slope, value = self._coefficients if beyond_variances else self._moments_only
        offset = (cells - index)[..., None]
        found = cubic[index]                                       # Horner, in place: the temporaries are large
        for coefficient in (square, slope, value):
            found *= offset
            found += coefficient[index]
        variances = found[..., self.n_stages:2 * self.n_stages]
        np.maximum(variances, 0.0, out=variances)                  # rounding, where nothing varies
        return found


@lru_cache(maxsize=8)
def moment_table(device, t_steps):
    """The `MomentTable` of a device model and a tuple of times; the last few are kept."""
    return MomentTable(device, t_steps)
