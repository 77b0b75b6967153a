"""agnapprox's six functions: hand values, the specification, edges, and the mutants that the checks must reject."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox import exact, load_library
from refapprox.conformance.spec import statistics as spec
from refapprox.error_stats import (
    LayerOperands,
    error_calculation,
    error_prediction,
    estimate,
    field_distributions,
    get_sample_population,
    population_prediction,
    population_predictions,
    single_dist_mc,
    to_distribution,
)

RTOL = 1e-12     # closed forms against sums of at most 2**16 terms in float64, none of which cancel


def random_case(seed, fields=5, codes=(8, 4)):
    rng = np.random.default_rng(seed)
    emap = rng.integers(-20, 20, size=codes)
    return emap, rng.dirichlet(np.ones(codes[0]), size=fields), rng.dirichlet(np.ones(codes[1]))


def without_root(emap, x, w, n):
    mean, std = population_prediction(emap, x, w, n)
    return mean, std * n ** 0.5


def mean_of_variances_only(emap, x, w, n):
    stds = [error_prediction(emap, p, w, n)[1] for p in x]
    return population_prediction(emap, x, w, n)[0], np.mean(np.square(stds)) ** 0.5


def other_ddof(emap, x, w, n):
    mean, std = population_prediction(emap, x, w, n)
    return mean, std * (len(x) / (len(x) - 1)) ** 0.5


def other_sign(emap, x, w, n):
    return population_prediction(-emap, x, w, n)


def swapped_axes(emap, x, w, n):
    return population_prediction(emap[:4, :4].T, x[:, :4] / x[:, :4].sum(axis=1, keepdims=True), w, n)


def agrees_with_the_specification(estimator, seed, fan_in=7):
    emap, x, w = random_case(seed)
    wanted = spec.population_prediction(error_map=emap, x_multidist=x, w_dist=w, fan_in=fan_in)
    return np.allclose(estimator(emap, x, w, fan_in), wanted, rtol=RTOL, atol=0)


def by_rung(name):
    """The rung in the published units, from the published arguments."""
    def estimator(emap, x, w, n):
        found = estimate(emap, LayerOperands.from_distributions(x, w, n), name)
        return found.per_operation_mean, found.per_operation_std
    return estimator


@given(seed=st.integers(0, 2 ** 32 - 1), fan_in=st.integers(1, 400))
def test_published_functions_and_rungs_equal_the_specification(seed, fan_in):
    assert agrees_with_the_specification(population_prediction, seed, fan_in)
    assert agrees_with_the_specification(by_rung("population"), seed, fan_in)
    emap, x, w = random_case(seed)
    wanted = spec.error_prediction(error_map=emap, x_dist=x[0], w_dist=w, fan_in=fan_in)
    for estimator in (error_prediction, by_rung("single_distribution")):
        assert np.allclose(estimator(emap, x[0], w, fan_in), wanted, rtol=RTOL, atol=0)


@given(seed=st.integers(0, 2 ** 32 - 1))
def test_histograms_and_observed_errors_equal_the_specification(seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(-5, 9, 20)
    assert np.array_equal(to_distribution(codes, -5, 8)[1], spec.to_distribution(codes=codes, min_val=-5, max_val=8))
    accurate, approximate = rng.integers(-999, 999, (2, 4, 5))
    wanted = spec.error_calculation(accurate=accurate, approximate=approximate, fan_in=7)
    assert error_calculation(accurate, approximate, 7) == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize("mutant", [without_root, mean_of_variances_only, other_ddof, other_sign, swapped_axes])
def test_the_check_rejects_mutants(mutant):
    assert not any(agrees_with_the_specification(mutant, seed) for seed in range(5))


def test_a_population_of_one_equals_the_single_distribution():
    emap, x, w = random_case(0, fields=1)
    assert np.allclose(population_prediction(emap, x, w, 9), error_prediction(emap, x[0], w, 9), rtol=RTOL, atol=0)


def test_many_multipliers_at_once_equal_one_by_one():
    library = load_library().search_space()
    rng = np.random.default_rng(1)
    x = field_distributions(rng.integers(0, 128, size=(20, 30)), -128, 127)
    _, w = to_distribution(rng.integers(-40, 40, size=500), -128, 127)
    means, stds = population_predictions(library, x, w, 30)
    for multiplier, mean, std in zip(library, means, stds, strict=True):
        assert (mean, std) == pytest.approx(population_prediction(multiplier.error_map, x, w, 30), rel=RTOL)
        assert (mean, std) == pytest.approx(population_prediction(multiplier, x, w, 30), rel=RTOL)
    assert stds[[m.name for m in library].index("mul8s_1KV8")] == 0


def test_a_distribution_counts_by_value_for_any_range():
    values, frequencies = to_distribution(np.array([[-127, 127], [0, 0]], np.int8), -127, 127)
    assert values[0] == -127 and frequencies[[0, 127, 254]].tolist() == [0.25, 0.5, 0.25]
    assert to_distribution(np.array([200, 3], np.uint8), 0, 255)[1][200] == 0.5
    assert to_distribution([5, 7, 7], 5, 7)[1].tolist() == [1 / 3, 0, 2 / 3]
    rows = field_distributions([[5, 7, 7], [6, 6, 6]], 5, 7)
    assert rows.tolist() == [[1 / 3, 0, 2 / 3], [0, 1, 0]]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
def test_narrow_codes_and_their_own_extremes_give_the_same_numbers(dtype):
    codes = np.array([[3, 100, 127, 0], [5, 5, 100, 127]], dtype)
    values, frequencies = to_distribution(codes, codes.min(), codes.max())
    wide = to_distribution(codes.astype(np.int64), 0, 127)
    assert np.array_equal(values, wide[0]) and np.array_equal(frequencies, wide[1])
    assert np.array_equal(field_distributions(codes, codes.min(), codes.max()),
                          field_distributions(codes.astype(np.int64), 0, 127))
    emap = np.arange(128 * 2, dtype=np.int64).reshape(128, 2) - 77
    narrow = emap.clip(-100, 100).astype(dtype) if dtype != np.uint8 else (emap + 77).astype(dtype)
    assert error_prediction(narrow, frequencies, [0.5, 0.5], dtype(100)) == error_prediction(
        narrow.astype(np.int64), frequencies, [0.5, 0.5], 100)
    assert error_calculation(codes, codes[::-1], dtype(2)) == error_calculation(
        codes.astype(np.int64), codes[::-1].astype(np.int64), 2)


@pytest.mark.parametrize("call, message", [
    (lambda m: to_distribution(m, 0, 9), "masked"),
    (lambda m: error_calculation(m, m, 2), "masked"),
    (lambda m: get_sample_population(m, rng=np.random.default_rng()), "masked"),
    (lambda m: error_prediction(np.zeros((2, 2)), m[0] * 0.5, [0.5, 0.5], 2), "masked"),
    (lambda m: to_distribution(np.array([None, 1]), 0, 9), "Python objects"),
    (lambda m: error_calculation(np.array([2 ** 63 + 5], np.uint64), [1], 2), "must lie in"),
    (lambda m: get_sample_population([[1]], rng=np.random.Generator), "the class itself"),
    (lambda m: get_sample_population([[1]], rng=np.random.RandomState(0)), "RandomState"),
])
def test_what_would_lose_something_in_silence_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call(np.ma.masked_array([[1, 1], [1, 1]], [[0, 1], [0, 0]]))


def test_a_range_of_too_many_codes_is_refused():
    with pytest.raises(ValueError, match="at most 2\\*\\*24 codes"):
        to_distribution([0], 0, 2 ** 40)


def test_a_sample_population_holds_rows_of_the_tensor():
    tensor = np.arange(24).reshape(2, 4, 3)
    sample = get_sample_population(tensor, 50, rng=np.random.default_rng(0))
    assert sample.shape == (50, 3) and {tuple(r) for r in sample} == {tuple(r) for r in tensor.reshape(-1, 3)}


def test_observed_errors_by_hand():
    accurate = np.array([100, -100, 50], np.int8)
    approximate = np.array([-100, 100, 50], np.int8)      # differences of 200 would wrap in int8
    mean, std = error_calculation(accurate, approximate, 2)
    assert mean == 0 and std == pytest.approx((2 / 3) ** 0.5 * 100, rel=1e-15)


def test_monte_carlo_approaches_the_closed_form():
    emap, x, w = random_case(3)
    mean, std = single_dist_mc(emap, x[0], w, 5, 40_000, rng=np.random.default_rng(5))
    wanted = error_prediction(emap, x[0], w, 5)
    # five standard errors: mean's is std / sqrt(N); std's is std * sqrt((kurtosis - 1) / 4N), kurtosis < 4 here
    assert abs(mean - wanted[0]) < 5 * wanted[1] / 200
    assert abs(std - wanted[1]) < 5 * wanted[1] * (3 / 160_000) ** 0.5


@pytest.mark.parametrize("call, message", [
    (lambda e, x, w: to_distribution(None, 0, 1), "tensor .*None"),
    (lambda e, x, w: to_distribution([], 0, 1), "tensor .*non-empty"),
    (lambda e, x, w: to_distribution([0, 2], 0, 1), r"tensor must lie in \[0, 1\], got 2"),
    (lambda e, x, w: to_distribution([0.5], 0, 1), "tensor must hold integer codes"),
    (lambda e, x, w: to_distribution([0], 3, 1), "max_val"),
    (lambda e, x, w: error_prediction(e, x[0], w, 0), "fan_in must be at least 1"),
    (lambda e, x, w: error_prediction(e, x[0], w, 2.5), "fan_in must be an integer"),
    (lambda e, x, w: error_prediction(e, 2 * x[0], w, 2), "x_dist must sum to 1"),
    (lambda e, x, w: error_prediction(e, x[0], -w, 2), "w_dist must not be negative"),
    (lambda e, x, w: error_prediction(e, x[0], w * np.nan, 2), "w_dist must be finite"),
    (lambda e, x, w: error_prediction(e, x[0][1:], w, 2), "x_dist must have 8 entries"),
    (lambda e, x, w: error_prediction(e * np.nan, x[0], w, 2), "emap must be finite"),
    (lambda e, x, w: error_prediction(e[0], x[0], w, 2), "emap must be a multiplier or"),
    (lambda e, x, w: population_prediction(e, x[:0], w, 2), "x_multidist must be a non-empty"),
    (lambda e, x, w: population_prediction(e, x[0], w, 2), "x_multidist .*2 dimension"),
    (lambda e, x, w: population_predictions([], x, w, 2), "emaps must hold at least one"),
    (lambda e, x, w: population_predictions([e, exact()], x, w, 2), "emaps must have one shape"),
    (lambda e, x, w: error_calculation([1], [1, 2], 2), "one shape"),
    (lambda e, x, w: error_calculation([], [], 2), "non-empty"),
    (lambda e, x, w: error_calculation([np.nan], [1.0], 2), "accurate must be finite"),
    (lambda e, x, w: single_dist_mc(e, x[0], w, 2, 0, rng=np.random.default_rng()), "num_samples"),
    (lambda e, x, w: get_sample_population(np.zeros((0, 3)), rng=np.random.default_rng()), "tensor .*non-empty"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(*random_case(0))


def test_randomness_must_be_passed_in():
    emap, x, w = random_case(0)
    with pytest.raises(TypeError, match="rng must be a numpy.random.Generator"):
        single_dist_mc(emap, x[0], w, 2, 10, rng=0)
