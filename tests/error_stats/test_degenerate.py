"""Every public statistic in its degenerate limits: one field, one neuron, one product, one code, no error."""
import numpy as np
import pytest

from refapprox import exact, load_library
from refapprox.error_stats import (
    RUNGS,
    LayerOperands,
    accumulated_errors,
    agreement,
    berry_esseen_bound,
    berry_esseen_bound_fixed_weights,
    corrections,
    draw_errors,
    error_calculation,
    error_law,
    error_moments,
    error_prediction,
    exact_moments,
    feature_moments,
    gaussian_distance,
    gaussian_distance_rounding,
    monte_carlo_estimate,
    population_prediction,
    single_dist_mc,
    single_distribution,
)
from refapprox.error_stats.exact_law import LAWS
from refapprox.error_stats.sum_moments import MOMENTS

MULTIPLIER = load_library()["mul8s_1L1G"]
SHAPES = {"one of each": (1, 1, 1), "one field": (1, 6, 4), "one neuron": (9, 6, 1), "one product": (9, 1, 4),
          "one field and neuron": (1, 6, 1), "plain": (9, 6, 4)}


def rng():
    return np.random.default_rng(0)


def layer(shape, constant=False):
    fields, fan_in, neurons = shape
    x, w = rng().integers(-128, 128, (fields, fan_in)), rng().integers(-128, 128, (fan_in, neurons))
    return LayerOperands.from_codes(x * 0 + 77 if constant else x, w * 0 - 45 if constant else w)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", RUNGS)
def test_rungs_are_finite_and_right_where_nothing_is_left_to_draw(name, shape):
    operands = layer(shape)
    found, errors = RUNGS[name].estimate(MULTIPLIER, operands), accumulated_errors(MULTIPLIER, operands)
    assert found.accumulated_mean == pytest.approx(errors.mean(), rel=1e-12, abs=1e-9) or name in (
        "single_distribution", "population", "receptive_field", "fixed_weights", "matched")
    assert np.isfinite(found.accumulated_std) and found.accumulated_std >= 0
    if shape[1] == 1:      # one product: every field meets every neuron, whatever a rung assumes
        assert found.accumulated_mean == pytest.approx(errors.mean(), rel=1e-12, abs=1e-9)
        assert found.accumulated_std == pytest.approx(errors.std(ddof=0), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("name", RUNGS)
def test_a_constant_layer_has_no_spread_and_an_exact_multiplier_no_error(name):
    found = RUNGS[name].estimate([MULTIPLIER, exact()], layer((5, 3, 2), constant=True))
    error = 3 * int(MULTIPLIER.error_map[77 + 128, -45 + 128])
    assert found.accumulated_mean == pytest.approx([error, 0], abs=1e-9)
    assert np.all(np.abs(found.accumulated_std) < 1e-5 * abs(error))      # the root of a rounded 0
    assert RUNGS[name].estimate(exact(), layer((5, 3, 2))).accumulated_std == 0


@pytest.mark.parametrize("name", MOMENTS)
def test_moments_and_draws_of_an_exact_multiplier_are_zero(name):
    operands = layer((5, 3, 2))
    moments, samples = error_moments(exact(), operands, name), draw_errors(exact(), operands, name, 50, rng=rng())
    assert (moments.mean, moments.std, moments.skewness, moments.excess_kurtosis) == (0, 0, 0, 0)
    assert not samples.any() and agreement(moments, samples) and not agreement(moments, samples + 1)
    found = monte_carlo_estimate(exact(), operands, name, 50, rng=rng())
    assert (found.accumulated_std, found.accumulated_mean_error, found.accumulated_std_error) == (0, 0, 0)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("constant", [False, True])
def test_laws_of_constants_are_single_points(name, constant):
    multiplier = MULTIPLIER if constant else exact()
    law = error_law(multiplier, layer((5, 3, 2), constant), name)
    value = 3 * int(multiplier.error_map[77 + 128, -45 + 128]) if constant else 0
    assert (law.start, law.pmf.round(12).tolist(), law.mean, law.std) == (value, [1.0], value, 0.0)
    assert law.tail(value)[0] > 1 - 1e-12 and law.tail(value)[1] == 1.0 and law.tail(value - 1)[1] == 1.0
    assert law.tail(value + 1)[0] == 0.0 and law.tail(value + 1)[1] < 1e-12
    assert gaussian_distance(law) == 1.0 and gaussian_distance_rounding(law) == 0.0


def test_one_code_on_each_side():
    operands = LayerOperands.from_codes([[0, 0]], [[0], [0]], range_x=(0, 0), range_w=(0, 0))
    for rung in RUNGS.values():
        assert rung.estimate(np.array([[7]]), operands).accumulated_mean == 14
    assert error_prediction([[7]], [1.0], [1.0], 2) == population_prediction([[7]], [[1.0]], [1.0], 1) == (7, 0)
    assert single_dist_mc([[7]], [1.0], [1.0], 2, 10, rng=rng()) == (7, 0)
    assert error_calculation([5], [3], 1) == (2, 0)


def test_bounds_of_constants_are_one():
    operands = layer((5, 3, 2), constant=True)
    for multiplier in (MULTIPLIER, exact()):
        assert berry_esseen_bound(multiplier, operands) == 1.0
        assert berry_esseen_bound_fixed_weights(multiplier, operands).tolist() == [1.0, 1.0]


def test_moments_of_one_field_have_no_covariance():
    operands = layer((1, 6, 4))
    found, errors = exact_moments(MULTIPLIER, operands), accumulated_errors(MULTIPLIER, operands)
    assert np.array_equal(found.neuron_mean, errors[0]) and not found.covariance.any()
    assert np.allclose(feature_moments(MULTIPLIER, operands)[1], 0, atol=1e-6)
    assert found.pooled.variance == pytest.approx(errors.var(ddof=0), rel=1e-12)


def test_corrections_of_what_is_exact_or_constant():
    plain, constant = layer((9, 6, 4)), layer((5, 3, 2), constant=True)
    assert not corrections.mean_compensation(exact(), plain).any()
    assert np.allclose(corrections.affine_correction(exact(), plain).alpha, 1)
    variate = corrections.control_variate(exact(), plain)
    assert not variate.coefficient.any() and not variate.offset.any() and not variate.variance_after.any()
    variate = corrections.control_variate(MULTIPLIER, constant)
    error = 3 * int(MULTIPLIER.error_map[77 + 128, -45 + 128])
    assert np.allclose(variate.offset + variate.coefficient * 3 * variate.feature[77 + 128], error)
    affine = corrections.affine_correction(MULTIPLIER, constant)
    assert np.allclose(affine.alpha, 1) and np.allclose(affine.beta, error) and np.allclose(affine.variance, 0)


def test_a_map_of_one_entry_is_a_map_and_an_empty_one_is_not():
    one = LayerOperands.from_distributions([1.0], [1.0], 3)
    assert np.allclose(single_distribution([[7]], one).accumulated_mean, 21)
    for shape in ((0, 0), (0, 4), (4, 0)):
        with pytest.raises(ValueError, match="must be a multiplier or a numeric array of shape"):
            single_distribution(np.zeros(shape), one)
