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

    E G_t^k   = E[D^k] E[G_0^k m_k(c(G_0, t))],   k = 1, 2, 3                                   (5)
    E G_0 G_t = E[D] E[G_0^2 m_1(c(G_0, t))]                                                    (6)

m_k are the moments of C (a clipped Gaussian) and E[D] is a folded-normal Laplace transform, all in closed
form; the one expectation over G_0 is a one-dimensional integral, done by Gauss-Legendre quadrature.
"""
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog import moments
from refapprox.analog.converters import LARGEST
from refapprox.validation import check_finite, check_real, check_rng

Draw = Callable[[tuple[int, ...]], NDArray[np.float64]]      # shape -> standard normals


class MeanVariance(NamedTuple):
    """Mean and variance of a law (ddof 0: not of a sample).

    Attributes
    ----------
    mean, variance : float64 array
        Each of the shape of the targets.

    Examples
    --------
    >>> MeanVariance.from_powers(np.array(3.0), np.array(10.0)).variance.item()
    1.0
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]

    @classmethod
    def from_powers(cls, mean: NDArray[np.float64], square: NDArray[np.float64]) -> "MeanVariance":
        """From E X and E X^2, whose difference rounding can leave below 0 where X does not vary.

        Parameters
        ----------
        mean, square : float64 array
            E X and E X^2.
        """
        return cls(mean, np.maximum(square - mean**2, 0.0))


def standard_normals(shape, rng, normals):
    """Standard normals of `shape`: `normals` where they are given, else drawn from `rng`."""
    if normals is None:
        return check_rng(rng).standard_normal(shape)
    draws = check_finite("normals", normals, dtype=np.float64)
    if draws.shape != shape:
        raise ValueError(f"normals must be standard normals of shape {shape}, got shape {draws.shape}.")
    return draws


class DeviceModel(ABC):
    """A kind of device: what is drawn for it, and the exact moments of that.

    Conductances are in uS, times in s after programming. What draws takes `rng`, or given standard `normals` in its
    place. Your own model defines the abstract methods.

    Attributes
    ----------
    g_max, g_min : float, uS
        Range of the device; a converter must use the same g_max and stay above g_min.

    Examples
    --------
    >>> from refapprox.analog import PCMLikeNoiseModel
    >>> isinstance(PCMLikeNoiseModel(), DeviceModel)
    True
    """

    g_max: float
    g_min = 0.0

    @abstractmethod
    def check_time(self, t: float) -> float:
        """`t` as a time after programming, in seconds, that the model knows; a ValueError for another."""

    @abstractmethod
    def _program(self, g_target: NDArray[np.float64], draw: Draw) -> NDArray[np.float64]:
        """What `program` returns."""

    @abstractmethod
    def _drift_state(self, g_target: NDArray[np.float64], draw: Draw) -> NDArray[np.float64]:
        """What `drift_state` returns."""

    @abstractmethod
    def _read(self, g_prog: Any, drift_state: Any, t: float, draw: Draw) -> NDArray[np.float64]:
        """What `read` returns, for a time that was checked."""

    @abstractmethod
    def _programmed_powers(self, g_target: NDArray[np.float64]) -> tuple[Any, Any]:
        """E G_0 and E G_0^2."""

    @abstractmethod
    def _aged_expectations(self, g_target: NDArray[np.float64], t: float, **quadrature: int) -> tuple[Any, ...]:
        """E G_t, E G_t^2, E G_t^3 and Cov(G_0, G_t)."""

    def program(self, g_target: ArrayLike, *, rng: np.random.Generator | None = None,
                normals: ArrayLike | None = None) -> NDArray[np.float64]:
        """Conductance right after programming.

        Parameters
        ----------
        g_target : array of any shape, uS
        rng : numpy.random.Generator
            Draws what is not given.
        normals : array of the shape of g_target, optional
            Standard normals to be used instead.

        Returns
        -------
        float64 array of the shape of g_target, uS
        """
        return self._program(conductances("g_target", g_target), partial(standard_normals, rng=rng, normals=normals))

    def drift_state(self, g_target: ArrayLike, *, rng: np.random.Generator | None = None,
                    normals: ArrayLike | None = None) -> NDArray[np.float64]:
        """What a device keeps from programming for `read`: its drift exponent, or the target where it has none.

        Parameters
        ----------
        g_target, rng, normals
            As of `program`.
        """
        draw = partial(standard_normals, rng=rng, normals=normals)
        return self._drift_state(conductances("g_target", g_target), draw)

    def read(self, g_prog: ArrayLike | None, drift_state: ArrayLike | None, t: float, *,
             rng: np.random.Generator | None = None, normals: ArrayLike | None = None) -> NDArray[np.float64]:
        """Conductance read `t` seconds after programming.

        Parameters
        ----------
        g_prog : array, uS
            What `program` returned.
        drift_state : array
            What `drift_state` returned for the same targets.
        t : float, s
        rng, normals
            As of `program`; for `ReRamCMONoiseModel` the normals are (2, ...): relaxation, read noise.

        Returns
        -------
        float64 array, uS
        """
        return self._read(g_prog, drift_state, self.check_time(t), partial(standard_normals, rng=rng, normals=normals))

    def programmed_moments(self, g_target: ArrayLike) -> MeanVariance:
        """MeanVariance of the programmed conductance, uS and uS^2."""
        return MeanVariance.from_powers(*self._programmed_powers(conductances("g_target", g_target)))

    def read_moments(self, g_target: ArrayLike, t: float) -> MeanVariance:
        """MeanVariance of the conductance read at `t`, programming included.

        Parameters
        ----------
        g_target : array, uS
        t : float, s
        """
        return self.read_joint_moments(g_target, t)[0]

    def read_joint_moments(self, g_target: ArrayLike,
                           t: float) -> tuple[MeanVariance, NDArray[np.float64], NDArray[np.float64]]:
        """Of the conductance read at `t`: MeanVariance, covariance with the programmed one, third central moment.

        Parameters
        ----------
        g_target : array, uS
        t : float, s
        """
        mean, square, cube, covariance = self._aged_expectations(conductances("g_target", g_target), self.check_time(t))
        return MeanVariance.from_powers(mean, square), covariance, cube - 3 * mean * square + 2 * mean**3

    def _keep(self, name, value):
        """Set a field of a frozen dataclass to its checked value."""
        object.__setattr__(self, name, value)

    def _keep_positive(self, *names):
        for name in names:
            value = check_real(name, getattr(self, name))
            if value <= 0:
                raise ValueError(f"{name} must be positive, got {value}.")
            self._keep(name, value)

    def _keep_not_negative(self, *names):
        for name in names:
            self._keep(name, check_real(name, getattr(self, name), minimum=0))

    def _keep_coefficients(self, name):
        self._keep(name, tuple(np.atleast_1d(conductances(name, getattr(self, name))).tolist()))


def conductances(name, value):
    """`value` as a float64 array of finite numbers that can be squared."""
    value = check_finite(name, value, dtype=np.float64)
    if np.max(np.abs(value), initial=0.0) > LARGEST:
        raise ValueError(f"{name} must not exceed {LARGEST:g} uS, got {np.abs(value).max():g}.")
    return value


def check_std(std, g_target):
    """`std`, none of which may be negative, of the programming of devices to `g_target`."""
    if np.min(std, initial=0.0) < 0:
        raise ValueError(f"prog_coeff must give a standard deviation >= 0 at every target, got {np.min(std):.4g} uS at "
                         f"{np.ravel(g_target)[np.argmin(std)]:.4g} uS.")
    return std


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
        g_prog = conductances("g_prog", g_prog)
        exponent = check_finite("drift_state", drift_state, dtype=np.float64)
        drifted = g_prog * np.exp(-exponent * self.log_time_ratio(t))                                     # (3)
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
        return self.read_noise_scale * self.relative_read_noise(conductances("g_prog", g_prog)) * growth

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
