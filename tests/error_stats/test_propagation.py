"""Moments through layers: against integrals, against simulation through `agreement`-like bounds, and at the edges."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate
from scipy.stats import norm

from refapprox.error_stats import propagation

DRAWS = 400_000
SD = 6      # standard errors allowed: a false alarm of 2e-9 per comparison of a mean


def agree(samples, mean, variance):
    """Mean and variance of many draws of a smooth law within `SD` standard errors of the closed form."""
    error = samples.std(ddof=0) / len(samples) ** 0.5
    fourth = ((samples - samples.mean()) ** 4).mean()
    variance_error = np.sqrt((fourth - samples.var(ddof=0) ** 2) / len(samples))
    return abs(samples.mean() - mean) <= SD * error and abs(samples.var(ddof=0) - variance) <= SD * variance_error


@given(mean=st.floats(-4, 4), std=st.floats(0.1, 3))
def test_relu_equals_its_integral(mean, std):
    def moment(k):
        return integrate.quad(lambda y: y ** k * norm.pdf(y, mean, std), 0, mean + 12 * std, limit=200)[0] \
            if mean + 12 * std > 0 else 0.0
    found_mean, found_variance = propagation.relu(mean, std ** 2)
    assert found_mean == pytest.approx(moment(1), rel=1e-6, abs=1e-9)
    assert found_variance == pytest.approx(moment(2) - moment(1) ** 2, rel=1e-6, abs=1e-8)


def test_relu_without_variance_is_relu():
    mean, variance = propagation.relu([-2.0, 0.0, 3.0], 0.0)
    assert mean.tolist() == [0, 0, 3] and not variance.any()


def test_a_layer_behind_a_layer_agrees_with_simulation():
    """Linear, batch norm, ReLU and the pooled maximum of two, on correlated Gaussian errors."""
    rng = np.random.default_rng(0)
    factor, weight, mean = rng.normal(size=(4, 4)), rng.normal(size=(3, 4)), rng.normal(size=4)
    covariance = factor @ factor.T
    draws = rng.multivariate_normal(mean, covariance, size=DRAWS) @ weight.T
    out_mean, out_covariance = propagation.linear(mean, covariance, weight)
    norm_options = {"gamma": np.array([1.5, -0.5, 2.0]), "beta": np.array([0.1, 0.0, -1.0]),
                    "running_mean": np.array([0.3, -0.2, 0.0]), "running_var": np.array([2.0, 0.5, 1.0])}
    scaled_mean, scaled_variance = propagation.batch_norm(out_mean, np.diag(out_covariance), **norm_options)
    scaled = (draws - norm_options["running_mean"]) / np.sqrt(norm_options["running_var"] + 1e-5)
    scaled = scaled * norm_options["gamma"] + norm_options["beta"]
    relu_mean, relu_variance = propagation.relu(scaled_mean, scaled_variance)
    max_mean, max_variance = propagation.max_of_two(out_mean[0], out_covariance[0, 0], out_mean[1],
                                                    out_covariance[1, 1], out_covariance[0, 1])
    pool_mean, pool_variance = propagation.avg_pool(out_mean, out_covariance)
    for j in range(3):
        assert agree(draws[:, j], out_mean[j], out_covariance[j, j])
        assert agree(scaled[:, j], scaled_mean[j], scaled_variance[j])
        assert agree(np.maximum(scaled[:, j], 0), relu_mean[j], relu_variance[j])
        assert not agree(np.maximum(scaled[:, j], 0), relu_mean[j], scaled_variance[j])      # ReLU as identity
    assert agree(draws[:, :2].max(axis=1), max_mean, max_variance)
    assert not agree(draws[:, :2].max(axis=1), *propagation.max_of_two(     # their correlation matters
        out_mean[0], out_covariance[0, 0], out_mean[1], out_covariance[1, 1]))
    assert agree(draws.mean(axis=1), pool_mean, pool_variance)


def test_max_pooling_folds_two_by_two_and_is_nearly_right_beyond():
    rng = np.random.default_rng(1)
    mean, variance = np.array([0.0, 0.3, -0.5, 0.2]), np.array([1.0, 0.5, 2.0, 1.0])
    draws = mean + np.sqrt(variance) * rng.normal(size=(DRAWS, 4))
    assert agree(draws[:, :2].max(axis=1), *propagation.max_pool(mean[:2], variance[:2]))
    found_mean, found_variance = propagation.max_pool(mean, variance)
    assert found_mean == pytest.approx(draws.max(axis=1).mean(), rel=0.02)
    assert found_variance == pytest.approx(draws.max(axis=1).var(), rel=0.08)      # a maximum is not Gaussian


def test_requantization_adds_a_twelfth_of_the_squared_step():
    rng = np.random.default_rng(2)
    draws = rng.normal(0.3, 4.0, DRAWS)
    error = np.rint(draws / 2) * 2 - draws
    assert agree(error, 0.0, propagation.requantize(0.0, 2.0))
    assert propagation.requantize(16.0, 2.0) == pytest.approx(16 + 1 / 3)


def test_signal_to_noise_ratios_add_inversely():
    assert propagation.signal_to_noise(4.0, 2.0) == 4 and propagation.signal_to_noise(1.0, 0.0) == np.inf
    ratios = propagation.signal_to_noise(np.array([6.0, 6.0]), np.array([3.0, 4.0]))
    assert propagation.combined_signal_to_noise(ratios) == pytest.approx(36 / 25)
    assert propagation.combined_signal_to_noise([np.inf, np.inf]) == np.inf


def test_the_top_class_flips_as_often_as_simulated():
    rng = np.random.default_rng(3)
    factor = rng.normal(size=(3, 3))
    covariance, logits = factor @ factor.T, np.array([2.0, 1.2, 0.0])
    noisy = logits - rng.multivariate_normal([0.2, 0.0, 0.0], covariance, size=DRAWS)
    flips = (noisy.argmax(axis=1) != 0).mean()
    lower, upper = propagation.top1_flip_probability(logits, covariance, mean_error=np.array([0.2, 0, 0]))
    slack = SD * (flips / DRAWS) ** 0.5
    assert lower - slack <= flips <= upper + slack and upper < 2 * lower
    two = propagation.top1_flip_probability(logits[:2], covariance[:2, :2])
    spread = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert two == pytest.approx((norm.sf(0.8 / spread ** 0.5),) * 2)
    assert propagation.top1_flip_probability([1.0, 0.0], np.zeros((2, 2))) == (0.0, 0.0)


@pytest.mark.parametrize("call, message", [
    (lambda: propagation.relu(0.0, -1.0), "variance must not be negative"),
    (lambda: propagation.relu(np.nan, 1.0), "mean must be finite"),
    (lambda: propagation.requantize(1.0, -1), "step must be at least 0"),
    (lambda: propagation.top1_flip_probability([1.0], [[1.0]]), "at least 2 classes"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
