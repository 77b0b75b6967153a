"""Which multiplier goes where: rules on arrays, each with its optimality gap.

    r_lm = (predicted_std_lm / allowed_std_l)^2         share of what layer l stands that multiplier m uses   (1)
    E    = sum_l share_l cost_{m(l)} / cost_max         energy, share_l the layer's part of all operations    (2)

    threshold     the cheapest m with r_lm <= 1, layer by layer; later entries win ties, as published         (3)
    budget        min E  subject to  sum_l r_{l m(l)} <= D                   multiple-choice knapsack         (4)
    Lagrangian    min E + mu sum_l r_{l m(l)} for every mu >= 0: the lower convex hull of all (sum r, E)      (5)
    limited       as (3) or (4), with at most n different multipliers (QoS-Nets)                              (6)

Errors of layers add up in variance once each is measured by what its layer stands, which is what (4) limits: with
D = sum_l r_l of the threshold rule's choice it may move error from layers where accuracy is cheap to layers where it
is dear, and is never more expensive. (4) and (6) are solved as mixed-integer linear programs to proven optimality.

References
----------
E. Trommer, B. Waschneck, A. Kumar, ICCAD 2022, arXiv:2208.07265, (3); "QoS-Nets", 2024, arXiv:2410.07762, (6) by
k-means.
"""
from dataclasses import dataclass

import numpy as np

from refapprox.validation import check_finite, check_integer, check_real, check_rng

BUDGET_SLACK = 1e-9      # relative: what the sum of r may exceed D by rounding


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
        sum_l r_{l, choice_l}.
    lower_bound : float
        No assignment under the same constraint has less energy.
    """

    choice: np.ndarray
    energy: float
    used: float
    lower_bound: float

    @property
    def gap(self):
        """Relative optimality gap; 0 when the assignment is proven optimal."""
        return max(self.energy - self.lower_bound, 0.0) / self.energy if self.energy else 0.0


@dataclass(frozen=True)
class AssignmentProblem:
    """Predicted stds against what layers stand, operation counts, costs.

    Parameters
    ----------
    stds : float array, shape (layers, multipliers)
        Predicted std of the accumulated error.
    allowed : float array, shape (layers,)
        |sigma_l| std(y_l), same units.
    opcounts : float array, shape (layers,)
    costs : float array, shape (multipliers,)
    names : sequence of str, optional
        Of the layers, for messages.
    """

    stds: np.ndarray
    allowed: np.ndarray
    opcounts: np.ndarray
    costs: np.ndarray
    names: tuple = ()

    def __post_init__(self):
        for name in ("stds", "allowed", "opcounts", "costs"):
            array = check_finite(name, np.asarray(getattr(self, name), dtype=np.float64))
            if array.size == 0 or array.min() < 0:
                raise ValueError(f"{name} must be non-empty and not negative, got shape {array.shape}.")
            object.__setattr__(self, name, array)
        layers, multipliers = len(self.allowed), len(self.costs)
        if self.stds.shape != (layers, multipliers) or self.opcounts.shape != (layers,):
            raise ValueError(f"stds must have shape (layers, multipliers) = {(layers, multipliers)} and opcounts "
                             f"{(layers,)}, got {self.stds.shape} and {self.opcounts.shape}.")
        if not self.opcounts.sum() > 0 or not self.costs.max() > 0:
            raise ValueError("opcounts and costs must hold something above 0.")
        object.__setattr__(self, "names", tuple(self.names) or tuple(f"layer {i}" for i in range(layers)))

    @property
    def ratios(self):
        """r of (1); 0 without error, infinite where a layer stands none."""
        stands_none = np.where(self.stds > 0, np.inf, 0.0)
        return np.divide(self.stds, self.allowed[:, np.newaxis], out=stands_none,
                         where=(self.allowed[:, np.newaxis] > 0) & (self.stds > 0)) ** 2

    @property
    def energies(self):
        """Contribution of each layer with each multiplier to (2)."""
        return np.outer(self.opcounts / self.opcounts.sum(), self.costs / self.costs.max())

    def assignment(self, choice, lower_bound=None):
        rows = np.arange(len(choice))
        energy = float(self.energies[rows, choice].sum())
        return Assignment(np.asarray(choice), energy, float(self.ratios[rows, choice].sum()),
                          energy if lower_bound is None else min(float(lower_bound), energy))


def threshold_assignment(problem):
    """Rule (3); it is optimal under its own constraint, each layer by itself."""
    fits = problem.ratios <= 1
    if not fits.any(axis=1).all():
        layer = int(np.argmin(fits.any(axis=1)))
        raise ValueError(f"no multiplier fits {problem.names[layer]}: {problem.allowed[layer]:.6g} is allowed, the "
                         f"most accurate has {problem.stds[layer].min():.6g}.")
    costs = np.where(fits, problem.costs, np.inf)[:, ::-1]      # reversed: argmin then takes the last of equals
    return problem.assignment(problem.costs.size - 1 - costs.argmin(axis=1))


def budget_assignment(problem, budget, max_multipliers=None):
    """Rule (4): least energy with sum_l r_l <= budget, by mixed-integer programming; with (6) if a number is given.

    Parameters
    ----------
    problem : AssignmentProblem
    budget : float
        D, such as `threshold_assignment(problem).used`.
    max_multipliers : int, optional
        At most this many different ones.

    Raises
    ------
    ValueError
        If no assignment meets the budget.
    """
    budget = check_real("budget", budget, minimum=0.0)
    return solve(problem, np.isfinite(problem.ratios), budget, max_multipliers)


def limited_assignment(problem, max_multipliers):
    """(6) with (3): least energy where every layer stays within what it stands, at most n different multipliers."""
    return solve(problem, problem.ratios <= 1, None, max_multipliers)


def solve(problem, possible, budget, max_multipliers):
    """The mixed-integer program: x_lm = 1 where layer l takes m, u_m = 1 where m is used at all."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import block_array, eye_array, kron
    layers, count = problem.stds.shape
    limit = count if max_multipliers is None else check_integer("max_multipliers", max_multipliers, minimum=1)
    ratios = np.where(possible, problem.ratios, 0.0).ravel()
    one_each = kron(eye_array(layers), np.ones((1, count)))
    only_used = block_array([[eye_array(layers * count), -kron(np.ones((layers, 1)), eye_array(count))]])
    none = np.zeros((1, count))
    scale = budget if budget else 1.0
    constraints = [
        LinearConstraint(block_array([[one_each, np.zeros((layers, count))]]), 1, 1),
        LinearConstraint(only_used, -np.inf, 0),
        LinearConstraint(np.hstack([np.zeros((1, layers * count)), none + 1]), 0, limit),
    ]
    if budget is not None:
        constraints.append(LinearConstraint(np.hstack([ratios[np.newaxis] / scale, none]), -np.inf, budget / scale))
    result = milp(np.concatenate([problem.energies.ravel(), none[0]]), integrality=np.ones((layers + 1) * count),
                  bounds=Bounds(0, np.concatenate([possible.ravel(), none[0] + 1])), constraints=constraints,
                  options={"mip_rel_gap": 0.0})
    if result.x is None:
        within = "what each layer stands" if budget is None else f"a budget of {budget:.6g}"
        raise ValueError(f"no assignment of at most {limit} multipliers keeps within {within}.")
    found = problem.assignment(result.x[:layers * count].reshape(layers, count).argmax(axis=1), result.mip_dual_bound)
    if budget is not None and found.used > budget * (1 + BUDGET_SLACK):
        # the solver's own tolerance let this one through: ask for as much less, and keep the bound of the wider one
        tightened = solve(problem, possible, budget - 2 * (found.used - budget), max_multipliers)
        return problem.assignment(tightened.choice, found.lower_bound)
    return found


def lagrangian_sweep(problem):
    """(5): every assignment on the lower convex hull, from the most accurate to the cheapest.

    Returns
    -------
    list of Assignment
        Each is optimal for a budget of what it uses.
    """
    hulls = [lower_hull(r, e) for r, e in zip(problem.ratios, problem.energies, strict=True)]
    if not all(hulls):
        layer = hulls.index([])
        raise ValueError(f"no multiplier fits {problem.names[layer]}, which stands no error at all.")
    choice = np.array([hull[0] for hull in hulls])
    # a step down a layer's hull saves energy at the price of r; over all layers the best bargains come first
    steps = [((problem.energies[l, hull[k + 1]] - problem.energies[l, hull[k]])
              / (problem.ratios[l, hull[k + 1]] - problem.ratios[l, hull[k]]), l, hull[k + 1])
             for l, hull in enumerate(hulls) for k in range(len(hull) - 1)]
    found = [problem.assignment(choice.copy())]
    for _, layer, multiplier in sorted(steps):
        choice[layer] = multiplier
        found.append(problem.assignment(choice.copy()))
    return found


def lagrangian_assignment(problem, budget):
    """The best assignment of `lagrangian_sweep` within the budget; its gap is against the Lagrangian dual.

    The dual's value is the convex hull itself at `budget`: the chord between the two assignments that surround it.
    """
    budget = check_real("budget", budget, minimum=0.0)
    sweep = lagrangian_sweep(problem)
    within = [k for k, assignment in enumerate(sweep) if assignment.used <= budget * (1 + BUDGET_SLACK)]
    if not within:
        raise ValueError(f"no assignment keeps within a budget of {budget:.6g}: the most accurate uses "
                         f"{sweep[0].used:.6g}.")
    best, beyond = sweep[within[-1]], sweep[within[-1] + 1:]
    if not beyond:
        return best
    slope = (beyond[0].energy - best.energy) / (beyond[0].used - best.used)
    return problem.assignment(best.choice, best.energy + slope * max(budget - best.used, 0.0))


def lower_hull(ratios, energies):
    """Indices of the lower convex hull of points (r, e), from the smallest r, by falling energy; r finite."""
    hull = []
    for i in sorted(np.flatnonzero(np.isfinite(ratios)), key=lambda i: (ratios[i], energies[i])):
        if hull and energies[i] >= energies[hull[-1]]:
            continue      # neither more accurate nor cheaper than its predecessor
        while len(hull) > 1 and (
                (energies[hull[-1]] - energies[hull[-2]]) * (ratios[i] - ratios[hull[-2]])
                >= (energies[i] - energies[hull[-2]]) * (ratios[hull[-1]] - ratios[hull[-2]])):
            hull.pop()
        hull.append(i)
    return hull


def kmeans_assignment(problem, max_multipliers, *, rng, restarts=20):
    """(6) as published: k-means over layers, then for each cluster the cheapest multiplier that its centroid stands.

    A layer's features are std_lm / allowed_l over the multipliers, compressed above 1 to 1 + log. The published
    code takes the logarithm alone, which sends 1 to 0, and fails where no multiplier fits a centroid; here that
    cluster takes its most accurate one. Single layers may exceed what they stand: compare `problem.ratios`.

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
        Its lower bound is the least energy of `max_multipliers` multipliers with the same sum of r.
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
    if not np.isfinite(found.used):      # a layer that stands nothing was given an error: no budget compares
        return problem.assignment(choice, 0.0)
    return problem.assignment(choice, budget_assignment(problem, found.used, clusters).energy)


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
