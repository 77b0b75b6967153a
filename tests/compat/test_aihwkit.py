"""aihwkit's names: golden data through them, upstream's calls as they are written, what is refused."""
from types import SimpleNamespace

import numpy as np
import pytest

from refapprox.analog import PCMLikeNoiseModel as PCMLikeDevice
from refapprox.analog import expected_tnmse
from refapprox.compat.aihwkit.inference import (
    CustomDriftPCMLikeNoiseModel,
    CustomPairConductanceConverter,
    DualPairConductanceConverter,
    GlobalDriftCompensation,
    HermesNoiseModel,
    NPairConductanceConverter,
    PCMLikeNoiseModel,
    ReRamWan2022NoiseModel,
    SinglePairConductanceConverter,
    StateIndependentNoiseModel,
)
from refapprox.compat.aihwkit.inference.converter import wpo
from refapprox.compat.aihwkit.simulator.configs import InferenceRPUConfig, IOParameters
from tests.analog.golden_cases import arrays_of

KINDS = {"single": SinglePairConductanceConverter, "dual": DualPairConductanceConverter,
         "npair": NPairConductanceConverter, "custom": CustomPairConductanceConverter}
ERRORS = {"ValueError": ValueError, "RuntimeError": RuntimeError, "ArithmeticError": ArithmeticError}
WEIGHTS = np.clip(np.random.default_rng(0).normal(0, 0.3, (64, 20)), -1, 1)
PERFECT = IOParameters(is_perfect=True)


def test_golden_constructor_outcomes_with_their_classes(golden):
    for outcome in golden("converters")[1]["constructor_outcomes"]:
        if outcome["raises"] is None:
            KINDS[outcome["converter"]](**outcome["kwargs"])
        else:
            with pytest.raises(ERRORS[outcome["raises"]]):
                KINDS[outcome["converter"]](**outcome["kwargs"])


def test_golden_search_space(golden):
    arrays, meta = golden("denormalize")
    for case in meta["cases"]:
        data = arrays_of(arrays, case["index"])
        d = {key: case[key] for key in ("f_lst", "g_min", "g_max", "f_min", "f_max", "use_max_kw", "symmetric")}
        d |= {"g_err": case["g_err_microsiemens"], "max_abs_weight_unitless": data["max_abs_weight"]}
        for row, x in enumerate(data["x"]):
            f_lst, k_w, x_g = wpo.partition_parameters(x, d)
            rows, length = wpo.reformat_x_g(x_g, len(f_lst), case["symmetric"])
            assert np.isclose(k_w, data["k_w"][row], rtol=1e-6) and length == case["g_len"]
            assert np.array_equal(rows, data["x_g_rows"][row])
            found_f, found_g = wpo.denormalize(x, d)
            assert np.allclose(found_f, data["f_lst"][row], atol=1e-9)
            assert np.allclose(found_g, data["g_lst"][row], atol=1e-4)


def test_downsampling_permutes_rows_only():
    found = wpo.downsample_weight_distribution(WEIGHTS.ravel(), (16, 10), rng=np.random.default_rng(1))
    ordered = found[np.argsort(found[:, 0])]
    assert np.all(np.diff(ordered.ravel()) >= 0) and not np.array_equal(found, ordered)
    assert found.max() == WEIGHTS.max() and wpo.shuffle_weights(found).shape == (16, 10)


def test_small_functions():
    assert wpo.span_of_remaining_pairs([25.0, 50.0, 75.0], 1) == 125 and wpo.span_of_remaining_pairs([25.0], 3) == 0
    wpo.stop_criterion(SimpleNamespace(fun=0.1))
    with pytest.raises(StopIteration):
        wpo.stop_criterion(SimpleNamespace(fun=-0.1))


def test_losses_scale_as_upstream():
    """100 times the plain loss. The closed form is for aging "device", within 2 % of "reconvert"; five arrays of 1,280
    weights scatter by 1 %."""
    config = InferenceRPUConfig(noise_model=PCMLikeNoiseModel(g_converter=DualPairConductanceConverter([1.0, 1.0])),
                                forward=PERFECT)
    d = {"rpu_config": config, "t_steps": [1.0, 3600.0, 86400.0, 2592000.0], "weights_downsampled_unitless": WEIGHTS,
         "max_abs_weight_unitless": np.abs(WEIGHTS).max(), "loss_baseline": 0.08, "loss_margin": 0.125,
         "get_baseline": True, "f_lst": [1.0, 1.0], "g_max": 25.0, "g_min": 0.0, "f_min": 0.1, "f_max": 5.0,
         "use_max_kw": True, "symmetric": True}
    loss = np.mean([wpo.loss_rpu_config(d, rng=np.random.default_rng(seed)) for seed in range(5)])
    native = expected_tnmse(config.noise_model.g_converter, WEIGHTS, PCMLikeDevice(), d["t_steps"])
    assert 0.94 < loss / (100 * native) < 1.06
    d["get_baseline"] = False
    before = d["rpu_config"].noise_model.g_converter
    objective = wpo.loss_fxn(np.full(18, 0.0), d, rng=np.random.default_rng(0))
    assert objective > 0.125 and d["rpu_config"].noise_model.g_converter is before
    with pytest.raises(TypeError, match="dictionary"):
        wpo.loss_fxn(np.zeros(18), b"pickled")
    with pytest.raises(ValueError, match="multiple of 3, got 19"):
        wpo.denormalize(np.zeros(19), d)


def test_optimizer_as_upstream_calls_it(capsys):
    config = InferenceRPUConfig(forward=PERFECT, drift_compensation=GlobalDriftCompensation())
    baseline = DualPairConductanceConverter(f_lst=[1.0, 1.0], g_min=0.0, g_max=25.0)
    search = wpo.WeightProgrammingOptimizer(WEIGHTS, [1.0, None], config, [1.0, 86400.0], baseline, symmetric=True,
                                            popsize=3, maxiter=3, loss_margin=0.1, use_max_kw=True)
    assert search.generate_hop_bounds() == ((0.0, 1.0),) * 19
    converter, success = search.run_optimizer()
    assert success is True and converter.full_scale > 75
    assert search.best_loss < 0.9 * search.loss_baseline and 0.01 < search.loss_baseline < 0.3
    assert search.f_lst == list(converter.f_lst) and search.rpu_config.noise_model.g_converter is converter
    assert config.noise_model.g_converter == SinglePairConductanceConverter()       # the caller's stays
    assert "below the baseline" in capsys.readouterr().out
    modest = wpo.WeightProgrammingOptimizer(WEIGHTS, [1.0, None], config, [1.0], baseline, popsize=1, maxiter=1,
                                            loss_margin=0.9, disp=False, callback=lambda intermediate_result: None)
    assert modest.run_optimizer()[1] is False
    with pytest.raises(TypeError, match="loss_margins"):
        wpo.WeightProgrammingOptimizer(WEIGHTS, [1.0], config, [1.0], baseline, loss_margins=1)


def test_the_baseline_counts():
    """Upstream scores the configuration's converter whatever is passed; here the argument is scored."""
    config = InferenceRPUConfig(forward=PERFECT)
    losses = [wpo.WeightProgrammingOptimizer(WEIGHTS, [1.0], config, [3600.0], baseline).get_loss_baseline()
              for baseline in (SinglePairConductanceConverter(), DualPairConductanceConverter([1.0, 1.0]))]
    assert losses[0] > 1.5 * losses[1]


LISTS = {"g_lst": [0.0, 25.0], "nu_mean_lst": [0.08, 0.03], "nu_std_lst": [0.03, 0.01]}


@pytest.mark.parametrize("build", [PCMLikeNoiseModel, lambda rng: CustomDriftPCMLikeNoiseModel(LISTS, rng=rng),
                                   StateIndependentNoiseModel, HermesNoiseModel, ReRamWan2022NoiseModel])
def test_noise_models_chain(build):
    """apply_noise, and programming followed by drift: reproducible with a generator, near the target at 1 s."""
    found = []
    for _ in range(2):
        model = build(rng=np.random.default_rng(3))
        programmed, exponents = model.apply_programming_noise(WEIGHTS)
        aged = model.apply_drift_noise(programmed, exponents, 1.0)
        found.append([programmed, aged, model.apply_noise(WEIGHTS, 1.0), model.apply_noise(WEIGHTS, 0.0)])
        assert len(exponents) == 2 and np.abs(model.g_converter.g_max - model.g_max) == 0
    assert np.array_equal(found[0], found[1])
    for weights in found[0]:
        assert 0 < np.std(weights - WEIGHTS) < 0.1


def test_both_coefficients_and_reference():
    """Upstream fails at first use when both are given."""
    model = PCMLikeNoiseModel(prog_coeff=[1.0], prog_coeff_g_max_reference=12.5)
    assert np.isclose(model.device.programming_std(0.0), 2.0)
    assert PCMLikeNoiseModel(g_max=20.0).g_converter.g_max == 20 and "PCMLike" in repr(model)


def test_a_converter_with_another_g_max_is_named():
    """Upstream mixes 10 and 25 uS in silence."""
    config = InferenceRPUConfig(noise_model=PCMLikeNoiseModel())
    with pytest.raises(ValueError, match="25.0 uS for the device and 10.0 uS"):
        wpo.WeightProgrammingOptimizer(WEIGHTS, [1.0], config, [1.0], SinglePairConductanceConverter(10))


def test_readout_settings():
    assert InferenceRPUConfig().forward.readout().out_noise == 0.06
    assert IOParameters(w_noise_type=SimpleNamespace(name="PCM_READ")).readout().w_noise_type == "pcm_read"
    with pytest.raises(ValueError, match="w_noise_type"):
        IOParameters(w_noise_type="PINK").readout()
