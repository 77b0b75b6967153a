"""Assignments against the enumeration of all of them; the published rules; what each promises."""
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox.matching.assignment import (
    budget_assignment,
    lagrangian_assignment,
    lagrangian_sweep,
    limited_assignment,
    threshold_assignment,
)
from refapprox.matching.clustering import kmeans_assignment
from refapprox.matching.problem import Assignment
from refapprox.matching.problem import AssignmentProblem as Problem

RTOL = 1e-12      # sums of the same numbers in another order


def random_problem(seed, layers=4, multipliers=5):
    """Multipliers by rising cost and roughly falling error, the dearest one exact."""
    rng = np.random.default_rng(seed)
    costs = np.sort(rng.uniform(0.1, 1, multipliers))
    stds = np.sort(rng.gamma(1.0, 2.0, (layers, multipliers)), axis=1)[:, ::-1] * rng.uniform(0.7, 1.3, multipliers)
    allowed = rng.uniform(0.2, 3, layers)
    stds[:, -1] = 0 if seed % 2 else allowed * rng.uniform(0.05, 0.5, layers)      # r is 0, or nowhere
    return Problem(stds, allowed, rng.uniform(1, 10, layers), costs)


def every(problem):
    layers, multipliers = problem.stds.shape
    for choice in itertools.product(range(multipliers), repeat=layers):
        yield problem.assignment(np.array(choice))


def least(problem, allowed):
    return min(a.energy for a in every(problem) if allowed(a))


def different(assignment):
    return len(set(assignment.choice.tolist()))


@given(seed=st.integers(0, 2 ** 32 - 1), share=st.floats(0.1, 3))
def test_the_budget_rule_finds_the_least_energy_of_all(seed, share):
    problem = random_problem(seed)
    budget = share * threshold_assignment(problem).used + problem.ratios.min(axis=1).sum()
    found = budget_assignment(problem, budget)
    assert found.energy == pytest.approx(least(problem, lambda a: a.used <= budget), rel=RTOL)
    assert found.used <= budget and found.gap == 0


@given(seed=st.integers(0, 2 ** 32 - 1))
def test_the_budget_rule_is_never_dearer_than_the_threshold_rule(seed):
    problem = random_problem(seed, layers=8, multipliers=13)
    threshold = threshold_assignment(problem)
    assert budget_assignment(problem, threshold.used).energy <= threshold.energy


@given(seed=st.integers(0, 2 ** 32 - 1), n=st.integers(1, 4))
def test_few_multipliers_exactly(seed, n):
    problem = random_problem(seed)
    within = limited_assignment(problem, n)
    assert different(within) <= n and (problem.ratios[np.arange(4), within.choice] <= 1).all()
    assert within.energy == pytest.approx(least(problem, lambda a: different(a) <= n and (
        problem.ratios[np.arange(4), a.choice] <= 1).all()), rel=RTOL)
    budget = 2.0
    found = budget_assignment(problem, budget, n)
    assert different(found) <= n
    assert found.energy == pytest.approx(least(problem, lambda a: different(a) <= n and a.used <= budget), rel=RTOL)


@given(seed=st.integers(0, 2 ** 32 - 1), n=st.integers(1, 4))
def test_k_means_uses_few_multipliers_and_tells_its_gap(seed, n):
    problem = random_problem(seed)
    found = kmeans_assignment(problem, n, rng=np.random.default_rng(0))
    assert different(found) <= n and found.gap >= 0
    assert found.lower_bound == pytest.approx(
        least(problem, lambda a: different(a) <= n and a.used <= found.used), rel=RTOL)


def test_k_means_with_a_cluster_a_layer_is_the_threshold_rule():
    for seed in range(10):
        problem = random_problem(seed)
        found = kmeans_assignment(problem, 4, rng=np.random.default_rng(seed))
        assert np.array_equal(found.choice, threshold_assignment(problem).choice)


@pytest.mark.parametrize("much, choice", [(1.8, 0), (2.6, 1)])
def test_a_cluster_is_judged_by_the_mean_of_its_layers_errors(much, choice):
    """One cluster of two layers: errors of 0.1 and `much` times what each stands, the latter as 1 + its logarithm."""
    problem = Problem(stds=[[0.3, 0], [5 * much, 0]], allowed=[3, 5], opcounts=[1, 1], costs=[0.1, 1])
    assert ((0.1 + 1 + np.log(much)) / 2 <= 1) == (choice == 0)
    assert kmeans_assignment(problem, 1, rng=np.random.default_rng(0)).choice.tolist() == [choice, choice]


def test_a_layer_stands_exactly_what_it_stands():
    problem = Problem([[1.5, np.nextafter(1.5, 2)]], [1.5], [1], [0.5, 0.1])
    assert problem.fits.tolist() == [[True, False]] and threshold_assignment(problem).choice.tolist() == [0]


@given(seed=st.integers(0, 2 ** 32 - 1), price=st.floats(1e-4, 10))
def test_every_price_of_error_is_paid_best_by_a_step_of_the_sweep(seed, price):
    problem = random_problem(seed)
    sweep = lagrangian_sweep(problem)
    best = min(a.energy + price * a.used for a in every(problem))
    assert min(a.energy + price * a.used for a in sweep) == pytest.approx(best, rel=RTOL)
    assert all(a.used < b.used and a.energy > b.energy for a, b in itertools.pairwise(sweep))


@given(seed=st.integers(0, 2 ** 32 - 1), budget=st.floats(0.01, 10))
def test_the_lagrangian_gap_is_honest(seed, budget):
    problem = random_problem(seed)
    budget += problem.ratios.min(axis=1).sum()
    found, optimum = lagrangian_assignment(problem, budget), budget_assignment(problem, budget)
    assert found.lower_bound <= optimum.energy <= found.energy and found.used <= budget


def test_the_gap_is_relative_to_the_energy():
    assert Assignment(np.array([0]), 2.0, 1.0, 1.5).gap == 0.25
    assert Assignment(np.array([0]), 2.0, 1.0, 2.0).gap == Assignment(np.array([0]), 0.0, 1.0, 0.0).gap == 0


def test_the_sweep_by_hand():
    """(r, e) of layer 0: (1, .3), (2.25, .2), (4, .05), its middle above the chord; of layer 1: (1, .3), (2.25, .05).

    Layer 1 is the better bargain, .25 / 1.25 against .25 / 3, and comes first.
    """
    problem = Problem([[2, 1, 1.5, 3], [1.5, 1, 3, 3]], [1, 1], [1, 1], [0.1, 0.6, 0.4, 1.0])
    found = lagrangian_sweep(problem)
    assert [a.choice.tolist() for a in found] == [[1, 1], [1, 0], [0, 0]]
    assert [a.used for a in found] == [2, 3.25, 6.25] and [a.energy for a in found] == pytest.approx([0.6, 0.35, 0.1])
    half = lagrangian_assignment(problem, 4.75)      # half of the way from 3.25 to 6.25
    assert half.choice.tolist() == [1, 0] and half.lower_bound == pytest.approx(0.225, rel=1e-15)
    assert half.gap == pytest.approx(0.125 / 0.35)


def test_the_threshold_rule_by_hand():
    problem = Problem([[5, 1, 1, 0], [9, 2, 2, 0]], [1, 1.5], [3, 1], [0.1, 0.5, 0.5, 1])
    found = threshold_assignment(problem)
    assert found.choice.tolist() == [2, 3]      # of two equal costs the later entry; then only the exact one
    assert found.energy == pytest.approx(0.75 * 0.5 + 0.25) and found.used == 1 and found.gap == 0


def test_a_layer_that_tolerates_nothing_takes_what_makes_no_error():
    problem = Problem([[1, 0], [1, 0]], [0, 2], [1, 1], [0.5, 1])
    assert threshold_assignment(problem).choice.tolist() == [1, 0]
    assert budget_assignment(problem, 100).choice.tolist() == [1, 0]
    assert lagrangian_sweep(problem)[-1].choice.tolist() == [1, 0]


@pytest.mark.parametrize("call, message", [
    (lambda p: Problem([[1, 2]], [1, 2], [1, 1], [1, 1]), r"stds must have shape .*\(2, 2\)"),
    (lambda p: Problem([[-1.0]], [1], [1], [1]), "stds must be a non-empty array, not negative"),
    (lambda p: Problem([[np.nan]], [1], [1], [1]), "stds must be finite"),
    (lambda p: Problem([[1.0]], [1], [0], [1]), "opcounts and costs"),
    (lambda p: threshold_assignment(Problem([[2, 3]], [1], [1], [1, 1], ("conv1",))),
     "fits conv1: an error std of 1 is allowed, the nearest candidate, multiplier 0, has 2"),
    (lambda p: limited_assignment(Problem([[2, 3]], [1], [1], [1, 1]), 1), "no assignment of at most 1"),
    (lambda p: budget_assignment(Problem([[2, 3]], [1], [1], [1, 1]), 3.9), "within a budget of 3.9"),
    (lambda p: lagrangian_assignment(Problem([[2, 3]], [1], [1], [1, 1]), 3.9), "within a budget of 3.9"),
    (lambda p: lagrangian_sweep(Problem([[2, 3]], [0], [1], [1, 1])), "tolerates no error"),
    (lambda p: budget_assignment(p, -1), "budget must be at least 0"),
    (lambda p: limited_assignment(p, 0), "max_multipliers must be at least 1"),
    (lambda p: kmeans_assignment(p, 9, rng=np.random.default_rng(0)), "max_multipliers must be at most 4"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(random_problem(0))
