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

and `finite_array` adds the term of order 1/N of an array of N weights (module `finite_array`).
"""
from typing import NamedTuple

import numpy as np

from refapprox.analog import moments
from refapprox.analog.aging import check_strategy
from refapprox.analog.compensation import FLOOR, GLOBAL, PERFECT, check_compensation
from refapprox.analog.converters import check_weights, normalizer
from refapprox.analog.finite_array import Readings, correction
from refapprox.analog.tables import moment_table

BLOCK = 4096              # weights at a time: their moments at all times stay in the processor's cache


def check_times(t_steps, device):
    """`t_steps` as a non-empty tuple of times that the device model knows."""
    times = tuple(np.atleast_1d(np.asarray(t_steps, dtype=np.float64)).tolist())
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
    weights = check_weights(weights)
    if weights.size == 0:
        raise ValueError("weights must not be empty.")
    if not weights.any():
        raise ValueError("weights must not all be 0: the loss is relative to the largest of them.")
    return weights


class WeightMoments(NamedTuple):
    """Moments of x = X+ - X-, before compensation: index 0 programmed, 1.. read at each time; (1 + T, ...) each.

    `covariance` (T, ...) is that of the programmed weight with the one read, or None.
    """

    plus_mean: np.ndarray
    minus_mean: np.ndarray
    plus_variance: np.ndarray
    minus_variance: np.ndarray
    covariance: np.ndarray

    @property
    def mean(self):
        return self.plus_mean - self.minus_mean

    @property
    def variance(self):
        return self.plus_variance + self.minus_variance

    @property
    def magnitude(self):
        """E |x|."""
        return moments.difference_magnitude(self.plus_mean, self.plus_variance, self.minus_mean, self.minus_variance)


def aged_moments(converter, u, device, t_steps, *, covariances=False):
    """Moments of programmed and aged weights, equations (2) and (3).

    Parameters
    ----------
    converter : ConductanceConverter
    u : array_like (...), normalized target weights in [-1, 1]
    device : a device model
    t_steps : sequence of T floats, s
    covariances : bool
        Also the covariance of programmed and aged weight.

    Returns
    -------
    WeightMoments
        In units of max |W|.
    """
    u = np.asarray(u, dtype=np.float64)
    table = moment_table(device, check_times(t_steps, device))
    stages, flat = table.n_stages, u.ravel()
    sides = np.empty((2, 2, stages, u.size))                       # mean and variance of X+ and X-
    covariance = np.empty((stages - 1, u.size)) if covariances else None
    share = np.array(converter.f_lst) / converter.full_scale
    for start in range(0, u.size, BLOCK):
        block = slice(start, start + BLOCK)
        columns = table(converter.conductances_at(flat[block]), covariances=covariances)
        for side in (0, 1):
            sides[side, 0, :, block] = np.einsum("p,pkc->ck", share, columns[side::2, :, :stages])           # (2)
            sides[side, 1, :, block] = np.einsum("p,pkc->ck", share**2, columns[side::2, :, stages:2 * stages])   # (3)
        if covariances:
            covariance[:, block] = np.einsum("s,skc->ck", np.repeat(share, 2) ** 2, columns[..., 2 * stages:])
    sides = sides.reshape(2, 2, stages, *u.shape)
    return WeightMoments(sides[0, 0], sides[1, 0], sides[0, 1], sides[1, 1],
                         covariance.reshape(stages - 1, *u.shape) if covariances else None)


def expected_factors(converter, weights, device, t_steps, compensation=GLOBAL):
    """Expected factor alpha of the compensation in a large array, at each time: ndarray (T,)."""
    compensation, weights = check_compensation(compensation), check_score_weights(weights)
    unit = normalizer(weights)
    u = weights.ravel() / unit
    magnitudes = aged_moments(converter, u, device, t_steps).magnitude.mean(axis=1)
    return compensation.expected_factor(np.abs(u).mean(), magnitudes[0], magnitudes[1:], FLOOR / unit)


def expected_nmse(converter, weights, device, t_steps, compensation=GLOBAL, *, readout=PERFECT, finite_array=True):
    """Expected normalized mean squared error at each time; the arguments of `expected_tnmse`. ndarray (T,)."""
    check_strategy(converter, device)
    weights, compensation = check_score_weights(weights), check_compensation(compensation)
    compensation.check_shape(weights)
    unit, axis = normalizer(weights), compensation.axis
    u = weights / unit
    found = aged_moments(converter, u, device, t_steps, covariances=True)
    mean, variance, read = found.mean, found.variance, Readings(found, readout, unit)
    target, programmed = np.abs(u).mean(axis=axis), read.magnitudes(0).mean(axis=axis)
    losses = np.empty(len(mean) - 1)
    for step in range(1, len(mean)):
        aged = read.magnitudes(step).mean(axis=axis)
        alpha = compensation.expected_factor(target, programmed, aged, FLOOR / unit)
        losses[step - 1] = np.mean(alpha**2 * variance[step] + (alpha * mean[step] - u) ** 2)          # (4)
        if finite_array and compensation.factor_scatters:
            aged = np.maximum(aged, FLOOR / unit)
            losses[step - 1] += np.mean(correction(read, step, u, alpha * aged, aged, axis,
                                                   not compensation.reference_scatters))
    return losses


def expected_tnmse(converter, weights, device, t_steps, compensation=GLOBAL, *, readout=PERFECT, finite_array=True):
    """Expected time-averaged normalized mean squared error of a strategy, in closed form, for aging "device".

    Parameters
    ----------
    converter : ConductanceConverter
    weights : array_like, not all 0; (in, out) for compensation per column
        Every weight is evaluated, at about a microsecond each and time.
    device : a device model with the converter's g_max
    t_steps : sequence of float, s
    compensation : instance of a compensation class, or None for none
    readout : PerfectReadout or NoisyReadout
    finite_array : bool
        Add the term of order 1/N; without it the array counts as large.

    Returns
    -------
    float
        Without hidden factor: errors in units of max |W|, squared, averaged. 0.01 is an error of 10 % of max |W|.

    Raises
    ------
    ValueError
        For weights that are empty, all 0 or not finite, times that are empty or negative, another g_max.

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
