"""The objective: time-averaged normalized mean squared error of aged weights, in closed form.

With u = w / m the normalized target weight, m = max |W|, and x_t the aged one before compensation,

    TNMSE = mean over t of mean over weights of E[(alpha_t x_t - u)^2]                                (1)

Devices err independently, so

    E x_t   = sum_j f_j (M_t(g_j+) - M_t(g_j-)) / full_scale                                          (2)
    Var x_t = sum_j f_j^2 (V_t(g_j+) + V_t(g_j-)) / full_scale^2                                      (3)

with M_t, V_t the exact moments of one device.  The factor of the global compensation is B / A with B, A the mean
magnitudes of the readouts at programming and at t; in a large array both are their expectations.  x = X+ - X- is the
difference of what the devices of either sign hold, two independent non-negative sums, and E |x| is that of two
lognormals with their exact means and variances (Margrabe's formula, `moments`).  It is nearly exact where it counts:
one side is far larger than the other for all but the smallest weights, and then E |x| is E X+ - E X-.  (A normal x
does as well for phase-change memory, but puts 2 % of a wide, skewed drift factor below zero.)  Then

    E[(alpha x - u)^2] = alpha^2 Var x + (alpha E x - u)^2                                            (4)

and module `finite_array` says what the scatter of alpha in an array of finite size changes.
"""
from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog import moments
from refapprox.analog.aging import check_strategy
from refapprox.analog.checks import check_filled
from refapprox.analog.compensation import FLOOR, GLOBAL, check_compensation
from refapprox.analog.converters import ConductanceConverter, normalizer
from refapprox.analog.devices import DeviceModel
from refapprox.analog.finite_array import MOST_SCATTER, ApproximationWarning, Readings, expected_loss, readout_excess
from refapprox.analog.quadrature import empirical_rule
from refapprox.analog.readout import PERFECT, check_readout
from refapprox.analog.tables import moment_table
from refapprox.validation import check_finite, check_flag

MOST_WEIGHTS = 128        # of one factor that are taken one by one; more are represented by points
LEAST_SCATTER = 1e-9      # below it nothing varies but by rounding
CELL_EDGES = np.union1d(np.linspace(-1, 1, 33), [-0.025, 0.025])
BLOCK = 4096              # weights at a time: their moments at all times stay in the processor's cache


def check_times(t_steps, device):
    """`t_steps` as a non-empty tuple of times that the device model knows."""
    times = tuple(np.ravel(check_finite("t_steps", t_steps, ndim=(0, 1), dtype=np.float64)).tolist())
    if not times:
        raise ValueError("t_steps must hold at least one time in seconds, got none.")
    for index, t in enumerate(times):
        try:
            device.check_time(t)
        except ValueError as error:
            raise ValueError(f"t_steps[{index}]: {error}") from None
    return times


def check_score_weights(weights):
    """`weights` as finite float64 with at least one weight that is not 0."""
    weights = check_filled(weights)
    if not weights.any():
        raise ValueError("weights must not all be 0: the loss is relative to the largest of them.")
    return weights


class WeightMoments(NamedTuple):
    """Moments of x = X+ - X-, before compensation: index 0 programmed, 1.. read at each time; (1 + T, ...) each.

    `covariance` (T, ...) is that of the programmed weight with the one read, `third` (T, ...) the third central moment
    of the one read; None where they were not asked for.
    """

    plus_mean: np.ndarray
    minus_mean: np.ndarray
    plus_variance: np.ndarray
    minus_variance: np.ndarray
    covariance: np.ndarray
    third: np.ndarray

    @property
    def mean(self):
        """E x."""
        return self.plus_mean - self.minus_mean

    @property
    def variance(self):
        """Var x."""
        return self.plus_variance + self.minus_variance

    @property
    def magnitude(self):
        """E |x|."""
        return moments.difference_magnitude(self.plus_mean, self.plus_variance, self.minus_mean, self.minus_variance)


def aged_moments(converter: ConductanceConverter, u: ArrayLike, device: DeviceModel, t_steps: Sequence[float], *,
                 joint: bool = False) -> WeightMoments:
    """Moments of programmed and aged weights, equations (2) and (3).

    Parameters
    ----------
    converter : ConductanceConverter
    u : array (...), in [-1, 1]
        Normalized target weights.
    device : DeviceModel
    t_steps : sequence of T floats, s
    joint : bool
        Also covariance and third moment.

    Returns
    -------
    WeightMoments
        In units of max |W|.

    Raises
    ------
    ValueError
        For weights that are not finite and times that the device does not know.

    Examples
    --------
    >>> from refapprox.analog import PCMLikeNoiseModel, SinglePairConductanceConverter
    >>> found = aged_moments(SinglePairConductanceConverter(), [0.5, -0.5], PCMLikeNoiseModel(), [3600.0])
    >>> found.mean.shape, bool(np.all(np.abs(found.mean[1]) < 0.5))      # programmed, and drifted for an hour
    ((2, 2), True)
    """
    u = check_finite("u", u, dtype=np.float64)
    table = moment_table(device, check_times(t_steps, device))
    stages, flat = table.n_stages, u.ravel()
    times = stages - 1
    sides = np.empty((2, 2, stages, u.size))                       # mean and variance of X+ and X-
    beyond = np.empty((2, times, u.size))                          # covariance and third moment
    share = np.array(converter.f_lst) / converter.full_scale
    signs = np.tile([1.0, -1.0], len(share))
    for start in range(0, u.size, BLOCK):
        block = slice(start, start + BLOCK)
        columns = table(converter.conductances_at(flat[block]), beyond_variances=joint)
        for side in (0, 1):
            sides[side, 0, :, block] = np.einsum("p,pkc->ck", share, columns[side::2, :, :stages])           # (2)
            sides[side, 1, :, block] = np.einsum("p,pkc->ck", share**2, columns[side::2, :, stages:2 * stages])   # (3)
        if joint:
            powers = np.repeat(share, 2) ** 2, signs * np.repeat(share, 2) ** 3
            for part, (power, first) in enumerate(zip(powers, (2 * stages, 2 * stages + times), strict=True)):
                beyond[part, :, block] = np.einsum("s,skc->ck", power, columns[..., first:first + times])
    sides = sides.reshape(2, 2, stages, *u.shape)
    return WeightMoments(sides[0, 0], sides[1, 0], sides[0, 1], sides[1, 1],
                         *(beyond.reshape(2, times, *u.shape) if joint else (None, None)))


def expected_factors(converter, weights, device, t_steps, compensation=GLOBAL):
    """Expected factor alpha of the compensation in a large array, at each time: ndarray (T,)."""
    compensation, weights = check_compensation(compensation), check_score_weights(weights)
    unit = normalizer(weights)
    u = weights.ravel() / unit
    magnitudes = aged_moments(converter, u, device, t_steps).magnitude.mean(axis=1)
    return compensation.expected_factor(np.abs(u).mean(), magnitudes[0], magnitudes[1:], FLOOR / unit)


def expected_nmse(converter: ConductanceConverter, weights: ArrayLike, device: DeviceModel, t_steps: Sequence[float],
                  compensation: Any = GLOBAL, *, readout: Any = PERFECT,
                  finite_array: bool = True) -> NDArray[np.float64]:
    """Expected normalized mean squared error at each time.

    Parameters
    ----------
    converter, weights, device, t_steps, compensation, readout, finite_array
        As of `expected_tnmse`.

    Returns
    -------
    float64 array (T,)

    Raises
    ------
    TypeError, ValueError
        As of `expected_tnmse`.

    Examples
    --------
    >>> from refapprox.analog import PCMLikeNoiseModel, SinglePairConductanceConverter
    >>> weights = np.linspace(-1, 1, 201)
    >>> losses = expected_nmse(SinglePairConductanceConverter(), weights, PCMLikeNoiseModel(), [1.0, 3600.0])
    >>> bool(losses[0] < losses[1])
    True
    """
    check_strategy(converter, device)
    weights, compensation = check_score_weights(weights), check_compensation(compensation)
    compensation.check_shape(weights)
    check_readout(readout)
    unit = normalizer(weights)
    u = weights / unit if compensation.axis == 0 else weights.reshape(-1, 1) / unit      # (n, factors)
    floor, scatters = FLOOR / unit, check_flag("finite_array", finite_array) and compensation.factor_scatters
    found = aged_moments(converter, u, device, t_steps, joint=scatters)
    magnitude = readout_magnitudes(found, readout, unit).mean(axis=1)                    # (1 + T, factors)
    target = np.abs(u).mean(axis=0)
    alpha = compensation.expected_factor(target, magnitude[0], magnitude[1:], floor)[:, None]
    losses = np.mean(alpha**2 * found.variance[1:] + (alpha * found.mean[1:] - u) ** 2, axis=1)        # (4)
    if scatters:
        reference = magnitude[:1] if compensation.reference_scatters else target[None]
        exact, scatter = finite_losses(converter, u, device, t_steps, compensation, readout, unit, losses)
        free = (reference > floor) & (magnitude[1:] > floor)      # else a floor holds: nothing to scatter
        losses = np.where(free, exact, losses)
        worst = np.max(scatter, where=free, initial=0.0)
        if worst > MOST_SCATTER:
            warnings.warn(f"the factors of {len(u)} weight(s) each scatter by {100 * np.sqrt(worst):.0f} %: the "
                          f"expected loss may be off by more than 3 %. monte_carlo_tnmse simulates it.",
                          ApproximationWarning, stacklevel=3)
    return losses.mean(axis=1)


def readout_magnitudes(found, readout, unit):
    """E |y| of each weight at each stage, readout noise and rounding included."""
    if readout.is_perfect:
        return found.magnitude
    noise = readout.noise_variance(found.mean * unit) / unit**2
    return found.magnitude + readout_excess(found.mean, found.variance, noise, readout.step / unit)


def finite_losses(converter, u, device, t_steps, compensation, readout, unit, large):
    """Losses (T, factors) with the scatter of the factors, from those of a large array; and that scatter."""
    points, counts = representatives(u)
    found = aged_moments(converter, points, device, t_steps, joint=True)
    mean, variance = found.mean, found.variance
    noise = np.zeros_like(mean) if readout.is_perfect else (
        readout.noise_variance(mean * unit) + readout.step**2 / 12) / unit**2
    losses, scatters = np.empty((2, *large.shape))
    for step in range(len(losses)):
        read = Readings(mean[step + 1], variance[step + 1], found.third[step], noise[step + 1], mean[0],
                        variance[0] + noise[0], found.covariance[step])
        exact, limit, scatters[step] = expected_loss(points, read, counts, not compensation.reference_scatters)
        exact = exact if points is u else large[step] + exact - limit
        losses[step] = np.where(scatters[step] > LEAST_SCATTER, exact, large[step])
    return losses, scatters


def representatives(u):
    """Few weights (k, factors) that stand for those of each factor, and how many each stands for."""
    if len(u) <= MOST_WEIGHTS:
        return u, np.ones_like(u)
    rules = [empirical_rule(column, CELL_EDGES) for column in u.T]
    size = max(len(points) for points, _ in rules)
    points, shares = (np.stack([np.pad(part, (0, size - len(part))) for part in parts], axis=1)
                      for parts in zip(*rules, strict=True))
    return points, len(u) * shares


def expected_tnmse(converter: ConductanceConverter, weights: ArrayLike, device: DeviceModel, t_steps: Sequence[float],
                   compensation: Any = GLOBAL, *, readout: Any = PERFECT, finite_array: bool = True) -> float:
    """Expected time-averaged normalized mean squared error of a strategy, in closed form, for aging "device".

    Parameters
    ----------
    converter : ConductanceConverter
    weights : array, not all 0; (in, out) for compensation per column
        Every weight is evaluated, at about a microsecond each and time; with compensation per column at 10 to 40.
    device : DeviceModel, with the converter's g_max
    t_steps : sequence of float, s
    compensation : instance of a compensation class, or None for none
    readout : PerfectReadout or NoisyReadout
    finite_array : bool
        Account for the scatter of the compensation factors in an array of this size; without, it counts as large.

    Returns
    -------
    float
        Without hidden factor: errors in units of max |W|, squared, averaged. 0.01 is an error of 10 % of max |W|.

    Raises
    ------
    TypeError
        For a converter, device or compensation of another kind.
    ValueError
        For weights that are empty, all 0 or not finite, times that are empty or negative, another g_max.

    Warns
    -----
    ApproximationWarning
        Where few weights share a factor and drift scatters so widely that the loss may be off by more than 3 %.

    Examples
    --------
    >>> from refapprox.analog import DualPairConductanceConverter, PCMLikeNoiseModel
    >>> weights = np.linspace(-1, 1, 201)
    >>> loss = [expected_tnmse(DualPairConductanceConverter([1, f]), weights, PCMLikeNoiseModel(), [1.0, 3600.0])
    ...         for f in (1, 2)]
    >>> loss[1] < loss[0]
    True
    """
    return float(np.mean(expected_nmse(converter, weights, device, t_steps, compensation, readout=readout,
                                       finite_array=finite_array)))
