"""The names of aihwkit.inference: converters, noise models, drift compensations."""
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    >>> model = PCMLikeNoiseModel(prog_noise_scale=0, rng=np.random.default_rng(0))
    >>> model.apply_noise(np.array([[0.5, -1.0]]), 0.0).tolist()
    [[0.5, -1.0]]
    """

    def __init__(self, g_converter: Any = None, *, device: devices.DeviceModel | None = None,
                 rng: np.random.Generator | None = None) -> None:
        self.g_converter = SinglePairConductanceConverter() if g_converter is None else g_converter
        self.device, self.rng = device, np.random.default_rng() if rng is None else rng

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
    """`refapprox.analog.PCMLikeNoiseModel`; own `prog_coeff` and a reference may be given together.

    Parameters
    ----------
    g_converter : ConductanceConverter, optional
        A single pair where it is None.
    prog_coeff, g_max, t_read, t_0, prog_noise_scale, read_noise_scale, drift_scale, prog_coeff_g_max_reference
        As there.
    rng : numpy.random.Generator, optional
        A fresh one where it is None.

    Examples
    --------
    >>> PCMLikeNoiseModel(g_max=20.0).g_converter
    SinglePairConductanceConverter(g_max=20, g_min=0)
    """

    def __init__(self, prog_coeff: Sequence[float] | None = None, g_converter: Any = None, g_max: float | None = None,
                 t_read: float = 250e-9, t_0: float = 20.0, prog_noise_scale: float = 1.0,
                 read_noise_scale: float = 1.0, drift_scale: float = 1.0,
                 prog_coeff_g_max_reference: float | None = None, *, rng: np.random.Generator | None = None) -> None:
        converter = converter_of(g_converter, g_max)
        super().__init__(converter, device=devices.PCMLikeNoiseModel(
            g_max=converter.g_max, prog_coeff=prog_coeff, prog_coeff_g_max_reference=prog_coeff_g_max_reference,
            t_read=t_read, t_0=t_0, prog_noise_scale=prog_noise_scale, read_noise_scale=read_noise_scale,
            drift_scale=drift_scale), rng=rng)


class CustomDriftPCMLikeNoiseModel(BaseNoiseModel):
    """`refapprox.analog.CustomDriftPCMLikeNoiseModel`; missing keys of the drift model are refused.

    Parameters
    ----------
    custom_drift_model : dict
        As there.
    prog_coeff, g_converter, g_max, t_read, t_0, prog_noise_scale, read_noise_scale, drift_scale
        As of `PCMLikeNoiseModel`.
    prog_coeff_g_max_reference, rng
        As of `PCMLikeNoiseModel`.

    Examples
    --------
    >>> lists = {"g_lst": [0, 25], "nu_mean_lst": [0.08, 0.04], "nu_std_lst": [0.0, 0.0]}
    >>> CustomDriftPCMLikeNoiseModel(lists).generate_drift_coefficients([25.0]).tolist()
    [0.04]
    """

    def __init__(self, custom_drift_model: Mapping[str, Sequence[float]], prog_coeff: Sequence[float] | None = None,
                 g_converter: Any = None, g_max: float | None = None, t_read: float = 250e-9, t_0: float = 20.0,
                 prog_noise_scale: float = 1.0, read_noise_scale: float = 1.0, drift_scale: float = 1.0,
                 prog_coeff_g_max_reference: float | None = None, *, rng: np.random.Generator | None = None) -> None:
        converter = converter_of(g_converter, g_max)
        super().__init__(converter, device=devices.CustomDriftPCMLikeNoiseModel(
            custom_drift_model=custom_drift_model, g_max=converter.g_max, prog_coeff=prog_coeff,
            prog_coeff_g_max_reference=prog_coeff_g_max_reference, t_read=t_read, t_0=t_0,
            prog_noise_scale=prog_noise_scale, read_noise_scale=read_noise_scale, drift_scale=drift_scale), rng=rng)


class HermesNoiseModel(BaseNoiseModel):
    """`refapprox.analog.HermesNoiseModel`, with the measured coefficients only.

    A converter beyond the measured range is refused too.

    Parameters
    ----------
    prog_coeff, prog_coeff_g_max_reference : None
        The measured ones; others are refused.
    g_converter, rng
        As of `PCMLikeNoiseModel`.
    num_devices, g_max, t_read, t_0, prog_noise_scale, read_noise_scale, drift_scale
        As there.

    Examples
    --------
    >>> HermesNoiseModel(num_devices=1).g_max
    10.35
    """

    def __init__(self, prog_coeff: None = None, g_converter: Any = None, num_devices: int = 2,
                 g_max: float | None = None, t_read: float = 512e-9, t_0: float | None = None,
                 prog_noise_scale: float = 1.0, read_noise_scale: float = 1.0, drift_scale: float = 1.0,
                 prog_coeff_g_max_reference: None = None, *, rng: np.random.Generator | None = None) -> None:
        for name, value in (("prog_coeff", prog_coeff), ("prog_coeff_g_max_reference", prog_coeff_g_max_reference)):
            if value is not None:
                raise ValueError(f"{name} of HermesNoiseModel must be None, the measured coefficients, got {value!r}; "
                                 f"num_devices is the third argument, as in aihwkit.")
        device = devices.HermesNoiseModel(
            num_devices=num_devices, g_max=g_max if g_converter is None else g_converter.g_max, t_read=t_read, t_0=t_0,
            prog_noise_scale=prog_noise_scale, read_noise_scale=read_noise_scale, drift_scale=drift_scale)
        super().__init__(converter_of(g_converter, device.g_max), device=device, rng=rng)


class StateIndependentNoiseModel(BaseNoiseModel):
    """`refapprox.analog.StateIndependentNoiseModel`.

    Parameters
    ----------
    g_converter, rng
        As of `PCMLikeNoiseModel`.
    g_max, prog_coeff, prog_noise_scale, drift_nu_mean, drift_nu_std, drift_scale, t_0, read_noise_scale, t_read
        As there; None stands for the default.

    Examples
    --------
    >>> StateIndependentNoiseModel().device.programming_std([5.0]).tolist()
    [0.2]
    """

    def __init__(self, g_converter: Any = None, g_max: float | None = None, prog_coeff: Sequence[float] | None = None,
                 prog_noise_scale: float = 1.0, drift_nu_mean: float = 0.1, drift_nu_std: float = 0.05,
                 drift_scale: float = 1.0, t_0: float = 20.0, read_noise_scale: float = 1.0, t_read: float = 250e-9, *,
                 rng: np.random.Generator | None = None) -> None:
        converter = converter_of(g_converter, g_max)
        super().__init__(converter, device=devices.StateIndependentNoiseModel(
            g_max=converter.g_max, prog_coeff=(0.2, 0.0, 0.0) if prog_coeff is None else tuple(prog_coeff),
            prog_noise_scale=prog_noise_scale, drift_nu_mean=drift_nu_mean, drift_nu_std=drift_nu_std,
            drift_scale=drift_scale, t_0=t_0, read_noise_scale=read_noise_scale, t_read=t_read), rng=rng)


class ReRamWan2022NoiseModel(BaseNoiseModel):
    """`refapprox.analog.ReRamWan2022NoiseModel`, with the measured coefficients only.

    `coeff_g_max_reference` counts when it is given (upstream overwrites it).

    Parameters
    ----------
    coeff_dic : None
        The measured ones; others are refused.
    g_converter, rng
        As of `PCMLikeNoiseModel`.
    g_max, noise_scale, coeff_g_max_reference
        As there.

    Examples
    --------
    >>> ReRamWan2022NoiseModel(noise_scale=0).apply_drift_noise_to_conductance(None, [5.0], 86400.0).tolist()
    [5.0]
    """

    def __init__(self, coeff_dic: None = None, g_converter: Any = None, g_max: float | None = None,
                 noise_scale: float = 1.0, coeff_g_max_reference: float | None = None, *,
                 rng: np.random.Generator | None = None) -> None:
        if coeff_dic is not None:
            raise ValueError(f"coeff_dic of ReRamWan2022NoiseModel must be None, the measured coefficients, "
                             f"got {coeff_dic!r}.")
        converter = converter_of(g_converter, g_max)
        super().__init__(converter, device=devices.ReRamWan2022NoiseModel(
            g_max=converter.g_max, noise_scale=noise_scale, coeff_g_max_reference=coeff_g_max_reference), rng=rng)

    def apply_drift_noise_to_conductance(self, g_prog: ArrayLike | None, g_target: ArrayLike,
                                         t_inference: float) -> NDArray[np.float64]:
        """Conductances drawn anew from the target, uS.

        Parameters
        ----------
        g_prog
            Without effect.
        g_target : array, uS
        t_inference : float, s
        """
        return super().apply_drift_noise_to_conductance(g_prog, g_target, t_inference)


class ReRamCMONoiseModel(BaseNoiseModel):
    """`refapprox.analog.ReRamCMONoiseModel` with a single device per weight.

    Upstream's keys of `coeff_dict` are acceptance ranges in percent, 0.2 and 2, while its default `acceptance_range` is
    2e-2, which is no key, so that the smallest key counts.  So it does here for that default; another range that is no
    key is refused.

    Parameters
    ----------
    coeff_dict : dict of float to pair of float, optional
        Acceptance range in % -> ascending powers of the target, uS.
    g_max, g_min, prog_noise_scale, read_noise_scale, drift_scale
        As there; None stands for the default.
    decay_dict : dict, optional
        "mean" and "std" (growth, start) of the relaxation.
    read_dict : dict, optional
        "K" and "t_read" of the read noise.
    acceptance_range : float, %
    rng : numpy.random.Generator, optional
        A fresh one where it is None.

    Examples
    --------
    >>> ReRamCMONoiseModel().device.acceptance_range
    0.2
    """

    def __init__(self, coeff_dict: Mapping[float, Sequence[float]] | None = None, g_max: float | None = None,
                 g_min: float | None = None, prog_noise_scale: float = 1.0, read_noise_scale: float = 1.0,
                 drift_scale: float = 1.0, decay_dict: Mapping[str, Any] | None = None,
                 read_dict: Mapping[str, Any] | None = None, acceptance_range: float = 2e-2, *,
                 rng: np.random.Generator | None = None) -> None:
        ranges = PROGRAMMING if coeff_dict is None else coeff_dict
        if not ranges or acceptance_range not in {*ranges, 2e-2}:
            raise ValueError(f"acceptance_range must be one of {sorted(ranges)} (%), the keys of coeff_dict, "
                             f"got {acceptance_range!r}.")
        measured = {}
        if decay_dict is not None:
            (measured["decay_mean"],), (growth, start) = (numbers_under("decay_dict", decay_dict, key, size)
                                                          for key, size in (("mean", 1), ("std", 2)))
            measured["decay_std"] = (start, growth)
        if read_dict is not None:
            (measured["read_coeff"],), (measured["t_read"],) = (numbers_under("read_dict", read_dict, key, 1)
                                                                for key in ("K", "t_read"))
        converter = SingleDeviceConductanceConverter(g_max, g_min)
        super().__init__(converter, device=devices.ReRamCMONoiseModel(
            g_max=converter.g_max, g_min=converter.g_min, prog_noise_scale=prog_noise_scale,
            read_noise_scale=read_noise_scale, drift_scale=drift_scale,
            prog_coeff=tuple(ranges.get(acceptance_range, ranges[min(ranges)])), **measured), rng=rng)


def numbers_under(name, dictionary, key, size):
    """The `size` numbers under `key`."""
    values = list(np.atleast_1d(dictionary.get(key, ())))
    if len(values) != size:
        raise ValueError(f"{name} must hold {size} number(s) under {key!r}, got {dictionary.get(key)!r}.")
    return values


class BaseDriftCompensation:
    """Readout with one-hot inputs, and the factor that makes up for what has drifted away.

    Examples
    --------
    >>> GlobalDriftCompensation().get_readout_tensor(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    def get_readout_tensor(self, in_size: int) -> NDArray[np.float64]:
        """The inputs of the readout: every one-hot vector."""
        return np.eye(in_size)

    def readout(self, out_tensor: ArrayLike) -> Any:
        """Mean magnitude of the outputs (in, out), at least 1e-4."""
        return self.magnitude(np.asarray(out_tensor, np.float64))

    def apply(self, forward_output: ArrayLike, ref_value: Any) -> Any:
        """ref_value / readout(forward_output).

        Parameters
        ----------
        forward_output : array (in, out)
        ref_value : float, or array (out,)
            The readout right after programming.
        """
        return ref_value / self.readout(forward_output)

    def __str__(self):
        return f"{type(self).__name__}()"


class GlobalDriftCompensation(BaseDriftCompensation, native_compensation.GlobalDriftCompensation):
    """One factor for the array.

    Examples
    --------
    >>> GlobalDriftCompensation().apply([[0.5, -1.5]], ref_value=2.0).item()
    2.0
    """


class GlobalDriftCompensationWithExactReference(BaseDriftCompensation,
                                                native_compensation.GlobalDriftCompensationWithExactReference):
    """One factor for the array, against the target weights.

    Examples
    --------
    >>> GlobalDriftCompensationWithExactReference().readout([[0.5, -1.5]]).item()
    1.0
    """


class PerColumnDriftCompensation(BaseDriftCompensation, native_compensation.PerColumnDriftCompensation):
    """One factor for each output.

    Examples
    --------
    >>> PerColumnDriftCompensation().readout([[0.5, -1.5]]).tolist()
    [0.5, 1.5]
    """
