"""agnapprox's error statistics, run from a file or from the installed package.

    --adapter refapprox.conformance.adapters.agnapprox:AgnApproxStatistics:/path/to/error_stats.py

Without a path the module agnapprox.utils.error_stats is imported, which needs its whole package.
"""
import importlib
import importlib.util

import numpy as np

from refapprox.conformance.adapter import Adapter


class AgnApproxStatistics(Adapter):

    name = "agnapprox error_stats"

    def __init__(self, path=None):
        if path is None:
            self.module = importlib.import_module("agnapprox.utils.error_stats")
            return
        found = importlib.util.spec_from_file_location("agnapprox_error_stats", path)
        if found is None:
            raise ValueError(f"path must be that of a Python file, got {path!r}.")
        self.module = importlib.util.module_from_spec(found)
        found.loader.exec_module(self.module)

    def to_distribution(self, *, codes, min_val, max_val):
        return self.module.to_distribution(codes, min_val, max_val)[1]

    def error_prediction(self, *, error_map, **inputs):
        return self.module.error_prediction(error_map, **inputs)

    def population_prediction(self, *, error_map, **inputs):
        return self.module.population_prediction(error_map, **inputs)

    def error_calculation(self, **inputs):
        return self.module.error_calculation(**inputs)

    def get_sample_population(self, *, features, num_samples, seed):
        np.random.seed(seed)      # noqa: NPY002, the module draws from the global state
        return self.module.get_sample_population(features, num_samples)

    def single_dist_mc(self, *, error_map, seed, **inputs):
        np.random.seed(seed)      # noqa: NPY002, the module draws from the global state
        return self.module.single_dist_mc(error_map, **inputs)
