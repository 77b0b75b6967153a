"""aihwkit: converters, noise models, drift compensation, and its weight programming optimization.

Its noise models draw inside the call; the given standard normals are put in place of `randn_like` for its duration.
Only its Python part is needed: the compiled one, where it is missing, gets a stand-in. The optimizer's layer, which
is compiled, is replaced by `Layer`, whose weights age by aihwkit's own noise model.
"""
import contextlib
import importlib
import importlib.util
import sys
import types
from functools import cached_property
from unittest import mock

import numpy as np

from refapprox.conformance.adapter import Adapter


class AIHWKit(Adapter):
    """`dtype` is "float32", aihwkit's own, or "float64"."""

    conventions = {"amplification of the loss": "100 times (aihwkit)",
                   "what drifts": "weights are converted again (aihwkit)"}

    def __init__(self, dtype="float32"):
        import torch
        self.torch, self.dtype = torch, getattr(torch, dtype)
        self.converters = importlib.import_module("aihwkit.inference.converter.conductance")
        self.noise = {name: importlib.import_module(f"aihwkit.inference.noise.{name}")
                      for name in ("pcm", "custom", "hermes", "reram")}
        self.drift = importlib.import_module("aihwkit.inference.compensation.drift")
        self.not_a_time = importlib.import_module("aihwkit.exceptions").ArgumentError
        version = importlib.import_module("aihwkit.version").__version__
        self.name = f"aihwkit {version}, {dtype}"

    @cached_property
    def wpo(self):
        """The optimizer's module. It imports names from the compiled part, of which it is given no use here."""
        compiled = "aihwkit.simulator.rpu_base"
        try:
            importlib.import_module(compiled)
        except ImportError:
            sys.modules[compiled] = mock.MagicMock()
        return importlib.import_module("aihwkit.inference.converter.wpo")

    @cached_property
    def fusion(self):
        """The Fusion chip's converter; where scikit-learn is missing, `Regression` stands in for its regression."""
        if importlib.util.find_spec("sklearn") is None:
            linear_model = types.SimpleNamespace(LinearRegression=Regression)
            stand_ins = {"sklearn": types.SimpleNamespace(linear_model=linear_model),
                         "sklearn.linear_model": linear_model}
            with mock.patch.dict(sys.modules, stand_ins):
                return importlib.import_module("aihwkit.inference.converter.fusion").FusionConductanceConverter
        return importlib.import_module("aihwkit.inference.converter.fusion").FusionConductanceConverter

    def real(self, array):
        return self.torch.tensor(array, dtype=self.dtype)

    # ---- converters and compensation

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

    def unpaired(self, converter, g_max, g_min):
        if converter == "fusion":
            return self.fusion(g_max)
        return self.converters.SingleDeviceConductanceConverter(g_max, g_min)

    def unpaired_conductances(self, *, weights, converter, g_max, g_min):
        conductances, _ = self.unpaired(converter, g_max, g_min).convert_to_conductances(self.real(weights))
        return (conductances[0] if converter == "fusion" else conductances).numpy()

    def unpaired_weights(self, *, conductances, weights, converter, g_max, g_min):
        made, held = self.unpaired(converter, g_max, g_min), self.real(conductances)
        _, params = made.convert_to_conductances(self.real(weights))
        return made.convert_back_to_weights([held] if converter == "fusion" else held, params).numpy()

    def drift_compensation(self, *, baseline, readout):
        return self.factor(self.drift.GlobalDriftCompensation(), self.real(baseline), self.real(readout)).numpy()

    def column_compensation(self, *, baseline, readout):
        return self.factor(self.drift.PerColumnDriftCompensation(), self.real(baseline), self.real(readout)).numpy()

    def factor(self, compensation, baseline, readout):
        return compensation.readout(baseline) / compensation.readout(readout)

    # ---- devices

    def program(self, *, model, g_target, z):
        with self.draws(model, [z]) as device:
            return device.apply_programming_noise_to_conductance(self.real(g_target)).numpy()

    def programming_std(self, *, model, g_max, g_target):
        """From one draw of z = 1, which is not clipped."""
        with self.draws(model, [np.ones_like(g_target)], g_max) as device:
            return device.apply_programming_noise_to_conductance(self.real(g_target)).numpy() - g_target

    def drift_exponent(self, *, model, g_target, z):
        with self.draws(model, [z]) as device:
            return device.generate_drift_coefficients(self.real(g_target)).numpy()

    def custom_drift_exponent(self, *, g_target, z, **lists):
        with self.draws("custom_drift", [z], custom_drift_model=lists) as device:
            return device.generate_drift_coefficients(self.real(g_target)).numpy()

    def read(self, *, model, g_prog, nu, t, z):
        with self.draws(model, [z]) as device:
            return device.apply_drift_noise_to_conductance(self.real(g_prog), self.real(nu), t).numpy()

    def read_target(self, *, model, g_target, t, z):
        with self.draws(model, [z]) as device:
            try:
                return device.apply_drift_noise_to_conductance(None, self.real(g_target), t).numpy()
            except self.not_a_time as error:
                raise ValueError(str(error)) from error

    def program_verified(self, *, g_target, acceptance_range, z):
        with self.draws("reram_cmo", [z], acceptance_range=acceptance_range) as device:
            return device.apply_programming_noise_to_conductance(self.real(g_target)).numpy()

    def read_relaxed(self, *, g_prog, t, z_relax, z_read):
        with self.draws("reram_cmo", [z_relax, z_read]) as device:
            return device.apply_drift_noise_to_conductance(self.real(g_prog), None, t).numpy()

    def aged_weights(self, *, weights, model, f_lst, g_max, g_min, t, z_program, z_drift, z_read):
        converter = self.converters.NPairConductanceConverter(f_lst, g_max, g_min)
        in_order = [z for slot in zip(z_program, z_drift, strict=True) for z in slot] + list(z_read)
        with self.draws(model, in_order, g_converter=converter) as device:
            programmed, nu = device.apply_programming_noise(self.real(weights))
            drifted = device.apply_drift_noise(programmed, nu, t)
        alpha = self.factor(self.drift.GlobalDriftCompensation(), programmed, drifted)
        return programmed.numpy(), (alpha * drifted).numpy()

    @contextlib.contextmanager
    def draws(self, model, normals, g_max=None, **arguments):
        """The noise model, while `randn_like` of its module gives the `normals`, one after the other."""
        name, made, more = {"pcm_like": ("pcm", "PCMLikeNoiseModel", {}),
                            "custom_drift": ("pcm", "CustomDriftPCMLikeNoiseModel", {}),
                            "state_independent": ("custom", "StateIndependentNoiseModel", {}),
                            "hermes_1": ("hermes", "HermesNoiseModel", {"num_devices": 1}),
                            "hermes_2": ("hermes", "HermesNoiseModel", {"num_devices": 2}),
                            "reram_cmo": ("reram", "ReRamCMONoiseModel", {}),
                            "reram_wan2022": ("reram", "ReRamWan2022NoiseModel", {})}[model]
        module, left = self.noise[name], iter(normals)
        if g_max is not None:
            arguments["g_converter"] = self.converters.SinglePairConductanceConverter(g_max)
        original, module.randn_like = module.randn_like, lambda like: self.real(next(left))
        try:
            yield getattr(module, made)(**more, **arguments)
        finally:
            module.randn_like = original

    # ---- the optimizer

    def analog_loss(self, *, weights, effective):
        layer = Layer(*weights.shape, replayed=[self.real(e).T for e in effective])
        return np.asarray(self.wpo.loss_weights(layer, list(range(len(effective))), self.real(weights),
                                                np.abs(weights).max(), np.inf, 0.0, get_baseline=True))

    def loss_baseline(self, *, weights, baseline, configured, g_lst, nu_lst, t_steps):
        drift = {"g_lst": g_lst, "nu_mean_lst": nu_lst, "nu_std_lst": [0.0] * len(g_lst)}
        model = self.noise["pcm"].CustomDriftPCMLikeNoiseModel(
            drift, g_converter=self.converters.NPairConductanceConverter(configured), prog_noise_scale=0.0,
            read_noise_scale=0.0)
        optimizer = self.optimizer(self.real(weights), model, t_steps,
                                   self.converters.NPairConductanceConverter(baseline), baseline_iterations=1)
        original, self.wpo.AnalogLinear = self.wpo.AnalogLinear, Layer
        try:
            amplified = np.float32(optimizer.get_loss_baseline())      # its custom drift is float32 whatever the dtype
            return amplified / 100      # without the factor that `analog_loss` shows
        finally:
            self.wpo.AnalogLinear = original

    def optimizer(self, weights, model, t_steps, baseline, **options):
        mapping = types.SimpleNamespace(max_input_size=weights.shape[0])
        configuration = types.SimpleNamespace(mapping=mapping, noise_model=model)
        return self.wpo.WeightProgrammingOptimizer(weights, [1.0], configuration, t_steps, baseline, True,
                                                   test_out_features=weights.shape[1], disp=False, **options)


class Regression:
    """What the Fusion chip's converter asks of scikit-learn's LinearRegression: a slope, 0 where there is none."""

    def fit(self, x, y):
        x, y = x - x.mean(), y - y.mean()
        squares = (x * x).sum()
        self.coef_ = np.array([[(x * y).sum() / squares if squares else 0 * squares]])
        return self


class Layer:
    """What the optimizer asks of AnalogLinear and its tile: perfect readout, no compensation.

    Weights age by the configuration's noise model, or are `replayed`, (outputs, inputs) for each time.
    """

    alpha = 1.0

    def __init__(self, in_features, out_features, bias=False, rpu_config=None, replayed=None):
        self.in_features, self.out_features, self.configuration = in_features, out_features, rpu_config
        self.replayed = replayed

    def eval(self):
        return self

    def to(self, device):
        return self

    def analog_layers(self):
        return [self]

    analog_tiles = analog_layers

    def set_weights(self, weights, bias):
        self.target = weights

    def get_weights(self):
        return self.weights, None

    def program_analog_weights(self):
        if self.replayed is None:
            self.weights, self.exponents = self.configuration.noise_model.apply_programming_noise(self.target)
            self.programmed = self.weights

    def drift_analog_weights(self, t):
        if self.replayed is None:
            self.weights = self.configuration.noise_model.apply_drift_noise(self.programmed, self.exponents, t)
        else:
            self.weights = self.replayed[t]
