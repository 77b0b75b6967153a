"""Aging and compensation: aihwkit's chains with given draws, what the two ways of aging share and do not."""
import numpy as np
import pytest
from golden_cases import arrays_of, golden_converter

from refapprox.analog.aging import program_weights
from refapprox.analog.compensation import (
    GlobalDriftCompensation,
    GlobalDriftCompensationWithExactReference,
    NoDriftCompensation,
    PerColumnDriftCompensation,
)
from refapprox.analog.converters import DualPairConductanceConverter, SinglePairConductanceConverter
from refapprox.analog.custom_converter import CustomPairConductanceConverter
from refapprox.analog.devices import PCMLikeNoiseModel, ReRamWan2022NoiseModel
from refapprox.analog.readout import NoisyReadout

COMPENSATIONS = {"global": GlobalDriftCompensation(), "percolumn": PerColumnDriftCompensation(),
                 "global_exact_reference": GlobalDriftCompensationWithExactReference(), "none": None}
QUIET = PCMLikeNoiseModel(prog_noise_scale=0, drift_scale=0, read_noise_scale=0)


def test_golden_chains_with_given_draws(golden):
    """Program, drift, compensate, as aihwkit does ("reconvert"). README: weights 5e-5, alpha 5e-6, tnmse 1e-5."""
    arrays, meta = golden("pipeline_injected")
    for case in meta["cases"]:
        data = arrays_of(arrays, case["index"])
        weights = data["weights_in_out"].astype(np.float64)
        device, losses = PCMLikeNoiseModel(g_max=case["noise_g_max"]), []
        for step, t in enumerate(case["t_steps"]):
            z = data["z"][step].astype(np.float64).swapaxes(-1, -2)        # stored (out, in); weights are (in, out)
            chip = program_weights(golden_converter(case), weights, device, normals=z[:2], aging="reconvert",
                                   compensation=COMPENSATIONS[case["compensation"]])
            aged = chip.read(t, normals=z[2])
            assert np.allclose(chip.drift_states, data["nu"][step].swapaxes(-1, -2), rtol=0, atol=1e-6)
            for found, name in ((chip.programmed, "programmed"), (aged.drifted, "drifted"),
                                (aged.effective, "effective")):
                assert np.allclose(found, data[name][step], rtol=0, atol=5e-5), (case["index"], t, name)
            assert np.allclose(aged.alpha, data["alpha"][step], rtol=0, atol=5e-6)
            if case["compensation"] != "none":
                assert np.allclose(chip.reference, data["baseline_readout"][step], rtol=0, atol=5e-6)
            losses.append(100 * np.mean(((aged.effective - weights) / np.abs(weights).max()) ** 2))
            assert np.isclose(losses[-1] * weights.size, data["sse"][step], rtol=1e-4)
        assert np.isclose(np.mean(losses), data["tnmse"], rtol=1e-5), case["index"]


def test_golden_effective_weight_statistics(golden):
    """Errors of 41 target weights at 3 times and 3 stages: mean within 5 combined standard errors over
    repetitions, standard deviation within 10 % (README)."""
    arrays, meta = golden("effective_weight_statistics")
    target = arrays["target_weight"].astype(np.float64)
    for case in meta["cases"]:
        key, runs = f"case{case['index']:02d}", 60
        weights = np.repeat(target[:, None], case["outputs"], axis=1)
        rng = np.random.default_rng(case["index"])
        for step, t in enumerate(case["t_steps"]):
            errors, alphas = np.empty((3, runs, *weights.shape)), np.empty(runs)
            for run in range(runs):
                chip = program_weights(golden_converter(case), weights, PCMLikeNoiseModel(), rng=rng,
                                       compensation=GlobalDriftCompensation(), aging="reconvert")
                aged = chip.read(t, rng=rng)
                alphas[run] = aged.alpha
                errors[:, run] = np.array([chip.programmed, aged.drifted, aged.effective]) - weights
            per_run = errors.mean(axis=-1)                                         # (stage, run, weight)
            error = per_run.std(axis=1, ddof=1) * np.sqrt(1 / runs + 1 / case["repetitions"])
            found, wanted = per_run.mean(axis=1), arrays[f"{key}/error_mean"][:, step]
            assert np.all(np.abs(found - wanted) <= 5 * error + 1e-7), (key, t)
            mean, std = arrays[f"{key}/alpha_mean_std"][step]
            assert within_errors(alphas, mean, std / np.sqrt(case["repetitions"])), (key, t)
            spread = errors.std(axis=(1, 3), ddof=1)
            assert np.allclose(spread, arrays[f"{key}/error_std"][:, step], rtol=0.1), (key, t)


def test_golden_losses(golden):
    """12 configurations, noisy readouts among them: mean TNMSE, loss of each time and alpha within 5 combined standard
    errors."""
    arrays, meta = golden("loss_statistics")
    for case in meta["cases"]:
        weights = arrays[f"weights/{case['weights']}"].astype(np.float64)
        rng, runs = np.random.default_rng(case["index"]), 12 if weights.size > 5000 else 40
        chips = [program_weights(golden_converter(case), weights, PCMLikeNoiseModel(g_max=case["noise_g_max"]), rng=rng,
                                 compensation=COMPENSATIONS[case["compensation"]], aging="reconvert",
                                 readout=golden_readout(case["forward"])).read(t, rng=rng)
                 for _ in range(runs) for t in case["t_steps"]]
        losses = np.array([100 * np.mean(((aged.effective - weights) / np.abs(weights).max()) ** 2) for aged in chips])
        alphas = np.array([np.mean(aged.alpha) for aged in chips]).reshape(runs, -1)
        data, losses = arrays_of(arrays, case["index"]), losses.reshape(runs, -1)
        assert within_errors(losses.mean(axis=1), data["tnmse_mean"], data["tnmse_sem"]), case["index"]
        root = np.sqrt(case["repetitions_per_t"])
        assert within_errors(losses, data["per_t_mean"], data["per_t_std"] / root), case["index"]
        assert within_errors(alphas, data["alpha_mean"], data["alpha_std"] / root), case["index"]


def within_errors(found, mean, error):
    """Whether the mean of `found` (runs first) is within 5 combined standard errors of a reference."""
    own = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    return np.all(np.abs(found.mean(axis=0) - mean) <= 5 * np.hypot(own, error) + 1e-9)


def golden_readout(forward):
    if forward == "perfect":
        return NoisyReadout(out_noise=0.0, out_res=0.0)
    return NoisyReadout(out_noise=forward["out_noise"], out_res=forward["out_res"], out_bound=forward["out_bound"],
                        w_noise=forward["w_noise"], w_noise_type=forward["w_noise_type"].lower())


@pytest.mark.parametrize("aging", ["device", "reconvert"])
@pytest.mark.parametrize("converter", [SinglePairConductanceConverter(), DualPairConductanceConverter([1, 3])])
def test_without_noise_weights_stay(aging, converter):
    weights = np.random.default_rng(0).normal(size=(5, 4))
    for compensation in COMPENSATIONS.values():
        chip = program_weights(converter, weights, QUIET, rng=np.random.default_rng(1), compensation=compensation,
                               aging=aging)
        assert np.allclose(chip.read(1e6, rng=np.random.default_rng(2)).effective, weights, rtol=1e-13)


def test_the_two_ways_of_aging_differ_in_programming_error():
    """A zero weight in a single pair: the devices' half-normal errors collapse into their difference, and the new
    split puts the smaller one back to g_min. At 1 s, without drift, only read noise tells the two ways apart."""
    device = PCMLikeNoiseModel(drift_scale=0)
    weights = np.concatenate([np.zeros(200_000), [1.0, -1.0]])
    left = {}
    for aging in ("device", "reconvert"):
        chip = program_weights(SinglePairConductanceConverter(), weights, device, rng=np.random.default_rng(3),
                               aging=aging, compensation=None)
        left[aging] = 25 * chip.read(1.0, rng=np.random.default_rng(4)).drifted[:-2].std(ddof=0)
        assert np.isclose(25 * chip.programmed[:-2].std(ddof=0), 0.153834 * np.sqrt(2), rtol=0.01)
    # Read noise has std c G_0 in each device: two devices of "device" carry more of it than the one of "reconvert".
    assert left["device"] > 1.02 * left["reconvert"]


def test_resistive_memory_is_read_back_on_the_new_scale():
    """As in aihwkit: under "reconvert" the stored targets, on scale s, are divided by s' of the programmed weights."""
    device = ReRamWan2022NoiseModel(noise_scale=0.0)
    weights = np.array([[0.5, -1.0]])
    z = np.zeros((2, 2, 1, 2))
    for aging in ("device", "reconvert"):
        chip = program_weights(SinglePairConductanceConverter(), weights, device, normals=z, aging=aging,
                               compensation=None)
        assert np.allclose(chip.read(86400.0, normals=np.zeros((2, 1, 2))).drifted, weights)
    noisy = program_weights(SinglePairConductanceConverter(), weights, ReRamWan2022NoiseModel(),
                            normals=np.ones((2, 2, 1, 2)), aging="reconvert", compensation=None)
    ratio = np.abs(noisy.programmed).max()
    assert np.allclose(noisy.read(86400.0, normals=np.zeros((2, 1, 2))).drifted, ratio * weights)


def test_compensations_by_hand():
    y, aged = np.array([[1.0, -2.0], [3.0, 0.0]]), np.array([[0.5, -1.0], [0.5, 0.0]])
    perfect = NoisyReadout(out_noise=0, out_res=0)
    rng = np.random.default_rng(0)
    whole, column = GlobalDriftCompensation(), PerColumnDriftCompensation()
    assert whole.factor(whole.reference(None, y, perfect, rng=rng), aged, perfect, rng=rng) == 1.5 / 0.5
    assert np.array_equal(column.factor(column.reference(None, y, perfect, rng=rng), aged, perfect, rng=rng), [4, 2])
    exact = GlobalDriftCompensationWithExactReference()
    assert exact.reference(10 * y, y, perfect, rng=rng) == 15
    assert GlobalDriftCompensation().magnitude(1e-6 * y) == 1e-4
    assert NoDriftCompensation().factor(1.0, aged, perfect, rng=rng) == 1


def test_readout_by_hand():
    """step = 2 * 12 / 510 = 0.0470588; 256 levels of a bound of 10 give 0.078125; ties go to the even level."""
    rng = np.random.default_rng(0)
    assert np.isclose(NoisyReadout().step, 0.047058823)
    assert NoisyReadout(out_res=256, out_bound=10).step == 0.078125
    quarter = NoisyReadout(out_noise=0, out_res=1 / 8, out_bound=1)          # step 0.25
    assert np.array_equal(quarter(np.array([[0.125, 0.375, -0.3, 0.99]]), rng=rng), [[0, 0.5, -0.25, 1.0]])
    # 3 is beyond the bound of 1: the input is halved twice, the step counts four times
    assert np.array_equal(quarter(np.array([[3.0, 0.4], [0.5, 0.4]]), rng=rng), [[3.0, 0.0], [0.5, 0.5]])


@pytest.mark.parametrize("kind, variance", [("none", 0.04), ("additive", 0.13), ("pcm_read", 0.04 + 0.09 * 0.5)])
def test_readout_noise(kind, variance):
    read = NoisyReadout(out_noise=0.2, out_res=0, w_noise=0.3, w_noise_type=kind)
    y = read(np.full((100, 1000), 0.5), rng=np.random.default_rng(1))
    # the variance of 1e5 normals has a relative standard error of 0.45 %
    assert np.isclose(y.var(ddof=0), variance, rtol=5 * 0.0045) and np.isclose(y.mean(), 0.5, atol=5 * 0.0013)
    assert np.allclose(read.noise_variance(np.array([0.5])), variance)


def program(**changed):
    keywords = {"converter": SinglePairConductanceConverter(), "weights": np.ones((2, 2)),
                "device": PCMLikeNoiseModel(), "rng": np.random.default_rng(0)} | changed
    return program_weights(**keywords)


@pytest.mark.parametrize("changed, message", [
    ({"device": PCMLikeNoiseModel(g_max=20)}, "20.0 uS for the device and 25.0 uS for the converter"),
    ({"converter": CustomPairConductanceConverter([1], [[0, 50], [50, 0]])}, r"\[0.0, 25.0\] uS, got 0 to 50"),
    ({"weights": [np.nan]}, "weights must be finite"),
    ({"aging": "melt"}, "aging must be one of device, reconvert"),
    ({"compensation": "global"}, "compensation must be an instance"),
    ({"normals": np.zeros((2, 3))}, r"shape \(2, 2, 2, 2\)"),
    ({"weights": np.ones(3), "compensation": PerColumnDriftCompensation()}, r"\(in, out\)"),
    ({"device": "pcm"}, "device must be"),
    ({"converter": 3}, "must be a conductance converter"),
])
def test_bad_input_is_named(changed, message):
    with pytest.raises(ValueError, match=message):
        program(**changed)


@pytest.mark.parametrize("changed", [
    {"rng": 42}, {"rng": 0}, {"rng": None}, {"rng": np.random.RandomState(0)}, {"rng": np.random.Generator},
    {"rng": None, "normals": np.zeros((2, 2, 2, 2)), "readout": NoisyReadout()}])
def test_only_a_generator_draws(changed):
    with pytest.raises(TypeError, match="rng must be a numpy.random.Generator"):
        program(**changed)


def test_a_seed_is_never_taken_as_draws():
    """A positional 42 was a draw of 42 standard deviations, and 0 was no noise."""
    weights, device = np.ones((2, 2)), PCMLikeNoiseModel()
    for seed in (42, 0):
        with pytest.raises(TypeError, match="positional"):
            program_weights(SinglePairConductanceConverter(), weights, device, seed)
        with pytest.raises(ValueError, match=r"normals must be .* shape \(2, 2, 2, 2\), got shape \(\)"):
            program_weights(SinglePairConductanceConverter(), weights, device, normals=seed)
        with pytest.raises(TypeError, match="positional"):
            program().read(1.0, seed)
        with pytest.raises(TypeError, match="rng must be"):
            program().read(1.0, rng=seed)


@pytest.mark.parametrize("keywords, message", [({"out_noise": -1}, "out_noise"), ({"out_bound": 0}, "out_bound"),
                                               ({"w_noise_type": "pink"}, "w_noise_type")])
def test_bad_readout_is_named(keywords, message):
    with pytest.raises(ValueError, match=message):
        NoisyReadout(**keywords)
