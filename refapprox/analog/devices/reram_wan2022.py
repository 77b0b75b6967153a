"""Resistive memory as measured 1 s, 1 day and 2 days after programming: relaxation instead of drift.

    G_t = max(0, g + scale sigma(g; t) Z),  sigma(.; t) a polynomial of degree 4 in x = g / g_max,

drawn anew from the target at each of the three times: there is no drift exponent, and no other time is known.
The polynomials were fitted at g_max = 40 uS; aihwkit does not rescale them at its default g_max = 25, and neither
does this model, unless `coeff_g_max_reference` is given: sigma is then multiplied by g_max / reference.

References
----------
W. Wan et al., "A compute-in-memory chip based on resistive random-access memory", Nature 608, 504 (2022),
doi:10.1038/s41586-022-04992-8.
"""
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial

from refapprox.analog import moments
from refapprox.analog.devices.base import DeviceModel, MeanVariance, standard_normals
from refapprox.validation import check_real

DAY = 86400.0
COEFFICIENTS = {                             # s -> ascending powers of x, uS
    1.0: (0.348, 16.030, -43.853, 45.393, -16.815),
    DAY: (0.701, 22.086, -50.773, 47.095, -16.458),
    2 * DAY: (0.782, 20.274, -43.507, 37.062, -11.934),
}


@dataclass(frozen=True, kw_only=True)
class ReRamWan2022NoiseModel(DeviceModel):
    """Resistive memory at quantized times.

    Parameters
    ----------
    g_max : float, uS
    noise_scale : float
    coeff_g_max_reference : float, uS, optional
        The g_max at which the polynomials count; default g_max, that is no rescaling.
    """

    g_max: float = 25.0
    noise_scale: float = 1.0
    coeff_g_max_reference: float = None

    def __post_init__(self):
        check_real("noise_scale", self.noise_scale, minimum=0)
        for name in ("g_max", "coeff_g_max_reference"):
            value = getattr(self, name)
            if value is not None and check_real(name, value) <= 0:
                raise ValueError(f"{name} must be positive, got {value}.")

    def check_time(self, t):
        """`t`, one of the measured times."""
        if check_real("t", t) not in COEFFICIENTS:
            raise ValueError(f"t of {type(self).__name__} must be one of {sorted(COEFFICIENTS)} s, got {t}.")
        return float(t)

    def noise_std(self, g_target, t):
        """scale sigma(g; t) in uS."""
        rescale = 1.0 if self.coeff_g_max_reference is None else self.g_max / self.coeff_g_max_reference
        x = np.asarray(g_target, dtype=np.float64) / self.g_max
        return self.noise_scale * rescale * polynomial.polyval(x, COEFFICIENTS[self.check_time(t)])

    def program(self, g_target, *, rng=None, normals=None):
        """Conductance 1 s after programming, uS."""
        return self.read(None, g_target, 1.0, rng=rng, normals=normals)

    def drift_state(self, g_target, *, rng=None, normals=None):
        """The target itself: later conductances are drawn around it. Nothing is drawn here."""
        return np.array(g_target, dtype=np.float64)

    def read(self, g_prog, g_target, t, *, rng=None, normals=None):
        """Conductance at `t`, drawn anew from the target, which `drift_state` kept; `g_prog` does not count."""
        g_target = np.asarray(g_target, dtype=np.float64)
        z = standard_normals(g_target.shape, rng, normals)
        return np.maximum(0, g_target + self.noise_std(g_target, t) * z)

    def programmed_moments(self, g_target):
        """Moments of the conductance after programming: those at 1 s."""
        return self.read_moments(g_target, 1.0)

    def read_moments(self, g_target, t):
        """Moments of the conductance at `t`: a clipped Gaussian, closed form."""
        g_target = np.asarray(g_target, dtype=np.float64)
        return MeanVariance.from_powers(*moments.clipped_gaussian(g_target, self.noise_std(g_target, t)))

    def read_third_moment(self, g_target, t):
        """Third central moment of the conductance at `t`, uS^3."""
        g_target = np.asarray(g_target, dtype=np.float64)
        std = self.noise_std(g_target, t)
        mean, square = moments.clipped_gaussian(g_target, std)
        return moments.clipped_gaussian_cube(g_target, std) - 3 * mean * square + 2 * mean**3

    def covariance(self, g_target, t):
        """0: the draws at programming and at `t` are independent given the target."""
        return np.zeros(np.shape(g_target))
