"""Calls that mypy must refuse, one a line: hints that accept everything would help nobody."""
import numpy as np

from refapprox import Multiplier, exact, load_library, lut_matmul
from refapprox.analog import PCMLikeNoiseModel, SinglePairConductanceConverter, program_weights
from refapprox.error_stats import get_sample_population

exact(bits="8")
lut_matmul([[1]], [[1]], "mul8s_1KV8")
Multiplier.from_function("m", 3)
get_sample_population(np.zeros((1, 1, 1)), rng=0)
load_library(5)
program_weights(SinglePairConductanceConverter(), [[0.5]], PCMLikeNoiseModel(), 42)
print(exact(8).metric)
