"""The one statistical helper: its false alarms, its power, and the rare errors that defeat the normal law."""
import decimal
import itertools

import numpy as np
import pytest
from scipy.stats import binom

from refapprox import Multiplier
from refapprox.error_stats import (
    ErrorMoments,
    LayerOperands,
    agreement,
    draw_errors,
    error_moments,
)
from refapprox.error_stats.acceptance import LEAST_ALPHA, check_alpha, thresholds
from refapprox.error_stats.bounds import TailBound, bernstein_deviation

BITS_OF_A_BOUND = decimal.Decimal(2) ** -45
UNIFORM = np.full(16, 1 / 16)
ONE_WRONG = Multiplier.from_function("one wrong", lambda x, w: x * w - 100 * (x == w == 3), bits=4)


def rare_layer(fan_in=1):
    return LayerOperands.from_distributions(UNIFORM, UNIFORM, fan_in)


def test_a_correct_sampler_of_rare_errors_is_never_rejected():
    """300 runs with two expected events each; the normal law at a nominal 1e-3 would be wrong 4.5 times as often."""
    law, rng = error_moments(ONE_WRONG, rare_layer(), "single_distribution"), np.random.default_rng(0)
    runs = [draw_errors(ONE_WRONG, rare_layer(), "single_distribution", 512, rng=rng) for _ in range(300)]
    assert all(agreement(law, samples, alpha=1e-3) for samples in runs)
    normal_limit = 512 / 256 + 3.29 * (512 / 256 * (1 - 1 / 256)) ** 0.5
    assert binom.sf(np.floor(normal_limit), 512, 1 / 256) > 4e-3


def test_what_it_claims_to_detect_it_detects():
    operands, rng = rare_layer(40), np.random.default_rng(1)
    law = error_moments(ONE_WRONG, operands, "single_distribution")
    samples = draw_errors(ONE_WRONG, operands, "single_distribution", 50_000, rng=rng).astype(float)
    verdict = agreement(law, samples)
    assert verdict
    assert not agreement(law, samples + verdict.detectable_mean)
    wider = law.mean + (samples - law.mean) * (1 + verdict.detectable_std / law.std)
    assert agreement(law, wider).variance_difference > verdict.allowed.variance_allowed
    assert verdict.detectable_mean < 0.06 * law.std and verdict.detectable_std < 0.45 * law.std
    assert "agrees" in str(verdict) and "DISAGREES" in str(agreement(law, samples + 100))


def test_an_impossible_sample_is_enough():
    law = error_moments(ONE_WRONG, rare_layer(2), "single_distribution")
    samples = draw_errors(ONE_WRONG, rare_layer(2), "single_distribution", 1000, rng=np.random.default_rng(2))
    samples[7] = 201      # two products of error 100 are the most there can be
    verdict = agreement(law, samples, alpha=1e-12)
    assert verdict.outside == 1 and not verdict


def test_a_sampler_without_errors_is_rejected():
    law = error_moments(ONE_WRONG, rare_layer(40), "single_distribution")
    assert not agreement(law, np.zeros(2000))
    assert agreement(error_moments(np.zeros((16, 16)), rare_layer(40), "single_distribution"), np.zeros(2000))


def test_bernsteins_deviation_solves_its_equation():
    variance, reach, n, alpha = 2.0, 7.0, 50, 1e-4
    t = bernstein_deviation(variance, reach, n, alpha)
    assert 2 * np.exp(-n * t ** 2 / (2 * variance + 2 * reach * t / 3)) == pytest.approx(alpha, rel=1e-10)


def test_bernsteins_deviation_is_rounded_up():
    """Against 50 decimals: never below, and above by no more than float64 needs."""
    rng = np.random.default_rng(3)
    with decimal.localcontext(prec=50):
        for _ in range(300):
            variance, reach, alpha = (float(x) for x in 10.0 ** rng.uniform([-6, -6, -12], [6, 6, -0.1]))
            n, shift = int(rng.integers(1, 10 ** 6)), float(rng.uniform(0, 5))
            log = (2 / decimal.Decimal(alpha)).ln()
            linear = decimal.Decimal(reach) * log / (3 * n)
            exact = linear + (linear ** 2 + 2 * decimal.Decimal(variance) * log / n).sqrt()
            found = decimal.Decimal(float(bernstein_deviation(variance, reach, n, alpha)))
            assert exact <= found <= exact * (1 + BITS_OF_A_BOUND)
            linear *= n                                           # a window is that of one draw, and the shift
            exact = decimal.Decimal(shift) + linear + (linear ** 2 + 2 * decimal.Decimal(variance) * log).sqrt()
            found = decimal.Decimal(float(TailBound(shift, variance, reach).window(alpha)))
            assert exact <= found <= exact * (1 + BITS_OF_A_BOUND)


@pytest.mark.parametrize("num_samples, alpha", [(2, 0.6), (100, 0.9), (10**6, 1e-9)])
def test_the_thresholds_solve_the_equations_of_their_derivation(num_samples, alpha):
    """Bernstein for what stays within the window, and Cauchy-Schwarz for what leaves it: sqrt(d) sigma in the mean,
    sqrt(d m_4) in the mean square (docs/derivations). Here m_4 = 4 sigma^4, and the window is the reach 3 sigma."""
    for sigma in (1.0, 10.0):
        law = ErrorMoments(mean=0.0, variance=sigma ** 2, third=0.0, fourth=4 * sigma ** 4, lower=-3 * sigma,
                           upper=3 * sigma)
        found, d = thresholds(law, num_samples, alpha), alpha / (8 * num_samples)
        lost = np.sqrt(d), min(np.sqrt(4 * d), 1)
        for t, reach, variance, share in (
                (found.mean_allowed / sigma - lost[0], 3 + lost[0], 1, alpha / 2),
                (found.variance_allowed / sigma ** 2 - lost[1], 9, 4 - (1 - lost[1]) ** 2, alpha / 4)):
            log = num_samples * t ** 2 / (2 * variance + 2 * reach * t / 3)
            assert log == pytest.approx(np.log(2 / share), rel=1e-6)       # what float64 rounds is allowed, too
        assert found.detectable_mean == 2 * found.mean_allowed
        excess = (sigma + found.detectable_std) ** 2 - sigma ** 2
        assert excess == pytest.approx(2 * found.variance_allowed, rel=1e-6)


def test_the_window_holds_the_sum():
    """Binomial(400, 1/256): the exact tail beyond the window is below delta, and not by more than its nature."""
    p, delta = 1 / 256, 1e-9
    window = TailBound(0.0, 400 * p * (1 - p), 1 - p).window(delta)
    outside = binom.sf(400 * p + window - 1e-9, 400, p) + binom.cdf(400 * p - window, 400, p)
    assert outside <= delta
    assert binom.sf(400 * p + window / 2, 400, p) > delta


def test_the_window_of_a_mixture_reaches_all_its_components():
    """Two sums without variance, 0 and 100: each is 50 from the mean, and no inequality about sums makes it less."""
    layer = LayerOperands.from_distributions([0.0, 1.0], [[1.0, 0.0], [0.0, 1.0]], 10)
    law = error_moments(np.array([[0, 0], [0, 10]]), layer, "fixed_weights")
    assert (law.mean, law.std) == (50, 50) and law.window(1e-9) >= 50
    assert agreement(law, np.array([0, 100] * 500))


INDEPENDENT = ("single_distribution", "population", "receptive_field", "fixed_weights", "fixed_weights_by_tap")


@pytest.mark.parametrize("delta", [0.5, 1e-3, 1e-9])
@pytest.mark.parametrize("estimator", [name for name in INDEPENDENT if name != "receptive_field"])     # fields stand
def test_assumptions_that_come_to_the_same_give_the_same_window(estimator, delta):
    """Every field a rotation of one of 60 codes, all weights alike: fields, taps and the pool have one distribution.

    The truth is Binomial(60, 1/60), 30 for each error.
    """
    layer = LayerOperands.from_codes(np.eye(60, dtype=int), np.full((60, 2), 2), range_x=(0, 1), range_w=(0, 2))
    emap = np.array([[0, 0, 0], [5, -9, 30]])
    law, pooled = (error_moments(emap, layer, name) for name in (estimator, "single_distribution"))
    window = law.window(delta)
    assert window == pytest.approx(pooled.window(delta), rel=1e-9)
    above, below = np.ceil((30 + window) / 30 - 1e-9), np.floor((30 - window) / 30 + 1e-9)
    assert binom.sf(above - 1, 60, 1 / 60) + binom.cdf(below, 60, 1 / 60) <= delta


@pytest.mark.parametrize("estimator", INDEPENDENT)
def test_the_window_of_a_constant_is_nearly_nothing(estimator):
    layer = LayerOperands.from_codes(np.eye(6, dtype=int), np.full((6, 2), 2), range_x=(0, 1), range_w=(0, 2))
    law = error_moments(np.full((2, 3), 7), layer, estimator)
    assert law.mean == pytest.approx(42)
    for delta in (0.5, 1e-3, 1e-9):
        assert 0 <= law.window(delta) < 1e-6 and 0 <= law.tail.window(delta) < 1e-6


@pytest.mark.parametrize("law, samples, alpha, message", [
    (None, [1, 2], 1e-6, "closed_form must be the ErrorMoments of one law"),
    (0, [1], 1e-6, "samples must hold at least 2"),
    (0, [1, np.nan], 1e-6, "samples must be finite"),
    (0, [1, 2], 0, "alpha must lie strictly between 0 and 1"),
    (0, [1, 2], 1, "alpha must lie"),
    (0, [1, 2], np.nan, "alpha must be finite"),
])
def test_bad_input_is_named(law, samples, alpha, message):
    law = law if law is None else ErrorMoments(0.0, 1.0, 0.0, 3.0, -9.0, 9.0)
    with pytest.raises(ValueError, match=message):
        agreement(law, samples, alpha)


@pytest.mark.parametrize("alpha", [0.999, 0.9, 0.5, 0.05])
@pytest.mark.parametrize("seed", range(25))
def test_the_false_alarm_rate_is_kept_for_few_samples_and_large_alpha(seed, alpha):
    """All outcomes of N draws from a law of up to 4 values, enumerated: their rejected mass is at most alpha."""
    rng = np.random.default_rng(seed)
    n, values = int(rng.integers(2, 6)), rng.integers(-5, 20, rng.integers(2, 5))
    p = rng.dirichlet(np.full(values.size, rng.choice([0.1, 1.0])))
    mean = p @ values
    second, third, fourth = (p @ (values - mean) ** k for k in (2, 3, 4))
    law = ErrorMoments(mean, second, third, fourth, float(values.min()), float(values.max()))
    rejected = sum(np.prod(p[list(draw)]) for draw in itertools.product(range(values.size), repeat=n)
                   if not agreement(law, values[list(draw)], alpha))
    assert rejected <= alpha


def test_the_least_alpha_is_taken():
    assert check_alpha(LEAST_ALPHA) == LEAST_ALPHA
    with pytest.raises(ValueError, match="at least 1e-300"):
        check_alpha(LEAST_ALPHA / 2)
