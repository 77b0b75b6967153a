"""Noise that does not depend on the conductance: the textbook device, for tests and ablations.

    sigma(g) = c_0 + c_1 x + c_2 x^2 uS with (0.2, 0, 0) by default, x = g / g_max
    nu       = drift_scale |0.1 + 0.05 Z|
    q        = 1 / g_max: read noise is G_d / g_max times the growth in time, in uS

References
----------
M. J. Rasch et al., "A flexible and fast PyTorch toolkit for simulating training and inference on analog crossbar
arrays", AICAS 2021, doi:10.1109/AICAS51828.2021.9458494 (the toolkit that defines this model).
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.devices.base import check_std, conductances
from refapprox.analog.devices.drifting import NoiseModel
from refapprox.validation import check_real


@dataclass(frozen=True, kw_only=True)
class StateIndependentNoiseModel(NoiseModel):
    """State-independent noise; see the module's docstring.

    Parameters
    ----------
    prog_coeff : sequence of float
        Polynomial of sigma in x, ascending powers, uS; never rescaled.
    drift_nu_mean, drift_nu_std : float
    g_max, prog_noise_scale, drift_scale, read_noise_scale, t_0, t_read
        See `NoiseModel`.

    Raises
    ------
    ValueError
        As of `NoiseModel`; for a negative spread or coefficients that are not finite.

    Examples
    --------
    >>> StateIndependentNoiseModel().programming_std([0.0, 25.0]).tolist()
    [0.2, 0.2]
    """

    prog_coeff: Sequence[float] = (0.2, 0.0, 0.0)
    drift_nu_mean: float = 0.1
    drift_nu_std: float = 0.05

    def __post_init__(self):
        super().__post_init__()
        self._keep("drift_nu_mean", check_real("drift_nu_mean", self.drift_nu_mean))
        self._keep_not_negative("drift_nu_std")
        self._keep_coefficients("prog_coeff")

    def programming_std(self, g_target: ArrayLike) -> NDArray[np.float64]:
        """sigma(g) in uS, without prog_noise_scale."""
        g_target = conductances("g_target", g_target)
        return check_std(polynomial.polyval(g_target / self.g_max, self.prog_coeff), g_target)

    def drift_parameters(self, g_target: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(mu, sd) of the drift exponent."""
        shape = conductances("g_target", g_target).shape
        return np.full(shape, self.drift_nu_mean), np.full(shape, self.drift_nu_std)

    def relative_read_noise(self, g_prog: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 / g_max: read noise is G_d / g_max times its growth in time, in uS."""
        return np.full(conductances("g_prog", g_prog, 0).shape, 1 / self.g_max)
