"""The cheapest multiplier whose error every layer stands: recording, selection, energy, deployment."""
from refapprox.matching.deployment import deploy_multipliers, deploy_uniform, nearest_uniform
from refapprox.matching.feature_maps import IntermediateLayerResults, get_feature_maps
from refapprox.matching.info import LayerInfo, MatchingInfo, dump_results
from refapprox.matching.selection import (
    predicted_stds,
    select_layer_multiplier,
    select_multipliers,
    simulated_stds,
)
from refapprox.training import topk_accuracy

__all__ = ["IntermediateLayerResults", "LayerInfo", "MatchingInfo", "deploy_multipliers", "deploy_uniform",
           "dump_results", "get_feature_maps", "nearest_uniform", "predicted_stds", "select_layer_multiplier",
           "select_multipliers", "simulated_stds", "topk_accuracy"]
