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
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial

from refapprox.analog import moments
from refapprox.analog.devices.base import DeviceModel, MeanVariance, standard_normals
from refapprox.validation import check_choice, check_finite, check_real

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
    prog_coeff: tuple = None
    decay_mean: float = -0.08900206
    decay_std: tuple = (0.41183342, 0.04201137)
    read_coeff: float = 0.0277316483
    t_read: float = 1e-6

    def __post_init__(self):
        g_min, g_max = check_real("g_min", self.g_min, minimum=0), check_real("g_max", self.g_max)
        if g_min >= g_max:
            raise ValueError(f"g_min and g_max must satisfy 0 <= g_min < g_max, got g_min={g_min}, g_max={g_max}.")
        for name in ("prog_noise_scale", "drift_scale", "read_noise_scale", "read_coeff"):
            check_real(name, getattr(self, name), minimum=0)
        if check_real("t_read", self.t_read) <= 0:
            raise ValueError(f"t_read must be positive, got {self.t_read}.")
        check_real("decay_mean", self.decay_mean)
        if self.prog_coeff is None:
            check_choice("acceptance_range", self.acceptance_range, sorted(PROGRAMMING))
        else:
            self._keep_tuple("prog_coeff")
        self._keep_tuple("decay_std")
        if len(self.decay_std) != 2:
            raise ValueError(f"decay_std must be (s_0, s_1), got {len(self.decay_std)} number(s).")

    def _keep_tuple(self, name):
        values = np.atleast_1d(check_finite(name, np.asarray(getattr(self, name), dtype=np.float64)))
        object.__setattr__(self, name, tuple(values.tolist()))

    def check_time(self, t):
        """`t` as 0 or a time at which the fits make sense."""
        t = check_real("t", t, minimum=0)
        if t != 0 and (t < self.t_read or self._spread(t) < 0):
            raise ValueError(f"t of {type(self).__name__} must be 0 or a time that the fits in log t reach: not below "
                             f"t_read={self.t_read} s, nor where s_0 + s_1 log t is negative; got {t}.")
        return t

    def _spread(self, t):
        """s_0 + s_1 L of (2), uS."""
        return self.decay_std[0] + self.decay_std[1] * np.log(t)

    def programming_std(self, g_target):
        """sigma(g) of (1) in uS, without prog_noise_scale."""
        coefficients = PROGRAMMING[self.acceptance_range] if self.prog_coeff is None else self.prog_coeff
        std = polynomial.polyval(np.asarray(g_target, dtype=np.float64), coefficients)
        if np.any(std < 0):
            raise ValueError(f"prog_coeff must give a standard deviation >= 0 at every target, got {std.min():.6g} uS.")
        return std

    def relaxation(self, t):
        """(mean, standard deviation) of G_d - G_0 for t > 0, equation (2), uS."""
        return self.drift_scale * self.decay_mean * np.log(t), self.drift_scale * self._spread(t)

    def read_deviation(self, g_drifted, t):
        """c(G_d, t) of (3), uS."""
        g_drifted = np.asarray(g_drifted, dtype=np.float64)
        decades = np.log10(g_drifted, out=np.zeros_like(g_drifted), where=g_drifted > 0)
        growth = np.sqrt(np.log((t + self.t_read) / (2 * self.t_read)))
        return self.read_noise_scale * self.read_coeff * np.abs(decades) * growth

    def program(self, g_target, *, rng=None, normals=None):
        """Programmed conductance (1), uS; `normals` of g_target's shape."""
        g_target = np.asarray(g_target, dtype=np.float64)
        z = standard_normals(g_target.shape, rng, normals)
        return g_target + self.prog_noise_scale * self.programming_std(g_target) * z                      # (1)

    def drift_state(self, g_target, *, rng=None, normals=None):
        """The target, for the form: relaxation depends on nothing that a device would keep. Nothing is drawn here."""
        return np.array(g_target, dtype=np.float64)

    def read(self, g_prog, g_target, t, *, rng=None, normals=None):
        """Conductance (uS) at `t`, (2) and (3), from what was programmed; g_target is not used.

        `normals` have the shape (2, *g_prog.shape): relaxation, read.
        """
        g_prog, t = np.array(g_prog, dtype=np.float64), self.check_time(t)
        if t == 0:
            return g_prog
        first, second = standard_normals((2, *g_prog.shape), rng, normals)
        mean, std = self.relaxation(t)
        drifted = g_prog + mean + std * first                                                             # (2)
        return np.clip(drifted + self.read_deviation(drifted, t) * second, self.g_min, self.g_max)        # (3)

    def programmed_moments(self, g_target):
        """Moments of G_0."""
        g_target = np.array(g_target, dtype=np.float64)
        return MeanVariance(g_target, (self.prog_noise_scale * self.programming_std(g_target)) ** 2)

    def drifted_moments(self, g_target, t):
        """Moments of G_d, before reading."""
        start = self.programmed_moments(g_target)
        if self.check_time(t) == 0:
            return start
        mean, std = self.relaxation(t)
        return MeanVariance(start.mean + mean, start.variance + std**2)

    def read_moments(self, g_target, t, **quadrature):
        """Moments of G_t; `quadrature` may hold panels and order."""
        if self.check_time(t) == 0:
            return self.programmed_moments(g_target)
        mean, square, *_ = self._read_expectations(g_target, t, **quadrature)
        return MeanVariance.from_powers(mean, square)

    def covariance(self, g_target, t, **quadrature):
        """Cov(G_0, G_t), equations (4) and (5)."""
        start = self.programmed_moments(g_target)
        if self.check_time(t) == 0:
            return start.variance
        drifted = self.drifted_moments(g_target, t)
        mean, _, product, _ = self._read_expectations(g_target, t, **quadrature)
        share = np.divide(start.variance, drifted.variance, out=np.zeros_like(drifted.variance),
                          where=drifted.variance > 0)
        return share * (product - drifted.mean * mean)                                                    # (5)

    def read_third_moment(self, g_target, t, **quadrature):
        """Third central moment of G_t, uS^3."""
        if self.check_time(t) == 0:
            return np.zeros(np.shape(g_target))                                       # G_0 is Gaussian
        mean, square, _, cube = self._read_expectations(g_target, t, **quadrature)
        return cube - 3 * mean * square + 2 * mean**3

    def _read_expectations(self, g_target, t, **quadrature):
        """E G_t, E G_t^2, E G_d G_t and E G_t^3."""
        drifted = self.drifted_moments(g_target, t)
        std = np.sqrt(drifted.variance)

        def integrands(g):
            first, second, third = moments.interval_gaussian(g, self.read_deviation(g, t), self.g_min, self.g_max)
            return np.stack([first, second, g * first, third])

        ends = np.array([self.g_min, self.g_max])
        cuts = ends + CUTS[:, None] * self.read_deviation(np.maximum(ends, 1e-3), t)
        cuts = np.append(cuts, NEAR_ZERO)
        one, two, mixed, three = moments.clipped_gaussian_expectation(integrands, drifted.mean, std, cuts, **quadrature)
        positive, _ = moments.clipped_gaussian(drifted.mean, std)
        return one, two, mixed + self.g_min * (drifted.mean - positive), three                            # (4)
