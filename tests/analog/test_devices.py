"""Device models: aihwkit's numbers with given draws and its sampled statistics, literal values, bad input."""
import dataclasses
import math

import numpy as np
import pytest
from golden_cases import arrays_of
from scipy.special import ndtr

from refapprox.analog.devices import (
    CustomDriftPCMLikeNoiseModel,
    HermesNoiseModel,
    MeanVariance,
    NoiseModel,
    PCMLikeNoiseModel,
    ReRamCMONoiseModel,
    ReRamWan2022NoiseModel,
    StateIndependentNoiseModel,
)
from refapprox.analog.moments import folded_mean

LISTS = {"g_lst": [0.0, 10.0, 25.0], "nu_mean_lst": [0.08, 0.05, 0.03], "nu_std_lst": [0.03, 0.02, 0.01]}
DRAWS = {"z0": 0.0, "z1": 1.0, "zm1": -1.0, "zm8": -8.0}
GOLDEN = [     # file, tag, model
    ("noise_pcm", "pcm_default", PCMLikeNoiseModel()),
    ("noise_pcm", "pcm_gmax20", PCMLikeNoiseModel(g_max=20.0)),
    ("noise_other", "hermes_2dev", HermesNoiseModel()),
    ("noise_other", "state_independent", StateIndependentNoiseModel()),
    ("noise_other", "custom_drift", CustomDriftPCMLikeNoiseModel(custom_drift_model=LISTS)),
]


def constant(g, z):
    """A draw of `z` for every device."""
    return np.full(g.shape, z)


@pytest.mark.parametrize("file, tag, model", GOLDEN, ids=[tag for _, tag, _ in GOLDEN])
def test_golden_primitives_with_given_draws(golden, file, tag, model):
    """README: 1e-5 uS for conductances, 1e-6 for exponents (float32)."""
    data = arrays_of(golden(file)[0], tag)
    g, times = data["g_target"], data["t_inference"]
    for name, z in DRAWS.items():
        if f"exact/prog_{name}" in data:
            assert np.allclose(model.program(g, normals=constant(g, z)), data[f"exact/prog_{name}"], rtol=0, atol=1e-5)
        found = model.drift_exponent(g, normals=constant(g, z))
        assert np.allclose(found, data[f"exact/nu_{name}"], rtol=0, atol=1e-6)
    for column, t in enumerate(times):
        for name, nu, z in (("drift_nu0p05_z0", 0.05, 0), ("drift_nu0p05_z1", 0.05, 1), ("read_nu0_z1", 0, 1)):
            found = model.read(g, nu, t, normals=constant(g, z))
            assert np.allclose(found, data[f"exact/{name}"][:, column], rtol=0, atol=1e-5), (name, t)


@pytest.mark.parametrize("file, tag, model", GOLDEN, ids=[tag for _, tag, _ in GOLDEN])
def test_golden_sampled_statistics_against_exact_moments(golden, file, tag, model):
    """aihwkit's 2e5 to 3e5 samples a point: mean within 5 standard errors (false alarm 6e-7 each, about 500 of
    them), standard deviation within 2 %, as the golden README suggests."""
    data = arrays_of(golden(file)[0], tag)
    g, times, samples = data["g_target"], data["t_inference"], int(data["n_samples"])

    def agree(found, mean, std, what):
        spread = np.sqrt(found.variance)
        assert np.all(np.abs(found.mean - mean) <= 5 * spread / np.sqrt(samples) + 1e-6), what
        assert np.allclose(spread, std, rtol=0.02, atol=1e-6), what

    def share(found, probability):
        error = np.sqrt(probability * (1 - probability) / samples)
        return np.all(np.abs(found - probability) <= 5 * error + 5 / samples)      # the second term: rare events

    agree(model.programmed_moments(g), data["prog/mean"], data["prog/std"], "programmed")
    assert share(data["prog/frac_zero"], ndtr(-g / model.programming_std(g)))
    mean, std = model.drift_parameters(g)
    folded = folded_mean(mean, std)
    agree(MeanVariance(folded, mean**2 + std**2 - folded**2), data["nu/mean"], data["nu/std"], "exponent")
    quantiles = data["nu/q05_q50_q95"].T
    below = ndtr((quantiles - mean) / std) - ndtr((-quantiles - mean) / std)          # P(|mean + std Z| <= quantile)
    assert share(below, np.array([[0.05], [0.5], [0.95]]))
    for column, t in enumerate(times):
        agree(model.read_moments(g, t), data["full/mean"][:, column], data["full/std"][:, column], ("full", t))
        drift, certain = model.drift_moments(g, t), dataclasses.replace(model, prog_noise_scale=0)
        agree(MeanVariance(g * drift.mean, g**2 * drift.variance), data["drift_only/mean"][:, column],
              data["drift_only/std"][:, column], ("drift only", t))
        # read_only starts at the target with nu = 0: the chain without programming noise and without drift
        agree(dataclasses.replace(certain, drift_scale=0).read_moments(g, t), data["read_only/mean"][:, column],
              data["read_only/std"][:, column], ("read only", t))


def test_golden_resistive_memory(golden):
    data = arrays_of(golden("noise_other")[0], "reram_wan2022")
    model, g, samples = ReRamWan2022NoiseModel(), data["g_target"], int(data["n_samples"])
    for name, z in DRAWS.items():
        if f"exact/prog_{name}" in data:
            assert np.allclose(model.program(g, normals=constant(g, z)), data[f"exact/prog_{name}"], rtol=0, atol=1e-5)
    for column, t in enumerate(data["t_inference"]):
        for name, z in DRAWS.items():
            if f"exact/at_t_{name}" in data:
                found = model.read(None, model.drift_state(g), t, normals=constant(g, z))
                assert np.allclose(found, data[f"exact/at_t_{name}"][:, column], rtol=0, atol=1e-5)
        mean, variance = model.read_moments(g, t)
        if t == 1.0:
            assert np.all(np.abs(mean - data["prog/mean"]) <= 5 * np.sqrt(variance / samples))
            assert np.allclose(np.sqrt(variance), data["prog/std"], rtol=0.02)
        assert np.all(np.abs(mean - data["at_t/mean"][:, column]) <= 5 * np.sqrt(variance / samples))
        assert np.allclose(np.sqrt(variance), data["at_t/std"][:, column], rtol=0.02)


def test_read_noise_at_full_conductance_by_hand():
    """T = 21 s: sqrt(log((21 + 250e-9) / 500e-9)) = 4.189, so relative read noise is 0.0088 * 4.189 = 3.69 %."""
    read = PCMLikeNoiseModel().read(np.array([25.0]), 0.0, 1.0, normals=[1.0])
    assert np.allclose(read, 25 * (1 + 0.0088 * 4.1890), rtol=1e-5)


def test_drift_by_hand():
    """One decade of T / t_0 = 10 at nu = 0.1."""
    model = dataclasses.replace(PCMLikeNoiseModel(), read_noise_scale=0.0)
    assert np.allclose(model.read(np.array([10.0]), 0.1, 180.0, normals=[0.0]), 10 * 10**-0.1, rtol=1e-14)


def test_generator_and_given_draws_agree():
    model, g = PCMLikeNoiseModel(), np.full((3, 4), 7.0)
    z = np.random.default_rng(5).standard_normal((3, 4))
    assert np.array_equal(model.program(g, rng=np.random.default_rng(5)), model.program(g, normals=z))
    assert np.array_equal(model.drift_exponent(g, rng=np.random.default_rng(5)), model.drift_exponent(g, normals=z))


def test_prog_coeff_reference():
    """Own coefficients refer to g_max itself; the default ones to 25 uS; an explicit reference counts in both."""
    assert np.isclose(PCMLikeNoiseModel(g_max=20, prog_coeff=[1.0]).programming_std(0.0), 1.0)
    assert np.isclose(PCMLikeNoiseModel(g_max=20).programming_std(0.0), 0.26348 * 20 / 25)
    assert np.isclose(PCMLikeNoiseModel(g_max=20, prog_coeff=[1.0], prog_coeff_g_max_reference=10)
                      .programming_std(0.0), 2.0)
    assert np.isclose(PCMLikeNoiseModel(g_max=20, prog_coeff_g_max_reference=10).programming_std(0.0), 0.52696)
    assert np.isclose(ReRamWan2022NoiseModel(coeff_g_max_reference=40).noise_std(0.0, 1.0), 0.348 * 25 / 40)


def test_models_are_values():
    """Frozen, comparable, hashable and replaceable: a table of moments can be kept under the model itself."""
    for model in [model for *_, model in GOLDEN] + [ReRamWan2022NoiseModel()]:
        assert dataclasses.replace(model) == model and hash(dataclasses.replace(model)) == hash(model)
        with pytest.raises(dataclasses.FrozenInstanceError):
            model.g_max = 1.0


def test_the_caller_keeps_his_arrays():
    g = np.array([-0.0, 3.0, 30.0])
    kept = g.copy()
    model = CustomDriftPCMLikeNoiseModel(custom_drift_model=LISTS)
    model.drift_exponent(g, normals=np.zeros(3))
    model.program(g, normals=np.zeros(3))
    assert np.array_equal(g, kept)


@pytest.mark.parametrize("build, message", [
    (lambda: PCMLikeNoiseModel(g_max=0), "g_max must be positive"),
    (lambda: PCMLikeNoiseModel(drift_scale=-1), "drift_scale must be at least 0"),
    (lambda: PCMLikeNoiseModel(t_0=1e-9), "t_0 must not be shorter than t_read"),
    (lambda: PCMLikeNoiseModel(prog_coeff=[np.nan]), "prog_coeff must be finite"),
    (lambda: PCMLikeNoiseModel(prog_coeff=[-1.0]).programming_std(1.0), "standard deviation >= 0"),
    (lambda: HermesNoiseModel(num_devices=3), "one of 1, 2, got 3"),
    (lambda: HermesNoiseModel(g_max=25), "at most 20.7"),
    (lambda: HermesNoiseModel(num_devices=1, g_max=20.7), "at most 10.35"),
    (lambda: CustomDriftPCMLikeNoiseModel(), "keys"),
    (lambda: CustomDriftPCMLikeNoiseModel(custom_drift_model={"g_lst": [0, 25]}), r"got \['g_lst'\]"),
    (lambda: CustomDriftPCMLikeNoiseModel(custom_drift_model=LISTS | {"g_lst": [0, 10]}), "one length"),
    (lambda: CustomDriftPCMLikeNoiseModel(custom_drift_model=LISTS | {"g_lst": [0, 25, 10]}), "strictly"),
    (lambda: CustomDriftPCMLikeNoiseModel(g_max=30, custom_drift_model=LISTS), "reach g_max=30"),
    (lambda: StateIndependentNoiseModel(drift_nu_std=-1), "drift_nu_std"),
    (lambda: ReRamWan2022NoiseModel().read(None, np.ones(2), 5.0, normals=np.zeros(2)), "one of"),
    (lambda: ReRamWan2022NoiseModel(coeff_g_max_reference=0), "coeff_g_max_reference must be positive"),
    (lambda: PCMLikeNoiseModel().read(np.ones(2), 0.0, -1.0, normals=np.zeros(2)), "t must be at least 0"),
    (lambda: PCMLikeNoiseModel().program(np.ones(2), normals=np.ones(3)), r"shape \(2,\), got shape \(3,\)"),
])
def test_bad_input_is_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_device_says_all_three_of_its_curves():
    class OnlyProgramming(NoiseModel):
        def programming_std(self, g_target):
            return 0 * g_target

    with pytest.raises(TypeError, match="abstract methods? '?drift_parameters'?, '?relative_read_noise'?"):
        OnlyProgramming()


def hermes_by_hand(num_devices, x):
    """sigma at g_max = reference (uS), mu, sd and q at x = g / g_max, as the papers' fits are written down."""
    log = math.log(max(x, 1e-7))

    def clipped(value, low, high):
        return min(max(value, low), high)

    mu = clipped(-0.0387 * log - 0.0182, 0.0720, 0.13) if x < 0.0945 else -0.0436 * x**2 - 0.0126 * x + 0.0736
    if num_devices == 1:
        return (0.15781817 + 2.32443916 * x - 2.16310839 * x**2 + 0.68841818 * x**3, mu,
                clipped(-0.0120 * log - 0.0023, 0.0124, 0.04) if x < 0.3039
                else -0.0165 * x**2 + 0.0116 * x + 0.0104,
                clipped(-0.0078 * log + 0.0038, 0.0179, 0.04) if x < 0.1591
                else 0.0664 * x**3 - 0.1352 * x**2 + 0.0768 * x + 0.0088)
    return (0.16603222 + 4.71806468 * x - 8.48101252 * x**2 + 4.68961419 * x**3, mu,
            clipped(-0.0117 * log - 0.0057, 0.0091, 0.04) if x < 0.3055 else -0.0118 * x**2 + 0.0093 * x + 0.0073,
            clipped(-0.0117 * log - 0.0069, 0.015, 0.04) if x < 0.16
            else 0.0069 * x**3 - 0.0280 * x**2 + 0.0211 * x + 0.0123)


@pytest.mark.parametrize("share", [1.0, 0.6])
@pytest.mark.parametrize("num_devices, reference, t_0", [(1, 10.35, 200.0), (2, 20.7, 300.0)])
def test_hermes_fits_at_every_conductance(num_devices, reference, t_0, share):
    """Both branches and both clips of every fit, for either unit cell and for a smaller range."""
    model = HermesNoiseModel(num_devices=num_devices, g_max=share * reference)
    assert (HermesNoiseModel(num_devices=num_devices).g_max, model.t_0, model.t_read) == (reference, t_0, 512e-9)
    x = np.concatenate([np.geomspace(1e-9, 1e-2, 50), np.linspace(0, 1, 1001)])
    sigma, mu, sd, q = np.array([hermes_by_hand(num_devices, value) for value in x]).T
    g = x * model.g_max
    inside = np.all([np.abs(x - jump) > 1e-9 for jump in (0.0945, 0.3039, 0.3055, 0.1591, 0.16)], axis=0)
    assert np.allclose(model.programming_std(g), sigma * share, rtol=1e-12)
    for found, wanted in zip((*model.drift_parameters(g), model.relative_read_noise(g)), (mu, sd, q), strict=True):
        assert np.allclose(found[inside], wanted[inside], rtol=1e-12)


@pytest.mark.parametrize("num_devices", [1, 2])
def test_hermes_kinks_are_where_the_read_noise_bends(num_devices):
    """Between the kinks q is smooth: its second difference on a fine grid stays below what a bend would give."""
    model = HermesNoiseModel(num_devices=num_devices)
    g = np.linspace(1e-3, 1, 100_001) * model.g_max
    slope = np.diff(model.relative_read_noise(g)) / np.diff(g)
    bends = g[1:-1][np.abs(np.diff(slope)) > 1e-3 * np.abs(slope).max()]
    kinks = np.sort(model.read_kinks())
    assert len(kinks) >= 2 and np.all(np.min(np.abs(bends[:, None] - kinks), axis=1) < 2 * (g[1] - g[0]))
    assert np.all(np.min(np.abs(bends[:, None] - kinks), axis=0) < 2 * (g[1] - g[0]))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.float32])
def test_narrow_numbers_are_widened(dtype):
    """What a device is asked in int8 or float32 is answered as for the same values in float64."""
    g = np.array([0, 3, 7, 20], dtype)
    for model in (PCMLikeNoiseModel(), HermesNoiseModel(), StateIndependentNoiseModel(prog_coeff=np.int8([1, 2])),
                  CustomDriftPCMLikeNoiseModel(custom_drift_model=LISTS), ReRamWan2022NoiseModel(),
                  ReRamCMONoiseModel(g_min=dtype(1), prog_coeff=np.int8([0, 1]))):
        wide = g.astype(np.float64)
        z = np.array([1, -1, 0, 2], np.int8)
        programmed = model.program(g, normals=z)
        assert programmed.dtype == np.float64 and np.array_equal(programmed, model.program(wide, normals=z + 0.0))
        kept = model.drift_state(g, normals=z)
        draws = np.stack([z, z]) if isinstance(model, ReRamCMONoiseModel) else z
        assert np.array_equal(model.read(g, kept, np.int8(1), normals=draws),
                              model.read(wide, kept, 1.0, normals=draws + 0.0))
        for found, wanted in zip(model.read_joint_moments(g, np.int8(1)), model.read_joint_moments(wide, 1.0),
                                 strict=True):
            assert np.array_equal(found, wanted)
    assert PCMLikeNoiseModel(g_max=dtype(25)) == PCMLikeNoiseModel()


@pytest.mark.parametrize("wrong", ["7", None, 1 + 2j, [True, False], np.ma.masked_array([1.0], [True]), [{}]])
def test_what_is_no_number_is_a_wrong_kind(wrong):
    with pytest.raises(TypeError, match="g_target must"):
        PCMLikeNoiseModel().program(wrong, rng=np.random.default_rng(0))
    with pytest.raises(TypeError, match="normals must|g_target must|rng must"):
        PCMLikeNoiseModel().program([1.0], normals=wrong)
