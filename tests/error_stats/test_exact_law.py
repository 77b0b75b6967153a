"""Exact laws against fractions, their rounding bound, their tails, and the distance to the Gaussian."""
import dataclasses
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox import load_library
from refapprox.error_stats import (
    LayerOperands,
    berry_esseen_bound,
    berry_esseen_bound_fixed_weights,
    error_law,
    exact_law,
    fixed_weights,
    gaussian_distance,
    gaussian_distance_rounding,
    mixed_law,
    single_distribution,
)
from refapprox.error_stats.bounds import EPS

LIBRARY = load_library()


def fractional_power(summand, n):
    """pmf of a sum of n independent draws, in exact fractions."""
    law = {0: Fraction(1)}
    for _ in range(n):
        longer = {}
        for (s, p), (e, q) in itertools.product(law.items(), summand.items()):
            longer[s + e] = longer.get(s + e, 0) + p * q
        law = longer
    return law


def tiny(seed, fan_in):
    """A random map with dyadic operand probabilities, which float64 holds exactly, and its error pmf in fractions."""
    rng = np.random.default_rng(seed)
    emap = rng.integers(-6, 7, (4, 4))
    p, q = (rng.multinomial(16, np.full(4, 0.25)) for _ in range(2))
    summand = {}
    for a, b in itertools.product(range(4), range(4)):
        if p[a] * q[b]:
            summand[int(emap[a, b])] = summand.get(int(emap[a, b]), 0) + Fraction(int(p[a] * q[b]), 256)
    return emap, LayerOperands.from_distributions(p / 16, q / 16, fan_in), summand


@given(seed=st.integers(0, 2 ** 32 - 1), fan_in=st.integers(1, 8))
def test_the_pmf_is_the_exact_one_within_its_rounding(seed, fan_in):
    emap, operands, summand = tiny(seed, fan_in)
    law, truth = error_law(emap, operands, "single_distribution"), fractional_power(summand, fan_in)
    assert law.rounding < 1e-10
    pmf = dict(zip(law.values.tolist(), law.pmf.tolist(), strict=True))
    assert set(truth) <= set(pmf)
    assert all(abs(p - float(truth.get(s, 0))) <= law.rounding for s, p in pmf.items())
    for s in range(law.start - 1, law.start + len(law.pmf) + 2):
        lower, upper = law.tail(s)
        assert lower <= float(sum(p for v, p in truth.items() if v >= s)) * (1 + 1e-12) + 1e-300
        assert upper >= float(sum(p for v, p in truth.items() if v >= s)) * (1 - 1e-12)


@pytest.mark.parametrize("numbers", [1, 30, 200])
@given(seed=st.integers(0, 2 ** 32 - 1), fan_in=st.integers(1, 8))
def test_frequencies_in_classes_give_the_same_law(numbers, seed, fan_in):
    """Few numbers held at once: up to as many classes as frequencies, and errors that fold onto each other."""
    emap, operands, summand = tiny(seed, fan_in)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_law, "BLOCK_NUMBERS", numbers)
        law = error_law(emap, operands, "single_distribution")
    truth = fractional_power(summand, fan_in)
    assert law.rounding < 1e-9
    assert all(abs(p - float(truth.get(s, 0))) <= law.rounding
               for s, p in zip(law.values.tolist(), law.pmf.tolist(), strict=True))


def test_far_tails_are_bounded_below_the_rounding():
    emap, operands, summand = tiny(5, 40)
    law, truth = error_law(emap, operands, "single_distribution"), fractional_power(summand, 40)
    s = math.ceil(law.mean + 0.85 * (max(truth) - law.mean))
    exact_tail = float(sum(p for v, p in truth.items() if v >= s))
    lower, upper = law.tail(s)
    assert lower <= exact_tail <= upper and exact_tail < 1e-20
    assert upper < 1e-15 < law.rounding
    # Chernoff at the best theta is off by about sqrt(2 pi) theta std of the tilted law, here below 40; at any other
    # theta, such as one cut off at a tenth of the best, by orders of magnitude
    assert upper < 100 * exact_tail


def test_a_window_smaller_than_the_range_holds_all_the_mass():
    uniform = np.full(256, 1 / 256)
    operands = LayerOperands.from_distributions(uniform, uniform, 400)
    emap = LIBRARY["mul8s_1KR3"].error_map
    law = error_law(emap, operands, "single_distribution")
    assert len(law.pmf) < 400 * int(np.ptp(emap)) / 5
    assert law.pmf.sum() == pytest.approx(1, abs=1e-9)
    assert law.std == pytest.approx(single_distribution(emap, operands).accumulated_std, rel=1e-6)


@pytest.mark.parametrize("name", ["mul8s_1L2H", "mul8s_1KVA"])
def test_fixed_weights_mix_the_neurons(name):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 32, (50, 10)) * (rng.random((50, 10)) < 0.5)
    operands = LayerOperands.from_codes(x, rng.integers(-30, 30, (10, 3)))
    emap = LIBRARY[name].error_map
    law = error_law(emap, operands, "fixed_weights")
    plain = {}
    for neuron in operands.w.codes:
        pmf = {0: 1.0}
        for w in neuron:
            longer = {}
            for (s, p), (a, q) in itertools.product(pmf.items(), enumerate(operands.x.pooled)):
                if q:
                    longer[s + emap[a, w + 128]] = longer.get(s + emap[a, w + 128], 0) + p * q
            pmf = longer
        for s, p in pmf.items():
            plain[int(s)] = plain.get(int(s), 0) + p / 3
    found = dict(zip(law.values.tolist(), law.pmf.tolist(), strict=True))
    assert all(abs(found.get(s, 0.0) - p) <= law.rounding + 1e-15 for s, p in plain.items())
    assert sum(found.values()) == pytest.approx(1, abs=1e-10)
    assert law.std == pytest.approx(fixed_weights(emap, operands).accumulated_std, rel=1e-8)


def test_the_distance_to_the_gaussian_by_hand():
    """One fair error of 0 or 2: a step of 1/2 at -1 and +1 std; Phi(-1) = 0.158655 is farthest just above the step."""
    operands = LayerOperands.from_distributions([0.5, 0.5], [0.0, 1.0], 1)
    law = error_law(np.array([[0, 0], [0, 2]]), operands, "single_distribution")
    assert gaussian_distance(law) == pytest.approx(0.5 - 0.15865525393145707, rel=1e-9)
    constant = error_law(np.full((2, 2), 3), operands, "single_distribution")
    assert gaussian_distance(constant) == 1.0 and constant.pmf.tolist() == [1.0]


def coin(p, n=1):
    """Errors 1 with probability p, else 0; n of them."""
    return np.array([[0, 0], [0, 1]]), LayerOperands.from_distributions([1 - p, p], [0.0, 1.0], n)


def test_both_sides_of_a_step_count():
    """The mirrored law is as far from its Gaussian: there the farthest point is just below a step, not on it."""
    emap, operands = coin(0.1)
    plain, mirrored = (gaussian_distance(error_law(e, operands, "single_distribution")) for e in (emap, -emap))
    assert plain > 0.5 and plain == pytest.approx(mirrored, rel=1e-12)


def test_the_bounds_are_nearly_tight_in_the_worst_case():
    """Esseen's coin, p = (4 - sqrt(10)) / 2: no constant below 0.40973 would do, ours are 0.4748 and 0.56."""
    emap, operands = coin((4 - math.sqrt(10)) / 2, 400)
    distance = gaussian_distance(error_law(emap, operands, "single_distribution"))
    assert 1 < berry_esseen_bound(emap, operands) / distance < 0.4748 / 0.40
    fixed = LayerOperands.from_distributions(operands.x.pooled, [[0.0, 1.0]], 400)
    assert 1 < berry_esseen_bound_fixed_weights(emap, fixed)[0] / distance < 0.56 / 0.40


@given(seed=st.integers(0, 2 ** 32 - 1), fan_in=st.integers(1, 200))
def test_berry_and_esseen_bound_the_distance(seed, fan_in):
    emap, operands, _ = tiny(seed, fan_in)
    law = error_law(emap, operands, "single_distribution")
    assert gaussian_distance(law) <= berry_esseen_bound(emap, operands) + math.sqrt(len(law.pmf)) * law.rounding


def test_the_bound_for_fixed_weights_holds_for_every_neuron():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 128, (100, 50))
    w = rng.integers(-60, 60, (50, 4))
    operands, emap = LayerOperands.from_codes(x, w), LIBRARY["mul8s_1L1G"].error_map
    bounds = berry_esseen_bound_fixed_weights(emap, operands)
    for j, bound in enumerate(bounds):
        alone = LayerOperands(operands.x, LayerOperands.from_codes(x, w[:, j:j + 1]).w)
        assert gaussian_distance(error_law(emap, alone, "fixed_weights")) <= bound <= 1


def test_the_distance_of_coin_flips_is_half_their_largest_probability():
    """A fair coin n times: the farthest point is the step at the middle, D = P(S = n/2) / 2 ~ 1 / sqrt(2 pi n)."""
    for n in (16, 100, 400):
        law = error_law([[0, 0], [0, 2]], LayerOperands.from_distributions([.5, .5], [0, 1], n), "single_distribution")
        assert gaussian_distance(law) == pytest.approx(math.comb(n, n // 2) / 2 ** (n + 1), rel=1e-9)


@pytest.mark.parametrize("emap, fan_in, message", [
    (np.full((2, 2), 0.5), 3, "emap must hold integers"),
    (np.array([[0, 0], [0, 10 ** 7]]), 100, "at most .* values"),
])
def test_bad_input_is_named(emap, fan_in, message):
    with pytest.raises(ValueError, match=message):
        error_law(emap, LayerOperands.from_distributions([0.5, 0.5], [0.5, 0.5], fan_in), "single_distribution")


def test_neurons_must_hold_whole_numbers_of_weights():
    operands = LayerOperands.from_distributions([0.5, 0.5], [[0.25, 0.75]], 3)
    with pytest.raises(ValueError, match="no multiples of 1 / fan_in"):
        error_law(np.array([[0, 0], [0, 1]]), operands, "fixed_weights")


def rational_law(emap, operands):
    """pmf of rung 1 in fractions of the float64 probabilities, divided by their sum."""
    p, q = ([Fraction(v) for v in side.pooled.tolist()] for side in (operands.x, operands.w))
    summand, total = {}, sum(p) * sum(q)
    for (a, pa), (b, qb) in itertools.product(enumerate(p), enumerate(q)):
        if pa * qb:
            summand[int(emap[a, b])] = summand.get(int(emap[a, b]), 0) + pa * qb / total
    return fractional_power(summand, operands.fan_in)


@pytest.mark.parametrize("seed", range(160))
def test_tails_hold_the_exact_probability_to_the_last_bit(seed):
    """Every threshold of simple tables, in fractions, without slack: rare errors and any probabilities among them."""
    rng = np.random.default_rng(seed)
    p, q = (rng.dirichlet(np.full(3, rng.choice([0.1, 1.0]))) for _ in range(2))
    emap, fan_in = rng.integers(-3, 4, (3, 3)), int(rng.integers(1, 7))
    operands = LayerOperands.from_distributions(p, q, fan_in)
    law, truth = error_law(emap, operands, "single_distribution"), rational_law(emap, operands)
    assert all(abs(Fraction(float(p)) - truth.get(s, 0)) <= Fraction(law.rounding)
               for s, p in zip(law.values.tolist(), law.pmf, strict=True))
    for s in range(law.start - 2, law.start + len(law.pmf) + 3):
        lower, upper = law.tail(s)
        exact = sum(p for v, p in truth.items() if v >= s)
        assert Fraction(lower) <= exact <= Fraction(upper), (s, lower, float(exact), upper)


def test_a_tail_holds_whatever_its_rounding_allows():
    """Sums of N probabilities may be off by sqrt(N) times the rounding; a large one makes that visible."""
    emap, operands, _ = tiny(11, 30)
    law = dataclasses.replace(error_law(emap, operands, "single_distribution"), rounding=1e-5)
    for first in range(1, len(law.pmf)):
        total, off = sum(map(Fraction, law.pmf[first:].tolist())), math.sqrt(len(law.pmf) - first) * 1e-5
        lower, upper = law.tail(law.start + first)
        assert Fraction(lower) <= max(total - Fraction(off), 0)
        assert Fraction(upper) >= total + Fraction(off) or upper == min(law.chernoff(law.start + first), 1)


@pytest.mark.parametrize("numbers", [1, 8, 30])
def test_the_rounding_of_folded_errors_covers_what_its_derivation_adds_up(numbers):
    """8 eps log2 L for a transform and sqrt(m) (m + 11) eps for m errors on one place, of the l2 norms before and
    after: more is added, less would be no bound."""
    emap, operands = np.arange(64)[:, np.newaxis], LayerOperands.from_distributions(np.full(64, 1 / 64), [1.0], 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_law, "BLOCK_NUMBERS", numbers)
        law = error_law(emap, operands, "single_distribution")
    classes = min(64, 2 ** math.ceil(math.log2(-(-64 * 2 // numbers))))
    per_norm = 8 * math.log2(64) + math.sqrt(classes) * (classes + 11)
    assert law.rounding >= per_norm * np.finfo(float).eps * 2 * np.linalg.norm(law.pmf)


def test_the_rounding_of_fixed_weights_covers_all_powers():
    """For each of the n errors of a neuron that sums K kinds of them K + 3 roundings of a phase of at most pi, and the
    transforms of n laws: with 200 weights that all differ, the former are the larger part."""
    emap = np.random.default_rng(0).integers(0, 40, (16, 200))
    operands = LayerOperands.from_distributions(np.full(16, 1 / 16), np.full((1, 200), 1 / 200), 200)
    law = error_law(emap, operands, "fixed_weights")
    before, after = sum(np.linalg.norm(pmf) for _, pmf in law.summands), np.linalg.norm(law.pmf)
    size = 2 ** math.ceil(math.log2(len(law.pmf)))
    wanted = (200 + 3) * math.pi * 200 * after + 8 * math.log2(size) * (before + after)
    assert len(law.summands) == 200 and law.rounding >= wanted * np.finfo(float).eps


def test_the_window_of_a_long_law_is_a_power_of_two_and_its_rounding_holds_for_random_frequencies():
    """A pmf of 2**16 values against the exact sum of two uniform laws, a triangle: no probability beyond `rounding`."""
    emap = np.arange(2 ** 15)[:, np.newaxis] - 7
    operands = LayerOperands.from_distributions(np.full(2 ** 15, 2.0 ** -15), [1.0], 2)
    law = error_law(emap, operands, "single_distribution")
    triangle = (2 ** 15 - np.abs(law.values + 14 - (2 ** 15 - 1))) / 2.0 ** 30
    assert len(law.pmf) == 2 ** 16 - 1 and np.abs(law.pmf - triangle).max() <= law.rounding < 1e-12


def test_bounds_of_a_nearly_constant_error_do_not_fall_below_the_truth():
    """One error in 10**13 draws beside a large constant: what rounding leaves of the variance must not shrink it."""
    p = 1e-13
    emap, operands = np.array([[10 ** 4, 10 ** 4], [10 ** 4, 10 ** 4 + 1]]), LayerOperands.from_distributions(
        [1 - p, p], [0.0, 1.0], 50)
    exact = 0.4748 * (p * (1 - p) * ((1 - p) ** 2 + p ** 2)) / math.sqrt(50 * (p * (1 - p)) ** 3)
    assert berry_esseen_bound(emap, operands) >= min(exact, 1)
    rares = [(10 ** 6, 2 ** 30, rare) for rare in 10.0 ** -np.linspace(4, 6, 41)]
    rares += [(10 ** 8, 2 ** 40, rare) for rare in 10.0 ** -np.linspace(0.5, 5, 41)]      # bounds far below 1
    for draws, constant, rare in rares:                                # the other code of w never occurs
        operands = LayerOperands.from_distributions([1 - rare, rare], [0.0, 1.0], draws)
        p = Fraction(rare) / (Fraction(rare) + Fraction(1 - rare))
        exact = 0.4748 * float(p * (1 - p) * ((1 - p) ** 2 + p ** 2)) / math.sqrt(draws * float(p * (1 - p)) ** 3)
        assert berry_esseen_bound([[0, constant], [0, constant + 1]], operands) >= min(exact, 1) * (1 - 1e-14)
    law = error_law(np.array([[0, 0], [0, 1]]), LayerOperands.from_distributions([0.75, 0.25], [0, 1.0], 30),
                    "single_distribution")
    assert 0 < gaussian_distance_rounding(law) < 1e-10


def test_a_mixture_is_the_mean_of_its_laws_wherever_they_lie(monkeypatch):
    layers = [LayerOperands.from_distributions([1 - p, p], [0.0, 1.0], fan_in=n) for p, n in ((0.5, 1), (0.25, 3))]
    one, three = (error_law([[0, 0], [0, error]], layer, "single_distribution")
                  for layer, error in zip(layers, (-2, 1), strict=True))
    mixed = mixed_law([one, three])
    for value in range(-4, 6):
        alone = [law.pmf[value - law.start] if 0 <= value - law.start < len(law.pmf) else 0.0 for law in (one, three)]
        found = mixed.pmf[value - mixed.start] if 0 <= value - mixed.start < len(mixed.pmf) else 0.0
        assert abs(found - sum(alone) / 2) <= 4 * EPS
    rounding = (one.rounding + three.rounding) / 2 + 4 * EPS * np.linalg.norm(mixed.pmf)
    assert mixed.rounding == pytest.approx(rounding, rel=1e-12, abs=0)
    monkeypatch.setattr(exact_law, "MAX_VALUES", len(mixed.pmf))
    assert len(mixed_law([one, three]).pmf) == len(mixed.pmf)
    monkeypatch.setattr(exact_law, "MAX_VALUES", len(mixed.pmf) - 1)
    with pytest.raises(ValueError, match="laws must lie within"):
        mixed_law([one, three])
