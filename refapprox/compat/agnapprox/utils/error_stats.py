"""The six error statistics, `rng` being optional; everything else about them is `refapprox.error_stats`."""
import numpy as np

from refapprox import error_stats as native
from refapprox.error_stats import error_calculation, error_prediction, population_prediction, to_distribution

__all__ = ["error_calculation", "error_prediction", "get_sample_population", "population_prediction",
           "single_dist_mc", "to_distribution"]


def get_sample_population(tensor, num_samples=512, rng=None):
    """`refapprox.error_stats.get_sample_population` with a fresh generator where `rng` is None."""
    return native.get_sample_population(tensor, num_samples, rng=fresh(rng))


def single_dist_mc(emap, x_dist, w_dist, fan_in, num_samples=100_000, rng=None):
    """`refapprox.error_stats.single_dist_mc` with a fresh generator where `rng` is None."""
    return native.single_dist_mc(emap, x_dist, w_dist, fan_in, num_samples, rng=fresh(rng))


def fresh(rng):
    """`rng`, or a generator from the system's entropy where it is None."""
    return np.random.default_rng() if rng is None else rng
