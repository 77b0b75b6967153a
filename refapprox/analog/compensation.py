"""Drift compensation: one digital factor that makes up for the conductance that has drifted away.

A crossbar is read out (`readout`) as Y, shape (in, out), equal to the weights when the readout is perfect. With r(Y) a
mean magnitude of the readout,

    alpha(t) = B / r(Y(t)),      effective weights = alpha(t) * W(t)                              (1)

* global:     r = max(mean |Y|, FLOOR), one number for the array; B = r(Y) right after programming;
* per column: the same for each output, the mean running over the inputs;
* global with exact reference: as global, but B is taken from the target weights, without noise.

The floor is absolute: an array whose mean |w| is below 1e-4 is not compensated.

References
----------
V. Joshi et al., "Accurate deep neural network inference using computational phase-change memory", Nature
Communications 11, 2473 (2020), doi:10.1038/s41467-020-16108-9 (global drift compensation).
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.readout import check_readout
from refapprox.validation import WrongKindError, check_array, check_broadcast, check_finite, check_real, shown

FLOOR = 1e-4


@dataclass(frozen=True)
class DriftCompensation:
    """What every compensation answers: its factor from readouts, and what is expected of it in a large array.

    To have none, pass None or `NoDriftCompensation()` where a compensation is asked for.

    Attributes
    ----------
    axis : int or None
        Axis of the weights that one factor averages over: None for all of them, 0 for those of a column.
    factor_scatters, reference_scatters : bool
        Whether alpha, and the reference B in it, depend on the draws of an array. Otherwise alpha is 1, and B that of
        the target.

    Examples
    --------
    >>> from refapprox.analog import PerfectReadout
    >>> compensation, perfect = GlobalDriftCompensation(), PerfectReadout()
    >>> reference = compensation.reference(None, np.array([[1.0, -2.0]]), perfect)
    >>> float(compensation.factor(reference, np.array([[0.5, -1.0]]), perfect))
    2.0
    """

    axis = None
    factor_scatters = reference_scatters = True

    def check_shape(self, weights: NDArray[np.float64], name: str = "weights") -> None:
        """Refuse weights that have no columns where there is a factor for each.

        Parameters
        ----------
        weights : array
        name : str, optional
            Theirs in the message.

        Raises
        ------
        ValueError
            If they are not (in, out).
        """
        if check_array(name, weights).ndim != 2 and self.axis is not None:
            raise ValueError(f"{name} must have the shape (in, out) for compensation per column, "
                             f"got {np.shape(weights)}.")

    def magnitude(self, y: NDArray[np.float64]) -> Any:
        """r(Y) of (1)."""
        y = check_outputs("y", y)
        self.check_shape(y, "y")
        return np.maximum(np.mean(np.abs(y), axis=self.axis), FLOOR)

    def reference(self, target: Any, programmed: NDArray[np.float64], readout: Callable, *,
                  rng: np.random.Generator | None = None) -> Any:
        """B of (1).

        Parameters
        ----------
        target, programmed : array (in, out)
            Weights as asked for, and as they are right after programming.
        readout : PerfectReadout or NoisyReadout
        rng : numpy.random.Generator
            Noise of the readout.
        """
        target = target if target is None and self.reference_scatters else check_outputs("target", target)
        programmed, readout = check_outputs("programmed", programmed), check_readout(readout)
        if not self.factor_scatters:
            return 1.0
        return self.magnitude(readout(programmed, rng=rng) if self.reference_scatters else target)

    def factor(self, reference: Any, aged: NDArray[np.float64], readout: Callable, *,
               rng: np.random.Generator | None = None) -> Any:
        """alpha of (1).

        Parameters
        ----------
        reference : float, or array (out,)
            What `reference` returned.
        aged : array (in, out)
            Weights as read later.
        readout, rng
            As of `reference`.
        """
        aged, readout = check_outputs("aged", aged), check_readout(readout)
        if not self.factor_scatters:
            return 1.0
        return check_finite("reference", reference) / self.magnitude(readout(aged, rng=rng))

    def expected_factor(self, target: ArrayLike, programmed: ArrayLike, aged: ArrayLike, floor: float) -> Any:
        """alpha of a large array.

        Parameters
        ----------
        target, programmed, aged : arrays that broadcast
            Expected mean magnitudes of the weights at each of these stages.
        floor : float
            The least of them that counts, in their unit.
        """
        target, programmed, aged = (check_finite(name, value, dtype=np.float64) for name, value in
                                    (("target", target), ("programmed", programmed), ("aged", aged)))
        check_broadcast(target=target, programmed=programmed, aged=aged)
        floor = check_real("floor", floor)
        if not self.factor_scatters:
            return np.ones(aged.shape)
        return np.maximum(programmed if self.reference_scatters else target, floor) / np.maximum(aged, floor)


@dataclass(frozen=True)
class GlobalDriftCompensation(DriftCompensation):
    """One factor for the array, against the readout right after programming.

    Examples
    --------
    >>> GlobalDriftCompensation().magnitude(np.array([[1.0, -3.0]])).item()
    2.0
    """


@dataclass(frozen=True)
class GlobalDriftCompensationWithExactReference(DriftCompensation):
    """One factor for the array, against the target weights.

    Examples
    --------
    >>> from refapprox.analog import PerfectReadout
    >>> weights = np.array([[1.0, -3.0]])
    >>> GlobalDriftCompensationWithExactReference().reference(weights, 0.9 * weights, PerfectReadout()).item()
    2.0
    """

    reference_scatters = False


@dataclass(frozen=True)
class PerColumnDriftCompensation(DriftCompensation):
    """One factor for each output (column); weights must be (in, out).

    Examples
    --------
    >>> PerColumnDriftCompensation().magnitude(np.array([[1.0, -3.0], [0.0, 1.0]])).tolist()
    [0.5, 2.0]
    """

    axis = 0


@dataclass(frozen=True)
class NoDriftCompensation(DriftCompensation):
    """alpha = 1.

    Examples
    --------
    >>> from refapprox.analog import PerfectReadout
    >>> NoDriftCompensation().factor(None, np.zeros((2, 2)), PerfectReadout())
    1.0
    """

    factor_scatters = False


GLOBAL = GlobalDriftCompensation()


def check_outputs(name, y):
    """`y` as finite float64, at least one output."""
    y = check_finite(name, y, dtype=np.float64)
    if not y.size:
        raise ValueError(f"{name} must hold at least one output, got shape {y.shape}.")
    return y


def check_compensation(compensation):
    """`compensation`, an instance of one of the classes of this module; None means none."""
    if compensation is None:
        return NoDriftCompensation()
    if not isinstance(compensation, DriftCompensation):
        raise WrongKindError(f"compensation must be an instance of one of the compensations of refapprox.analog, or "
                             f"None, got {shown(compensation)}.")
    return compensation
