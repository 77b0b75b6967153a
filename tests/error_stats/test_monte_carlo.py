"""Samplers against closed forms, through `agreement` alone: each assertion is wrong with probability 1e-6 at most."""
import numpy as np
import pytest

from refapprox import load_library
from refapprox.error_stats import (
    RUNGS,
    AliasSampler,
    ErrorMoments,
    LayerOperands,
    agreement,
    draw_errors,
    error_moments,
    monte_carlo_estimate,
)
from refapprox.error_stats.sum_moments import MOMENTS

MULTIPLIER = load_library()["mul8s_1KVL"]
DRAWS = 1_000_000


def layer(seed=0, fields=30, fan_in=6, neurons=4):
    """Fields and neurons that differ among themselves, so that no two rungs have the same law."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 128, (fields, fan_in)) * (rng.random((fields, fan_in)) < rng.random((fields, 1)))
    w = rng.integers(-60, 60, (fan_in, neurons)) + np.linspace(-60, 60, neurons).astype(int)
    return LayerOperands.from_codes(x * (np.arange(fan_in) % 2 + 1) // 2, w)


@pytest.mark.parametrize("name", MOMENTS)
def test_a_million_draws_agree_with_the_closed_form(name):
    operands, rng = layer(), np.random.default_rng(11)
    moments = error_moments(MULTIPLIER, operands, name)
    rung = RUNGS[name].estimate(MULTIPLIER, operands)
    assert (rung.accumulated_mean, rung.accumulated_std) == pytest.approx((moments.mean, moments.std), rel=1e-12)
    verdict = agreement(moments, draw_errors(MULTIPLIER, operands, name, DRAWS, rng=rng))
    assert verdict, str(verdict)
    # the power: an error of a hundredth of the std in the mean, or of 1.5 % in the std, would have been found
    assert verdict.detectable_mean < 0.015 * moments.std and verdict.detectable_std < 0.015 * moments.std


@pytest.mark.parametrize("name", MOMENTS)
def test_draws_reject_the_other_laws(name):
    operands, rng = layer(), np.random.default_rng(12)
    samples = draw_errors(MULTIPLIER, operands, name, DRAWS // 2, rng=rng)
    for other in MOMENTS:
        assert bool(agreement(error_moments(MULTIPLIER, operands, other), samples)) == (other == name), other


def test_error_bars_tell_how_far_monte_carlo_strays():
    """400 repetitions: the spread of means and stds is the stated standard error within 15 % (four sd of it)."""
    rng = np.random.default_rng(13)
    operands = LayerOperands.from_codes(rng.integers(0, 8, (30, 6)), rng.integers(-8, 8, (6, 4)), range_x=(-8, 7),
                                   range_w=(-8, 7))
    emap = rng.integers(-20, 20, (16, 16))
    for name in ("single_distribution", "fixed_weights"):
        runs = [monte_carlo_estimate(emap, operands, name, 2000, rng=rng) for _ in range(400)]
        for stated, found in (("accumulated_mean_error", "accumulated_mean"),
                              ("accumulated_std_error", "accumulated_std")):
            spread = np.std([getattr(run, found) for run in runs], ddof=1)
            assert spread == pytest.approx(getattr(runs[0], stated), rel=0.15)


def test_the_same_generator_gives_the_same_draws_whatever_the_blocks():
    operands = layer()
    first, second, other = (draw_errors(MULTIPLIER, operands, "single_distribution", 5000,
                                        rng=np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(first, second) and first.dtype == np.int64
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("outcomes", [1, 2, 3, 7, 300])
def test_alias_draws_have_their_probabilities(outcomes):
    rng = np.random.default_rng(outcomes)
    probabilities = rng.dirichlet(np.full(outcomes, 0.3))
    values = rng.permutation(outcomes) * 3 - 5
    draws = AliasSampler(values, probabilities).draw(200_000, rng=rng)
    for value, p in zip(values, probabilities, strict=True):
        hits = (draws == value).astype(float)
        law = ErrorMoments(p, p * (1 - p), p * (1 - p) * (1 - 2 * p), p * (1 - p) * ((1 - p) ** 3 + p ** 3), 0.0, 1.0)
        verdict = agreement(law, hits)
        assert verdict, str(verdict)


def test_an_impossible_outcome_is_never_drawn():
    draws = AliasSampler([1, 2, 3], [0.5, 0.0, 0.5]).draw(100_000, rng=np.random.default_rng(0))
    assert set(np.unique(draws)) == {1, 3}


@pytest.mark.parametrize("call, message", [
    (lambda o, rng: draw_errors(MULTIPLIER, o, "single_distribution", 0, rng=rng), "num_samples must be at least 1"),
    (lambda o, rng: draw_errors(np.zeros((4, 4)), o, "fixed_weights", 10, rng=rng), "emap must have shape"),
    (lambda o, rng: AliasSampler([1, 2], [0.5, 0.6]), "probabilities must sum to 1"),
    (lambda o, rng: AliasSampler([1, 2], [1.0]), "probabilities must have 2 entries"),
    (lambda o, rng: draw_errors(MULTIPLIER, LayerOperands.from_distributions(
        np.full(256, 1 / 256), np.full(256, 1 / 256), 3), "fixed_weights", 10, rng=rng), "codes themselves"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(layer(), np.random.default_rng(0))
