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
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike, NDArray

from refapprox.analog import moments
from refapprox.analog.devices.base import DeviceModel, conductances
from refapprox.validation import check_real

DAY = 86400.0
COEFFICIENTS = {                             # s -> ascending powers of x, uS
    1.0: (0.348, 16.030, -43.853, 45.393, -16.815),
    DAY: (0.701, 22.086, -50.773, 47.095, -16.458),
    2 * DAY: (0.782, 20.274, -43.507, 37.062, -11.934),
}


@dataclass(frozen=True, kw_only=True)
class ReRamWan2022NoiseModel(DeviceModel):
    """Resistive memory at quantized times; its drift state is the target.

    Parameters
    ----------
    g_max : float, uS
    noise_scale : float
    coeff_g_max_reference : float, uS, optional
        The g_max at which the polynomials count; default g_max, that is no rescaling.

    Raises
    ------
    ValueError
        For a range that is not positive or a negative scale; when it is read, for a time that was not measured.

    Examples
    --------
    >>> ReRamWan2022NoiseModel().noise_std([0.0], t=86400.0).tolist()
    [0.701]
    """

    g_max: float = 25.0
    noise_scale: float = 1.0
    coeff_g_max_reference: float | None = None

    def __post_init__(self):
        self._keep_not_negative("noise_scale")
        self._keep_positive("g_max", *(() if self.coeff_g_max_reference is None else ("coeff_g_max_reference",)))

    def check_time(self, t: float) -> float:
        """`t`, one of the measured times."""
        t = check_real("t", t)
        if t not in COEFFICIENTS:
            raise ValueError(f"t of {type(self).__name__} must be one of {sorted(COEFFICIENTS)} s, got {t}.")
        return t

    def noise_std(self, g_target: ArrayLike, t: float) -> NDArray[np.float64]:
        """scale sigma(g; t) in uS.

        Parameters
        ----------
        g_target : array, uS
        t : float, s
        """
        rescale = 1.0 if self.coeff_g_max_reference is None else self.g_max / self.coeff_g_max_reference
        x = conductances("g_target", g_target) / self.g_max
        return self.noise_scale * rescale * polynomial.polyval(x, COEFFICIENTS[self.check_time(t)])

    def _program(self, g_target, draw):
        return self._read(None, g_target, 1.0, draw)

    def _drift_state(self, g_target, draw):
        return np.array(g_target)

    def _read(self, g_prog, drift_state, t, draw):
        g_target = conductances("drift_state", drift_state)
        return np.maximum(0, g_target + self.noise_std(g_target, t) * draw(g_target.shape))

    def _programmed_powers(self, g_target):
        return self._aged_expectations(g_target, 1.0)[:2]

    def _aged_expectations(self, g_target, t, **quadrature):
        std = self.noise_std(g_target, t)
        # a clipped Gaussian; the draws at programming and at t are independent given the target
        return (*moments.clipped_gaussian(g_target, std), moments.clipped_gaussian_cube(g_target, std),
                np.zeros(np.shape(g_target)))
