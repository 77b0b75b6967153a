"""Filamentary CMO/HfOx resistive memory: programmed by write and verify, relaxes with log t, is read with 1/f noise.

A device programmed to the target g (uS) and read t seconds later, with independent standard normals Z:

    program:  G_0 = g + p sigma(g) Z_0,                 sigma a polynomial in g (not in g / g_max)             (1)
    relax:    G_d = G_0 + k [m L + (s_0 + s_1 L) Z_1],  L = log t, whatever the target                         (2)
    read:     G_t = min(max(G_d + c(G_d, t) Z_2, g_min), g_max),
              c(G_d, t) = r K |log10 G_d| sqrt(log((t + t_read) / (2 t_read))),  0 for G_d <= 0                (3)

p, k, r scale the three.  At t = 0 the programmed conductance is read as it is.  Z_1 and Z_2 are drawn anew for each
read: the model says how devices are distributed at a time, not how one device moves.

G_d is Gaussian, with mean g + k m L and variance p^2 sigma^2 + k^2 (s_0 + s_1 L)^2; given G_d, G_t is a Gaussian
clipped at both ends (`moments`, (6)), which leaves one integral over G_d.  It is done over Y = max(0, G_d), where
G_t = g_min for sure if G_d <= 0, so that

    E G_d G_t = E[Y f(Y)] + g_min (E G_d - E Y),  f(y) = E[G_t | G_d = y]                                      (4)
    Cov(G_0, G_t) = rho Cov(G_d, G_t),            rho = Var G_0 / Var G_d                                      (5)

the last because E[G_0 | G_d] is linear in G_d and Z_2 knows nothing of G_0.

References
----------
D. F. Falcone et al., "All-in-one analog AI hardware: on-chip training and inference with conductive-metal-oxide/HfOx
ReRAM devices", arXiv:2502.04524 (2025); read noise: Lombardo et al., Device Research Conference (2024). The fits'
coefficients are those of aihwkit.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike, NDArray

from refapprox.analog import moments
from refapprox.analog.devices.base import DeviceModel, MeanVariance, check_std, conductances
from refapprox.validation import check_choice, check_real

PROGRAMMING = {                              # acceptance range of write and verify, % -> ascending powers of g, uS
    0.2: (0.00081107, 0.00106879),
    2.0: (0.0112185391, 0.01129027418),
}
CUTS = np.array([-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0])      # standard deviations around either end of the range
NEAR_ZERO = 10.0 ** np.arange(-7, 1)                         # uS, where |log10 G| is singular


@dataclass(frozen=True, kw_only=True)
class ReRamCMONoiseModel(DeviceModel):
    """CMO/HfOx resistive memory.

    Parameters
    ----------
    g_max, g_min : float, uS
        What is read stays within; a strategy must use the same g_max, and nothing below g_min.
    prog_noise_scale, drift_scale, read_noise_scale : float
        p, k and r of the formulas.
    acceptance_range : 0.2 or 2, %
        How near to its target a device must be for programming to end.
    prog_coeff : sequence of float, optional
        Polynomial of sigma in g, ascending powers, uS, in place of the measured one.
    decay_mean : float, uS
        m: shift of the mean per unit of log t.
    decay_std : pair of float, uS
        (s_0, s_1): spread of the relaxation at 1 s and its growth per unit of log t.
    read_coeff : float, uS
        K of (3).
    t_read : float, s
        Duration of a read.

    Raises
    ------
    ValueError
        For a range or time that is not positive, a negative scale, another acceptance range, coefficients that give a
        negative standard deviation; when it is read, for a time that the fits do not reach.

    Examples
    --------
    >>> model = ReRamCMONoiseModel(prog_noise_scale=0, read_noise_scale=0)
    >>> mean, variance = model.drifted_moments(50.0, 1.0)
    >>> float(mean), round(float(variance) ** 0.5, 8)
    (50.0, 0.41183342)
    """

    g_max: float = 88.199997
    g_min: float = 9.0
    prog_noise_scale: float = 1.0
    drift_scale: float = 1.0
    read_noise_scale: float = 1.0
    acceptance_range: float = 0.2
    prog_coeff: Sequence[float] | None = None
    decay_mean: float = -0.08900206
    decay_std: Sequence[float] = (0.41183342, 0.04201137)
    read_coeff: float = 0.0277316483
    t_read: float = 1e-6

    def __post_init__(self):
        self._keep_not_negative("g_min", "prog_noise_scale", "drift_scale", "read_noise_scale", "read_coeff")
        self._keep_positive("g_max", "t_read")
        if self.g_min >= self.g_max:
            raise ValueError(f"g_max must be above g_min, got g_max={self.g_max}, g_min={self.g_min}.")
        self._keep("decay_mean", check_real("decay_mean", self.decay_mean))
        if self.prog_coeff is None:
            self._keep("acceptance_range", check_choice("acceptance_range", self.acceptance_range, sorted(PROGRAMMING)))
        else:
            self._keep_coefficients("prog_coeff")
        self._keep_coefficients("decay_std")
        if len(self.decay_std) != 2:
            raise ValueError(f"decay_std must be (s_0, s_1), got {len(self.decay_std)} number(s).")

    def check_time(self, t: float) -> float:
        """`t` as 0 or a time at which the fits make sense."""
        t = check_real("t", t, minimum=0)
        if t != 0 and (t < self.t_read or self._spread(t) < 0):
            raise ValueError(f"t of {type(self).__name__} must be 0 or a time that the fits in log t reach: not below "
                             f"t_read={self.t_read} s, nor where s_0 + s_1 log t is negative; got {t}.")
        return t

    def _spread(self, t):
        """s_0 + s_1 L of (2), uS."""
        return self.decay_std[0] + self.decay_std[1] * np.log(t)

    def programming_std(self, g_target: ArrayLike) -> NDArray[np.float64]:
        """sigma(g) of (1) in uS, without prog_noise_scale."""
        g_target = conductances("g_target", g_target)
        coefficients = PROGRAMMING[self.acceptance_range] if self.prog_coeff is None else self.prog_coeff
        return check_std(polynomial.polyval(g_target, coefficients), g_target)

    def relaxation(self, t: float) -> tuple[float, float]:
        """(mean, standard deviation) of G_d - G_0 for t > 0, equation (2), uS."""
        t = self.check_time(t)
        if t == 0:
            raise ValueError("t must be positive, got 0.")
        return self.drift_scale * self.decay_mean * np.log(t), self.drift_scale * self._spread(t)

    def read_deviation(self, g_drifted: ArrayLike, t: float) -> NDArray[np.float64]:
        """c(G_d, t) of (3), uS.

        Parameters
        ----------
        g_drifted : array, uS
        t : float, s
        """
        g_drifted = conductances("g_drifted", g_drifted)
        decades = np.log10(g_drifted, out=np.zeros_like(g_drifted), where=g_drifted > 0)
        growth = np.sqrt(np.log((t + self.t_read) / (2 * self.t_read)))
        return self.read_noise_scale * self.read_coeff * np.abs(decades) * growth

    def _program(self, g_target, draw):
        return g_target + self.prog_noise_scale * self.programming_std(g_target) * draw(g_target.shape)   # (1)

    def _drift_state(self, g_target, draw):
        return np.array(g_target)                    # for the form: relaxation depends on nothing that a device keeps

    def _read(self, g_prog, drift_state, t, draw):
        g_prog = conductances("g_prog", g_prog, 0)
        if t == 0:
            return np.array(g_prog)
        first, second = draw((2, *g_prog.shape))
        mean, std = self.relaxation(t)
        drifted = g_prog + mean + std * first                                                             # (2)
        return np.clip(drifted + self.read_deviation(drifted, t) * second, self.g_min, self.g_max)        # (3)

    def _programmed_powers(self, g_target):
        return g_target, g_target**2 + (self.prog_noise_scale * self.programming_std(g_target)) ** 2

    def drifted_moments(self, g_target: ArrayLike, t: float) -> MeanVariance:
        """MeanVariance of G_d, before reading, uS and uS^2.

        Parameters
        ----------
        g_target : array, uS
        t : float, s
        """
        g_target = conductances("g_target", g_target)
        variance = (self.prog_noise_scale * self.programming_std(g_target)) ** 2
        if self.check_time(t) == 0:
            return MeanVariance(g_target, variance)
        mean, std = self.relaxation(t)
        return MeanVariance(g_target + mean, variance + std**2)

    def _aged_expectations(self, g_target, t, **quadrature):
        drifted = self.drifted_moments(g_target, t)
        start = drifted.variance if t == 0 else self.drifted_moments(g_target, 0.0).variance
        if t == 0:
            return g_target, g_target**2 + start, g_target**3 + 3 * g_target * start, start
        std = np.sqrt(drifted.variance)

        def integrands(g):
            first, second, third = moments.interval_gaussian(g, self.read_deviation(g, t), self.g_min, self.g_max)
            return np.stack([first, second, third, g * first])

        ends = np.array([self.g_min, self.g_max])
        cuts = ends + CUTS[:, None] * self.read_deviation(np.maximum(ends, 1e-3), t)
        mean, square, cube, mixed = moments.clipped_gaussian_expectation(
            integrands, drifted.mean, std, np.append(cuts, NEAR_ZERO), **quadrature)
        positive, _ = moments.clipped_gaussian(drifted.mean, std)
        product = mixed + self.g_min * (drifted.mean - positive)                                          # (4)
        share = np.divide(start, drifted.variance, out=np.zeros_like(drifted.variance), where=drifted.variance > 0)
        return mean, square, cube, share * (product - drifted.mean * mean)                                # (5)
