"""Few different multipliers by k-means, as QoS-Nets chooses them; `assignment` (6) has the best choice."""
from __future__ import annotations

import numpy as np

from refapprox.matching.assignment import budget_assignment
from refapprox.matching.problem import Assignment, AssignmentProblem
from refapprox.validation import check_integer, check_rng

MOST_RESTARTS = 10_000


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
        At most 10,000; the clustering with the least inertia is kept.

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
    centroids, labels = kmeans(features, clusters, check_rng(rng),
                               check_integer("restarts", restarts, minimum=1, maximum=MOST_RESTARTS))
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
