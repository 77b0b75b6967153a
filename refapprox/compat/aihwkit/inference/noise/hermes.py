"""HERMES under aihwkit's name. Keywords after the first argument: upstream's order differs between versions."""
from refapprox.analog import devices
from refapprox.analog.converters import SinglePairConductanceConverter
from refapprox.compat.aihwkit.inference.noise.base import BaseNoiseModel


class HermesNoiseModel(BaseNoiseModel):
    """`refapprox.analog.HermesNoiseModel`; a converter beyond the measured range is refused too."""

    def __init__(self, num_devices=2, *, g_converter=None, g_max=None, t_read=512e-9, t_0=None, prog_noise_scale=1.0,
                 read_noise_scale=1.0, drift_scale=1.0, rng=None):
        device = devices.HermesNoiseModel(
            num_devices=num_devices, g_max=g_max if g_converter is None else g_converter.g_max, t_read=t_read, t_0=t_0,
            prog_noise_scale=prog_noise_scale, read_noise_scale=read_noise_scale, drift_scale=drift_scale)
        super().__init__(g_converter or SinglePairConductanceConverter(device.g_max), device, rng)
