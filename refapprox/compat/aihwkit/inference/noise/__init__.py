"""The names of aihwkit.inference.noise: device models with a converter."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog import devices
from refapprox.analog.devices.reram_cmo import PROGRAMMING
from refapprox.compat.aihwkit.inference.converter import (
    SingleDeviceConductanceConverter,
    SinglePairConductanceConverter,
)
from refapprox.compat.aihwkit.inference.noise.base import BaseNoiseModel, check_converter
from refapprox.validation import check_real, shown


def converter_of(g_converter, g_max):
    """The converter given, or a single pair with `g_max` (25 uS by default)."""
    if g_converter is None:
        return SinglePairConductanceConverter(g_max)
    return check_converter(g_converter)


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
                raise ValueError(f"{name} of HermesNoiseModel must be None, the measured coefficients, got "
                                 f"{shown(value)}; num_devices is the third argument, as in aihwkit.")
        device = devices.HermesNoiseModel(
            num_devices=num_devices, g_max=g_max if g_converter is None else check_converter(g_converter).g_max,
            t_read=t_read, t_0=t_0,
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
                             f"got {shown(coeff_dic)}.")
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
        acceptance_range = check_real("acceptance_range", acceptance_range)
        if not ranges or acceptance_range not in {*ranges, 2e-2}:
            raise ValueError(f"acceptance_range must be one of {sorted(ranges)} (%), the keys of coeff_dict, "
                             f"got {shown(acceptance_range)}.")
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
