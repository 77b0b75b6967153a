"""What a conductance goes through, as three primitives, program, drift and read, and their exact moments."""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.checks import LARGEST
from refapprox.validation import check_broadcast, check_finite, check_real, check_rng

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
    def from_powers(cls, mean: NDArray[np.float64], square: NDArray[np.float64]) -> MeanVariance:
        """From E X and E X^2, whose difference rounding can leave below 0 where X does not vary.

        Parameters
        ----------
        mean, square : float64 array
            E X and E X^2.
        """
        mean, square = (check_finite(name, value, dtype=np.float64) for name, value in
                        (("mean", mean), ("square", square)))
        check_broadcast(mean=mean, square=square)
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


def conductances(name, value, minimum=-np.inf):
    """`value` as a float64 array of finite numbers, at least `minimum`, that can be squared."""
    value = check_finite(name, value, dtype=np.float64)
    if np.min(value, initial=np.inf) < minimum:
        raise ValueError(f"{name} must be at least {minimum} uS, got {value.min():g}.")
    if np.max(np.abs(value), initial=0.0) > LARGEST:
        raise ValueError(f"{name} must not exceed {LARGEST:g} uS, got {np.abs(value).max():g}.")
    return value


def check_std(std, g_target):
    """`std`, none of which may be negative, of the programming of devices to `g_target`."""
    if np.min(std, initial=0.0) < 0:
        raise ValueError(f"prog_coeff must give a standard deviation >= 0 at every target, got {np.min(std):.4g} uS at "
                         f"{np.ravel(g_target)[np.argmin(std)]:.4g} uS.")
    return std
