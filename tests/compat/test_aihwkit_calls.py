"""aihwkit's calls as written there: None for a default, positions, own noise models, the optimizer's dictionary."""
import numpy as np
import pytest

from refapprox.analog import compensation as native
from refapprox.analog import expected_tnmse
from refapprox.compat.aihwkit.inference import (
    BaseConductanceConverter,
    BaseDriftCompensation,
    BaseNoiseModel,
    CustomPairConductanceConverter,
    DualPairConductanceConverter,
    GlobalDriftCompensation,
    GlobalDriftCompensationWithExactReference,
    HermesNoiseModel,
    PCMLikeNoiseModel,
    PerColumnDriftCompensation,
    ReRamWan2022NoiseModel,
    SinglePairConductanceConverter,
)
from refapprox.compat.aihwkit.inference.converter import wpo
from refapprox.compat.aihwkit.simulator.configs import InferenceRPUConfig, IOParameters, MappingParameter

WEIGHTS = np.clip(np.random.default_rng(0).normal(0, 0.3, (32, 10)), -1, 1)
DAY = 86400.0


def test_none_stands_for_the_default():
    assert SinglePairConductanceConverter(None, None) == SinglePairConductanceConverter(25.0, 0.0)
    dual = DualPairConductanceConverter([1.0, 2.0], g_max=None, g_min=5.0)
    assert (dual.g_max, dual.g_min) == (25.0, 5.0) and isinstance(dual, BaseConductanceConverter)
    with pytest.raises(ValueError, match="g_max must be above g_min, .* got g_max=25.0, g_min=30.0"):
        SinglePairConductanceConverter(None, 30.0)


def test_invertibility_can_be_asked_later():
    crooked = [[0.0, 0.0, 5.0, 0.0, 25.0], [25.0, 12.5, 0.0, 0.0, 0.0]]
    lazy = CustomPairConductanceConverter([1.0], crooked, invertibility_test=False)
    with pytest.raises(ArithmeticError, match="at index 3 wanted 0.5, got 0"):
        lazy.invertibility_test()
    straight = [[0.0, 0.0, 25.0], [25.0, 0.0, 0.0]]
    assert CustomPairConductanceConverter([1.0], straight, None, None, False).invertibility_test() is None


def test_arguments_by_position():
    converter = SinglePairConductanceConverter(10.0)
    hermes = HermesNoiseModel(None, converter, 1, None, 1e-6, 100.0)
    assert (hermes.device.num_devices, hermes.device.t_read, hermes.device.t_0) == (1, 1e-6, 100.0)
    assert hermes.g_converter is converter and hermes.g_max == 10.0
    reram = ReRamWan2022NoiseModel(None, converter, None, 0.5, 40.0)
    assert (reram.device.noise_scale, reram.device.coeff_g_max_reference, reram.g_max) == (0.5, 40.0, 10.0)
    aged = reram.apply_drift_noise_to_conductance(g_prog=np.ones(4), g_target=np.ones(4), t_inference=DAY)
    assert aged.shape == (4,)
    with pytest.raises(ValueError, match="prog_coeff of HermesNoiseModel must be None, .* third argument"):
        HermesNoiseModel(2)
    with pytest.raises(ValueError, match="coeff_dic of ReRamWan2022NoiseModel must be None"):
        ReRamWan2022NoiseModel({1.0: [0.3]})


@pytest.mark.parametrize("kind, readout", [(GlobalDriftCompensation, 2.0), (PerColumnDriftCompensation, [1.5, 2.5])])
def test_compensations_have_the_published_methods(kind, readout):
    compensation, outputs = kind(), np.array([[1.0, -2.0], [-2.0, 3.0]])
    assert np.array_equal(compensation.get_readout_tensor(2), np.eye(2))
    assert np.array_equal(compensation.readout(outputs), readout)
    assert np.array_equal(compensation.apply(outputs, 4.0), 4.0 / np.array(readout))
    assert isinstance(compensation, BaseDriftCompensation) and str(compensation) == f"{kind.__name__}()"
    assert np.all(compensation.readout(0 * outputs) == 1e-4)


@pytest.mark.parametrize("kind", [GlobalDriftCompensation, PerColumnDriftCompensation,
                                  GlobalDriftCompensationWithExactReference])
def test_compensations_are_the_native_ones_inside(kind):
    """The closed form tells them apart by their native class, which the published name must not hide."""
    model, converter = PCMLikeNoiseModel(), SinglePairConductanceConverter()
    ours, theirs = (expected_tnmse(converter, WEIGHTS, model.device, [DAY], compensation)
                    for compensation in (kind(), getattr(native, kind.__name__)()))
    assert ours == theirs


class Doubling(BaseNoiseModel):
    """A noise model of one's own, as upstream's documentation has them made."""

    def apply_programming_noise_to_conductance(self, g_target):
        return 2 * g_target

    def generate_drift_coefficients(self, g_target):
        return np.full_like(g_target, 0.5)

    def apply_drift_noise_to_conductance(self, g_prog, drift_noise_param, t_inference):
        return g_prog * t_inference ** -drift_noise_param


def test_a_noise_model_of_one_s_own():
    model = Doubling(DualPairConductanceConverter([1.0, 1.0]))
    assert np.allclose(model.apply_noise(WEIGHTS, 16.0), WEIGHTS / 2, rtol=1e-12)
    programmed, exponents = model.apply_programming_noise(WEIGHTS)
    assert np.allclose(programmed, 2 * WEIGHTS) and len(exponents) == 4 and model.g_max == 25.0
    assert Doubling().g_converter == SinglePairConductanceConverter()
    config = InferenceRPUConfig(noise_model=model)
    with pytest.raises(ValueError, match="Doubling must have a device model of refapprox.analog"):
        wpo.WeightProgrammingOptimizer(WEIGHTS, [1.0], config, [1.0], SinglePairConductanceConverter())
    with pytest.raises(ValueError, match="BaseNoiseModel must have a device model"):
        BaseNoiseModel().apply_noise(WEIGHTS, 1.0)


def test_the_optimizer_s_dictionary_is_what_the_functions_take():
    config = InferenceRPUConfig(forward=IOParameters(is_perfect=True))
    search = wpo.WeightProgrammingOptimizer(WEIGHTS, [1.0, None], config, [1.0, DAY],
                                            DualPairConductanceConverter([1.0, 1.0]), test_in_features=64, g_err=0.1)
    d, x = vars(search), np.full(len(search.generate_hop_bounds()), 0.5)
    assert (d["g_min"], d["g_max"], d["g_err"]) == (0.0, 25.0, 2.5)
    assert d["max_abs_weight_unitless"] == np.abs(WEIGHTS).max()
    assert d["weights_downsampled_unitless"].shape == (64, 20)
    f_lst, g_lst = wpo.denormalize(x, d)
    assert f_lst == [1.0, 0.5 * (5.0 - 0.1) + 0.1] and np.shape(g_lst) == (4, 11)
    loss = wpo.loss_rpu_config(d | {"get_baseline": True}, rng=np.random.default_rng(0))
    search.loss_baseline = search.get_loss_baseline()
    objective = wpo.loss_fxn(x, vars(search), rng=np.random.default_rng(0))
    assert 0 < loss < np.inf and np.isfinite(objective)


@pytest.mark.parametrize("kind, name", [(InferenceRPUConfig, "clip"), (IOParameters, "inp_noise"),
                                        (MappingParameter, "digital_bias")])
def test_settings_that_would_be_ignored_are_refused(kind, name):
    with pytest.raises(AttributeError, match=name):
        setattr(kind(), name, 1)
    with pytest.raises(TypeError, match=name):
        kind(**{name: 1})
