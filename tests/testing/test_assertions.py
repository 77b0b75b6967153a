"""`assert_agrees` and its questions: rates, power, messages, refusals; the split of alpha over a suite."""
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, kstest

from refapprox import load_library
from refapprox.error_stats import LayerOperands, draw_errors, error_law, error_moments
from refapprox.testing import (
    MUTANTS,
    assert_agrees,
    correlated_codes,
    law_of,
    laws,
    layers,
    min_detectable,
    moments,
    samples_needed,
)
from refapprox.testing.known_laws import moments_of_sums
from refapprox.testing.limits import acceptance
from tests.tools import false_alarms

DICE = law_of([1, 2, 3, 4, 5, 6], np.full(6, 1 / 6), num_summands=2)
MULTIPLIER = load_library()["mul8s_1L1G"]
UNIFORM = np.full(256, 1 / 256)
LAYER = LayerOperands.from_distributions(UNIFORM, UNIFORM, 9)


def draws(num_samples, rng):
    return draw_errors(MULTIPLIER, LAYER, "single_distribution", num_samples, rng=rng)


def agrees(law, samples, **options):
    try:
        return assert_agrees(law, samples, **options) and True
    except AssertionError:
        return False


@pytest.mark.parametrize("law", [error_law(MULTIPLIER, LAYER, "single_distribution"),
                                 error_moments(MULTIPLIER, LAYER, "single_distribution")], ids=["whole", "moments"])
def test_a_sampler_of_refapprox_agrees_and_what_is_promised_is_found(law, alpha):
    samples = draws(50_000, np.random.default_rng(0))
    found = assert_agrees(law, samples, alpha)
    assert found.mean < 0.1 * law.std and found.std < 0.1 * law.std
    assert not agrees(law, samples + 2 * found.mean) and not agrees(law, -samples)


SAMPLERS = [mutant for mutant in MUTANTS if mutant.kind == "sampler"]


@pytest.mark.parametrize("mutant", SAMPLERS, ids=lambda mutant: mutant.name)
def test_sampler_mutants_are_rejected(mutant):
    """Skewed errors without a 0: a Gaussian of the same moments is another law, a lost draw an impossible one."""
    law = law_of([-40, 4, 8], [0.05, 0.75, 0.2])

    def sampler(num_samples, rng):
        return rng.choice([-40, 4, 8], num_samples, p=[0.05, 0.75, 0.2])

    assert agrees(law, sampler(100_000, np.random.default_rng(1)))
    # draws repeated four times double the error of every mean: four fields of 400 show it, a single one need not
    rejected = [not agrees(law, mutant.apply(sampler)(n, np.random.default_rng(seed)), alpha=1e-3)
                for seed, n in enumerate([100_000] * (40 if mutant.name == "draws repeated" else 1))]
    assert any(rejected)


def test_the_message_says_what_was_expected_what_came_the_rate_and_the_power():
    with pytest.raises(AssertionError) as failed:
        assert_agrees(DICE, np.random.default_rng(0).integers(1, 7, (5000, 2)).sum(axis=1) * 0.9, 1e-6)
    text = str(failed.value)
    for words in ("samples disagree with the law in support, mean", "5000 samples",
                  "a correct sampler fails with probability at most 1e-06", "mean: expected 7 +- ", "came 6.3",
                  "std about that mean: expected 2.41", "support: expected [2, 12], came [1.8, 10.8]",
                  "distance of distribution functions: allowed", "samples >= ", "would have found"):
        assert words in text, text


def test_moments_need_a_bounded_support_or_a_fourth_moment():
    samples = np.random.default_rng(0).normal(size=2000)
    with pytest.raises(TypeError, match="bounded support .* or a fourth moment"):
        assert_agrees(moments(0.0, 1.0), samples)
    assert agrees(moments(0.0, 1.0, fourth=3.0), samples) and agrees(moments(0.0, 1.0), samples, asymptotic=True)
    with pytest.raises(AssertionError, match="about 1e-06 of the time, by the normal approximation only"):
        assert_agrees(moments(1.0, 1.0), samples, asymptotic=True)
    assert not agrees(moments(0.0, 1.0, fourth=3.0), samples + 3)


def test_a_constant_law_takes_its_value_only():
    law = law_of([3], [1.0], 4)
    assert agrees(law, np.full(100, 12)) and not agrees(law, np.append(np.full(99, 12), 13))
    assert moments(0.0, 1.0, lower=-1.0, upper=1e300).fourth == np.inf      # beyond the floats
    assert agrees(moments(2.0, 0.0, lower=2, upper=2), [2.0, 2.0]) and not agrees(moments(2.0, 0.0), [2.0, 2.5])


@given(laws(), st.sampled_from([1e-3, 1e-9]), st.integers(2, 400))
def test_the_limits_of_tails_are_binomial_ones(law, alpha, n):
    """Each side of each threshold is exceeded with its share of a quarter of alpha at most, by exact tails."""
    limits = acceptance(law, n, alpha).tails
    for threshold, fewest, most in limits:
        lower, upper = law.tail(threshold)
        share = alpha / 4 / (2 * len(limits))
        assert binom.sf(most, n, upper) <= share * 1.000001 and binom.cdf(fewest - 1, n, lower) <= share * 1.000001


@given(laws(), st.integers(0, 2 ** 32 - 1), st.integers(2, 300))
def test_the_distance_is_the_largest_difference_of_distribution_functions(law, seed, n):
    rng = np.random.default_rng(seed)
    samples = rng.integers(law.start - 3, law.start + len(law.pmf) + 3, n).astype(float)
    grid = np.arange(law.start - 5, law.start + len(law.pmf) + 5)
    cumulative = np.concatenate([[0], np.cumsum(law.pmf)])[(grid - law.start + 1).clip(0, len(law.pmf))]
    empirical = (samples[:, np.newaxis] <= grid).mean(axis=0)
    assert acceptance(law, n, 0.5).distances(samples) == pytest.approx(np.abs(empirical - cumulative).max(), abs=1e-12)


def test_the_distance_of_samples_between_the_integers_counts_both_sides():
    law = law_of(np.arange(1000), np.full(1000, 1e-3))
    samples = np.random.default_rng(0).uniform(-10, 900, 500)
    wanted = kstest(samples, lambda x: np.clip(np.floor(x) + 1, 0, 1000) / 1000).statistic
    assert acceptance(law, 500, 0.5).distances(samples) == pytest.approx(wanted, abs=1.1e-3)      # a step of the law


@given(laws())
def test_moments_of_a_law_are_those_of_its_pmf(law):
    known = moments_of_sums(law.summands, law.counts)
    assert float(known.mean) == pytest.approx(law.mean, abs=1e-6 * (1 + abs(law.mean)))
    assert float(known.std) == pytest.approx(law.std, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("law", [DICE, moments(0.0, 1.0, fourth=3.0), moments(0.5, 0.1, lower=0, upper=1)])
def test_the_number_of_samples_is_enough_and_hardly_more(law):
    for size in (0.3, 0.03):
        n = samples_needed(law, detectable_mean=size, alpha=1e-4, power=0.99)
        assert min_detectable(law, n, 1e-4, 0.99).mean <= size < min_detectable(law, int(n * 0.99), 1e-4, 0.99).mean
    assert not isinstance(law, type(DICE)) or min_detectable(
        law, samples_needed(law, detectable_distance=0.01)).distance == pytest.approx(0.01, rel=1e-3)
    assert samples_needed(law, detectable_mean=0.1, detectable_std=0.05) >= samples_needed(law, detectable_std=0.05)


def test_a_smaller_sample_finds_less():
    few, many = (min_detectable(DICE, n) for n in (100, 100_000))
    assert few.mean > many.mean and few.std > many.std and few.distance > many.distance > 0


def test_the_committed_program_counts_false_alarms_and_power(capsys):
    assert false_alarms.main(["--repetitions", "3000", "--samples", "40"]) == 0
    assert len(re.findall(r"off by \S+ in 100\.00 %", capsys.readouterr().out)) >= 10


def test_a_wrong_threshold_is_refuted():
    """The program's own test: allowances of a quarter are found out."""
    _, known, draw = next(false_alarms.laws())
    honest = acceptance(known["whole"], 100, 1e-3)
    lying = type(honest)(100, 1e-3, False, type(honest.moments)(
        honest.moments.mean, honest.moments.variance, honest.moments.mean_allowed / 4, honest.moments.variance_allowed,
        honest.moments.lower, honest.moments.upper))
    kept, found = false_alarms.rejections([honest, lying], draw, 20_000, 100, np.random.default_rng(0))
    assert false_alarms.lower_bound(found["any"], 20_000) > 1e-3 > false_alarms.lower_bound(kept["any"], 20_000)


@pytest.mark.parametrize("call, error, message", [
    (lambda: assert_agrees(None, [1, 2]), TypeError, "law must be of type Law or ErrorMoments"),
    (lambda: assert_agrees(DICE, [1]), ValueError, "at least 2 draws"),
    (lambda: assert_agrees(DICE, [1, np.nan]), ValueError, "samples must be finite"),
    (lambda: assert_agrees(DICE, np.ma.masked_array([1, 2], [0, 1])), TypeError, "masked"),
    (lambda: assert_agrees(DICE, [2, 3], alpha=0), ValueError, "alpha must lie strictly between 0 and 1"),
    (lambda: assert_agrees(DICE, [2, 3], asymptotic="no"), TypeError, "asymptotic must be True or False"),
    (lambda: samples_needed(DICE), ValueError, "detectable_mean or detectable_std must be given"),
    (lambda: samples_needed(DICE, detectable_mean=0.0), ValueError, "above 0"),
    (lambda: samples_needed(moments(0, 1, fourth=3), detectable_distance=0.1), TypeError, "a whole law"),
    (lambda: min_detectable(DICE, 1), ValueError, "num_samples must be at least 2"),
    (lambda: min_detectable(DICE, 10, power=1.0), ValueError, "power must lie strictly"),
    (lambda: moments(0.0, 1.0, fourth=0.5), ValueError, "fourth must be at least"),
    (lambda: moments(0.0, 1.0, lower=0.5), ValueError, "lower must be at most"),
    (lambda: law_of([0.5], [1.0]), TypeError, "values must be an array of integers"),
    (lambda: law_of([1, 2], [0.5, 0.6]), ValueError, "probabilities must sum to 1"),
])
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@given(correlated_codes((4000, 2), -8, 7))
def test_drawn_codes_have_the_correlation_that_is_told(drawn):
    """Correlation of 4000 pairs within 0.1: six standard errors of at most 1 / sqrt(4000)."""
    codes, rho = drawn
    assert abs(np.corrcoef(codes.T)[0, 1] - rho) < 0.1


@given(layers())
def test_drawn_layers_have_codes_on_both_sides(layer):
    assert layer.x.codes.shape[1] == layer.w.codes.shape[1] == layer.fan_in


SUITE = """
import pytest
from refapprox.testing import assert_agrees, law_of

@pytest.mark.parametrize("i", range(4))
def test_share(alpha, i):
    assert alpha == TOTAL / 5

@pytest.mark.parametrize("alpha", [0.5, 0.25])
def test_of_its_own(alpha):
    assert alpha > 0.1

def test_another(alpha):
    assert_agrees(law_of([3], [1.0]), [3, 3], alpha)

def test_without():
    pass
"""


@pytest.mark.parametrize("total, ini", [("1e-6", ""), ("0.01", "[pytest]\nalpha_total = 0.01\n")])
def test_the_fixture_splits_one_rate_over_the_tests_that_ask(tmp_path, total, ini):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["refapprox.testing.pytest_plugin"]\n')
    (tmp_path / "pytest.ini").write_text(ini or "[pytest]\n")
    (tmp_path / "test_suite.py").write_text(SUITE.replace("TOTAL", total))
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
                         capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0 and "8 passed" in run.stdout, run.stdout + run.stderr


def test_assertions_need_no_hypothesis():
    code = ("import sys; sys.modules['hypothesis'] = None\nfrom refapprox.testing import assert_agrees, MUTANTS\n"
            "import refapprox.testing.pytest_plugin\nfrom refapprox.testing import strategies")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1 and "refapprox.testing.strategies needs Hypothesis: pip install" in result.stderr


def test_the_page_runs_as_it_is_written(alpha):
    """All its Python but the first draft, which fails in a third of all runs, as the page says."""
    text = (Path(__file__).parents[2] / "docs" / "testing_statistics.md").read_text(encoding="utf-8")
    names = {"np": np, "pytest": pytest, "MUTANTS": MUTANTS, "rng": np.random.default_rng()}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        if "samples.mean() - 9.77" not in block:
            exec(block, names)
    names["test_my_sampler"](alpha)
    for name in names["FOUND"]:
        names["test_the_test"](name)
