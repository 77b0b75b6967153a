"""The state-independent model under aihwkit's name and argument order."""
from refapprox.analog import devices
from refapprox.compat.aihwkit.inference.noise.base import BaseNoiseModel, converter_of


class StateIndependentNoiseModel(BaseNoiseModel):
    """`refapprox.analog.StateIndependentNoiseModel`."""

    def __init__(self, g_converter=None, g_max=None, prog_coeff=None, prog_noise_scale=1.0, drift_nu_mean=0.1,
                 drift_nu_std=0.05, drift_scale=1.0, t_0=20.0, read_noise_scale=1.0, t_read=250e-9, *, rng=None):
        converter = converter_of(g_converter, g_max)
        super().__init__(converter, devices.StateIndependentNoiseModel(
            g_max=converter.g_max, prog_coeff=(0.2, 0.0, 0.0) if prog_coeff is None else tuple(prog_coeff),
            prog_noise_scale=prog_noise_scale, drift_nu_mean=drift_nu_mean, drift_nu_std=drift_nu_std,
            drift_scale=drift_scale, t_0=t_0, read_noise_scale=read_noise_scale, t_read=t_read), rng)
