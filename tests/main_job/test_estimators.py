"""Matching with any rung of the ladder: exact on recorded operands, groups and channel scales included."""
import dataclasses
import itertools

import numpy as np
import pytest

from refapprox import load_library, lut_matmul
from refapprox.error_stats import RUNGS
from refapprox.main_job.error_report import layer_law
from refapprox.matching import (
    IntermediateLayerResults,
    budget_assignment,
    deploy_multipliers,
    get_feature_maps,
    matching_info,
    matching_problem,
    predicted_stds,
    select_layer_multiplier,
    select_multipliers,
    simulated_stds,
    threshold_assignment,
)

SPACE = load_library().search_space()


def rng():
    return np.random.default_rng(0)


def results(groups=1, scale=None, fields=50, fan_in=8, m=6):
    generator = np.random.default_rng(groups)
    features = generator.integers(0, 128, (groups * fields, fan_in)) * (generator.random((groups * fields, 1)) < 0.7)
    weights = generator.integers(-90, 90, (fan_in, m))
    outputs = np.concatenate([f @ w for f, w in zip(np.split(features, groups), np.split(weights, groups, axis=1),
                                                    strict=True)])
    return IntermediateLayerResults(fan_in, features, outputs, weights, scale)


@pytest.mark.parametrize("given", [results(), results(groups=2), results(scale=np.linspace(0.5, 1.5, 6)),
                                   results(groups=2, scale=np.linspace(0.5, 1.5, 6))],
                         ids=["plain", "groups", "channel scales", "groups and channel scales"])
def test_exact_moments_predict_what_the_tables_do(given):
    predicted = predicted_stds(given, SPACE, None, rng=rng(), estimator="exact_data")
    scales = np.split(np.ones(6) if given.channel_scale is None else given.channel_scale, given.groups)
    for std, multiplier in zip(predicted, SPACE, strict=True):
        parts = zip(np.split(given.features, given.groups), np.split(given.weights, given.groups, axis=1),
                    np.split(given.outputs, given.groups), scales, strict=True)
        errors = [(y - lut_matmul(x, w, multiplier)) * scale for x, w, y, scale in parts]
        assert std == pytest.approx(np.std(errors, ddof=0), rel=1e-9, abs=1e-9)
    assert np.allclose(simulated_stds(given, SPACE, rng=rng()), predicted, rtol=1e-9, atol=1e-9)      # of all fields


def test_the_exact_law_of_a_grouped_layer_is_that_of_all_pairs_of_activations():
    """Each group has activations and weights of its own; fields of two activations that are drawn independently."""
    given, multiplier = results(groups=3, fields=7, fan_in=2), SPACE[0]
    probabilities = {}
    for x, w in given.by_group():
        pairs = np.array(list(itertools.product(x.ravel(), repeat=2)))      # all equally likely
        for error in (pairs @ w - lut_matmul(pairs, w, multiplier)).ravel().tolist():
            probabilities[error] = probabilities.get(error, 0) + 1 / (len(pairs) * 6)
    found = layer_law(multiplier, given)
    pmf = dict(zip(found.law.values.tolist(), found.law.pmf.tolist(), strict=True))
    assert probabilities.keys() <= pmf.keys() and found.law.rounding < 1e-12
    assert all(abs(p - probabilities.get(error, 0)) <= found.law.rounding + 1e-14 for error, p in pmf.items())
    threshold = sorted(probabilities)[-5]
    lower, upper = found.law.tail(threshold)
    assert lower <= sum(p for error, p in probabilities.items() if error >= threshold) <= upper
    assert found.std == pytest.approx(simulated_stds(given, [multiplier], rng=rng())[0])
    errors = found.errors.ravel()
    assert (found.mean, found.skewness) == pytest.approx((errors.mean(), ((errors - errors.mean()) ** 3).mean()
                                                          / errors.std() ** 3))


@pytest.mark.parametrize("estimator", RUNGS)
def test_every_rung_takes_scales_and_groups(estimator):
    plain = predicted_stds(results(), SPACE, None, rng=rng(), estimator=estimator)
    ones = dataclasses.replace(results(), channel_scale=np.ones(6))
    assert np.allclose(predicted_stds(ones, SPACE, None, rng=rng(), estimator=estimator), plain, rtol=1e-6, atol=1e-6)
    assert np.isfinite(predicted_stds(results(groups=3), SPACE, None, rng=rng(), estimator=estimator)).all()


def test_the_choice_follows_the_estimator():
    for sigma in (0.005, 0.02, 0.08):
        allowed = sigma * results().output_std()
        for estimator in ("single_distribution", "exact_data"):
            stds = predicted_stds(results(), SPACE, None, rng=rng(), estimator=estimator)
            cheapest = min(m.performance_metric for m, s in zip(SPACE, stds, strict=True) if s <= allowed)
            _, cost = select_layer_multiplier(results(), SPACE, sigma, None, rng=rng(), estimator=estimator)
            assert cost == cheapest


def test_rules_on_a_whole_network(searched):
    net, data = searched
    maps = get_feature_maps(net, data, rng=rng())
    problem = matching_problem(net, data, SPACE, rng=rng(), num_samples=None, feature_maps=maps)
    published = select_multipliers(net, data, SPACE, rng=rng(), num_samples=None, feature_maps=maps)
    threshold = threshold_assignment(problem)
    info = matching_info(net, SPACE, problem, threshold)
    assert [layer.multiplier_name for layer in info.layers] == [layer.multiplier_name for layer in published.layers]
    assert info.relative_energy_consumption == pytest.approx(published.relative_energy_consumption)
    assert info.relative_energy_consumption == pytest.approx(threshold.energy)
    cheaper = budget_assignment(problem, threshold.used)
    assert cheaper.energy <= threshold.energy + 1e-12
    mode = net.mode
    deploy_multipliers(net, matching_info(net, SPACE, problem, cheaper), load_library())
    net.set_mode(mode)


def test_an_unknown_estimator_is_refused():
    with pytest.raises(ValueError, match="estimator must be one of single_distribution"):
        predicted_stds(results(), SPACE, rng=rng(), estimator="exact")
