"""The names of aihwkit.inference: converters, noise models, drift compensations."""
import numpy as np

from refapprox.analog import compensation as native_compensation  # the name is that of a folder here
from refapprox.analog import devices
from refapprox.analog.devices.reram_cmo import PROGRAMMING
from refapprox.compat.aihwkit.inference.converter import (
    BaseConductanceConverter,
    CustomPairConductanceConverter,
    DualPairConductanceConverter,
    NPairConductanceConverter,
    SingleDeviceConductanceConverter,
    SinglePairConductanceConverter,
)

__all__ = [
    "BaseConductanceConverter", "BaseDriftCompensation", "BaseNoiseModel",
    "CustomDriftPCMLikeNoiseModel", "CustomPairConductanceConverter", "DualPairConductanceConverter",
    "GlobalDriftCompensation", "GlobalDriftCompensationWithExactReference", "HermesNoiseModel",
    "NPairConductanceConverter", "PCMLikeNoiseModel", "PerColumnDriftCompensation", "ReRamCMONoiseModel",
    "ReRamWan2022NoiseModel", "SingleDeviceConductanceConverter", "SinglePairConductanceConverter",
    "StateIndependentNoiseModel",
]


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

    def device_model(self):
        """The device model; a ValueError where there is none."""
        if self.device is None:
            raise ValueError(f"{type(self).__name__} must have a device model of refapprox.analog, whose moments are "
                             f"known; it can be simulated by apply_noise.")
        return self.device

    def apply_programming_noise_to_conductance(self, g_target):
        """Programmed conductances, uS."""
        return self.device_model().program(g_target, rng=self.rng)

    def generate_drift_coefficients(self, g_target):
        """Drift exponents; for resistive memory the targets, which it keeps in their place."""
        return self.device_model().drift_state(g_target, rng=self.rng)

    def apply_drift_noise_to_conductance(self, g_prog, drift_noise_param, t_inference):
        """Conductances at `t_inference` seconds after programming, uS."""
        return self.device_model().read(g_prog, drift_noise_param, t_inference, rng=self.rng)

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


class PCMLikeNoiseModel(BaseNoiseModel):
    """`refapprox.analog.PCMLikeNoiseModel`; own `prog_coeff` and a reference may be given together."""

    def __init__(self, prog_coeff=None, g_converter=None, g_max=None, t_read=250e-9, t_0=20.0, prog_noise_scale=1.0,
                 read_noise_scale=1.0, drift_scale=1.0, prog_coeff_g_max_reference=None, *, rng=None):
        converter = converter_of(g_converter, g_max)
        super().__init__(converter, devices.PCMLikeNoiseModel(
            g_max=converter.g_max, prog_coeff=prog_coeff, prog_coeff_g_max_reference=prog_coeff_g_max_reference,
            t_read=t_read, t_0=t_0, prog_noise_scale=prog_noise_scale, read_noise_scale=read_noise_scale,
            drift_scale=drift_scale), rng)


class CustomDriftPCMLikeNoiseModel(BaseNoiseModel):
    """`refapprox.analog.CustomDriftPCMLikeNoiseModel`; missing keys of the drift model are refused."""

    def __init__(self, custom_drift_model, prog_coeff=None, g_converter=None, g_max=None, t_read=250e-9, t_0=20.0,
                 prog_noise_scale=1.0, read_noise_scale=1.0, drift_scale=1.0, prog_coeff_g_max_reference=None, *,
                 rng=None):
        converter = converter_of(g_converter, g_max)
        super().__init__(converter, devices.CustomDriftPCMLikeNoiseModel(
            custom_drift_model=custom_drift_model, g_max=converter.g_max, prog_coeff=prog_coeff,
            prog_coeff_g_max_reference=prog_coeff_g_max_reference, t_read=t_read, t_0=t_0,
            prog_noise_scale=prog_noise_scale, read_noise_scale=read_noise_scale, drift_scale=drift_scale), rng)


class HermesNoiseModel(BaseNoiseModel):
    """`refapprox.analog.HermesNoiseModel`, with the measured coefficients only.

    A converter beyond the measured range is refused too.
    """

    def __init__(self, prog_coeff=None, g_converter=None, num_devices=2, g_max=None, t_read=512e-9, t_0=None,
                 prog_noise_scale=1.0, read_noise_scale=1.0, drift_scale=1.0, prog_coeff_g_max_reference=None, *,
                 rng=None):
        for name, value in (("prog_coeff", prog_coeff), ("prog_coeff_g_max_reference", prog_coeff_g_max_reference)):
            if value is not None:
                raise ValueError(f"{name} of HermesNoiseModel must be None, the measured coefficients, got {value!r}; "
                                 f"num_devices is the third argument, as in aihwkit.")
        device = devices.HermesNoiseModel(
            num_devices=num_devices, g_max=g_max if g_converter is None else g_converter.g_max, t_read=t_read, t_0=t_0,
            prog_noise_scale=prog_noise_scale, read_noise_scale=read_noise_scale, drift_scale=drift_scale)
        super().__init__(converter_of(g_converter, device.g_max), device, rng)


class StateIndependentNoiseModel(BaseNoiseModel):
    """`refapprox.analog.StateIndependentNoiseModel`."""

    def __init__(self, g_converter=None, g_max=None, prog_coeff=None, prog_noise_scale=1.0, drift_nu_mean=0.1,
                 drift_nu_std=0.05, drift_scale=1.0, t_0=20.0, read_noise_scale=1.0, t_read=250e-9, *, rng=None):
        converter = converter_of(g_converter, g_max)
        super().__init__(converter, devices.StateIndependentNoiseModel(
            g_max=converter.g_max, prog_coeff=(0.2, 0.0, 0.0) if prog_coeff is None else tuple(prog_coeff),
            prog_noise_scale=prog_noise_scale, drift_nu_mean=drift_nu_mean, drift_nu_std=drift_nu_std,
            drift_scale=drift_scale, t_0=t_0, read_noise_scale=read_noise_scale, t_read=t_read), rng)


class ReRamWan2022NoiseModel(BaseNoiseModel):
    """`refapprox.analog.ReRamWan2022NoiseModel`, with the measured coefficients only.

    `coeff_g_max_reference` counts when it is given (upstream overwrites it).
    """

    def __init__(self, coeff_dic=None, g_converter=None, g_max=None, noise_scale=1.0, coeff_g_max_reference=None, *,
                 rng=None):
        if coeff_dic is not None:
            raise ValueError(f"coeff_dic of ReRamWan2022NoiseModel must be None, the measured coefficients, "
                             f"got {coeff_dic!r}.")
        converter = converter_of(g_converter, g_max)
        super().__init__(converter, devices.ReRamWan2022NoiseModel(
            g_max=converter.g_max, noise_scale=noise_scale, coeff_g_max_reference=coeff_g_max_reference), rng)

    def apply_drift_noise_to_conductance(self, g_prog, g_target, t_inference):
        """Conductances drawn anew from the target at `t_inference`, uS."""
        return super().apply_drift_noise_to_conductance(g_prog, g_target, t_inference)


class ReRamCMONoiseModel(BaseNoiseModel):
    """`refapprox.analog.ReRamCMONoiseModel` with a single device a weight.

    Upstream's keys of `coeff_dict` are acceptance ranges in percent, 0.2 and 2, while its default `acceptance_range` is
    2e-2, which is no key, so that the smallest key counts.  So it does here for that default; another range that is no
    key is refused.
    """

    def __init__(self, coeff_dict=None, g_max=None, g_min=None, prog_noise_scale=1.0, read_noise_scale=1.0,
                 drift_scale=1.0, decay_dict=None, read_dict=None, acceptance_range=2e-2, *, rng=None):
        ranges = PROGRAMMING if coeff_dict is None else coeff_dict
        if not ranges or acceptance_range not in {*ranges, 2e-2}:
            raise ValueError(f"acceptance_range must be one of {sorted(ranges)} (%), the keys of coeff_dict, "
                             f"got {acceptance_range!r}.")
        measured = {}
        if decay_dict is not None:
            (measured["decay_mean"],), (growth, start) = (entry("decay_dict", decay_dict, key, size)
                                                          for key, size in (("mean", 1), ("std", 2)))
            measured["decay_std"] = (start, growth)
        if read_dict is not None:
            (measured["read_coeff"],), (measured["t_read"],) = (entry("read_dict", read_dict, key, 1)
                                                                for key in ("K", "t_read"))
        converter = SingleDeviceConductanceConverter(g_max, g_min)
        super().__init__(converter, devices.ReRamCMONoiseModel(
            g_max=converter.g_max, g_min=converter.g_min, prog_noise_scale=prog_noise_scale,
            read_noise_scale=read_noise_scale, drift_scale=drift_scale,
            prog_coeff=tuple(ranges.get(acceptance_range, ranges[min(ranges)])), **measured), rng)


def entry(name, dictionary, key, size):
    """The `size` numbers under `key`."""
    values = list(np.atleast_1d(dictionary.get(key, ())))
    if len(values) != size:
        raise ValueError(f"{name} must hold {size} number(s) under {key!r}, got {dictionary.get(key)!r}.")
    return values


class BaseDriftCompensation:
    """Readout with one-hot inputs, and the factor that makes up for what has drifted away."""

    def get_readout_tensor(self, in_size):
        """The inputs of the readout: every one-hot vector."""
        return np.eye(in_size)

    def readout(self, out_tensor):
        """Mean magnitude of the outputs (in, out), at least 1e-4."""
        return self.magnitude(np.asarray(out_tensor, np.float64))

    def apply(self, forward_output, ref_value):
        """ref_value / readout(forward_output)."""
        return ref_value / self.readout(forward_output)

    def __str__(self):
        return f"{type(self).__name__}()"


class GlobalDriftCompensation(BaseDriftCompensation, native_compensation.GlobalDriftCompensation):
    """One factor for the array."""


class GlobalDriftCompensationWithExactReference(BaseDriftCompensation,
                                                native_compensation.GlobalDriftCompensationWithExactReference):
    """One factor for the array, against the target weights."""


class PerColumnDriftCompensation(BaseDriftCompensation, native_compensation.PerColumnDriftCompensation):
    """One factor for each output."""
