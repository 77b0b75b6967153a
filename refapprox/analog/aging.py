"""From target weights to what is left of them: program, drift, read, compensate.

Two ways to age a cell:

- ``"device"``: each device keeps its own programmed conductance and drifts from there.  This is the physics.
- ``"reconvert"``: the programmed weight (the sum over the cell's devices) is split anew over the pairs before it
  drifts, with the largest programmed weight as new maximum, while the drift exponents stay those of the first
  split.  This is what aihwkit computes, kept for cross-validation: it forgets how a cell's programming error
  was shared among its devices.

Both read the same conductances, g(w), from a converter; see docs/derivations/analog.md for what differs.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.checks import check_filled
from refapprox.analog.compensation import GLOBAL, check_compensation
from refapprox.analog.converters import ConductanceConverter
from refapprox.analog.devices.base import DeviceModel, standard_normals
from refapprox.analog.readout import PERFECT, check_readout
from refapprox.analog.unpaired_converters import UnpairedConverter
from refapprox.validation import WrongKindError, check_choice, check_instance, shown

AGING = ("device", "reconvert")


@dataclass(frozen=True)
class AgedWeights:
    """Weights at one time.

    Attributes
    ----------
    drifted : float64 array of the shape of the target
        As read, before compensation.
    alpha : float, or float64 array (out,) for compensation per column
    effective : float64 array
        alpha * drifted.

    Examples
    --------
    >>> aged = AgedWeights(np.array([0.4]), 1.25, np.array([0.5]))
    >>> aged.effective.tolist()
    [0.5]
    """

    drifted: NDArray[np.float64]
    alpha: Any
    effective: NDArray[np.float64]


@dataclass(frozen=True)
class ProgrammedWeights:
    """Weights in devices, after programming; made by `program_weights`.

    Attributes
    ----------
    target, programmed : float64 array
        Weights as asked for, and as they are right after programming.
    conductances, drift_states : float64 array (2P, ...)
        Programmed conductances (uS) and what the devices keep for their drift: exponents, or targets.
    params : dict
        What the converter needs to get back to weights.
    reference : float, or float64 array (out,)
        B of the compensation.
    converter, device, compensation, readout, aging
        As given to `program_weights`.

    Examples
    --------
    >>> from refapprox.analog import PCMLikeNoiseModel, SinglePairConductanceConverter
    >>> chip = program_weights(SinglePairConductanceConverter(), [0.5, -1.0], PCMLikeNoiseModel(),
    ...                        rng=np.random.default_rng(0))
    >>> chip.conductances.shape, bool(np.abs(chip.programmed - chip.target).max() < 0.2)
    ((2, 2), True)
    """

    target: NDArray[np.float64]
    programmed: NDArray[np.float64]
    conductances: NDArray[np.float64]
    drift_states: NDArray[np.float64]
    params: dict[str, Any]
    reference: Any
    converter: Any
    device: DeviceModel
    compensation: Any
    readout: Any
    aging: str

    def read(self, t: float, *, rng: np.random.Generator | None = None,
             normals: ArrayLike | None = None) -> AgedWeights:
        """The weights `t` seconds later, as `AgedWeights`.

        Parameters
        ----------
        t : float, s
        rng : numpy.random.Generator
            Draws what is not given: the read noise of devices, and that of a noisy readout.
        normals : array (2P, *target.shape), optional
            Standard normals in place of the devices' own read noise.
        """
        start, params = self.conductances, self.params
        if self.aging == "reconvert":
            start, params = self.converter.convert_to_conductances(self.programmed)
            start = np.array(start)
        conductances = self.device.read(start, self.drift_states, t, rng=rng, normals=normals)
        drifted = self.converter.convert_back_to_weights(conductances, params)
        alpha = self.compensation.factor(self.reference, drifted, self.readout, rng=rng)
        return AgedWeights(drifted, alpha, alpha * drifted)


def program_weights(converter: Any, weights: ArrayLike, device: DeviceModel, *,
                    rng: np.random.Generator | None = None, normals: ArrayLike | None = None,
                    compensation: Any = GLOBAL, aging: str = "device", readout: Any = PERFECT) -> ProgrammedWeights:
    """Program `weights` into devices.

    Parameters
    ----------
    converter : ConductanceConverter, or one without pairs
    weights : array, (in, out) for compensation per column, else of any shape
    device : DeviceModel, with the converter's g_max
    rng : numpy.random.Generator
        Draws what is not given: programming noise, drift exponents, and the noise of a noisy readout.
    normals : array (2, 2P, *weights.shape), optional
        Standard normals in place of the devices' own draws: programming, drift exponent.
    compensation : instance of a compensation class, or None for none; by default global
    aging : "device" or "reconvert"
    readout : PerfectReadout or NoisyReadout

    Returns
    -------
    ProgrammedWeights

    Raises
    ------
    TypeError
        For a device or converter of another kind, or where rng is needed and is no Generator.
    ValueError
        For weights that are not finite, normals of another shape, a device whose range is not the converter's.

    Examples
    --------
    >>> from refapprox.analog import PCMLikeNoiseModel, SinglePairConductanceConverter
    >>> quiet = PCMLikeNoiseModel(prog_noise_scale=0, drift_scale=0, read_noise_scale=0)
    >>> chip = program_weights(SinglePairConductanceConverter(), [[0.5, -1.0]], quiet, rng=np.random.default_rng(0))
    >>> chip.read(3600.0, rng=np.random.default_rng(1)).effective.tolist()
    [[0.5, -1.0]]
    """
    check_choice("aging", aging, AGING)
    compensation = check_compensation(compensation)
    weights, readout = check_filled(weights), check_readout(readout)
    check_strategy(converter, device, paired=False)
    conductances, params = converter.convert_to_conductances(weights)
    target = np.array(conductances)
    first, second = (None, None) if normals is None else standard_normals((2, *target.shape), rng, normals)
    programmed = device.program(target, rng=rng, normals=first)
    drift_states = device.drift_state(target, rng=rng, normals=second)
    back = converter.convert_back_to_weights(programmed, params)
    reference = compensation.reference(weights, back, readout, rng=rng)
    return ProgrammedWeights(weights, back, programmed, drift_states, params, reference,
                             converter, device, compensation, readout, aging)


def check_strategy(converter, device, *, paired=True, name="converter"):
    """Refuse a converter whose conductances the device model does not describe; `paired`: or that has no pairs."""
    if paired and isinstance(converter, UnpairedConverter):
        raise ValueError(f"{name} must have pairs of devices for a closed form, got {shown(converter)}. "
                         f"program_weights and monte_carlo_tnmse simulate it.")
    if not isinstance(converter, (ConductanceConverter, UnpairedConverter)):
        raise WrongKindError(f"{name} must be a conductance converter, got {type(converter).__name__}.")
    check_instance("device", device, DeviceModel)
    if converter.g_max != device.g_max:
        raise ValueError(f"device and converter must have the same g_max, got {device.g_max} uS for the device "
                         f"and {converter.g_max} uS for the converter.")
    low, high = converter.limits
    if low < device.g_min or high > device.g_max * (1 + 1e-9):          # room for the rounding of a sum
        raise ValueError(f"converter must keep its conductances in [{device.g_min}, {device.g_max}] uS, "
                         f"got {low:.6g} to {high:.6g} uS.")
