"""Corrections against enumeration and simulation: what each promises, and that nothing near it does better."""
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox import Multiplier, exact, load_library
from refapprox.error_stats import LayerOperands, OperandStatistics, accumulated_errors, exact_moments
from refapprox.error_stats.corrections import (
    affine_correction,
    affine_fit,
    control_variate,
    control_variate_fit,
    mean_compensation,
    remap_weights,
)

LIBRARY = load_library()


def all_fields(codes, fan_in):
    """Every field once: taps are independent and uniform in this very data set."""
    return np.array(list(itertools.product(codes, repeat=fan_in)))


def independent_layer(seed, fan_in=3, neurons=5):
    rng = np.random.default_rng(seed)
    return LayerOperands.from_codes(all_fields([0, 0, 3, 7, 50, 127], fan_in),
                                    rng.integers(-128, 128, (fan_in, neurons)))


@pytest.mark.parametrize("name", ["mul8s_1L1G", "mul8s_1KVL"])
def test_mean_compensation_removes_every_neurons_mean_and_leaves_its_variance(name):
    rng = np.random.default_rng(0)
    layer = LayerOperands.from_codes(rng.integers(0, 128, (60, 9)), rng.integers(-128, 128, (9, 5)))
    errors = accumulated_errors(LIBRARY[name], layer)
    bias = mean_compensation(LIBRARY[name], layer)
    left = errors - bias                                      # exact - (approximate + bias)
    assert np.allclose(left.mean(axis=0), 0, atol=1e-9)
    assert np.allclose(left.var(axis=0), errors.var(axis=0))
    moments = exact_moments(LIBRARY[name], layer)
    fall = moments.pooled.variance - left.var()
    assert fall == pytest.approx(np.var(moments.neuron_mean, ddof=0), rel=1e-9) and fall > 0


def test_mean_compensation_from_one_distribution_is_the_sum_of_its_means():
    layer = LayerOperands(OperandStatistics.from_distribution(np.full(256, 1 / 256)),
                          OperandStatistics.from_codes([[3, -5, 100]]))
    emap = LIBRARY["mul8s_1L2D"].error_map
    assert mean_compensation(emap, layer) == pytest.approx(sum(emap[:, w + 128].mean() for w in (3, -5, 100)))


@given(seed=st.integers(0, 2 ** 32 - 1))
def test_affine_correction_is_the_regression_of_independent_taps(seed):
    layer = independent_layer(seed)
    for name in ("mul8s_1L1G", "mul8s_1KTY"):
        accurate = layer.x.codes @ layer.w.codes.T
        approximate = accurate - accumulated_errors(LIBRARY[name], layer)
        closed, fitted = affine_correction(LIBRARY[name], layer), affine_fit(accurate, approximate)
        for j, column in enumerate(approximate.T):
            if column.std() > 0:
                alpha, beta = np.polyfit(column, accurate[:, j], 1)
                assert (closed.alpha[j], closed.beta[j]) == pytest.approx((alpha, beta), rel=1e-6, abs=1e-6)
        left = accurate - fitted.alpha * approximate - fitted.beta
        scale = accurate.var(axis=0).max() + 1
        assert np.allclose(left.mean(axis=0), 0, atol=1e-9 * scale)
        assert np.allclose(closed.variance, left.var(axis=0), atol=1e-9 * scale)
        assert np.allclose(closed.alpha, fitted.alpha) and (closed.variance <= (accurate - approximate).var(axis=0)
                                                            + 1e-9 * scale).all()


def test_a_neuron_whose_approximate_output_is_constant_keeps_all_its_variance():
    """m(x, w) = 5 everywhere: alpha 1, the mean is corrected, and Var y is what remains."""
    layer = independent_layer(4)
    constant = Multiplier("five", np.full((256, 256), 5))
    accurate = layer.x.codes @ layer.w.codes.T
    approximate = np.full_like(accurate, 15)
    for found in (affine_correction(constant, layer), affine_fit(accurate, approximate)):
        assert (found.alpha == 1).all() and np.allclose(found.beta, accurate.mean(axis=0) - 15)
        assert np.allclose(found.variance, accurate.var(axis=0)) and (found.variance > 0).all()


@given(seed=st.integers(0, 2 ** 32 - 1))
def test_what_remains_is_the_residuals_own_variance(seed):
    """Outputs that are nearly unrelated: no term of Var y - 2 alpha Cov + alpha^2 Var yhat cancels."""
    rng = np.random.default_rng(seed)
    y, a = rng.normal(size=(30, 4)) * 10, rng.normal(size=(30, 4)) * 3 + 7
    found = affine_fit(y, a)
    left = y - found.alpha * a - found.beta
    assert np.allclose(found.variance, left.var(axis=0)) and np.allclose(left.mean(axis=0), 0, atol=1e-12)
    assert (found.variance <= y.var(axis=0) * (1 + 1e-12)).all()


CODES = np.arange(-128, 128)
# e = w * (x mod 2^h): the case that control variates were made for
PERFORATED = {h: Multiplier(f"perforated{h}", np.outer(CODES >> h << h, CODES)) for h in (3, 4)}


@given(seed=st.integers(0, 2 ** 32 - 1))
def test_the_control_variate_of_a_truncated_activation_is_the_mean_weight(seed):
    layer, multiplier = independent_layer(seed, neurons=3), PERFORATED[3]
    z = CODES % 8
    found = control_variate(multiplier, layer, feature=z)
    assert np.allclose(found.coefficient, layer.w.codes.mean(axis=1))
    sums = z[layer.x.index].sum(axis=1)
    left = accumulated_errors(multiplier, layer) - np.outer(sums, found.coefficient) - found.offset
    scale = found.variance_before.max() + 1
    assert np.allclose(left.mean(axis=0), 0, atol=1e-9 * scale)
    assert np.allclose(left.var(axis=0), found.variance_after, atol=1e-9 * scale)
    by_default = control_variate(multiplier, layer)      # finds the same feature up to scale and shift
    assert np.allclose(by_default.variance_after, found.variance_after, atol=1e-9 * scale)


def test_fitting_the_control_variate_to_correlated_data_does_at_least_as_well():
    rng = np.random.default_rng(1)
    x = np.minimum(rng.integers(0, 100, (200, 8)) + rng.integers(0, 28, (200, 1)), 127)
    layer, multiplier = LayerOperands.from_codes(x, rng.integers(-100, 100, (8, 4))), PERFORATED[4]
    assumed = control_variate(multiplier, layer)
    sums, errors = assumed.feature[layer.x.index].sum(axis=1), accumulated_errors(multiplier, layer)
    coefficient, offset = control_variate_fit(errors, sums)
    left = errors - np.outer(sums, coefficient) - offset
    assert np.allclose(left.mean(axis=0), 0, atol=1e-9 * np.abs(errors).max()) and (np.abs(offset) > 1).all()
    fitted = left.var(axis=0)
    assert (fitted <= (errors - np.outer(sums, assumed.coefficient)).var(axis=0) + 1e-9).all()
    for nudge in (0.99, 1.01):
        assert (fitted < (errors - np.outer(sums, nudge * coefficient)).var(axis=0)).all()


def test_remapped_weights_are_the_best_of_all_codes():
    multiplier, rng = LIBRARY["mul8s_1L1G"], np.random.default_rng(2)
    x_dist = rng.dirichlet(np.ones(256))
    remap = remap_weights(multiplier, x_dist)
    x = CODES
    for w in (-128, -77, -8, 0, 1, 7, 100, 127):
        squares = [x_dist @ (multiplier.lut[:, c + 128] - x * w) ** 2.0 for c in x]
        assert squares[remap[w + 128] + 128] == pytest.approx(min(squares), rel=1e-9)
    assert (remap != x).any()


def test_ties_keep_the_weight():
    assert np.array_equal(remap_weights(exact(), np.full(256, 1 / 256)), np.arange(-128, 128))
    constant = Multiplier("zero", np.zeros((4, 4), int))
    assert np.array_equal(remap_weights(constant, np.full(4, 0.25)), np.arange(-2, 2))
    truncated = remap_weights(LIBRARY["mul8s_1L1G"], np.full(256, 1 / 256))
    assert truncated[128:136].tolist()[:4] == [0, 1, 2, 3]      # all of 0..7 multiply as 0 does: no gain, no change


@pytest.mark.parametrize("call, message", [
    (lambda: remap_weights(exact(4), np.full(16, 1 / 8)), "x_dist must sum to 1"),
    (lambda: affine_fit(np.zeros((1, 2)), np.zeros((1, 2))), "at least 2 fields"),
    (lambda: affine_fit(np.zeros((3, 2)), np.zeros((3, 1))), "one shape"),
    (lambda: control_variate_fit(np.zeros((3, 2)), np.zeros(2)), "feature_sums"),
    (lambda: control_variate(exact(), independent_layer(0), feature=np.ones(3)), "feature must have shape"),
    (lambda: mean_compensation(exact(2), LayerOperands.from_distributions([.25] * 4, [.25] * 4, 2)), "codes"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
