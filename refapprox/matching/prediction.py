"""How much error each multiplier makes in a layer: the rungs of `error_stats` on recorded operands, and simulation.

Errors are compared with outputs in accumulator units. Per-channel weights bring a scale s_j relative to the mean
scale. Estimators that do not tell neurons apart treat it as one more random factor of the error S,

    Var(s S) = E[s^2] E[S^2] - E[s]^2 E[S]^2,                                                       (1)

the others mix the laws of s_j S_j. Groups of a grouped layer, whose fields meet only their own weights, are mixed
likewise:

    mean = mean_j s_j E S_j,    variance = mean_j s_j^2 Var S_j + Var_j(s_j E S_j)                   (2)
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from refapprox.error_stats import RUNGS, LayerOperands, get_sample_population
from refapprox.matching.feature_maps import IntermediateLayerResults
from refapprox.multipliers import BinaryOperator
from refapprox.ops.lut_matmul import lut_matmul
from refapprox.validation import check_choice, check_instance, check_offers

MOST_ERRORS = 1 << 19      # simulated of a layer, which tell a std to 0.1 % where they are independent
BLIND = ("single_distribution", "population", "receptive_field")      # to which weights belong to one neuron


def predicted_stds(results: IntermediateLayerResults, multipliers: Sequence[BinaryOperator],
                   num_samples: int | None = 512, *, rng: np.random.Generator,
                   estimator: str = "population") -> NDArray[np.float64]:
    """std of the accumulated error of every multiplier, accumulator units.

    Parameters
    ----------
    results : IntermediateLayerResults
    multipliers : sequence of Multiplier
    num_samples : int or None, optional
        Receptive fields drawn at random; None takes all of them.
    rng : numpy.random.Generator
    estimator : str, optional
        A rung of `error_stats.RUNGS`; the published one by default.

    Returns
    -------
    float64 array, shape (multipliers,)

    Raises
    ------
    KeyError
        If there is no such rung.
    ValueError
        If the multipliers do not share one operand range.

    Examples
    --------
    >>> from refapprox import load_library
    >>> from refapprox.matching import IntermediateLayerResults
    >>> rng = np.random.default_rng(0)
    >>> x, w = rng.integers(0, 128, (100, 9)), rng.integers(-128, 128, (9, 4))
    >>> results = IntermediateLayerResults(9, x, x @ w, w)
    >>> predicted_stds(results, [load_library()["mul8s_1KV8"]], rng=rng).tolist()      # exact
    [0.0]
    """
    rung = RUNGS[check_choice("estimator", estimator, RUNGS)]
    scale = results.channel_scale
    if estimator in BLIND or (scale is None and results.groups == 1):
        found = rung.estimate(multipliers, layer_operands(results, multipliers, num_samples, rng))
        mean, std = found.accumulated_mean, found.accumulated_std
        if scale is None:
            return std
        mean_square, square_mean = np.mean(scale ** 2), np.mean(scale) ** 2
        return np.sqrt(mean_square * std ** 2 + (mean_square - square_mean) * mean ** 2)            # (1)
    parts = list(components(results, multipliers, num_samples, rng))
    found = [rung.estimate(multipliers, operands) for operands in parts]
    scale = np.ones(len(parts)) if scale is None else scale
    means = scale[:, np.newaxis] * [f.accumulated_mean for f in found]
    variances = scale[:, np.newaxis] ** 2 * np.square([f.accumulated_std for f in found])
    return np.sqrt(variances.mean(axis=0) + means.var(axis=0, ddof=0))                               # (2)


def layer_operands(results, multipliers, num_samples, rng):
    """`LayerOperands` of a layer, of all fields or a random sample of them."""
    return sampled_operands(results.features, results.weights, multipliers, num_samples, rng)


def group_operands(results, multipliers, num_samples, rng):
    """`LayerOperands` of every group."""
    for features, weights in results.by_group():
        yield sampled_operands(features, weights, multipliers, num_samples, rng)


def components(results, multipliers, num_samples, rng):
    """`LayerOperands` of every group, or of every output channel where channels have scales."""
    for whole in group_operands(results, multipliers, num_samples, rng):
        if results.channel_scale is None:
            yield whole
        else:
            for neuron in whole.w.codes:
                yield LayerOperands(whole.x, LayerOperands.from_codes(whole.x.codes[:1], neuron[:, np.newaxis],
                                                                      range_x=whole.x.code_range,
                                                                      range_w=whole.w.code_range).w)


def sampled_operands(features, weights, multipliers, num_samples, rng):
    x_range, w_range = code_ranges(multipliers)
    return LayerOperands.from_codes(sampled(features, num_samples, rng), weights, range_x=x_range, range_w=w_range)


def sampled(features, num_samples, rng):
    return features if num_samples is None else get_sample_population(features, num_samples, rng=rng)


def simulated_stds(results: IntermediateLayerResults, multipliers: Sequence[BinaryOperator], num_samples: int = 4096, *,
                   rng: np.random.Generator) -> NDArray[np.float64]:
    """std of the accumulated error that every multiplier really makes on random fields, accumulator units, ddof 0.

    Parameters
    ----------
    results, multipliers, rng
        As of `predicted_stds`.
    num_samples : int, optional
        Receptive fields drawn from each group, all of them where there are no more. Of a layer with more than 128
        outputs fewer are drawn, so that they make 2**19 errors in all.

    Returns
    -------
    float64 array, shape (multipliers,)

    Raises
    ------
    TypeError
        Naming the first of `multipliers` that is none.

    Examples
    --------
    >>> from refapprox import load_library
    >>> from refapprox.matching import IntermediateLayerResults
    >>> rng = np.random.default_rng(0)
    >>> x, w = rng.integers(0, 128, (100, 9)), rng.integers(-128, 128, (9, 4))
    >>> results = IntermediateLayerResults(9, x, x @ w, w)
    >>> simulated_stds(results, [load_library()["mul8s_1KV8"]], rng=rng).tolist()      # exact
    [0.0]
    """
    multipliers = [check_instance(f"multipliers[{i}]", m, BinaryOperator) for i, m in enumerate(multipliers)]
    num_samples = fields_simulated(len(results.features) // results.groups, results.weights.shape[1], num_samples)
    groups = []
    for features, weights in results.by_group():
        fields = features if len(features) == num_samples else sampled(features, num_samples, rng)
        exact_sums = (fields.astype(np.float64) @ weights).astype(np.int64)      # far below 2**53
        groups.append((fields, weights, exact_sums))
    return np.array([np.std(results.scaled(np.array([exact - lut_matmul(fields, weights, m)
                                                     for fields, weights, exact in groups])), ddof=0)
                     for m in multipliers])


def fields_simulated(fields, outputs, num_samples=4096):
    """How many of `fields` are simulated in each group of a layer of `outputs` in all groups."""
    return min(fields, num_samples, -(-MOST_ERRORS // outputs))


def products_simulated(layer, images):
    """Products that `simulated_stds` forms with each multiplier in a layer of a network, recorded over `images`."""
    outputs = len(layer.parameters["weight"].value)
    operations = layer.fan_in * outputs      # of a field in every group
    return operations * fields_simulated(images * layer.opcount // operations, outputs)


def code_ranges(multipliers):
    """((qmin, qmax) of activations, of weights), which all `multipliers` must share.

    Anything with an `error_map` counts; a bare error map of 2**b codes is taken for signed b-bit operands.
    """
    for number, multiplier in enumerate(multipliers):
        check_offers(f"multipliers[{number}]", multiplier, "error_map")
    ranges = {(getattr(m, "range_x", None) or centered(m.error_map.shape[0]),
               getattr(m, "range_w", None) or centered(m.error_map.shape[1])) for m in multipliers}
    if len(ranges) != 1:
        raise ValueError(f"multipliers of one search space must share their operand ranges, got {sorted(ranges)}.")
    return ranges.pop()


def centered(size):
    return -(size // 2), size // 2 - 1
