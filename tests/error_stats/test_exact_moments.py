"""Rung 6: factored errors, their moments and covariances, against the simulation and against each other."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from refapprox import Multiplier, load_library
from refapprox.error_stats import (
    LayerOperands,
    accumulated_errors,
    data_moments,
    exact_data,
    exact_moments,
    feature_moments,
    rank_one_terms,
    simulation,
)

LIBRARY = load_library()


def layer(seed, fields=40, fan_in=12, neurons=5):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 128, (fields, fan_in)) * (rng.random((fields, fan_in)) < 0.6)
    return LayerOperands.from_codes(x, rng.integers(-128, 128, (fan_in, neurons)))


@pytest.mark.parametrize("multiplier", LIBRARY, ids=LIBRARY.names)
def test_factors_rebuild_the_map_with_few_terms(multiplier):
    u, v = rank_one_terms(multiplier.error_map)
    assert u.shape[1] <= 8                    # partial products of one operand's bits: at most one term per bit
    assert np.array_equal(np.rint(u @ v.T), multiplier.error_map)


@given(seed=st.integers(0, 2 ** 32 - 1), shape=st.tuples(st.integers(1, 16), st.integers(1, 16)))
def test_any_map_has_factors(seed, shape):
    emap = np.random.default_rng(seed).integers(-1000, 1000, shape)
    u, v = rank_one_terms(emap)
    assert u.shape[1] <= min(shape) and np.array_equal(np.rint(u @ v.T), emap)


@pytest.mark.parametrize("name", ["mul8s_1KVL", "mul8s_1L1G", "mul8s_1KR3"])
def test_moments_equal_those_of_the_simulated_errors(name):
    operands = layer(0)
    errors = accumulated_errors(LIBRARY[name], operands).astype(float)
    found = exact_moments(LIBRARY[name], operands)
    # float64 power sums about a shift near the mean: some ten roundings of relative size 1e-16
    assert np.allclose(found.neuron_mean, errors.mean(axis=0), rtol=1e-12)
    assert np.allclose(found.covariance, np.cov(errors.T, ddof=0), rtol=1e-12, atol=1e-12 * errors.var())
    assert found.pooled.std == pytest.approx(errors.std(ddof=0), rel=1e-12)
    assert found.pooled.skewness == pytest.approx(stats.skew(errors.ravel()), rel=1e-9, abs=1e-9)
    assert found.pooled.excess_kurtosis == pytest.approx(stats.kurtosis(errors.ravel()), rel=1e-9, abs=1e-9)
    assert (found.pooled.lower, found.pooled.upper) == (errors.min(), errors.max())


def test_the_covariance_of_features_gives_the_same_numbers():
    operands = layer(1)
    for multiplier in LIBRARY:
        mean, covariance = feature_moments(multiplier, operands)
        found = exact_moments(multiplier, operands)
        assert np.allclose(mean, found.neuron_mean, rtol=1e-10, atol=1e-8)
        assert np.allclose(covariance, found.covariance, rtol=1e-10, atol=1e-8)


def test_a_map_of_full_rank_is_as_exact():
    rng = np.random.default_rng(2)
    multiplier = Multiplier("random", rng.integers(-2 ** 15, 2 ** 15, (256, 256)))
    operands = layer(2)
    assert rank_one_terms(multiplier.error_map)[0].shape[1] == 256
    assert (exact_data(multiplier, operands).accumulated_std
            == pytest.approx(simulation(multiplier, operands).accumulated_std, rel=1e-12))


def test_blocks_of_fields_change_nothing(monkeypatch):
    operands = layer(3)
    whole = exact_moments(LIBRARY["mul8s_1KVL"], operands)
    monkeypatch.setattr(data_moments, "BLOCK_FEATURES", 7)
    blocks = exact_moments(LIBRARY["mul8s_1KVL"], operands)
    assert np.allclose(whole.covariance, blocks.covariance, rtol=1e-10)
    assert whole.pooled.fourth == pytest.approx(blocks.pooled.fourth, rel=1e-10)


def test_an_exact_multiplier_has_no_moments():
    found = exact_moments(LIBRARY["mul8s_1KV8"], layer(4))
    assert found.pooled.std == found.pooled.skewness == found.pooled.excess_kurtosis == 0
    assert not found.covariance.any() and not feature_moments(LIBRARY["mul8s_1KV8"], layer(4))[1].any()


def test_higher_moments_of_many_multipliers_have_one_entry_each():
    operands = layer(5)
    together = exact_data(list(LIBRARY), operands).moments
    for k, multiplier in enumerate(LIBRARY):
        alone = exact_data(multiplier, operands).moments
        assert together.excess_kurtosis[k] == pytest.approx(alone.excess_kurtosis, rel=1e-9)
        assert together.window(1e-6)[k] == alone.window(1e-6) == alone.reach


def test_memory_does_not_grow_with_rank_times_weights(peak_memory):
    """Rank 64, fan-in 600, 96 neurons: all features of the weights at once would take 29 MB and more of copies."""
    rng = np.random.default_rng(6)
    emap = rng.integers(-999, 999, (64, 64))
    operands = LayerOperands.from_codes(rng.integers(0, 64, (300, 600)), rng.integers(0, 64, (600, 96)),
                                        range_x=(0, 63), range_w=(0, 63))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_moments, "BLOCK_FEATURES", 1 << 17)      # 1 MiB
        peak, found = peak_memory(lambda: exact_moments(emap, operands))
    assert peak < 8 << 20
    assert found.pooled.std == pytest.approx(simulation(emap, operands).accumulated_std, rel=1e-12)


def test_a_covariance_of_too_many_features_is_refused():
    operands = LayerOperands.from_codes(np.zeros((2, 300), int), np.zeros((300, 2), int))
    emap = np.random.default_rng(0).integers(-99, 99, (256, 256))
    with pytest.raises(ValueError, match="at most 8192 features"):
        feature_moments(emap, operands)


def test_the_largest_covariance_of_features_is_formed(monkeypatch):
    multiplier, operands = LIBRARY["mul8s_1KVL"], layer(5)
    features = operands.fan_in * rank_one_terms(multiplier.error_map)[0].shape[1]
    monkeypatch.setattr(data_moments, "MAX_FEATURES", features)
    assert np.isfinite(feature_moments(multiplier, operands)[1]).all()
    monkeypatch.setattr(data_moments, "MAX_FEATURES", features - 1)
    with pytest.raises(ValueError, match=f"at most {features - 1} features"):
        feature_moments(multiplier, operands)
