"""The cheapest multiplier whose error every layer stands.

A layer that learned the noise level sigma stands an error of its accumulated outputs whose std is

    allowed_std = |sigma| * std(outputs)             std over all fields and outputs, ddof 0        (1)

The published rule takes the cheapest multiplier with

    predicted_std = fan_in * std per operation  <=  allowed_std                                     (2)

where the prediction is `error_stats.population_predictions` on sampled receptive fields. Outputs and errors are
compared in accumulator units, after zero-point correction; for per-channel weights after each channel's scale,
relative to the mean scale, so that (2) is unchanged for one scale per tensor.

References
----------
E. Trommer, B. Waschneck, A. Kumar, ICCAD 2022, arXiv:2208.07265, section on matching.
"""
import numpy as np

from refapprox.error_stats import field_distributions, get_sample_population, population_predictions, to_distribution
from refapprox.matching.feature_maps import get_feature_maps
from refapprox.matching.info import LayerInfo, MatchingInfo
from refapprox.multipliers.library import check_search_space
from refapprox.ops.lut_matmul import lut_matmul
from refapprox.validation import check_real


def predicted_stds(results, multipliers, num_samples=512, *, rng):
    """std of the accumulated error of every multiplier by the population estimate, accumulator units.

    With channel scales s the error s * e of a random channel has the variance E[s^2] E[e^2] - E[s]^2 E[e]^2.

    Returns
    -------
    float64 array, shape (multipliers,)
    """
    x_range, w_range = code_ranges(multipliers)
    fields = get_sample_population(results.features, num_samples, rng=rng)
    means, stds = population_predictions([m.error_map for m in multipliers], field_distributions(fields, *x_range),
                                         to_distribution(results.weights, *w_range)[1], results.fan_in)
    if results.channel_scale is not None:
        mean_square, square_mean = np.mean(results.channel_scale ** 2), np.mean(results.channel_scale) ** 2
        stds = np.sqrt(mean_square * stds ** 2 + (mean_square - square_mean) * means ** 2)
    return results.fan_in * stds


def simulated_stds(results, multipliers, num_samples=4096, *, rng):
    """std of the accumulated error that every multiplier really makes on random fields, accumulator units, ddof 0.

    Returns
    -------
    float64 array, shape (multipliers,)
    """
    fields = get_sample_population(results.features, num_samples, rng=rng)
    exact_sums = (fields.astype(np.float64) @ results.weights).astype(np.int64)      # far below 2**53
    scale = 1 if results.channel_scale is None else results.channel_scale
    return np.array([np.std((exact_sums - lut_matmul(fields, results.weights, m)) * scale, ddof=0)
                     for m in multipliers])


def code_ranges(multipliers):
    """((qmin, qmax) of activations, of weights), which all `multipliers` must share.

    Anything with an `error_map` counts; a bare error map of 2**b codes is taken for signed b-bit operands.
    """
    ranges = {(getattr(m, "range_x", None) or centered(m.error_map.shape[0]),
               getattr(m, "range_w", None) or centered(m.error_map.shape[1])) for m in multipliers}
    if len(ranges) != 1:
        raise ValueError(f"multipliers of one search space must share their operand ranges, got {sorted(ranges)}.")
    return ranges.pop()


def centered(size):
    return -(size // 2), size // 2 - 1


def select_layer_multiplier(intermediate_results, multipliers, max_noise, num_samples=512, *, rng):
    """The cheapest multiplier that a layer stands, by the published rule (2).

    Parameters
    ----------
    intermediate_results : IntermediateLayerResults
    multipliers : sequence of Multiplier
        Later entries win ties in cost, as published.
    max_noise : float
        The learned sigma; its sign is ignored.
    num_samples : int, optional
        Receptive fields drawn for the population estimate.
    rng : numpy.random.Generator

    Returns
    -------
    name : str
    performance_metric : float

    Raises
    ------
    ValueError
        If the search space is empty or lacks costs, or no multiplier fits: the nearest candidate is named.
    """
    multipliers = check_search_space(multipliers)
    stds = predicted_stds(intermediate_results, multipliers, num_samples, rng=rng)
    allowed = abs(check_real("max_noise", max_noise)) * intermediate_results.output_std()         # (1)
    chosen = cheapest_within(multipliers, stds, allowed)
    if chosen is None:
        raise ValueError(no_fit("the layer", multipliers, stds, allowed))
    return multipliers[chosen].name, multipliers[chosen].performance_metric


def cheapest_within(multipliers, stds, allowed):
    """Index of the cheapest multiplier with std <= allowed, the last one of equals; None where nothing fits."""
    fitting = [(m.performance_metric, -index) for index, m in enumerate(multipliers) if stds[index] <= allowed]  # (2)
    return -min(fitting)[1] if fitting else None


def no_fit(where, multipliers, stds, allowed):
    nearest = int(np.argmin(stds))
    return (f"no multiplier fits {where}: an error std of {allowed:.6g} is allowed, the nearest candidate, "
            f"{multipliers[nearest].name}, has {stds[nearest]:.6g}. A larger lmbd or initial_noise allows more; "
            f"fallback=exact multiplier takes that one.")


def select_multipliers(model, datamodule, multipliers, *, rng, fallback=None, num_samples=512, feature_maps=None):
    """Assign a multiplier to every layer of `model`.

    Parameters
    ----------
    model : ApproxNet
        With learned noise levels.
    datamodule : DataModule
    multipliers : sequence of Multiplier
    rng : numpy.random.Generator
        Draws the images and the receptive fields.
    fallback : Multiplier, optional
        Taken where nothing fits, instead of an error.
    num_samples : int, optional
    feature_maps : dict, optional
        Result of `get_feature_maps`, where it is at hand.

    Returns
    -------
    MatchingInfo
    """
    multipliers = check_search_space(multipliers)
    if fallback is not None:
        check_search_space([fallback])
    maps = get_feature_maps(model, datamodule, rng=rng) if feature_maps is None else feature_maps
    layers = []
    for name, layer in model.noisy_modules:
        results = maps[name]
        stds = predicted_stds(results, multipliers, num_samples, rng=rng)
        allowed = abs(float(layer.stdev)) * results.output_std()                                  # (1)
        index = cheapest_within(multipliers, stds, allowed)
        if index is None and fallback is None:
            raise ValueError(no_fit(f"layer {name}", multipliers, stds, allowed))
        chosen = fallback if index is None else multipliers[index]
        predicted = predicted_stds(results, [fallback], num_samples, rng=rng)[0] if index is None else stds[index]
        layers.append(LayerInfo(name, chosen.name, float(chosen.performance_metric), int(layer.opcount),
                                int(results.fan_in), float(layer.stdev), float(predicted), float(allowed)))
    costs = [m.performance_metric for m in [*multipliers, *([fallback] if fallback is not None else [])]]
    return MatchingInfo(layers, float(max(costs)), int(model.total_ops))
