"""What MANY multiplications do: error statistics of sums of approximate products, from one histogram to exact.

`published` holds agnapprox's six functions; the ladder (`RUNGS`, `estimate`) climbs from its estimators to the exact
answer. Beside it: exact laws, Monte Carlo with error bars, and `agreement`, which compares samples with a closed form;
`corrections` are what can be done about an error, `propagation` where it goes behind the layer.
"""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "RUNGS", "Agreement", "AliasSampler", "ErrorEstimate", "Law", "LayerMoments", "ErrorMoments", "OperandStatistics",
    "LayerOperands", "Rung", "accumulated_errors", "agreement", "berry_esseen_bound",
    "berry_esseen_bound_fixed_weights", "corrections", "correlated_taps", "draw_errors", "error_calculation",
    "error_law", "error_moments", "error_prediction", "estimate", "exact_data", "exact_moments", "exchangeable_taps",
    "rank_one_terms", "feature_moments", "field_distributions", "fixed_weights", "fixed_weights_by_tap",
    "gaussian_distance", "gaussian_distance_rounding", "get_sample_population", "matched", "mixed_law",
    "monte_carlo_estimate", "population", "population_prediction", "population_predictions", "propagation",
    "receptive_field", "simulation", "single_dist_mc", "single_distribution", "to_distribution",
]

if TYPE_CHECKING:
    from refapprox.error_stats import corrections, propagation
    from refapprox.error_stats.acceptance import Agreement, agreement
    from refapprox.error_stats.alias import AliasSampler
    from refapprox.error_stats.data_moments import LayerMoments, exact_data, exact_moments, feature_moments
    from refapprox.error_stats.elimination import rank_one_terms
    from refapprox.error_stats.exact_law import Law, error_law, mixed_law
    from refapprox.error_stats.gaussian_limit import (
        berry_esseen_bound,
        berry_esseen_bound_fixed_weights,
        gaussian_distance,
        gaussian_distance_rounding,
    )
    from refapprox.error_stats.histogram_rungs import (
        fixed_weights,
        matched,
        population,
        receptive_field,
        single_distribution,
    )
    from refapprox.error_stats.ladder import RUNGS, Rung, estimate
    from refapprox.error_stats.monte_carlo import draw_errors, monte_carlo_estimate
    from refapprox.error_stats.operands import LayerOperands, OperandStatistics
    from refapprox.error_stats.published import (
        error_calculation,
        error_prediction,
        field_distributions,
        get_sample_population,
        population_prediction,
        population_predictions,
        single_dist_mc,
        to_distribution,
    )
    from refapprox.error_stats.result import ErrorEstimate, ErrorMoments
    from refapprox.error_stats.simulated_errors import accumulated_errors, simulation
    from refapprox.error_stats.sum_moments import error_moments
    from refapprox.error_stats.tap_rungs import correlated_taps, exchangeable_taps, fixed_weights_by_tap
else:
    __getattr__, __dir__ = lazy(__name__)
