"""A small program of a user who checks types: mypy --strict must see the types that really come out, and no errors.

Not run, only checked (tests/test_typing.py): annotated names say what type must come out.
"""
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refapprox import LeNet5, Multiplier, MultiplierLibrary, SyntheticDigits, exact, load_library, lut_matmul
from refapprox.analog import (
    DualPairConductanceConverter,
    PCMLikeNoiseModel,
    expected_tnmse,
    monte_carlo_tnmse,
    program_weights,
)
from refapprox.error_stats import error_prediction, population_prediction, to_distribution
from refapprox.matching import deploy_multipliers, exact_fallback, select_multipliers
from refapprox.multipliers import BinaryOperator
from refapprox.validation import UnknownNameError


def broken(x: int, w: int) -> int:
    return 7 if x == w == 3 else x * w


def cheapest(library: MultiplierLibrary) -> BinaryOperator:
    try:
        return library["mul8s_1KV8"]
    except UnknownNameError:
        return exact(bits=8, signed=True)


def sums(codes: NDArray[np.int8], weights: NDArray[np.int8]) -> NDArray[np.int64]:
    return lut_matmul(codes, weights, cheapest(load_library("builtin")))


two_bits = Multiplier.from_function("2x2", broken, signed=False, bits=2)
emap: NDArray[np.integer[Any]] = two_bits.error_map
values, frequencies = to_distribution(np.array([0, 1, 2, 3]), 0, 3)
mean, std = error_prediction(emap, frequencies, frequencies, 9)
rows = np.stack([frequencies, frequencies])
print(float(mean) + float(std), population_prediction(emap, rows, frequencies, 9))

converter, device = DualPairConductanceConverter([1, 2.3]), PCMLikeNoiseModel(prog_noise_scale=0.5)
weights = np.linspace(-1, 1, 50).reshape(10, 5)
loss: float = expected_tnmse(converter, weights, device, [1.0, 3600.0])
simulated: float = monte_carlo_tnmse(converter, weights, device, [1.0], rng=np.random.default_rng(0)).mean
chip = program_weights(converter, weights, device, rng=np.random.default_rng(0))
effective: NDArray[np.float64] = chip.read(3600.0, rng=np.random.default_rng(1)).effective

builtin: Multiplier = load_library()["mul8s_1KVL"]      # tables; any other source may hold circuits, too
errors: NDArray[np.int32 | np.int64] = builtin.error_map
space: list[BinaryOperator] = load_library("folder").search_space()
net, data = LeNet5.pretrained("synthetic"), SyntheticDigits(n_train=200, n_test=1)
for library in (load_library("folder"), load_library()):
    found = select_multipliers(net, data, library, rng=np.random.default_rng(0), fallback=exact_fallback(library))
    deploy_multipliers(net, found, library)
