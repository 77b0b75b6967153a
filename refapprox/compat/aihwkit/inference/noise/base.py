"""aihwkit's interface of a noise model, around a device model of `refapprox.analog`."""
import numpy as np

from refapprox.compat.aihwkit.inference.converter.conductance import SinglePairConductanceConverter


def converter_of(g_converter, g_max):
    """The converter given, or a single pair with `g_max` (25 uS by default)."""
    return SinglePairConductanceConverter(g_max) if g_converter is None else g_converter


class BaseNoiseModel:
    """A device model with a converter.

    One of one's own derives from it and defines the three primitives; `apply_noise` and its parts then work. The closed
    form that stands behind losses and optimizer needs a device model of `refapprox.analog`.

    Attributes
    ----------
    g_converter : ConductanceConverter
        May be replaced; as upstream, g_max of the model stays that of the first one. Unlike upstream, two that differ
        are refused where a loss is computed.
    device : a device model of refapprox.analog, or None
    rng : numpy.random.Generator
        Source of all draws.
    """

    def __init__(self, g_converter=None, device=None, rng=None):
        self.g_converter = SinglePairConductanceConverter() if g_converter is None else g_converter
        self.device, self.rng = device, np.random.default_rng() if rng is None else rng

    @property
    def g_max(self):
        return (self.g_converter if self.device is None else self.device).g_max

    def known_device(self):
        """The device model; a ValueError where there is none."""
        if self.device is None:
            raise ValueError(f"{type(self).__name__} must have a device model of refapprox.analog, whose moments are "
                             f"known; it can be simulated by apply_noise.")
        return self.device

    def apply_programming_noise_to_conductance(self, g_target):
        """Programmed conductances, uS."""
        return self.known_device().program(g_target, rng=self.rng)

    def generate_drift_coefficients(self, g_target):
        """Drift exponents; for resistive memory the targets, which it keeps in their place."""
        return self.known_device().drift_state(g_target, rng=self.rng)

    def apply_drift_noise_to_conductance(self, g_prog, drift_noise_param, t_inference):
        """Conductances at `t_inference` seconds after programming, uS."""
        return self.known_device().read(g_prog, drift_noise_param, t_inference, rng=self.rng)

    def apply_programming_noise(self, weights):
        """(programmed weights, list of drift exponents of every device)."""
        targets, params = self.g_converter.convert_to_conductances(weights)
        programmed, exponents = [], []
        for target in targets:
            programmed.append(self.apply_programming_noise_to_conductance(target))
            exponents.append(self.generate_drift_coefficients(target))
        return self.g_converter.convert_back_to_weights(programmed, params), exponents

    def apply_drift_noise(self, weights, drift_noise_parameters, t_inference):
        """Programmed `weights` at `t_inference`: split anew over the devices, drifted, read (aging "reconvert")."""
        targets, params = self.g_converter.convert_to_conductances(weights)
        aged = [self.apply_drift_noise_to_conductance(target, exponent, t_inference)
                for target, exponent in zip(targets, drift_noise_parameters, strict=True)]
        return self.g_converter.convert_back_to_weights(aged, params)

    def apply_noise(self, weights, t_inference):
        """Target `weights` at `t_inference`, every device keeping its own conductance (aging "device").

        At t_inference = 0 the programmed weights (upstream fails there).
        """
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
