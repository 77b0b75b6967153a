"""refapprox's analog part: converters, devices, aged weights."""
import numpy as np

from refapprox import analog
from refapprox.analog.devices.drifting import NoiseModel
from refapprox.conformance.adapter import Adapter

DEVICES = {      # model -> (class, arguments)
    "pcm_like": (analog.PCMLikeNoiseModel, {}), "state_independent": (analog.StateIndependentNoiseModel, {}),
    "hermes_1": (analog.HermesNoiseModel, {"num_devices": 1}),
    "hermes_2": (analog.HermesNoiseModel, {"num_devices": 2}),
    "reram_wan2022": (analog.ReRamWan2022NoiseModel, {}),
}


class RefapproxAnalog(Adapter):
    """The analog operations by refapprox.analog."""

    def to_conductances(self, *, weights, converter, f_lst, g_max, g_min, g_lst):
        conductances, params = converter_of(converter, f_lst, g_max, g_min, g_lst).convert_to_conductances(weights)
        return np.array(conductances), params["scale_ratio"]

    def from_conductances(self, *, conductances, f_lst, scale_ratio):
        converter = analog.NPairConductanceConverter(f_lst)
        return converter.convert_back_to_weights(list(conductances), {"scale_ratio": scale_ratio, "f_lst": f_lst})

    def unpaired_conductances(self, *, weights, converter, g_max, g_min):
        (conductances,), _ = unpaired(converter, g_max, g_min).convert_to_conductances(weights)
        return conductances

    def unpaired_weights(self, *, conductances, weights, converter, g_max, g_min):
        made = unpaired(converter, g_max, g_min)
        return made.convert_back_to_weights([conductances], made.convert_to_conductances(weights)[1])

    def program_verified(self, *, g_target, acceptance_range, z):
        return analog.ReRamCMONoiseModel(acceptance_range=acceptance_range).program(g_target, normals=z)

    def read_relaxed(self, *, g_prog, t, z_relax, z_read):
        return analog.ReRamCMONoiseModel().read(g_prog, g_prog, t, normals=np.stack([z_relax, z_read]))

    def program(self, *, model, g_target, z):
        return device(model).program(g_target, normals=z)

    def drift_exponent(self, *, model, g_target, z):
        return device(model).drift_exponent(g_target, normals=z)

    def read(self, *, model, g_prog, nu, t, z):
        return device(model).read(g_prog, nu, t, normals=z)

    def drift_compensation(self, *, baseline, readout):
        return factor_of(analog.GlobalDriftCompensation(), baseline, readout)

    def analog_loss(self, *, weights, effective):
        replay = Replay(effective=tuple(effective), largest=np.abs(weights).max())
        return analog.monte_carlo_tnmse(analog.SinglePairConductanceConverter(), weights, replay,
                                        [float(t) for t in range(len(effective))], None, rng=np.random.default_rng(0),
                                        runs=2).mean

    def read_target(self, *, model, g_target, t, z):
        return device(model).read(g_target, g_target, t, normals=z)

    def custom_drift_exponent(self, *, g_target, z, **lists):
        return analog.CustomDriftPCMLikeNoiseModel(custom_drift_model=lists).drift_exponent(g_target, normals=z)

    def programming_std(self, *, model, g_max, g_target):
        made = device(model, g_max=g_max)
        return made.noise_std(g_target, 1.0) if model == "reram_wan2022" else made.programming_std(g_target)

    def column_compensation(self, *, baseline, readout):
        return factor_of(analog.PerColumnDriftCompensation(), baseline, readout)

    def readout(self, *, weights, out_res, out_bound):
        silent = analog.NoisyReadout(out_noise=0.0, out_res=out_res, out_bound=out_bound)
        return silent(weights, rng=np.random.default_rng(0))

    def aged_weights(self, *, weights, model, f_lst, g_max, g_min, t, z_program, z_drift, z_read):
        chip = analog.program_weights(analog.NPairConductanceConverter(f_lst, g_max, g_min), weights,
                                      device(model, g_max=g_max), normals=np.stack([z_program, z_drift]))
        return chip.programmed, chip.read(t, normals=z_read).effective

    def expected_loss(self, *, model, weights, f_lst, g_max, g_min, t_steps):
        return analog.expected_tnmse(analog.NPairConductanceConverter(f_lst, g_max, g_min), weights,
                                     self.aging_device(model, g_max), t_steps, None)

    def aging_device(self, model, g_max):
        """The device behind `expected_loss`."""
        return device(model, g_max=g_max)

    def loss_baseline(self, *, weights, baseline, configured, g_lst, nu_lst, t_steps):
        drift = {"g_lst": g_lst, "nu_mean_lst": nu_lst, "nu_std_lst": [0.0] * len(g_lst)}
        quiet = analog.CustomDriftPCMLikeNoiseModel(prog_noise_scale=0, read_noise_scale=0, custom_drift_model=drift)
        return analog.expected_tnmse(analog.NPairConductanceConverter(baseline), weights, quiet, t_steps, None)


def converter_of(kind, f_lst, g_max, g_min, g_lst):
    if kind == "single":
        return analog.SinglePairConductanceConverter(g_max, g_min)
    if kind == "custom":
        return analog.CustomPairConductanceConverter(f_lst, g_lst, g_max, g_min)
    return analog.NPairConductanceConverter(f_lst, g_max, g_min)


def unpaired(kind, g_max, g_min):
    if kind == "fusion":
        return analog.FusionConductanceConverter(g_max)
    return analog.SingleDeviceConductanceConverter(g_max, g_min)


def device(model, **given):
    """The device called `model`."""
    made, arguments = DEVICES[model]
    return made(**arguments, **given)


def factor_of(compensation, baseline, readout):
    """Factor that `compensation` finds for weights that read `baseline` at first and `readout` later."""
    perfect = analog.PerfectReadout()
    return compensation.factor(compensation.reference(baseline, baseline, perfect), readout, perfect)


class Replay(NoiseModel):
    """A device that reads out given weights, one tensor for each time 0, 1, ... s, in the single-pair mapping."""

    programming_std = drift_parameters = relative_read_noise = None      # nothing is drawn

    def __init__(self, effective, largest):
        super().__init__()
        object.__setattr__(self, "effective", effective)
        object.__setattr__(self, "largest", largest)

    def program(self, g_target, *, rng=None, normals=None):
        return np.array(g_target)

    def drift_state(self, g_target, *, rng=None, normals=None):
        return np.zeros_like(g_target)

    def read(self, g_prog, nu, t, *, rng=None, normals=None):
        scaled = self.effective[int(t)] * self.g_max / self.largest
        return np.stack([np.maximum(scaled, 0), np.maximum(-scaled, 0)])
