"""What MANY multiplications do: error statistics of sums of approximate products, from one histogram to exact."""
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

__all__ = [
    "error_calculation",
    "error_prediction",
    "field_distributions",
    "get_sample_population",
    "population_prediction",
    "population_predictions",
    "single_dist_mc",
    "to_distribution",
]
