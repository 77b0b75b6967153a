"""From target weights to what is left of them: program, drift, read, compensate.

Two ways to age a cell:

* ``"device"``: each device keeps its own programmed conductance and drifts from there.  This is the physics.
* ``"reconvert"``: the programmed weight (the sum over the cell's devices) is split anew over the pairs before it
  drifts, with the largest programmed weight as new maximum, while the drift exponents stay those of the first
  split.  This is what aihwkit computes, kept for cross-validation: it forgets how a cell's programming error
  was shared among its devices.

Both read the same conductances, g(w), from a converter; see docs/derivations/analog.md for what differs.
"""
from dataclasses import dataclass

import numpy as np

from refapprox.analog.compensation import GLOBAL, PERFECT, check_compensation
from refapprox.analog.converters import ConductanceConverter, check_weights
from refapprox.analog.devices import DeviceModel, standard_normals
from refapprox.analog.unpaired_converters import UnpairedConverter
from refapprox.validation import check_choice

AGING = ("device", "reconvert")


@dataclass(frozen=True)
class AgedWeights:
    """Weights at one time.

    Attributes
    ----------
    drifted : ndarray, shape of the target: as read, before compensation
    alpha : float, or ndarray (out,) for compensation per column
    effective : ndarray: alpha * drifted
    """

    drifted: np.ndarray
    alpha: object
    effective: np.ndarray


@dataclass(frozen=True)
class ProgrammedWeights:
    """Weights in devices, after programming; made by `program_weights`.

    Attributes
    ----------
    target, programmed : ndarray
        Weights as asked for, and as they are right after programming.
    conductances, drift_states : ndarray (2P, ...)
        Programmed conductances (uS) and what the devices keep for their drift: exponents, or targets.
    params : dict
        What the converter needs to get back to weights.
    reference : B of the compensation.
    """

    target: np.ndarray
    programmed: np.ndarray
    conductances: np.ndarray
    drift_states: np.ndarray
    params: dict
    reference: object
    converter: object
    device: object
    compensation: object
    readout: object
    aging: str

    def read(self, t, *, rng=None, normals=None):
        """The weights `t` seconds later, as `AgedWeights`.

        Parameters
        ----------
        t : float, s
        rng : numpy.random.Generator
            Draws what is not given: the read noise of devices, and that of a noisy readout.
        normals : array_like (2P, *target.shape), optional
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


def program_weights(converter, weights, device, *, rng=None, normals=None, compensation=GLOBAL, aging="device",
                    readout=PERFECT):
    """Program `weights` into devices.

    Parameters
    ----------
    converter : ConductanceConverter, or one without pairs
    weights : array_like, (in, out) for compensation per column, else any shape
    device : DeviceModel, with the converter's g_max
    rng : numpy.random.Generator
        Draws what is not given: programming noise, drift exponents, and the noise of a noisy readout.
    normals : array_like (2, 2P, *weights.shape), optional
        Standard normals in place of the devices' own draws: programming, drift exponent.
    compensation : instance of a compensation class, or None for none; by default global
    aging : "device" or "reconvert"
    readout : PerfectReadout or NoisyReadout

    Returns
    -------
    ProgrammedWeights

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
    weights = check_weights(weights)
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


def check_strategy(converter, device, *, paired=True):
    """Refuse a converter whose conductances the device model does not describe; `paired`: or that has no pairs."""
    if paired and isinstance(converter, UnpairedConverter):
        raise ValueError(f"converter must have pairs of devices for a closed form, got {converter!r}. "
                         f"program_weights and monte_carlo_tnmse simulate it.")
    if not isinstance(converter, (ConductanceConverter, UnpairedConverter)):
        raise ValueError(f"converter must be a conductance converter, got {type(converter).__name__}.")
    if not isinstance(device, DeviceModel):
        raise ValueError(f"device must be a device model of refapprox.analog, got {type(device).__name__}.")
    if converter.g_max != device.g_max:
        raise ValueError(f"device and converter must have the same g_max, got {device.g_max} uS for the device "
                         f"and {converter.g_max} uS for the converter.")
    low, high = converter.limits
    if low < device.g_min or high > device.g_max * (1 + 1e-9):          # room for the rounding of a sum
        raise ValueError(f"converter must keep its conductances in [{device.g_min}, {device.g_max}] uS, "
                         f"got {low:.6g} to {high:.6g} uS.")
