"""What noise models share: a device model, a converter, and the primitives that weights go through."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog import devices
from refapprox.compat.aihwkit.inference.converter import SinglePairConductanceConverter
from refapprox.validation import WrongKindError, check_real, generator_or_fresh, shown


def check_converter(g_converter):
    """`g_converter`, anything that has conductances to convert to."""
    if not hasattr(g_converter, "g_max"):
        raise WrongKindError(f"g_converter must be a conductance converter or None, got {shown(g_converter)}.")
    return g_converter


class BaseNoiseModel:
    """A device model with a converter.

    Your own noise model derives from it and defines the three primitives; `apply_noise` and its parts then work. Losses
    and the optimizer, which use the closed form, need a device model of `refapprox.analog`.

    Attributes
    ----------
    g_converter : ConductanceConverter
        May be replaced; as upstream, g_max of the model stays that of the first one. Unlike upstream, two that differ
        are refused where a loss is computed.
    device : DeviceModel, or None
    rng : numpy.random.Generator
        Source of all draws.

    Examples
    --------
    >>> from refapprox.compat.aihwkit.inference import PCMLikeNoiseModel
    >>> model = PCMLikeNoiseModel(prog_noise_scale=0, rng=np.random.default_rng(0))
    >>> model.apply_noise(np.array([[0.5, -1.0]]), 0.0).tolist()
    [[0.5, -1.0]]
    """

    def __init__(self, g_converter: Any = None, *, device: devices.DeviceModel | None = None,
                 rng: np.random.Generator | None = None) -> None:
        self.g_converter = SinglePairConductanceConverter() if g_converter is None else check_converter(g_converter)
        self.device, self.rng = device, generator_or_fresh(rng)

    @property
    def g_max(self) -> float:
        """Range of the device, uS."""
        return (self.g_converter if self.device is None else self.device).g_max

    def device_model(self) -> devices.DeviceModel:
        """The device model; a ValueError where there is none."""
        if self.device is None:
            raise ValueError(f"{type(self).__name__} must have a device model of refapprox.analog, whose moments are "
                             f"known; it can be simulated by apply_noise.")
        return self.device

    def apply_programming_noise_to_conductance(self, g_target: ArrayLike) -> NDArray[np.float64]:
        """Programmed conductances, uS."""
        return self.device_model().program(g_target, rng=self.rng)

    def generate_drift_coefficients(self, g_target: ArrayLike) -> NDArray[np.float64]:
        """Drift exponents; for resistive memory the targets, which it keeps in their place."""
        return self.device_model().drift_state(g_target, rng=self.rng)

    def apply_drift_noise_to_conductance(self, g_prog: ArrayLike, drift_noise_param: ArrayLike,
                                         t_inference: float) -> NDArray[np.float64]:
        """Conductances later, uS.

        Parameters
        ----------
        g_prog : array, uS
        drift_noise_param : array
            What `generate_drift_coefficients` returned.
        t_inference : float, s
            Time after programming.
        """
        return self.device_model().read(g_prog, drift_noise_param, t_inference, rng=self.rng)

    def apply_programming_noise(self, weights: ArrayLike) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
        """(programmed weights, list of drift exponents of every device)."""
        targets, params = self.g_converter.convert_to_conductances(weights)
        programmed, exponents = [], []
        for target in targets:
            programmed.append(self.apply_programming_noise_to_conductance(target))
            exponents.append(self.generate_drift_coefficients(target))
        return self.g_converter.convert_back_to_weights(programmed, params), exponents

    def apply_drift_noise(self, weights: ArrayLike, drift_noise_parameters: Sequence[ArrayLike],
                          t_inference: float) -> NDArray[np.float64]:
        """Programmed weights later: split anew over the devices, drifted, read (aging "reconvert").

        Parameters
        ----------
        weights : array
        drift_noise_parameters : list of arrays
            Both as `apply_programming_noise` returned them.
        t_inference : float, s
        """
        targets, params = self.g_converter.convert_to_conductances(weights)
        aged = [self.apply_drift_noise_to_conductance(target, exponent, t_inference)
                for target, exponent in zip(targets, drift_noise_parameters, strict=True)]
        return self.g_converter.convert_back_to_weights(aged, params)

    def apply_noise(self, weights: ArrayLike, t_inference: float) -> NDArray[np.float64]:
        """Target weights later, every device keeping its own conductance (aging "device").

        Parameters
        ----------
        weights : array
        t_inference : float, s
            At 0 the programmed weights come back (upstream fails there).
        """
        t_inference = check_real("t_inference", t_inference, minimum=0)
        targets, params = self.g_converter.convert_to_conductances(weights)
        aged = []
        for target in targets:
            start = self.apply_programming_noise_to_conductance(target)
            if t_inference > 0:
                exponent = self.generate_drift_coefficients(target)
                start = self.apply_drift_noise_to_conductance(start, exponent, t_inference)
            aged.append(start)
        return self.g_converter.convert_back_to_weights(aged, params)

    def __repr__(self):
        return f"{type(self).__name__}({self.device!r}, g_converter={self.g_converter!r})"
