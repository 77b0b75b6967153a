"""HERMES under aihwkit's name and argument order."""
from refapprox.analog import devices
from refapprox.compat.aihwkit.inference.noise.base import BaseNoiseModel, converter_of


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
