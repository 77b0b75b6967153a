"""The objective: time-averaged normalized mean squared error of aged weights, in closed form.

With u = w / m the normalized target weight, m = max |W|, and x_t the aged one before compensation,

    TNMSE = mean over t of mean over weights of E[(alpha_t x_t - u)^2]                                (1)

(aihwkit multiplies the error by 10, hence the loss by 100: `to_aihwkit_tnmse`).  Devices err independently, so

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

from refapprox.analog import finite_array as small
from refapprox.analog import moments
from refapprox.analog.aging import check_strategy
from refapprox.analog.compensation import (
    FLOOR,
    GLOBAL,
    PERFECT,
    GlobalDriftCompensationWithExactReference,
    NoDriftCompensation,
    PerColumnDriftCompensation,
    check_compensation,
)
from refapprox.analog.converters import check_weights, normalizer
from refapprox.analog.tables import moment_table

AIHWKIT_AMPLIFICATION = 10.0
BLOCK = 4096              # weights at a time: their moments at all times stay in the processor's cache


def to_aihwkit_tnmse(tnmse):
    """The loss as aihwkit scales it: errors amplified by 10 before squaring."""
    return AIHWKIT_AMPLIFICATION**2 * tnmse


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


def aged_moments(strategy, u, device, t_steps, *, covariances=False):
    """Moments of programmed and aged weights, equations (2) and (3).

    Parameters
    ----------
    strategy : ConductanceConverter
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
    share = np.array(strategy.f_lst) / strategy.full_scale
    for start in range(0, u.size, BLOCK):
        block = slice(start, start + BLOCK)
        columns = table(strategy.conductances_at(flat[block]), covariances=covariances)
        for side in (0, 1):
            sides[side, 0, :, block] = np.einsum("p,pkc->ck", share, columns[side::2, :, :stages])           # (2)
            sides[side, 1, :, block] = np.einsum("p,pkc->ck", share**2, columns[side::2, :, stages:2 * stages])   # (3)
        if covariances:
            covariance[:, block] = np.einsum("s,skc->ck", np.repeat(share, 2) ** 2, columns[..., 2 * stages:])
    sides = sides.reshape(2, 2, stages, *u.shape)
    return WeightMoments(sides[0, 0], sides[1, 0], sides[0, 1], sides[1, 1],
                         covariance.reshape(stages - 1, *u.shape) if covariances else None)


def expected_factors(strategy, weights, device, t_steps, compensation=GLOBAL):
    """Expected factor alpha of the compensation in a large array, at each time: ndarray (T,)."""
    compensation, weights = check_compensation(compensation), check_score_weights(weights)
    u = weights.ravel() / normalizer(weights)
    magnitudes = aged_moments(strategy, u, device, t_steps).magnitude.mean(axis=1)
    if isinstance(compensation, NoDriftCompensation):
        return np.ones(len(magnitudes) - 1)
    if isinstance(compensation, GlobalDriftCompensationWithExactReference):
        magnitudes[0] = np.abs(u).mean()
    return magnitudes[0] / magnitudes[1:]


def expected_nmse(strategy, weights, device, t_steps, compensation=GLOBAL, *, readout=PERFECT, finite_array=True):
    """Expected normalized mean squared error at each time; the arguments of `expected_tnmse`. ndarray (T,)."""
    check_strategy(strategy, device)
    weights, compensation = check_score_weights(weights), check_compensation(compensation)
    unit = normalizer(weights)
    u = weights / unit
    found = aged_moments(strategy, u, device, t_steps, covariances=True)
    mean, variance = found.mean, found.variance
    if isinstance(compensation, NoDriftCompensation):
        return np.mean(variance[1:] + (mean[1:] - u) ** 2, axis=tuple(range(1, mean.ndim)))            # (4), alpha 1
    axes = None
    if isinstance(compensation, PerColumnDriftCompensation):
        compensation.magnitude(u)                                    # refuses what is not (in, out)
        axes = 0
    read = small.Readings(found, readout, unit)
    exact_reference = isinstance(compensation, GlobalDriftCompensationWithExactReference)
    losses = np.empty(len(mean) - 1)
    for step in range(1, len(mean)):
        programmed = np.abs(u) if exact_reference else read.magnitudes(0)
        reference = np.maximum(programmed.mean(axis=axes), FLOOR / unit)
        aged = np.maximum(read.magnitudes(step).mean(axis=axes), FLOOR / unit)
        alpha = reference / aged
        losses[step - 1] = np.mean(alpha**2 * variance[step] + (alpha * mean[step] - u) ** 2)          # (4)
        if finite_array:
            losses[step - 1] += np.mean(small.correction(read, step, u, reference, aged, axes, exact_reference))
    return losses


def expected_tnmse(strategy, weights, device, t_steps, compensation=GLOBAL, *, readout=PERFECT, finite_array=True):
    """Expected time-averaged normalized mean squared error of a strategy, in closed form, for aging "device".

    Parameters
    ----------
    strategy : ConductanceConverter
    weights : array_like, not all 0; (in, out) for compensation per column
        Every weight is evaluated, at about a microsecond each and time.
    device : a device model with the strategy's g_max
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
    return float(np.mean(expected_nmse(strategy, weights, device, t_steps, compensation, readout=readout,
                                       finite_array=finite_array)))
