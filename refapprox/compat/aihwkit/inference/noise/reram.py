"""Resistive memory under aihwkit's name."""
from refapprox.analog import devices
from refapprox.compat.aihwkit.inference.noise.base import BaseNoiseModel, converter_of


class ReRamWan2022NoiseModel(BaseNoiseModel):
    """`refapprox.analog.ReRamWan2022NoiseModel`, with the measured coefficients only.

    `coeff_g_max_reference` counts when it is given (upstream overwrites it).
    """

    def __init__(self, coeff_g_max_reference=None, g_converter=None, g_max=None, noise_scale=1.0, *, rng=None):
        converter = converter_of(g_converter, g_max)
        super().__init__(converter, devices.ReRamWan2022NoiseModel(
            g_max=converter.g_max, noise_scale=noise_scale, coeff_g_max_reference=coeff_g_max_reference), rng)
