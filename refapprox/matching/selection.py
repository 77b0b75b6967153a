"""The cheapest multiplier whose error every layer stands.

A layer that learned the noise level sigma stands an error of its accumulated outputs whose std is

    allowed_std = |sigma| * std(outputs)             std over all fields and outputs, ddof 0        (1)

The published rule takes the cheapest multiplier with

    predicted_std = fan_in * std per operation  <=  allowed_std                                     (2)

where the prediction is the population estimate on sampled receptive fields; `estimator=` takes any other rung of
`error_stats.RUNGS`. Outputs and errors are compared in accumulator units, after zero-point correction; for per-channel
weights after each channel's scale, relative to the mean scale, so that (2) is unchanged for one scale per tensor.

References
----------
E. Trommer, B. Waschneck, A. Kumar, ICCAD 2022, arXiv:2208.07265, section on matching.
"""
import dataclasses

import numpy as np

from refapprox.matching.assignment import AssignmentProblem
from refapprox.matching.feature_maps import get_feature_maps
from refapprox.matching.info import LayerInfo, MatchingInfo
from refapprox.matching.prediction import predicted_stds
from refapprox.multipliers import exact
from refapprox.multipliers.library import check_search_space
from refapprox.validation import check_real


def select_layer_multiplier(intermediate_results, multipliers, max_noise, num_samples=512, *, rng,
                            estimator="population"):
    """The cheapest multiplier that a layer stands, by the published rule (2).

    Parameters
    ----------
    intermediate_results : IntermediateLayerResults
    multipliers : sequence of Multiplier
        Later entries win ties in cost, as published.
    max_noise : float
        The learned sigma; its sign is ignored.
    num_samples : int or None, optional
        Receptive fields drawn for the estimate; None takes all of them.
    rng : numpy.random.Generator
    estimator : str, optional
        A rung of `error_stats.RUNGS`.

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
    stds = predicted_stds(intermediate_results, multipliers, num_samples, rng=rng, estimator=estimator)
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
            f"fallback=exact_fallback(multipliers) takes an exact one.")


def exact_fallback(multipliers):
    """What a layer may take where nothing fits: the exact one among `multipliers`, else one of their largest cost.

    Examples
    --------
    >>> from refapprox import load_library
    >>> exact_fallback(load_library()).name
    'mul8s_1KV8'
    """
    multipliers = check_search_space(multipliers)
    for multiplier in multipliers:
        if not multiplier.error_map.any():
            return multiplier
    cost = max(m.performance_metric for m in multipliers)
    return dataclasses.replace(exact(multipliers[0].bits, multipliers[0].signed), performance_metric=cost)


def select_multipliers(model, datamodule, multipliers, *, rng, fallback=None, num_samples=512, feature_maps=None,
                       estimator="population"):
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
        Taken where nothing fits, instead of an error; see `exact_fallback`.
    num_samples : int or None, optional
        Receptive fields drawn for the estimate; None takes all of them.
    feature_maps : dict, optional
        Result of `get_feature_maps`, where it is at hand.
    estimator : str, optional
        A rung of `error_stats.RUNGS`; the published one by default.

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
        stds = predicted_stds(results, multipliers, num_samples, rng=rng, estimator=estimator)
        allowed = abs(float(layer.stdev)) * results.output_std()                                  # (1)
        index = cheapest_within(multipliers, stds, allowed)
        if index is None and fallback is None:
            raise ValueError(no_fit(f"layer {name}", multipliers, stds, allowed))
        chosen = fallback if index is None else multipliers[index]
        predicted = stds[index] if index is not None else predicted_stds(
            results, [fallback], num_samples, rng=rng, estimator=estimator)[0]
        layers.append(LayerInfo(name, chosen.name, float(chosen.performance_metric), int(layer.opcount),
                                int(results.fan_in), float(layer.stdev), float(predicted), float(allowed)))
    costs = [m.performance_metric for m in [*multipliers, *([fallback] if fallback is not None else [])]]
    return MatchingInfo(layers, float(max(costs)), int(model.total_ops))


def matching_problem(model, datamodule, multipliers, *, rng, num_samples=512, feature_maps=None,
                     estimator="population"):
    """What the rules of `matching.assignment` decide on: every layer with every multiplier.

    Parameters are those of `select_multipliers`.

    Returns
    -------
    AssignmentProblem
    """
    multipliers = check_search_space(multipliers)
    maps = get_feature_maps(model, datamodule, rng=rng) if feature_maps is None else feature_maps
    names = [name for name, _ in model.noisy_modules]
    stds = [predicted_stds(maps[name], multipliers, num_samples, rng=rng, estimator=estimator) for name in names]
    allowed = [abs(float(layer.stdev)) * maps[name].output_std() for name, layer in model.noisy_modules]
    return AssignmentProblem(np.array(stds), np.array(allowed),
                             np.array([layer.opcount for _, layer in model.noisy_modules]),
                             np.array([m.performance_metric for m in multipliers]), tuple(names))


def matching_info(model, multipliers, problem, assignment):
    """An `Assignment` for `problem` as the MatchingInfo that `deploy_multipliers` takes."""
    multipliers = check_search_space(multipliers)
    layers = [LayerInfo(name, multipliers[m].name, float(multipliers[m].performance_metric), int(layer.opcount),
                        int(layer.fan_in), float(layer.stdev), float(problem.stds[row, m]),
                        float(problem.allowed[row]))
              for row, ((name, layer), m) in enumerate(zip(model.noisy_modules, assignment.choice, strict=True))]
    return MatchingInfo(layers, float(problem.costs.max()), int(model.total_ops))
