"""Resistive memory under aihwkit's names."""
import numpy as np

from refapprox.analog import devices
from refapprox.analog.devices.reram_cmo import PROGRAMMING
from refapprox.compat.aihwkit.inference.converter.conductance import SingleDeviceConductanceConverter
from refapprox.compat.aihwkit.inference.noise.base import BaseNoiseModel, converter_of


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
