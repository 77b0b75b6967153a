"""Which multiplier goes where: rules on arrays, each with its optimality gap.

    r_lm = (predicted_std_lm / allowed_std_l)^2      share of what layer l tolerates that multiplier m uses   (1)
    E    = sum_l share_l cost_{m(l)} / cost_max      energy, share_l the layer's part of all operations       (2)

    threshold     the cheapest m with std_lm <= allowed_l, layer by layer; later entries win ties, as published   (3)
    budget        min E  subject to  sum_l r_{l m(l)} <= D                   multiple-choice knapsack         (4)
    Lagrangian    min E + mu sum_l r_{l m(l)} for every mu >= 0: the lower convex hull of all (sum r, E)      (5)
    limited       as (3) or (4), with at most n different multipliers (QoS-Nets)                              (6)

Errors of layers add up in variance once each is measured by what its layer tolerates, which is what (4) limits: with
D = sum_l r_l of the threshold rule's choice it may move error from layers where accuracy is cheap to layers where it
is dear, and is never more expensive. `exact_assignment` solves (4) and (6) and says how far its proof reaches.

The numbers r_lm and share_l cost_m / cost_max are float64; their sums are exact, rounded once at the end (`math.fsum`).
So "sum r <= D" needs no tolerance: a choice keeps within D where the sum that it reports, `Assignment.used`, does.

References
----------
E. Trommer, B. Waschneck, A. Kumar, ICCAD 2022, arXiv:2208.07265, (3); "QoS-Nets", 2024, arXiv:2410.07762, (6) by
k-means.
"""
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.matching.exact_assignment import Candidates, float_below, hull, least_energy
from refapprox.validation import check_finite, check_integer, check_real, check_rng


@dataclass(frozen=True)
class Assignment:
    """A multiplier for every layer.

    Attributes
    ----------
    choice : int64 array, shape (layers,)
        Index of the multiplier.
    energy : float
        (2).
    used : float
        sum_l r_{l, choice_l}, the exact sum rounded once.
    lower_bound : float
        No assignment under the same constraint has less energy.

    Examples
    --------
    >>> Assignment(np.array([0, 2]), energy=0.5, used=1.2, lower_bound=0.4).gap == (0.5 - 0.4) / 0.5
    True
    """

    choice: NDArray[np.int64]
    energy: float
    used: float
    lower_bound: float

    @property
    def gap(self) -> float:
        """Relative optimality gap; 0 when the assignment is proven optimal."""
        return max(self.energy - self.lower_bound, 0.0) / self.energy if self.energy else 0.0


@dataclass(frozen=True)
class AssignmentProblem:
    """Predicted stds against what layers tolerate, operation counts, costs.

    Parameters
    ----------
    stds : float array, shape (layers, multipliers)
        Predicted std of the accumulated error.
    allowed : float array, shape (layers,)
        |sigma_l| std(y_l), same units.
    opcounts : float array, shape (layers,)
    costs : float array, shape (multipliers,)
    layer_names, multiplier_names : sequence of str, optional
        For messages.

    Raises
    ------
    ValueError
        If shapes do not fit, a number is negative or not finite, or nothing costs anything.

    Examples
    --------
    >>> problem = AssignmentProblem(stds=[[5, 1], [9, 0]], allowed=[1, 3], opcounts=[3, 1], costs=[0.1, 0.5])
    >>> threshold_assignment(problem).choice.tolist()
    [1, 1]
    """

    stds: ArrayLike
    allowed: ArrayLike
    opcounts: ArrayLike
    costs: ArrayLike
    layer_names: tuple[str, ...] = ()
    multiplier_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("stds", "allowed", "opcounts", "costs"):
            array = check_finite(name, getattr(self, name), dtype=np.float64)
            if array.size == 0 or array.min() < 0:
                raise ValueError(f"{name} must be non-empty and not negative, got shape {array.shape}.")
            object.__setattr__(self, name, array)
        layers, multipliers = len(self.allowed), len(self.costs)
        if self.stds.shape != (layers, multipliers) or self.opcounts.shape != (layers,):
            raise ValueError(f"stds must have shape (layers, multipliers) = {(layers, multipliers)} and opcounts "
                             f"{(layers,)}, got {self.stds.shape} and {self.opcounts.shape}.")
        if not self.opcounts.sum() > 0 or not self.costs.max() > 0:
            raise ValueError("opcounts and costs must hold something above 0.")
        for name, kind, count in (("layer_names", "layer", layers), ("multiplier_names", "multiplier", multipliers)):
            object.__setattr__(self, name, tuple(getattr(self, name)) or tuple(f"{kind} {i}" for i in range(count)))

    @property
    def fits(self) -> NDArray[np.bool_]:
        """Where (3) allows a multiplier, shape (layers, multipliers)."""
        return self.stds <= self.allowed[:, np.newaxis]

    @property
    def ratios(self) -> NDArray[np.float64]:
        """r of (1); 0 without error, infinite where a layer tolerates none."""
        tolerates_none = np.where(self.stds > 0, np.inf, 0.0)
        with np.errstate(over="ignore", under="ignore"):      # beyond 1.8e308 is as infinite as beyond any budget
            return np.divide(self.stds, self.allowed[:, np.newaxis], out=tolerates_none,
                             where=(self.allowed[:, np.newaxis] > 0) & (self.stds > 0)) ** 2

    @property
    def energies(self) -> NDArray[np.float64]:
        """Contribution of each layer with each multiplier to (2)."""
        return np.outer(self.opcounts / self.opcounts.sum(), self.costs / self.costs.max())

    def assignment(self, choice: ArrayLike, lower_bound: float | None = None) -> Assignment:
        """The Assignment that gives layer l multiplier choice[l].

        Parameters
        ----------
        choice : integer array, shape (layers,)
        lower_bound : float, optional
            Of the energy; the assignment counts as optimal without one.
        """
        rows, choice = np.arange(len(self.allowed)), np.asarray(choice, dtype=np.int64)
        energy, used = (math.fsum(table[rows, choice]) for table in (self.energies, self.ratios))
        return Assignment(choice, energy, used, energy if lower_bound is None else min(float(lower_bound), energy))


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


def kmeans_assignment(problem: AssignmentProblem, max_multipliers: int, *, rng: np.random.Generator,
                      restarts: int = 20) -> Assignment:
    """(6) as published: k-means over layers, each cluster takes the cheapest multiplier that its centroid tolerates.

    A layer's features are std_lm / allowed_l over the multipliers, compressed above 1 to 1 + log. The published
    code takes the logarithm alone, which sends 1 to 0, and fails where no multiplier fits a centroid; here that
    cluster takes its most accurate one. Single layers may exceed what they tolerate: compare `problem.ratios`.

    Parameters
    ----------
    problem : AssignmentProblem
    max_multipliers : int
        Number of clusters.
    rng : numpy.random.Generator
    restarts : int, optional
        The clustering with the least inertia is kept.

    Returns
    -------
    Assignment
        Its lower bound is that of `max_multipliers` multipliers with the same sum of r.

    Raises
    ------
    ValueError
        If there are more clusters than layers, or less than one.

    Examples
    --------
    >>> problem = AssignmentProblem(stds=[[5, 1], [9, 0]], allowed=[5, 3], opcounts=[3, 1], costs=[0.1, 0.5])
    >>> kmeans_assignment(problem, 2, rng=np.random.default_rng(0)).choice.tolist()
    [0, 1]
    """
    clusters = check_integer("max_multipliers", max_multipliers, minimum=1, maximum=len(problem.allowed))
    relative = np.sqrt(np.minimum(problem.ratios, 1e12))
    features = cluster_features(relative)
    centroids, labels = kmeans(features, clusters, check_rng(rng), check_integer("restarts", restarts, minimum=1))
    choice = np.empty(len(features), dtype=np.int64)
    for k, centroid in enumerate(centroids):
        fitting = np.flatnonzero(centroid <= 1)
        choice[labels == k] = (fitting[problem.costs[fitting].argmin()] if fitting.size else centroid.argmin())
    found = problem.assignment(choice)
    if not np.isfinite(found.used):      # a layer that tolerates nothing was given an error: no budget compares
        return problem.assignment(choice, 0.0)
    return problem.assignment(choice, budget_assignment(problem, found.used, clusters).lower_bound)


def cluster_features(relative):
    """`relative` (r = std / allowed) where it is at most 1, else 1 + log r: continuous, and outliers do not decide."""
    return np.where(relative > 1, 1 + np.log(np.maximum(relative, 1)), relative)


def kmeans(features, clusters, rng, restarts):
    """(centroids, labels) with the least inertia over several starts from distinct random rows; Lloyd's iteration."""
    distinct = np.unique(features, axis=0)
    best = None
    for _ in range(restarts):
        centroids = distinct[rng.permutation(len(distinct))[:clusters]]
        labels = None
        while True:
            distances = ((features[:, np.newaxis] - centroids) ** 2).sum(axis=2)
            nearest = distances.argmin(axis=1)
            if labels is not None and np.array_equal(nearest, labels):
                break
            labels = nearest
            centroids = np.array([features[labels == k].mean(axis=0) if (labels == k).any() else centroids[k]
                                  for k in range(len(centroids))])
        inertia = distances.min(axis=1).sum()
        if best is None or inertia < best[0]:
            best = inertia, centroids, labels
    return best[1], best[2]
