"""The cheapest multiplier whose error every layer tolerates.

A layer that learned the noise level sigma tolerates an error of its accumulated outputs whose std is

    allowed_std = |sigma| * std(outputs)             std over all fields and outputs, ddof 0        (1)

The published rule (`threshold_assignment`) takes the cheapest multiplier with

    predicted_std = fan_in * std per operation  <=  allowed_std                                     (2)

where the prediction is the population estimate on sampled receptive fields; `estimator=` takes any other rung of
`error_stats.RUNGS`. Outputs and errors are compared in accumulator units, after zero-point correction; for per-channel
weights after each channel's scale, relative to the mean scale, so that (2) is unchanged for one scale per tensor.

References
----------
E. Trommer, B. Waschneck, A. Kumar, ICCAD 2022, arXiv:2208.07265, section on matching.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from refapprox.datasets import DataModule
from refapprox.matching.assignment import threshold_assignment
from refapprox.matching.feature_maps import IntermediateLayerResults, get_feature_maps
from refapprox.matching.info import LayerInfo, MatchingInfo
from refapprox.matching.prediction import predicted_stds
from refapprox.matching.problem import Assignment, AssignmentProblem
from refapprox.multipliers import BinaryOperator, exact
from refapprox.multipliers.library import check_search_space
from refapprox.validation import check_offers, check_real, check_rng

if TYPE_CHECKING:
    from refapprox.nets.approx_net import ApproxNet


def select_layer_multiplier(intermediate_results: IntermediateLayerResults, multipliers: Iterable[BinaryOperator],
                            max_noise: float, num_samples: int | None = 512, *, rng: np.random.Generator,
                            estimator: str = "population") -> tuple[str, float]:
    """The cheapest multiplier that a layer tolerates, by the published rule (2).

    Parameters
    ----------
    intermediate_results : IntermediateLayerResults
    multipliers : sequence of Multiplier
        Later entries win ties in cost, as published.
    max_noise : float
        The learned sigma; its sign is ignored.
    num_samples, rng, estimator
        As of `select_multipliers`.

    Returns
    -------
    name : str
    performance_metric : float

    Raises
    ------
    ValueError
        If the search space is empty or lacks costs, or no multiplier fits: the nearest candidate is named.

    Examples
    --------
    >>> from refapprox import load_library
    >>> rng = np.random.default_rng(0)
    >>> x, w = rng.integers(0, 128, (100, 9)), rng.integers(-128, 128, (9, 4))
    >>> select_layer_multiplier(IntermediateLayerResults(9, x, x @ w, w), load_library(), 0.0, rng=rng)[0]
    'mul8s_1KV8'
    """
    multipliers = check_search_space(multipliers)
    layer = ("the layer", intermediate_results, check_real("max_noise", max_noise), 1)
    problem = problem_of([layer], multipliers, num_samples, rng, estimator)
    chosen = multipliers[threshold_assignment(problem).choice[0]]
    return chosen.name, chosen.performance_metric


def exact_fallback(multipliers: Iterable[BinaryOperator]) -> BinaryOperator:
    """What a layer may take where nothing fits: the exact one among `multipliers`, else one of their largest cost.

    Parameters
    ----------
    multipliers : iterable of Multiplier
        The search space.

    Returns
    -------
    Multiplier

    Raises
    ------
    ValueError
        If the search space is empty or lacks costs.

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


def select_multipliers(model: ApproxNet, datamodule: DataModule, multipliers: Iterable[BinaryOperator], *,
                       rng: np.random.Generator, fallback: BinaryOperator | None = None, num_samples: int | None = 512,
                       feature_maps: dict[str, IntermediateLayerResults] | None = None,
                       estimator: str = "population") -> MatchingInfo:
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

    Raises
    ------
    ValueError
        If the search space is empty or lacks costs, or no multiplier fits a layer and there is no fallback.

    Examples
    --------
    >>> from refapprox import LeNet5, SyntheticDigits, load_library
    >>> net, data = LeNet5.pretrained("synthetic"), SyntheticDigits(n_train=200, n_test=1)
    >>> rng = np.random.default_rng(0)
    >>> space = load_library()
    >>> select_multipliers(net, data, space, rng=rng, fallback=exact_fallback(space)).layers[-1].name
    'linear3'
    """
    candidates = check_search_space(multipliers)
    if fallback is not None:
        candidates = [*candidates, *check_search_space([fallback])]
    problem = matching_problem(model, datamodule, candidates, rng=rng, num_samples=num_samples,
                               feature_maps=feature_maps, estimator=estimator)
    assignment = threshold_assignment(problem, None if fallback is None else len(candidates) - 1)
    return matching_info(model, candidates, problem, assignment)


def matching_problem(model: ApproxNet, datamodule: DataModule, multipliers: Iterable[BinaryOperator], *,
                     rng: np.random.Generator, num_samples: int | None = 512,
                     feature_maps: dict[str, IntermediateLayerResults] | None = None,
                     estimator: str = "population") -> AssignmentProblem:
    """What the rules of `matching.assignment` decide on: every layer with every multiplier.

    Parameters
    ----------
    model, datamodule, multipliers, rng, num_samples, feature_maps, estimator
        As in `select_multipliers`, which is this problem, `threshold_assignment` and `matching_info` in a row.

    Returns
    -------
    AssignmentProblem
        A row for each of `model.noisy_modules`, a column for each multiplier.

    Raises
    ------
    ValueError
        If the search space is empty or lacks costs.

    Examples
    --------
    >>> from refapprox import LeNet5, SyntheticDigits, load_library
    >>> net, data = LeNet5.pretrained("synthetic"), SyntheticDigits(n_train=200, n_test=1)
    >>> rng = np.random.default_rng(0)
    >>> matching_problem(net, data, load_library(), rng=rng).stds.shape
    (5, 13)
    """
    multipliers = check_search_space(multipliers)
    check_offers("model", model, "noisy_modules")
    maps = get_feature_maps(model, datamodule, rng=rng) if feature_maps is None else feature_maps
    if missing := [name for name, _ in model.noisy_modules if name not in maps]:
        raise ValueError(f"feature_maps must hold every layer of the model, got none of {missing[0]}.")
    layers = [(f"layer {name}", maps[name], float(layer.stdev), layer.opcount) for name, layer in model.noisy_modules]
    return problem_of(layers, multipliers, num_samples, check_rng(rng), estimator)


def problem_of(layers, multipliers, num_samples, rng, estimator):
    """AssignmentProblem of layers given as (name in messages, IntermediateLayerResults, sigma, opcount)."""
    names, results, sigmas, opcounts = zip(*layers, strict=True)
    return AssignmentProblem(
        [predicted_stds(found, multipliers, num_samples, rng=rng, estimator=estimator) for found in results],
        [abs(sigma) * found.output_std() for sigma, found in zip(sigmas, results, strict=True)],              # (1)
        opcounts, [m.performance_metric for m in multipliers], names, tuple(m.name for m in multipliers))


def matching_info(model: ApproxNet, multipliers: Iterable[BinaryOperator], problem: AssignmentProblem,
                  assignment: Assignment) -> MatchingInfo:
    """An `Assignment` for `problem` as the MatchingInfo that `deploy_multipliers` takes.

    Parameters
    ----------
    model : ApproxNet
    multipliers : iterable of Multiplier
        The columns of the problem.
    problem : AssignmentProblem
        Of `matching_problem`.
    assignment : Assignment

    Returns
    -------
    MatchingInfo

    Raises
    ------
    ValueError
        If the search space is empty or lacks costs.

    Examples
    --------
    >>> from refapprox import LeNet5, SyntheticDigits, load_library
    >>> net, data = LeNet5.pretrained("synthetic"), SyntheticDigits(n_train=200, n_test=1)
    >>> rng = np.random.default_rng(0)
    >>> problem = matching_problem(net, data, load_library(), rng=rng)
    >>> matching_info(net, load_library(), problem, problem.assignment([0] * 5)).layers[0].multiplier_name
    'mul8s_1KR3'
    """
    multipliers = check_search_space(multipliers)
    check_offers("model", model, "noisy_modules")
    layers = [LayerInfo(name, multipliers[m].name, float(multipliers[m].performance_metric), int(layer.opcount),
                        int(layer.fan_in), float(layer.stdev), float(problem.stds[row, m]),
                        float(problem.allowed[row]))
              for row, ((name, layer), m) in enumerate(zip(model.noisy_modules, assignment.choice, strict=True))]
    return MatchingInfo(layers, float(problem.costs.max()), int(model.total_ops))
