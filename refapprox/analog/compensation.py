"""Drift compensation: one digital factor that makes up for the conductance that has drifted away.

A crossbar is read out by a matrix-vector product with every one-hot input, which gives Y, shape (in, out), equal
to the weights when the readout is perfect.  With r(Y) a mean magnitude of the readout,

    alpha(t) = B / r(Y(t)),      effective weights = alpha(t) * W(t)                              (1)

* global:     r = max(mean |Y|, FLOOR), one number for the array; B = r(Y) right after programming;
* per column: the same for each output, the mean running over the inputs;
* global with exact reference: as global, but B is taken from the target weights, without noise.

The floor is absolute: an array whose mean |w| is below 1e-4 is not compensated.

Readout, for a one-hot input:  y = w + w_noise term + out_noise * z, rounded (half to even) to multiples of
step = 2 out_bound out_res, clipped to +-out_bound.  Where |y| exceeds the bound the input of that row is halved,
and the result doubled, until nothing is clipped.

References
----------
V. Joshi et al., "Accurate deep neural network inference using computational phase-change memory", Nature
Communications 11, 2473 (2020), doi:10.1038/s41467-020-16108-9 (global drift compensation).
"""
from dataclasses import dataclass

import numpy as np

from refapprox.validation import check_choice, check_real, check_rng

FLOOR = 1e-4


@dataclass(frozen=True)
class PerfectReadout:
    """Y = W."""

    is_perfect = True

    def __call__(self, weights, *, rng=None):
        return weights


@dataclass(frozen=True, kw_only=True)
class NoisyReadout:
    """Readout with converter noise and resolution; see the module's docstring.

    Parameters
    ----------
    out_noise : float
        Standard deviation of the noise added to every output.
    out_res : float
        Resolution of the output converter: a share of the range, or, above 1, the number of levels;
        0 or less switches the rounding off.
    out_bound : float
    w_noise : float
    w_noise_type : "none", "additive" or "pcm_read"
        The weight noise term: nothing, w_noise * z, or w_noise * sqrt(|w|) * z.
    """

    out_noise: float = 0.06
    out_res: float = 1 / 510
    out_bound: float = 12.0
    w_noise: float = 0.0
    w_noise_type: str = "none"
    is_perfect = False

    def __post_init__(self):
        check_real("out_noise", self.out_noise, minimum=0)
        check_real("w_noise", self.w_noise, minimum=0)
        check_real("out_res", self.out_res)
        if check_real("out_bound", self.out_bound) <= 0:
            raise ValueError(f"out_bound must be positive, got {self.out_bound}.")
        check_choice("w_noise_type", self.w_noise_type, ("none", "additive", "pcm_read"))

    @property
    def step(self):
        """Distance of two levels of the output converter; 0 for none."""
        share = 1 / self.out_res if self.out_res > 1 else max(self.out_res, 0.0)
        return 2 * self.out_bound * share

    def noise_variance(self, weights):
        """Variance of what is added to y before rounding."""
        if self.w_noise_type == "none":
            return np.full(np.shape(weights), self.out_noise**2)
        grows = np.abs(weights) if self.w_noise_type == "pcm_read" else np.ones(np.shape(weights))
        return self.out_noise**2 + self.w_noise**2 * grows

    def __call__(self, weights, *, rng=None):
        check_rng(rng)
        y = np.array(weights, dtype=np.float64)
        scale = np.ones((len(y), *[1] * (y.ndim - 1)))       # by which the one-hot input of a row is reduced
        pending = np.ones(len(y), dtype=bool)
        while pending.any():
            rows = weights[pending] / scale[pending]
            # Weight noise is inside the product with the input, output noise is added behind it.
            inside = np.sqrt(self.noise_variance(weights[pending]) - self.out_noise**2) / scale[pending]
            read = rows + np.hypot(inside, self.out_noise) * rng.standard_normal(rows.shape)
            if self.step > 0:
                read = np.rint(read / self.step) * self.step
            y[pending] = np.clip(read, -self.out_bound, self.out_bound) * scale[pending]
            clipped = (np.abs(read) > self.out_bound).reshape(len(read), -1).any(axis=1)
            pending[np.flatnonzero(pending)[~clipped]] = False
            scale[pending] *= 2
        return y


@dataclass(frozen=True)
class DriftCompensation:
    """What every compensation answers: its factor from readouts, and what is expected of it in a large array.

    Attributes
    ----------
    axis : int or None
        Axis of the weights that one factor averages over: None for all of them, 0 for those of a column.
    factor_scatters, reference_scatters : bool
        Whether alpha, and the reference B in it, depend on the draws of an array.
    """

    axis = None
    factor_scatters = reference_scatters = True

    def check_shape(self, weights):
        """Refuse weights that have no such axis."""

    def magnitude(self, y):
        """r(Y) of (1)."""
        self.check_shape(y)
        return np.maximum(np.mean(np.abs(y), axis=self.axis), FLOOR)

    def reference(self, target, programmed, readout, *, rng=None):
        """B of (1)."""
        return self.magnitude(readout(programmed, rng=rng))

    def factor(self, reference, aged, readout, *, rng=None):
        """alpha of (1)."""
        return reference / self.magnitude(readout(aged, rng=rng))

    def expected_factor(self, target, programmed, aged, floor):
        """alpha of a large array, from the expected magnitudes of target, programmed and aged weights."""
        return np.maximum(programmed, floor) / np.maximum(aged, floor)


@dataclass(frozen=True)
class GlobalDriftCompensation(DriftCompensation):
    """One factor for the array, against the readout right after programming."""


@dataclass(frozen=True)
class GlobalDriftCompensationWithExactReference(DriftCompensation):
    """One factor for the array, against the target weights."""

    reference_scatters = False

    def reference(self, target, programmed, readout, *, rng=None):
        return self.magnitude(target)

    def expected_factor(self, target, programmed, aged, floor):
        return np.maximum(target, floor) / np.maximum(aged, floor)


@dataclass(frozen=True)
class PerColumnDriftCompensation(DriftCompensation):
    """One factor for each output (column); weights must be (in, out)."""

    axis = 0

    def check_shape(self, weights):
        if np.ndim(weights) != 2:
            raise ValueError(f"weights must have the shape (in, out) for compensation per column, "
                             f"got {np.shape(weights)}.")


@dataclass(frozen=True)
class NoDriftCompensation(DriftCompensation):
    """alpha = 1."""

    factor_scatters = False

    def reference(self, target, programmed, readout, *, rng=None):
        return 1.0

    def factor(self, reference, aged, readout, *, rng=None):
        return 1.0

    def expected_factor(self, target, programmed, aged, floor):
        return np.ones(np.shape(aged))


PERFECT = PerfectReadout()
GLOBAL = GlobalDriftCompensation()


def check_compensation(compensation):
    """`compensation`, an instance of one of the classes of this module; None means none."""
    if compensation is None:
        return NoDriftCompensation()
    if not isinstance(compensation, DriftCompensation):
        raise ValueError(f"compensation must be an instance of one of the compensations of refapprox.analog, or None, "
                         f"got {compensation!r}.")
    return compensation
