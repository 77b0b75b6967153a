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


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0, 2)), min_size=1, max_size=9), st.randoms())
def test_max_pooling_does_not_depend_on_the_order(values, shuffler):
    shuffled = shuffler.sample(values, len(values))
    first, second = (propagation.max_pool(*(np.array(column) for column in zip(*v, strict=True)))
                     for v in (values, shuffled))
    assert first == pytest.approx(second, rel=1e-9, abs=1e-9)


@given(mean=st.tuples(st.floats(-4, 4), st.floats(-4, 4)), std=st.tuples(st.floats(0, 3), st.floats(0, 3)))
def test_the_integral_for_two_equals_clarks_formulas(mean, std):
    variance = np.square(std)
    closed = propagation.max_of_two(mean[0], variance[0], mean[1], variance[1])
    # 1e-9 of what the window spans: twice nine std and the means' distance, squared for the variance
    assert propagation.max_pool(mean, variance) == pytest.approx(closed, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("variance", [[4, .05, .05, .05], [1, .5, 2, 1], [1e-8, 4, 1e-4, 0], [1, 1, 1, 1e4]])
def test_max_pooling_of_unequal_variances_agrees_with_simulation(variance):
    rng = np.random.default_rng(1)
    mean = np.array([0.0, 0.3, -0.5, 0.2]) * (variance[0] < 4)
    draws = (mean + np.sqrt(variance) * rng.normal(size=(DRAWS, 4))).max(axis=1)
    for order in ([0, 1, 2, 3], [3, 1, 2, 0]):
        assert agree(draws, *propagation.max_pool(mean[order], np.array(variance)[order]))


def test_max_pooling_of_equal_gaussians_has_the_known_moments():
    """Order statistics of 3 standard normals: E max = 3 / (2 sqrt(pi)), variance (4 pi - 9 + 2 sqrt(3)) / (4 pi)."""
    found = propagation.max_pool(np.zeros((2, 3)), np.ones(3))
    assert found[0] == pytest.approx([1.5 / np.pi ** 0.5] * 2, rel=1e-12)
    assert found[1] == pytest.approx([(4 * np.pi - 9 + 2 * 3 ** 0.5) / (4 * np.pi)] * 2, rel=1e-11)
    assert propagation.max_pool([2.0, 3.0, 3.0], 0.0) == (3.0, 0.0) and propagation.max_pool([2.0], [4.0]) == \
        pytest.approx((2.0, 4.0))


@pytest.mark.parametrize("logits, mean_error, flips", [
    ([1.0, 1.0, 0.0], 0.0, 0.0),                          # a tie goes to the first, with exact products as well
    ([0.0, 1.0, 1.0], 0.0, 0.0),
    ([1.0, 0.0], [1.0, 0.0], 0.0),                        # shifted to a tie, which the first keeps
    ([0.0, 1.0], [0.0, 1.0], 1.0),                        # shifted to a tie, which the other, being first, takes
    ([0.0, 1.0], [0.0, 1.5], 1.0),
])
def test_without_spread_the_winner_stays_or_falls_for_certain(logits, mean_error, flips):
    assert propagation.top1_flip_probability(logits, np.zeros((len(logits),) * 2), mean_error) == (flips, flips)


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
    assert propagation.combined_signal_to_noise([0.0, 4.0]) == 0


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
    (lambda: propagation.relu([0.0, 1.0], [1.0, -1.0]), "variance must not be negative, got -1.0"),
    (lambda: propagation.relu(np.nan, 1.0), "mean must be finite"),
    (lambda: propagation.requantize(1.0, -1), "step must be at least 0"),
    (lambda: propagation.top1_flip_probability([1.0], [[1.0]]), "at least 2 classes"),
    (lambda: propagation.top1_flip_probability([1.0, 2.0], np.eye(2), [1.0] * 3), "mean_error must be one number or"),
    (lambda: propagation.max_pool([], []), "at least one value"),
    (lambda: propagation.max_of_two(0, 1, 0, 1, 1.1), "covariance must not exceed"),
    (lambda: propagation.batch_norm(0, 1, gamma=1, beta=0, running_mean=0, running_var=0, eps=0), "running_var . eps"),
    (lambda: propagation.combined_signal_to_noise([-1.0]), "ratios must not be negative"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
