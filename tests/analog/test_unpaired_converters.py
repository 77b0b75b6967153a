"""Converters without pairs: literal values, plain scalar definitions, the way back, simulation, what is refused."""
import dataclasses
import math

import numpy as np
import pytest
from analog_agreement import LIMIT
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from refapprox.analog import (
    FusionConductanceConverter,
    PCMLikeNoiseModel,
    ReRamCMONoiseModel,
    SingleDeviceConductanceConverter,
    SinglePairConductanceConverter,
    WeightProgrammingOptimizer,
    expected_tnmse,
    monte_carlo_tnmse,
    program_weights,
)
from refapprox.compat.aihwkit.inference import ReRamCMONoiseModel as PublishedCMO
from refapprox.compat.aihwkit.inference import SingleDeviceConductanceConverter as PublishedSingleDevice
from refapprox.compat.aihwkit.inference.converter.fusion import FusionConductanceConverter as PublishedFusion

WEIGHTS = np.random.default_rng(0).uniform(-1, 2, (5, 7))
SINGLE, FUSION = SingleDeviceConductanceConverter(), FusionConductanceConverter()
matrices = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(-100, 100))


def test_single_device_one_weight_at_a_time():
    low, high = WEIGHTS.min(), WEIGHTS.max()
    (g,), params = SINGLE.convert_to_conductances(WEIGHTS)
    noisy = g + np.random.default_rng(1).normal(0, 1, g.shape)
    back = SINGLE.convert_back_to_weights([noisy], params)
    for at in np.ndindex(WEIGHTS.shape):
        share = (WEIGHTS[at] - low) / (high - low)
        assert math.isclose(g[at], 9 + 79.199997 * share, rel_tol=1e-14)
        assert math.isclose(back[at], low + (noisy[at] - 9) / 79.199997 * (high - low), rel_tol=1e-12, abs_tol=1e-14)
    assert (g.min(), SINGLE.limits) == (9.0, (9.0, 88.199997)) and math.isclose(g.max(), 88.199997, rel_tol=1e-15)


@pytest.mark.parametrize("disturbed", [False, True])
def test_fusion_one_row_at_a_time(disturbed):
    """Slopes of `statistics.linear_regression`, the standard library's."""
    from statistics import linear_regression

    (g,), params = FUSION.convert_to_conductances(WEIGHTS)
    held = g + np.random.default_rng(1).normal(0, 2, g.shape) if disturbed else g
    back = FUSION.convert_back_to_weights([held], params)
    for row, weights in enumerate(WEIGHTS.tolist()):
        largest = max(map(abs, weights))
        assert np.allclose(g[row], [40 * abs(w) / largest for w in weights], rtol=1e-14)
        signed = [math.copysign(1, w) * h for w, h in zip(weights, held[row].tolist(), strict=True)]
        slope = linear_regression(signed, weights).slope
        assert np.allclose(back[row], [slope * x for x in signed], rtol=1e-12, atol=1e-14)
        if not disturbed:
            assert math.isclose(slope, largest / 40, rel_tol=1e-13)


@given(weights=matrices)
def test_weights_return_from_single_devices(weights):
    conductances, params = SINGLE.convert_to_conductances(weights)
    # four roundings, each of at most the span or the largest weight
    assert np.allclose(SINGLE.convert_back_to_weights(conductances, params), weights, rtol=0,
                       atol=1e-14 * np.abs(weights).max() + 1e-30)


@given(weights=matrices)
def test_weights_return_from_fusion(weights):
    """Rows of equal weights and of zeros too. The slope's error is that of the row's mean over its spread: where the
    spread is 1e-4 of the largest weight, 2^-53 grows to 1e-12."""
    largest, spread = np.abs(weights).max(axis=1), np.ptp(weights, axis=1)
    weights[(spread < 1e-4 * largest) | (largest < 1e-9)] = 0.75
    conductances, params = FUSION.convert_to_conductances(weights)
    assert np.max(conductances) <= 40 and np.min(conductances) >= 0
    assert np.allclose(FUSION.convert_back_to_weights(conductances, params), weights, rtol=1e-11, atol=0)


def test_equal_weights_and_zeros_return():
    """Upstream: nan from single devices, 0 from Fusion."""
    for weights in (np.full((2, 3), 0.7), np.zeros((2, 3)), np.array([[0.3], [-0.2]])):
        for converter in (SINGLE, FUSION):
            assert np.allclose(converter.convert_back_to_weights(*converter.convert_to_conductances(weights)), weights,
                               rtol=1e-15, atol=0)
    assert np.array_equal(SINGLE.convert_to_conductances(np.full(3, 0.7))[0], [[9, 9, 9]])


def test_common_decay_is_calibrated_away_and_noise_shrinks_weights():
    """Slope V / (V + v) for noise of variance v: 20,000 weights scatter it by less than 1 %; without it, 1."""
    weights = np.random.default_rng(2).uniform(-1, 1, (1, 20_000))
    (g,), params = FUSION.convert_to_conductances(weights)
    assert np.allclose(FUSION.convert_back_to_weights([g / 3], params), weights, rtol=1e-12)
    noisy = g + np.random.default_rng(3).normal(0, 10, g.shape)
    variance = np.var(np.sign(weights) * g, ddof=0)
    slope = FUSION.convert_back_to_weights([noisy], params)[0, 0] / (np.sign(weights) * noisy)[0, 0]
    assert np.isclose(slope * 40 / np.abs(weights).max(), variance / (variance + 100), rtol=0.02)
    assert variance / (variance + 100) < 0.9


def test_a_matrix_of_single_devices_is_simulated_as_its_moments_say():
    """400 arrays of 35 weights: each mean within LIMIT standard errors (false alarm 2e-5 for the 35), the mean variance
    within 8 % (more than 5 of its standard errors, sqrt(2 / 14,000) for Gaussians)."""
    device, rng, t = ReRamCMONoiseModel(), np.random.default_rng(4), 86400.0
    targets, params = SINGLE.convert_to_conductances(WEIGHTS)
    mean, variance = device.read_moments(targets[0], t)
    read = np.array([program_weights(SINGLE, WEIGHTS, device, rng=rng, compensation=None).read(t, rng=rng).effective
                     for _ in range(400)])
    expected = SINGLE.convert_back_to_weights([mean], params)
    std = np.sqrt(variance) / params["scale_ratio"]
    assert np.all(np.abs(read.mean(axis=0) - expected) < LIMIT * std / 20)
    assert np.isclose(np.mean(read.var(axis=0, ddof=1) / std**2), 1, rtol=0.08)


def test_both_are_simulated_and_neither_has_a_closed_form():
    device, rng = PCMLikeNoiseModel(g_max=40.0), np.random.default_rng(5)
    quiet = dataclasses.replace(device, prog_noise_scale=0, read_noise_scale=0, drift_scale=0)
    assert monte_carlo_tnmse(FUSION, WEIGHTS, quiet, [3600.0], rng=rng, runs=2).mean < 1e-28
    assert 1e-4 < monte_carlo_tnmse(FUSION, WEIGHTS, device, [3600.0], rng=rng, runs=3).mean < 0.1
    cmo = ReRamCMONoiseModel()
    for aging in ("device", "reconvert"):
        assert 1e-5 < monte_carlo_tnmse(SINGLE, WEIGHTS, cmo, [3600.0], None, rng=rng, runs=3, aging=aging).mean < 0.01
    with pytest.raises(ValueError, match="must have pairs of devices .* monte_carlo_tnmse simulate it"):
        expected_tnmse(FUSION, WEIGHTS, device, [3600.0])
    with pytest.raises(ValueError, match="must have pairs of devices"):
        WeightProgrammingOptimizer(WEIGHTS, [1.0], cmo, [1.0], SINGLE)
    with pytest.raises(ValueError, match=r"\[9.0, 25.0\] uS, got 0 to 25"):
        program_weights(SinglePairConductanceConverter(), WEIGHTS, ReRamCMONoiseModel(g_max=25.0), rng=rng)


def test_published_shapes():
    """Upstream's single device gives an array and not a list; its noise model goes through it row by row."""
    converter = PublishedSingleDevice(None, None)
    conductances, params = converter.convert_to_conductances(WEIGHTS)
    assert conductances.shape == WEIGHTS.shape and set(params) == {"scale_ratio", "min"}
    assert np.array_equal(converter.convert_back_to_weights(conductances, params),
                          converter.convert_back_to_weights(list(conductances), params))
    model = PublishedCMO(rng=np.random.default_rng(6))
    programmed, kept = model.apply_programming_noise(WEIGHTS)
    aged = model.apply_drift_noise(programmed, kept, 3600.0)
    for found in (programmed, aged, model.apply_noise(WEIGHTS, 3600.0), model.apply_noise(WEIGHTS, 0.0)):
        assert found.shape == WEIGHTS.shape and 0 < np.std(found - WEIGHTS) < 0.1
    assert PublishedFusion() == FUSION and PublishedFusion(10).g_max == 10


def test_converters_are_values():
    assert SINGLE == SingleDeviceConductanceConverter(88.199997, 9) != SingleDeviceConductanceConverter(80, 9)
    assert len({FUSION, FusionConductanceConverter(40), FusionConductanceConverter(20)}) == 2
    assert (SINGLE.g_max, SINGLE.g_min) == (ReRamCMONoiseModel().g_max, ReRamCMONoiseModel().g_min)
    assert repr(FUSION) == "FusionConductanceConverter(g_max=40)" and "g_max=88.2, g_min=9" in repr(SINGLE)


@pytest.mark.parametrize("build, message", [
    (lambda: SingleDeviceConductanceConverter(5.0), "g_max=5.0, g_min=9.0"),
    (lambda: SingleDeviceConductanceConverter(g_min=-1), "not negative"),
    (lambda: FusionConductanceConverter(9.9), "g_max must be at least 10.0, got 9.9"),
    (lambda: FusionConductanceConverter(41), "g_max must be at most 40.0, got 41"),
    (lambda: SINGLE.convert_to_conductances([]), "must not be empty"),
    (lambda: SINGLE.convert_to_conductances([np.nan]), "weights must be finite"),
    (lambda: FUSION.convert_to_conductances([1.0, 2.0]), r"shape \(out, in\), .* got shape \(2,\)"),
    (lambda: FUSION.convert_to_conductances(np.zeros((2, 0))), "must not be empty"),
    (lambda: SINGLE.convert_back_to_weights([1.0], {"min": 0}), "no scale_ratio"),
    (lambda: SINGLE.convert_back_to_weights([1.0, 2.0], {"min": 0, "scale_ratio": 1}), "list of 1 array, got 2"),
    (lambda: FUSION.convert_back_to_weights([np.ones((2, 2))], {"scale_ratio": 1}), "original_weights"),
    (lambda: FUSION.convert_back_to_weights([np.ones((2, 3))], {"original_weights": np.ones((2, 2))}),
     r"shape \(2, 2\) of the weights, got \(2, 3\)"),
    (lambda: FUSION.convert_back_to_weights([np.full((1, 1), np.inf)], {"original_weights": [[1.0]]}), "be finite"),
])
def test_bad_input_is_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()
