"""aihwkit: its conductance converters, phase-change memory model and global drift compensation.

Its noise models draw inside the call; the given standard normals are put in place of `randn_like` for its duration.
Only its Python part is needed: the compiled one, where it is missing, may be a stand-in.
"""
import contextlib
import importlib

from refapprox.conformance.adapter import Adapter


class AIHWKit(Adapter):
    """`dtype` is "float32", aihwkit's own, or "float64"."""

    conventions = {"amplification of the loss": "100 times (aihwkit)"}

    def __init__(self, dtype="float32"):
        import torch
        self.torch, self.dtype = torch, getattr(torch, dtype)
        self.converters = importlib.import_module("aihwkit.inference.converter.conductance")
        pcm, custom = (importlib.import_module(f"aihwkit.inference.noise.{name}") for name in ("pcm", "custom"))
        self.models = {"pcm_like": (pcm, pcm.PCMLikeNoiseModel),
                       "state_independent": (custom, custom.StateIndependentNoiseModel)}
        self.drift = importlib.import_module("aihwkit.inference.compensation.drift")
        version = importlib.import_module("aihwkit.version").__version__
        self.name = f"aihwkit {version}, {dtype}"

    def real(self, array):
        return self.torch.tensor(array, dtype=self.dtype)

    def to_conductances(self, *, weights, converter, f_lst, g_max, g_min, g_lst):
        made = {"single": lambda: self.converters.SinglePairConductanceConverter(g_max, g_min),
                "n_pair": lambda: self.converters.NPairConductanceConverter(f_lst, g_max, g_min),
                "custom": lambda: self.converters.CustomPairConductanceConverter(f_lst, g_lst, g_max,
                                                                                 g_min)}[converter]()
        conductances, params = made.convert_to_conductances(self.real(weights))
        return self.torch.stack(conductances).numpy(), self.torch.as_tensor(params["scale_ratio"]).numpy()

    def from_conductances(self, *, conductances, f_lst, scale_ratio):
        converter = self.converters.NPairConductanceConverter(f_lst)
        return converter.convert_back_to_weights(list(self.real(conductances)),
                                                 {"scale_ratio": scale_ratio, "f_lst": f_lst}).numpy()

    def program(self, *, model, g_target, z):
        with self.draws(model, z) as device:
            return device.apply_programming_noise_to_conductance(self.real(g_target)).numpy()

    def drift_exponent(self, *, model, g_target, z):
        with self.draws(model, z) as device:
            return device.generate_drift_coefficients(self.real(g_target)).numpy()

    def read(self, *, model, g_prog, nu, t, z):
        with self.draws(model, z) as device:
            return device.apply_drift_noise_to_conductance(self.real(g_prog), self.real(nu), t).numpy()

    def drift_compensation(self, *, baseline, readout):
        compensation = self.drift.GlobalDriftCompensation()
        return (compensation.readout(self.real(baseline)) / compensation.readout(self.real(readout))).numpy()

    @contextlib.contextmanager
    def draws(self, model, z):
        """The noise model, while `randn_like` of its module gives `z`."""
        module, cls = self.models[model]
        original, module.randn_like = module.randn_like, lambda like: self.real(z)
        try:
            yield cls()
        finally:
            module.randn_like = original
