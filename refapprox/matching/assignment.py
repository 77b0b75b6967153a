"""Which multiplier goes where: rules on arrays, each with its optimality gap.

With r_lm, the share of what layer l tolerates that multiplier m uses, and the energy E, (1) and (2) of `problem`:

    threshold     the cheapest m with std_lm <= allowed_l, layer by layer; later entries win ties, as published   (3)
    budget        min E  subject to  sum_l r_{l m(l)} <= D                   multiple-choice knapsack         (4)
    Lagrangian    min E + mu sum_l r_{l m(l)} for every mu >= 0: the lower convex hull of all (sum r, E)      (5)
    limited       as (3) or (4), with at most n different multipliers (QoS-Nets)                              (6)

Errors of layers add up in variance once each is measured by what its layer tolerates, which is what (4) limits: with
D = sum_l r_l of the threshold rule's choice it may move error from layers where accuracy is cheap to layers where it
is dear, and is never more expensive. `exact_assignment` solves (4) and (6) and says how far its proof reaches.

References
----------
E. Trommer, B. Waschneck, A. Kumar, ICCAD 2022, arXiv:2208.07265, (3); "QoS-Nets", 2024, arXiv:2410.07762, (6) by
k-means.
"""
from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from refapprox.matching.exact_assignment import Candidates, float_below, hull, least_energy
from refapprox.matching.problem import Assignment, AssignmentProblem
from refapprox.validation import check_integer, check_real


def cheapest_within(costs: ArrayLike, stds: ArrayLike, allowed: float) -> int | None:
    """Index of the cheapest entry with std <= allowed, the last one of equals; None where nothing fits.

    Examples
    --------
    >>> cheapest_within([3.0, 1.0, 1.0, 0.5], [0.0, 2.0, 2.0, 9.0], allowed=2.0)
    2
    """
    costs, fitting = np.asarray(costs), np.flatnonzero(np.asarray(stds) <= allowed)[::-1]
    return int(fitting[costs[fitting].argmin()]) if fitting.size else None      # argmin takes the first: the last


def threshold_assignment(problem: AssignmentProblem, fallback: int | None = None) -> Assignment:
    """Rule (3); it is optimal under its own constraint, each layer by itself.

    Parameters
    ----------
    problem : AssignmentProblem
    fallback : int, optional
        Index of the multiplier that a layer takes where no *other* one fits; without it that is an error.

    Returns
    -------
    Assignment

    Raises
    ------
    ValueError
        If nothing fits a layer and there is no fallback: the nearest candidate is named.

    Examples
    --------
    >>> problem = AssignmentProblem(stds=[[5, 1], [9, 2]], allowed=[1, 1], opcounts=[3, 1], costs=[0.1, 0.5])
    >>> threshold_assignment(problem, fallback=1).choice.tolist()
    [1, 1]
    """
    candidates = np.arange(problem.costs.size)
    if fallback is not None:
        fallback = check_integer("fallback", fallback, minimum=0, maximum=candidates.size - 1)
        candidates = np.delete(candidates, fallback)
    choice = []
    for stds, allowed, layer in zip(problem.stds, problem.allowed, problem.layer_names, strict=True):
        chosen = cheapest_within(problem.costs[candidates], stds[candidates], allowed)
        if chosen is None and fallback is None:
            nearest = int(np.argmin(stds))
            raise ValueError(
                f"no multiplier fits {layer}: an error std of {allowed:.6g} is allowed, the nearest candidate, "
                f"{problem.multiplier_names[nearest]}, has {stds[nearest]:.6g}. A larger lmbd or initial_noise allows "
                f"more; fallback=exact_fallback(multipliers) takes an exact one.")
        choice.append(fallback if chosen is None else candidates[chosen])
    return problem.assignment(choice)


def budget_assignment(problem: AssignmentProblem, budget: float, max_multipliers: int | None = None) -> Assignment:
    """Rule (4): least energy with sum_l r_l <= budget; with (6) if a number is given.

    Parameters
    ----------
    problem : AssignmentProblem
    budget : float
        D, such as `threshold_assignment(problem).used`.
    max_multipliers : int, optional
        At most this many different ones.

    Returns
    -------
    Assignment
        Its gap is 0 where it is proven optimal: wherever the exact search ends within its limits (always for networks
        of this package). Beyond them a floating-point solver looks for a choice, and the gap is against an exact lower
        bound.

    Raises
    ------
    ValueError
        If no assignment meets the budget, or a search that had to give up found none.

    Examples
    --------
    >>> problem = AssignmentProblem(stds=[[5, 1], [9, 0]], allowed=[5, 3], opcounts=[3, 1], costs=[0.1, 0.5])
    >>> budget_assignment(problem, 1.0).choice.tolist()
    [0, 1]
    """
    budget = check_real("budget", budget, minimum=0.0)
    return solved(problem, np.isfinite(problem.ratios), budget, max_multipliers, f"a budget of {budget:.6g}")


def limited_assignment(problem: AssignmentProblem, max_multipliers: int) -> Assignment:
    """(6) with (3): least energy where every layer stays within what it tolerates, at most n different multipliers.

    Parameters
    ----------
    problem : AssignmentProblem
    max_multipliers : int

    Returns
    -------
    Assignment
        As in `budget_assignment`.

    Raises
    ------
    ValueError
        If there is none, or a search that had to give up found none.

    Examples
    --------
    >>> problem = AssignmentProblem(stds=[[5, 1, 0], [9, 4, 0]], allowed=[5, 4], opcounts=[3, 1], costs=[0.1, 0.5, 1])
    >>> limited_assignment(problem, 1).choice.tolist()
    [1, 1]
    """
    return solved(problem, problem.fits, None, max_multipliers, "what each layer tolerates")


def solved(problem, possible, budget, max_multipliers, within):
    """The Assignment of least energy over `possible` pairs of layer and multiplier."""
    limit = (problem.costs.size if max_multipliers is None
             else check_integer("max_multipliers", max_multipliers, minimum=1))
    found = least_energy(Candidates.of(problem.ratios, problem.energies, possible, budget), limit)
    if found.choice is None:
        end = "." if found.complete else ": not proven, the search gave up within its limits."
        raise ValueError(f"no assignment of at most {limit} multipliers keeps within {within}{end}")
    return problem.assignment(found.choice, None if found.complete else found.lower_bound)


def lagrangian_sweep(problem: AssignmentProblem) -> list[Assignment]:
    """(5): every assignment on the lower convex hull, from the most accurate to the cheapest.

    Parameters
    ----------
    problem : AssignmentProblem

    Returns
    -------
    list of Assignment
        Each is optimal for a budget of what it uses.

    Raises
    ------
    ValueError
        If a layer tolerates no error and every multiplier makes one.

    Examples
    --------
    >>> problem = AssignmentProblem(stds=[[5, 1], [9, 0]], allowed=[5, 3], opcounts=[3, 1], costs=[0.1, 0.5])
    >>> [a.choice.tolist() for a in lagrangian_sweep(problem)]
    [[1, 1], [0, 1], [0, 0]]
    """
    candidates = Candidates.of(problem.ratios, problem.energies, np.isfinite(problem.ratios), None)
    hulls = [hull(options) for options in candidates.options]
    if not all(hulls):
        raise ValueError(f"no multiplier fits {problem.layer_names[hulls.index([])]}, which tolerates no error at all.")
    choice = np.array([vertices[0][2] for vertices in hulls])
    # a step down a layer's hull saves energy at the price of r; over all layers the best bargains come first
    steps = sorted((Fraction(after[1] - before[1], after[0] - before[0]), layer, after[2])
                   for layer, vertices in enumerate(hulls)
                   for before, after in zip(vertices, vertices[1:], strict=False))
    found = [problem.assignment(choice)]
    for _, layer, multiplier in steps:
        choice = choice.copy()
        choice[layer] = multiplier
        found.append(problem.assignment(choice))
    return found


def lagrangian_assignment(problem: AssignmentProblem, budget: float) -> Assignment:
    """The best assignment of `lagrangian_sweep` within the budget; its gap is against the Lagrangian dual.

    The dual's value is the convex hull itself at `budget`, the chord between the two assignments that surround it;
    computed in fractions and rounded down.

    Parameters
    ----------
    problem : AssignmentProblem
    budget : float

    Returns
    -------
    Assignment

    Raises
    ------
    ValueError
        If even the most accurate assignment exceeds the budget.

    Examples
    --------
    >>> problem = AssignmentProblem(stds=[[5, 1], [9, 0]], allowed=[5, 3], opcounts=[3, 1], costs=[0.1, 0.5])
    >>> round(lagrangian_assignment(problem, 1.0).gap, 12)
    0.0
    """
    budget = check_real("budget", budget, minimum=0.0)
    sweep = lagrangian_sweep(problem)
    within = [k for k, assignment in enumerate(sweep) if assignment.used <= budget]
    if not within:
        raise ValueError(f"no assignment keeps within a budget of {budget:.6g}: the most accurate uses "
                         f"{sweep[0].used:.6g}.")
    best = sweep[within[-1]]
    candidates = Candidates.of(problem.ratios, problem.energies, np.isfinite(problem.ratios), budget)
    return problem.assignment(best.choice, float_below(candidates.dual_bound()))
