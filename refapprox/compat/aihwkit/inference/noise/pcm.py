"""Phase-change memory under aihwkit's names and argument orders."""
from refapprox.analog import devices
from refapprox.compat.aihwkit.inference.noise.base import BaseNoiseModel, converter_of


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
