"""Resistive memory under aihwkit's name."""
from refapprox.analog import devices
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
