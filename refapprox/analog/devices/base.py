"""What a conductance goes through, as three primitives, and their exact moments.

A device programmed to the target g (uS) and read t seconds after programming:

    program:        G_0 = max(0, g + p sigma(g) Z_0)                                            (1)
    drift exponent: nu  = k |mu(g) + sd(g) Z_1|                                                 (2)
    drift:          G_d = G_0 (T / t_0)^(-nu),  T = t + t_0                                     (3)
    read:           G_t = max(0, G_d + G_d c(G_0, t) Z_2),
                    c(G_0, t) = r q(G_0) sqrt(log((T + t_read) / (2 t_read)))                   (4)

with independent standard normals Z; p, k, r scale the three kinds of noise.  A model of this family says what
sigma, (mu, sd) and q are.  Because read noise is proportional to G_d, (4) is G_t = G_0 D C with
D = (T / t_0)^(-nu) independent of G_0 given the target, and C = max(0, 1 + c Z_2), so that

    E G_t   = E[D]   E[G_0   m_1(c(G_0, t))]                                                    (5)
    E G_t^2 = E[D^2] E[G_0^2 m_2(c(G_0, t))]                                                    (6)
    E G_0 G_t = E[D] E[G_0^2 m_1(c(G_0, t))]                                                    (7)
    E G_t^3 = E[D^3] E[G_0^3 m_3(c(G_0, t))]                                                    (8)

m_1, m_2, m_3 are the moments of C (a clipped Gaussian) and E[D] is a folded-normal Laplace transform, all in closed
form; the one expectation over G_0 is a one-dimensional integral, done by Gauss-Legendre quadrature.
"""
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from refapprox.analog import moments
from refapprox.validation import check_finite, check_real, check_rng


class MeanVariance(NamedTuple):
    """Mean and variance (ddof 0: of the law, not of a sample), each of the shape of the targets."""

    mean: np.ndarray
    variance: np.ndarray

    @classmethod
    def from_powers(cls, mean, square):
        """From E X and E X^2, whose difference rounding can leave below 0 where X does not vary."""
        return cls(mean, np.maximum(square - mean**2, 0.0))


def standard_normals(shape, rng, normals):
    """Standard normals of `shape`: `normals` where they are given, else drawn from `rng`."""
    if normals is None:
        return check_rng(rng).standard_normal(shape)
    draws = check_finite("normals", np.asarray(normals, dtype=np.float64))
    if draws.shape != shape:
        raise ValueError(f"normals must be standard normals of shape {shape}, got shape {draws.shape}.")
    return draws


class DeviceModel(ABC):
    """What every device model answers: draws of a device, and their exact moments.

    Conductances are in uS, times in s after programming. What draws takes `rng`, a Generator, or given standard
    `normals` in its place.

    Attributes
    ----------
    g_max : float, uS
        The largest conductance; a converter must use the same.
    """

    g_min = 0.0

    @abstractmethod
    def check_time(self, t):
        """`t` as a time after programming, in seconds, that the model knows."""

    @abstractmethod
    def program(self, g_target, *, rng=None, normals=None):
        """Programmed conductance."""

    @abstractmethod
    def drift_state(self, g_target, *, rng=None, normals=None):
        """What a device keeps from programming for `read`: its drift exponent, or the target where it has none."""

    @abstractmethod
    def read(self, g_prog, drift_state, t, *, rng=None, normals=None):
        """Conductance read at `t`."""

    @abstractmethod
    def programmed_moments(self, g_target):
        """MeanVariance of `program`."""

    @abstractmethod
    def read_moments(self, g_target, t):
        """MeanVariance of `read`, programming included."""

    @abstractmethod
    def covariance(self, g_target, t):
        """Covariance of the programmed conductance with the one read at `t`."""

    @abstractmethod
    def read_third_moment(self, g_target, t):
        """Third central moment of `read`: how skewed drift and noise leave a conductance."""


@dataclass(frozen=True, kw_only=True)
class NoiseModel(DeviceModel):
    """The family of the module's docstring. Subclasses define sigma, (mu, sd) and q.

    Parameters
    ----------
    g_max : float, uS
        Conductance that normalized polynomials refer to; a strategy must use the same.
    prog_noise_scale, drift_scale, read_noise_scale : float
        p, k and r of the formulas; 0 switches that noise off.
    t_0 : float, s
        Time between programming and the reference read.
    t_read : float, s
        Duration of a read; t_0 must not be shorter.
    """

    g_max: float = 25.0
    prog_noise_scale: float = 1.0
    drift_scale: float = 1.0
    read_noise_scale: float = 1.0
    t_0: float = 20.0
    t_read: float = 250e-9

    def __post_init__(self):
        for name in ("g_max", "t_0", "t_read"):
            if check_real(name, getattr(self, name)) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}.")
        for name in ("prog_noise_scale", "drift_scale", "read_noise_scale"):
            check_real(name, getattr(self, name), minimum=0)
        if self.t_0 < self.t_read:
            raise ValueError(f"t_0 must not be shorter than t_read, got t_0={self.t_0}, t_read={self.t_read}.")

    @abstractmethod
    def programming_std(self, g_target):
        """sigma(g) of (1) in uS, without prog_noise_scale."""

    @abstractmethod
    def drift_parameters(self, g_target):
        """(mu, sd) of (2)."""

    @abstractmethod
    def relative_read_noise(self, g_prog):
        """q of (4)."""

    def read_kinks(self):
        """Conductances (uS) at which q is not smooth."""
        return ()

    def check_time(self, t):
        """`t` as a time after programming, in seconds."""
        return check_real("t", t, minimum=0)

    def program(self, g_target, *, rng=None, normals=None):
        """Programmed conductance (1), uS; `normals` of g_target's shape."""
        g_target = np.asarray(g_target, dtype=np.float64)
        z = standard_normals(g_target.shape, rng, normals)
        return np.maximum(0, g_target + self.prog_noise_scale * self.programming_std(g_target) * z)       # (1)

    def drift_exponent(self, g_target, *, rng=None, normals=None):
        """Drift exponent nu (2), drawn once, at programming, from the target."""
        g_target = np.asarray(g_target, dtype=np.float64)
        mean, std = self.drift_parameters(g_target)
        return self.drift_scale * np.abs(mean + std * standard_normals(g_target.shape, rng, normals))     # (2)

    def drift_state(self, g_target, *, rng=None, normals=None):
        """`drift_exponent`."""
        return self.drift_exponent(g_target, rng=rng, normals=normals)

    def read(self, g_prog, nu, t, *, rng=None, normals=None):
        """Conductance (uS) read `t` seconds after programming, (3) and (4)."""
        g_prog = np.asarray(g_prog, dtype=np.float64)
        drifted = g_prog * np.exp(-np.asarray(nu) * self.log_time_ratio(t))                               # (3)
        noisy = drifted * (1 + self.read_deviation(g_prog, t) * standard_normals(g_prog.shape, rng, normals))
        return np.maximum(0, noisy)                                                                       # (4)

    def log_time_ratio(self, t):
        """log(T / t_0), T = t + t_0."""
        return np.log1p(self.check_time(t) / self.t_0)

    def read_deviation(self, g_prog, t):
        """c(G_0, t) of (4): relative standard deviation of one read."""
        total = self.check_time(t) + self.t_0
        growth = np.sqrt(np.log((total + self.t_read) / (2 * self.t_read)))
        return self.read_noise_scale * self.relative_read_noise(np.asarray(g_prog, dtype=np.float64)) * growth

    def programmed_moments(self, g_target):
        """Moments of G_0."""
        g_target = np.asarray(g_target, dtype=np.float64)
        return MeanVariance.from_powers(
            *moments.clipped_gaussian(g_target, self.prog_noise_scale * self.programming_std(g_target)))

    def drift_moments(self, g_target, t):
        """Moments of the drift factor D."""
        return MeanVariance.from_powers(*self._drift_powers(np.asarray(g_target, dtype=np.float64), t)[:2])

    def _drift_powers(self, g_target, t):
        mean, std = self.drift_parameters(g_target)
        s = self.drift_scale * self.log_time_ratio(t)
        return tuple(moments.folded_laplace(mean, std, power * s) for power in (1, 2, 3))

    def drifted_moments(self, g_target, t):
        """Moments of G_d = G_0 D, before reading."""
        first, second, _ = self._drift_powers(np.asarray(g_target, dtype=np.float64), t)
        start = self.programmed_moments(g_target)
        return MeanVariance.from_powers(first * start.mean, second * (start.variance + start.mean**2))

    def read_moments(self, g_target, t, **quadrature):
        """Moments of G_t, equations (5) and (6); `quadrature` may hold panels and order."""
        mean, square, *_ = self._aged_expectations(g_target, t, **quadrature)
        return MeanVariance.from_powers(mean, square)

    def covariance(self, g_target, t, **quadrature):
        """Cov(G_0, G_t), equation (7)."""
        mean, _, product, _ = self._aged_expectations(g_target, t, **quadrature)
        return product - self.programmed_moments(g_target).mean * mean

    def read_third_moment(self, g_target, t, **quadrature):
        """Third central moment of G_t, equation (8), uS^3."""
        mean, square, _, cube = self._aged_expectations(g_target, t, **quadrature)
        return cube - 3 * mean * square + 2 * mean**3

    def _aged_expectations(self, g_target, t, **quadrature):
        """E G_t, E G_t^2, E G_0 G_t and E G_t^3."""
        g_target = np.asarray(g_target, dtype=np.float64)

        def integrands(g):
            noise = self.read_deviation(g, t)
            first, second = moments.clipped_gaussian(1.0, noise)
            return np.stack([g * first, g**2 * second, g**2 * first, g**3 * moments.clipped_gaussian_cube(1.0, noise)])

        one, two, mixed, three = moments.clipped_gaussian_expectation(
            integrands, g_target, self.prog_noise_scale * self.programming_std(g_target), self.read_kinks(),
            **quadrature)
        first, second, third = self._drift_powers(g_target, t)
        return first * one, second * two, first * mixed, third * three                    # (5) (6) (7) (8)
