"""Devices that drift by a power law: the three primitives in closed form.

A device programmed to the target g (uS) and read t seconds after programming:

    program:        G_0 = max(0, g + p sigma(g) Z_0)                                            (1)
    drift exponent: nu  = k |mu(g) + sd(g) Z_1|                                                 (2)
    drift:          G_d = G_0 (T / t_0)^(-nu),  T = t + t_0                                     (3)
    read:           G_t = max(0, G_d + G_d c(G_0, t) Z_2),
                    c(G_0, t) = r q(G_0) sqrt(log((T + t_read) / (2 t_read)))                   (4)

with independent standard normals Z; p, k, r scale the three kinds of noise.  A model of this family says what
sigma, (mu, sd) and q are.  Because read noise is proportional to G_d, (4) is G_t = G_0 D C with
D = (T / t_0)^(-nu) independent of G_0 given the target, and C = max(0, 1 + c Z_2), so that

    E G_t^k   = E[D^k] E[G_0^k m_k(c(G_0, t))],   k = 1, 2, 3                                   (5)
    E G_0 G_t = E[D] E[G_0^2 m_1(c(G_0, t))]                                                    (6)

m_k are the moments of C (a clipped Gaussian) and E[D] is a folded-normal Laplace transform, all in closed
form; the one expectation over G_0 is a one-dimensional integral, done by Gauss-Legendre quadrature.
"""
from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog import moments
from refapprox.analog.devices.base import DeviceModel, MeanVariance, conductances
from refapprox.validation import check_broadcast, check_finite, check_real


@dataclass(frozen=True, kw_only=True)
class NoiseModel(DeviceModel):
    """The family of the module's docstring. Subclasses define sigma, (mu, sd) and q.

    Parameters
    ----------
    g_max : float, uS
        Conductance that normalized polynomials refer to; a converter must use the same.
    prog_noise_scale, drift_scale, read_noise_scale : float
        p, k and r of the formulas; 0 switches that noise off.
    t_0 : float, s
        Time between programming and the reference read.
    t_read : float, s
        Duration of a read; t_0 must not be shorter.

    Raises
    ------
    ValueError
        For a range, time or scale that is not positive or, of scales, negative; for t_0 below t_read.

    Examples
    --------
    >>> from refapprox.analog import PCMLikeNoiseModel
    >>> quiet = PCMLikeNoiseModel(prog_noise_scale=0, drift_scale=0, read_noise_scale=0)
    >>> quiet.read_moments([5.0], t=3600.0).mean.tolist()
    [5.0]
    """

    g_max: float = 25.0
    prog_noise_scale: float = 1.0
    drift_scale: float = 1.0
    read_noise_scale: float = 1.0
    t_0: float = 20.0
    t_read: float = 250e-9

    def __post_init__(self):
        self._keep_positive("g_max", "t_0", "t_read")
        self._keep_not_negative("prog_noise_scale", "drift_scale", "read_noise_scale")
        if self.t_0 < self.t_read:
            raise ValueError(f"t_0 must not be shorter than t_read, got t_0={self.t_0}, t_read={self.t_read}.")

    @abstractmethod
    def programming_std(self, g_target: ArrayLike) -> NDArray[np.float64]:
        """sigma(g) of (1) in uS, without prog_noise_scale."""

    @abstractmethod
    def drift_parameters(self, g_target: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(mu, sd) of (2)."""

    @abstractmethod
    def relative_read_noise(self, g_prog: NDArray[np.float64]) -> NDArray[np.float64]:
        """q of (4)."""

    def read_kinks(self) -> tuple[float, ...]:
        """Conductances (uS) at which q is not smooth."""
        return ()

    def check_time(self, t: float) -> float:
        """`t` as a time after programming, in seconds: 0 or later."""
        return check_real("t", t, minimum=0)

    def drift_exponent(self, g_target: ArrayLike, *, rng: np.random.Generator | None = None,
                       normals: ArrayLike | None = None) -> NDArray[np.float64]:
        """Drift exponent nu (2), drawn once, at programming, from the target: the drift state of this family.

        Parameters
        ----------
        g_target, rng, normals
            As of `program`.
        """
        return self.drift_state(g_target, rng=rng, normals=normals)

    def _program(self, g_target, draw):
        std = self.prog_noise_scale * self.programming_std(g_target)
        return np.maximum(0, g_target + std * draw(g_target.shape))                                       # (1)

    def _drift_state(self, g_target, draw):
        mean, std = self.drift_parameters(g_target)
        return self.drift_scale * np.abs(mean + std * draw(g_target.shape))                               # (2)

    def _read(self, g_prog, drift_state, t, draw):
        g_prog = conductances("g_prog", g_prog, 0)
        exponent = check_finite("drift_state", drift_state, dtype=np.float64)
        check_broadcast(g_prog=g_prog, drift_state=exponent)
        with np.errstate(over="ignore"):
            share = np.exp(-exponent * self.log_time_ratio(t))
        if not np.isfinite(share).all():
            raise ValueError(f"drift_state must leave what is finite after {t:g} s, got {exponent.min():g}.")
        drifted = g_prog * share                                                                          # (3)
        return np.maximum(0, drifted * (1 + self.read_deviation(g_prog, t) * draw(g_prog.shape)))         # (4)

    def log_time_ratio(self, t: float) -> float:
        """log(T / t_0), T = t + t_0."""
        return np.log1p(self.check_time(t) / self.t_0)

    def read_deviation(self, g_prog: ArrayLike, t: float) -> NDArray[np.float64]:
        """c(G_0, t) of (4): relative standard deviation of one read.

        Parameters
        ----------
        g_prog : array, uS
        t : float, s
        """
        total = self.check_time(t) + self.t_0
        growth = np.sqrt(np.log((total + self.t_read) / (2 * self.t_read)))
        return self.read_noise_scale * self.relative_read_noise(g_prog) * growth

    def drift_moments(self, g_target: ArrayLike, t: float) -> MeanVariance:
        """MeanVariance of the drift factor D.

        Parameters
        ----------
        g_target : array, uS
        t : float, s
        """
        return MeanVariance.from_powers(*self._drift_powers(conductances("g_target", g_target), t)[:2])

    def drifted_moments(self, g_target: ArrayLike, t: float) -> MeanVariance:
        """MeanVariance of G_d = G_0 D, before reading, uS and uS^2.

        Parameters
        ----------
        g_target : array, uS
        t : float, s
        """
        g_target = conductances("g_target", g_target)
        (first, second, _), (mean, square) = self._drift_powers(g_target, t), self._programmed_powers(g_target)
        return MeanVariance.from_powers(first * mean, second * square)

    def _programmed_powers(self, g_target):
        return moments.clipped_gaussian(g_target, self.prog_noise_scale * self.programming_std(g_target))

    def _drift_powers(self, g_target, t):
        """E D, E D^2, E D^3."""
        mean, std = self.drift_parameters(g_target)
        s = self.drift_scale * self.log_time_ratio(t)
        return tuple(moments.folded_laplace(mean, std, power * s) for power in (1, 2, 3))

    def _aged_expectations(self, g_target, t, **quadrature):
        def integrands(g):
            noise = self.read_deviation(g, t)
            first, second = moments.clipped_gaussian(1.0, noise)
            return np.stack([g * first, g**2 * second, g**3 * moments.clipped_gaussian_cube(1.0, noise), g**2 * first])

        one, two, three, mixed = moments.clipped_gaussian_expectation(
            integrands, g_target, self.prog_noise_scale * self.programming_std(g_target), self.read_kinks(),
            **quadrature)
        first, second, third = self._drift_powers(g_target, t)
        mean = first * one
        covariance = first * mixed - self._programmed_powers(g_target)[0] * mean                          # (6)
        return mean, second * two, third * three, covariance                                             # (5)
