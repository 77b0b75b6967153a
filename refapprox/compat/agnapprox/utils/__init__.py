"""Statistics, recording, matching: the functions that agnapprox documents, with its argument orders."""
from refapprox.compat.agnapprox.utils.error_stats import (
    error_calculation,
    error_prediction,
    get_sample_population,
    population_prediction,
    single_dist_mc,
    to_distribution,
)
from refapprox.compat.agnapprox.utils.model import (
    EnhancedJSONEncoder,
    IntermediateLayerResults,
    dump_results,
    get_feature_maps,
    set_all,
    topk_accuracy,
)
from refapprox.compat.agnapprox.utils.select_multipliers import (
    LayerInfo,
    MatchingInfo,
    deploy_multipliers,
    select_layer_multiplier,
    select_multipliers,
)

__all__ = [
    "EnhancedJSONEncoder", "IntermediateLayerResults", "LayerInfo", "MatchingInfo", "deploy_multipliers",
    "dump_results", "error_calculation", "error_prediction", "get_feature_maps", "get_sample_population",
    "population_prediction", "select_layer_multiplier", "select_multipliers", "set_all", "single_dist_mc",
    "to_distribution", "topk_accuracy",
]
