"""The cheapest multiplier whose error every layer tolerates: recording, selection, energy, deployment."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "Assignment", "AssignmentProblem", "IntermediateLayerResults", "LayerInfo", "MatchingInfo", "OperatingPoint",
    "budget_assignment", "deploy_multipliers", "deploy_uniform", "dump_results", "exact_fallback", "get_feature_maps",
    "kmeans_assignment", "lagrangian_assignment", "lagrangian_sweep", "limited_assignment", "matching_info",
    "matching_problem", "nearest_uniform", "operating_points", "predicted_stds", "select_layer_multiplier",
    "select_multipliers", "simulated_stds", "threshold_assignment", "topk_accuracy", "tune_batch_norm",
]

if TYPE_CHECKING:
    from refapprox.matching.assignment import (
        budget_assignment,
        lagrangian_assignment,
        lagrangian_sweep,
        limited_assignment,
        threshold_assignment,
    )
    from refapprox.matching.clustering import kmeans_assignment
    from refapprox.matching.deployment import deploy_multipliers, deploy_uniform, nearest_uniform
    from refapprox.matching.feature_maps import IntermediateLayerResults, get_feature_maps
    from refapprox.matching.info import LayerInfo, MatchingInfo
    from refapprox.matching.points import OperatingPoint, operating_points, tune_batch_norm
    from refapprox.matching.prediction import predicted_stds, simulated_stds
    from refapprox.matching.problem import Assignment, AssignmentProblem
    from refapprox.matching.selection import (
        exact_fallback,
        matching_info,
        matching_problem,
        select_layer_multiplier,
        select_multipliers,
    )
    from refapprox.matching.tracking import dump_results
    from refapprox.training import topk_accuracy
else:
    __getattr__, __dir__ = lazy(__name__)
