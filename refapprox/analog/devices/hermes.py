"""The phase-change memory of the 64-core HERMES chip: unit cells with one or with two devices per polarity.

Piecewise fits in x = g / g_max; `FITS` has the constants of both kinds.  Programming, drift and read follow
`NoiseModel`; sigma is a polynomial rescaled by g_max / reference.

References
----------
M. Le Gallo et al., "A 64-core mixed-signal in-memory compute chip based on phase-change memory for deep neural
network inference", Nature Electronics 6, 680 (2023), doi:10.1038/s41928-023-01010-1.
R. Khaddam-Aljameh et al., "HERMES-Core", IEEE JSSC 57, 1027 (2022), doi:10.1109/JSSC.2022.3140414.
A. Vasilopoulos et al., "Exploiting the state dependency of conductance variations in memristive devices for
accurate in-memory computing", IEEE TED 70, 6279 (2023), doi:10.1109/TED.2023.3321014.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.devices.base import conductances
from refapprox.analog.devices.drifting import NoiseModel
from refapprox.validation import check_choice

LOG_FLOOR = 1e-7


class LogThenPolynomial(NamedTuple):
    """clip(slope log x + offset, low, high) below `switch`, a polynomial (ascending powers) from there on."""

    switch: float
    slope: float
    offset: float
    low: float
    high: float
    polynomial: tuple

    def __call__(self, x):
        small = np.clip(self.slope * np.log(np.maximum(x, LOG_FLOOR)) + self.offset, self.low, self.high)
        return np.where(x < self.switch, small, polynomial.polyval(x, self.polynomial))

    def kinks(self):
        """Where it is not smooth: the switch, and below it where the clip begins and ends."""
        ends = (np.exp((bound - self.offset) / self.slope) for bound in (self.low, self.high))
        return (self.switch, *(float(x) for x in ends if x < self.switch))


MU = LogThenPolynomial(0.0945, -0.0387, -0.0182, 0.0720, 0.13, (0.0736, -0.0126, -0.0436))
FITS = {     # devices per polarity -> reference g_max (uS), t_0 (s), sigma, sd of nu, q
    1: (10.35, 200.0, (0.15781817, 2.32443916, -2.16310839, 0.68841818),
        LogThenPolynomial(0.3039, -0.0120, -0.0023, 0.0124, 0.04, (0.0104, 0.0116, -0.0165)),
        LogThenPolynomial(0.1591, -0.0078, 0.0038, 0.0179, 0.04, (0.0088, 0.0768, -0.1352, 0.0664))),
    2: (20.7, 300.0, (0.16603222, 4.71806468, -8.48101252, 4.68961419),
        LogThenPolynomial(0.3055, -0.0117, -0.0057, 0.0091, 0.04, (0.0073, 0.0093, -0.0118)),
        LogThenPolynomial(0.16, -0.0117, -0.0069, 0.015, 0.04, (0.0123, 0.0211, -0.0280, 0.0069))),
}


@dataclass(frozen=True, kw_only=True)
class HermesNoiseModel(NoiseModel):
    """Phase-change memory of the HERMES chip.

    Parameters
    ----------
    num_devices : 1 or 2
        Devices a polarity of the unit cell.
    g_max : float, uS, optional
        At most the fitted range: 10.35 (one device) or 20.7 (two), which is the default.
    t_0 : float, s, optional
        200 or 300.
    prog_noise_scale, drift_scale, read_noise_scale, t_read
        See `NoiseModel`.

    Raises
    ------
    ValueError
        As of `NoiseModel`; for another number of devices, or g_max beyond the fitted range.

    Examples
    --------
    >>> model = HermesNoiseModel(num_devices=1)
    >>> model.g_max, model.t_0
    (10.35, 200.0)
    """

    num_devices: int = 2
    g_max: float | None = None
    t_0: float | None = None
    t_read: float = 512e-9

    def __post_init__(self):
        self._keep("num_devices", check_choice("num_devices", self.num_devices, tuple(FITS)))
        reference, t_0, *_ = FITS[self.num_devices]
        if self.g_max is None:
            self._keep("g_max", reference)
        if self.t_0 is None:
            self._keep("t_0", t_0)
        super().__post_init__()
        if self.g_max > reference:
            raise ValueError(f"g_max must be at most {reference} uS, the range that was measured with "
                             f"num_devices={self.num_devices}, got {self.g_max}.")

    def programming_std(self, g_target: ArrayLike) -> NDArray[np.float64]:
        """sigma(g) in uS, without prog_noise_scale."""
        reference, _, coefficients, *_ = FITS[self.num_devices]
        x = conductances("g_target", g_target) / self.g_max
        return polynomial.polyval(x, coefficients) * self.g_max / reference

    def drift_parameters(self, g_target: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(mu, sd) of the drift exponent."""
        x = conductances("g_target", g_target) / self.g_max
        return MU(x), FITS[self.num_devices][3](x)

    def relative_read_noise(self, g_prog: NDArray[np.float64]) -> NDArray[np.float64]:
        """q(G_0)."""
        return FITS[self.num_devices][4](conductances("g_prog", g_prog, 0) / self.g_max)

    def read_kinks(self) -> tuple[float, ...]:
        """Where the fit of q changes its branch or reaches its cap, uS."""
        return tuple(self.g_max * x for x in FITS[self.num_devices][4].kinks())
