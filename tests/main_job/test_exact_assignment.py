"""The exact search: equal to brute force on ten thousand problems, budgets that are met to the last bit included."""
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from refapprox.matching import exact_assignment
from refapprox.matching.assignment import budget_assignment, lagrangian_assignment, limited_assignment
from refapprox.matching.problem import AssignmentProblem


def drawn_problem(rng):
    """Up to 4 layers and 4 multipliers; stds over 24 decades, ties in costs, layers that tolerate nothing."""
    layers, multipliers = rng.integers(1, 5, 2)
    stds = 10.0 ** rng.uniform(*((-12, 12) if rng.random() < 0.5 else (-1, 1)), (layers, multipliers))
    stds[rng.random(stds.shape) < 0.1] = 0
    allowed = 10.0 ** rng.uniform(-1, 1, layers) * (rng.random(layers) < 0.95)
    costs = rng.choice([0.0, 0.1, 0.25, 0.3, 1.0, rng.random()], multipliers) + 1e-3
    return AssignmentProblem(stds, allowed, rng.integers(1, 100, layers), costs)


def enumerated(problem):
    """(used, energy, choice) of every choice, sums exact and rounded once, energies as fractions."""
    rows = range(len(problem.allowed))
    ratios, energies = problem.ratios.tolist(), [[Fraction(e) for e in row] for row in problem.energies.tolist()]
    for choice in itertools.product(range(problem.costs.size), repeat=len(rows)):
        used = math.fsum(ratios[l][m] for l, m in zip(rows, choice, strict=True))
        if math.isfinite(used):
            yield used, sum(energies[l][m] for l, m in zip(rows, choice, strict=True)), choice


def drawn_budget(rng, used):
    """What some choice uses, the float64 below or above, or anything."""
    budget = used[rng.integers(len(used))]
    return [budget, math.nextafter(budget, 0.0), math.nextafter(budget, math.inf), budget * rng.uniform(0.5, 2)][
        rng.integers(4)]


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 10))])
def test_the_budget_rule_equals_brute_force(seed):
    """1000 problems a seed: the same least energy, or both none; proven, and within the budget to the last bit."""
    rng, feasible = np.random.default_rng(seed), 0
    for _ in range(1000):
        problem = drawn_problem(rng)
        choices = list(enumerated(problem))
        budget = drawn_budget(rng, [used for used, *_ in choices]) if choices else 1.0
        limit = int(rng.integers(1, problem.costs.size + 1))
        least = min((energy for used, energy, choice in choices if used <= budget and len(set(choice)) <= limit),
                    default=None)
        if least is None:
            with pytest.raises(ValueError, match="keeps within a budget of .*[0-9]\\.$"):
                budget_assignment(problem, budget, limit)
            continue
        feasible += 1
        found = budget_assignment(problem, budget, limit)
        assert sum(Fraction(problem.energies[l, m]) for l, m in enumerate(found.choice)) == least
        assert found.used <= budget and found.gap == 0 and len(set(found.choice.tolist())) <= limit
    assert feasible > 500


@pytest.mark.parametrize("seed", range(3))
def test_few_multipliers_and_the_lagrangian_bound_equal_brute_force(seed):
    rng = np.random.default_rng(100 + seed)
    for _ in range(300):
        problem = drawn_problem(rng)
        choices = list(enumerated(problem))
        limit = int(rng.integers(1, problem.costs.size + 1))
        fits = [energy for _, energy, choice in choices
                if len(set(choice)) <= limit and problem.fits[range(len(choice)), choice].all()]
        if fits:
            found = limited_assignment(problem, limit)
            assert sum(Fraction(problem.energies[l, m]) for l, m in enumerate(found.choice)) == min(fits)
        if choices:
            budget = drawn_budget(rng, [used for used, *_ in choices])
            within = [energy for used, energy, _ in choices if used <= budget]
            if within:
                found = lagrangian_assignment(problem, budget)
                assert Fraction(found.lower_bound) <= min(within) and found.used <= budget


def test_the_two_problems_that_a_solver_got_wrong():
    problem = AssignmentProblem([[67.29942, 17.213021, 29.849335], [.154741, .147952, 60.172071]],
                                [1, 1], [1, 3], [1, .8, .5])
    found = budget_assignment(problem, 4529.233822130704)
    assert found.choice.tolist() == [2, 2] and found.energy == 0.5 and found.used < 4511.67
    problem = AssignmentProblem([[121, 18.7, 19.2], [.0106, .264, .0145]], [1, 1], [1, 3], [1, .8, .5])
    found = budget_assignment(problem, 349.69011236)
    assert found.choice.tolist() == [1, 0] and found.used == 349.69011236


def test_a_network_of_many_layers_and_multipliers_is_solved_exactly():
    rng = np.random.default_rng(0)
    costs = np.sort(rng.uniform(0.2, 1, 40))
    stds = 10.0 ** rng.uniform(-2, 2, (30, 1)) * (1.01 - costs) ** 2 * rng.uniform(0.7, 1.4, (30, 40))
    problem = AssignmentProblem(stds, 10.0 ** rng.uniform(-2, 1, 30), rng.integers(1, 1000, 30), costs)
    found = budget_assignment(problem, 12.0)
    assert found.gap == 0 and found.used <= 12
    swapped = found.choice.copy()      # no exchange of one or two multipliers is better
    for layer, other in itertools.combinations(range(30), 2):
        for m, k in itertools.product(range(0, 40, 3), repeat=2):
            swapped[[layer, other]] = m, k
            tried = problem.assignment(swapped)
            assert tried.used > 12 or tried.energy >= found.energy
            swapped[[layer, other]] = found.choice[[layer, other]]


def test_a_search_that_gives_up_is_never_called_proven(monkeypatch):
    """The solver's choice keeps within the budget by exact sums; its bound is the exact Lagrangian one."""
    rng = np.random.default_rng(1)
    problem = AssignmentProblem(rng.uniform(0, 3, (8, 6)), rng.uniform(1, 2, 8), np.ones(8), rng.uniform(0.1, 1, 6))
    proven = {limit: budget_assignment(problem, 5.0, limit) for limit in (2, 6)}
    monkeypatch.setattr(exact_assignment, "MAX_STATES", 0)
    for limit, best in proven.items():
        found = budget_assignment(problem, 5.0, limit)
        assert found.lower_bound < best.energy <= found.energy and found.used <= 5.0 and found.gap > 0
        assert len(set(found.choice.tolist())) <= limit
    monkeypatch.setattr(exact_assignment, "by_solver", lambda *_: None)
    with pytest.raises(ValueError, match="not proven, the search gave up"):
        budget_assignment(problem, 5.0, 1)


def test_a_search_that_gives_up_takes_the_better_of_what_is_at_hand(monkeypatch):
    """The solver's choice, optimal but for its tolerance, and the relaxation's, which leaves a part of the budget."""
    monkeypatch.setattr(exact_assignment, "MAX_STATES", 0)
    rng, better = np.random.default_rng(2), 0
    for _ in range(2):
        problem = AssignmentProblem(rng.uniform(0, 3, (8, 6)), rng.uniform(1, 2, 8), np.ones(8), rng.uniform(0.1, 1, 6))
        candidates = exact_assignment.Candidates.of(problem.ratios, problem.energies, np.isfinite(problem.ratios), 5.0)
        relaxed, solved = (problem.assignment(choice).energy for choice in
                           (candidates.relaxation()[1], exact_assignment.by_solver(candidates, 6)))
        assert budget_assignment(problem, 5.0).energy == min(relaxed, solved)
        better += solved < relaxed
    assert better                                                                  # else it would say nothing
    accurate = problem.ratios.argmin(axis=1).tolist()
    monkeypatch.setattr(exact_assignment, "by_solver", lambda *_: accurate)
    assert budget_assignment(problem, 5.0).energy == relaxed < problem.assignment(accurate).energy


def test_of_points_alike_the_last_stays():
    points = [(2, 1, "a"), (1, 5, "z"), (1, 5, "b"), (3, 1, "c"), (2, 1, "A")]
    assert exact_assignment.pareto(points) == [(1, 5, "b"), (2, 1, "A")]
    assert exact_assignment.pareto(points[::-1]) == [(1, 5, "z"), (2, 1, "a")]


@pytest.mark.parametrize("budget", [1.0, 1.5, 3 * 2.0 ** -1074, 1.7e308])
def test_the_limit_is_where_rounding_passes_the_budget(budget):
    unit = Fraction(1, 2 ** 1080)
    limit = exact_assignment.largest_within(budget, unit)
    assert float(limit * unit) <= budget < float((limit + 1) * unit)
