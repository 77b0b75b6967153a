"""Noise that does not depend on the conductance: the textbook device, for tests and ablations.

    sigma(g) = c_0 + c_1 x + c_2 x^2 uS with (0.2, 0, 0) by default, x = g / g_max
    nu       = drift_scale |0.1 + 0.05 Z|
    q        = 1 / g_max: read noise is G_d / g_max times the growth in time, in uS

References
----------
M. J. Rasch et al., "A flexible and fast PyTorch toolkit for simulating training and inference on analog crossbar
arrays", AICAS 2021, doi:10.1109/AICAS51828.2021.9458494 (the toolkit that defines this model).
"""
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial

from refapprox.analog.devices.base import NoiseModel
from refapprox.validation import check_finite, check_real


@dataclass(frozen=True, kw_only=True)
class StateIndependentNoiseModel(NoiseModel):
    """State-independent noise; see the module's docstring.

    Parameters
    ----------
    prog_coeff : sequence of float
        Polynomial of sigma in x, ascending powers, uS; never rescaled.
    drift_nu_mean, drift_nu_std : float
    """

    prog_coeff: tuple = (0.2, 0.0, 0.0)
    drift_nu_mean: float = 0.1
    drift_nu_std: float = 0.05

    def __post_init__(self):
        super().__post_init__()
        check_real("drift_nu_mean", self.drift_nu_mean)
        check_real("drift_nu_std", self.drift_nu_std, minimum=0)
        coefficients = np.atleast_1d(check_finite("prog_coeff", self.prog_coeff))
        object.__setattr__(self, "prog_coeff", tuple(float(value) for value in coefficients))

    def programming_std(self, g_target):
        return polynomial.polyval(np.asarray(g_target, dtype=np.float64) / self.g_max, self.prog_coeff)

    def drift_parameters(self, g_target):
        return np.full(np.shape(g_target), self.drift_nu_mean), np.full(np.shape(g_target), self.drift_nu_std)

    def relative_read_noise(self, g_prog):
        return np.full(np.shape(g_prog), 1 / self.g_max)
