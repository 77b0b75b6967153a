"""Recording, the published rule and its edges, energy, deployment, and the way to files and back."""
import dataclasses
import json

import numpy as np
import pytest

from refapprox import Multiplier, MultiplierLibrary, exact, load_library, lut_matmul
from refapprox.error_stats import get_sample_population
from refapprox.matching import (
    IntermediateLayerResults,
    LayerInfo,
    MatchingInfo,
    deploy_multipliers,
    deploy_uniform,
    dump_results,
    exact_fallback,
    get_feature_maps,
    nearest_uniform,
    predicted_stds,
    prediction,
    select_layer_multiplier,
    select_multipliers,
    simulated_stds,
)
from refapprox.quantization import LayerQuantization, TensorScheme


def rng():
    return np.random.default_rng(0)


def random_results(fields=400, fan_in=30, m=7, seed=1):
    generator = np.random.default_rng(seed)
    features = generator.integers(-60, 128, (fields, fan_in))
    weights = np.clip(generator.normal(scale=30, size=(fan_in, m)).round(), -128, 127).astype(np.int64)
    return IntermediateLayerResults(fan_in, features, features @ weights, weights)


def costing(name, cost):
    return dataclasses.replace(load_library()[name], performance_metric=cost)


# ---- recording

@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("quantization", [LayerQuantization(), LayerQuantization(TensorScheme("affine"),
                                                                                TensorScheme("affine"))])
def test_feature_maps_reproduce_the_accumulators(make_net, data, groups, quantization):
    net = make_net(groups=groups, quantization=quantization)
    net.train_quant(data)
    maps = get_feature_maps(net, data, rng=rng(), num_images=20)
    assert net.mode == "quantized" and all(layer.recorder is None for _, layer in net.noisy_modules)
    images = data.sample(20, rng())
    for name, layer in net.noisy_modules:
        results = maps[name]
        assert results.features.shape[1] == results.weights.shape[0] == results.fan_in == layer.fan_in
        assert results.outputs.dtype == np.int64
        assert len(results.features) * results.outputs.shape[1] == layer.opcount // layer.fan_in * 20
    first = net.noisy_modules[0][1]
    real = first.exact(images, first.parameters["weight"].value)[0]      # the float products of the same images
    qx = quantization.x_parameters(first.observer.bounds())
    qw = quantization.w_parameters(first.parameters["weight"].value)
    recorded = maps["conv"].outputs.reshape(8, 8, 20, 4).transpose(2, 3, 0, 1) * (qx.scale * qw.scale)
    # nine products, each operand off by at most half a step (a full one for a rounded affine zero point)
    bound = 9 * (qx.scale * np.abs(first.parameters["weight"].value).max() + qw.scale * np.abs(images).max())
    assert np.abs(recorded - real).max() < bound


def test_recorded_operands_are_narrow_and_limited(make_net, data):
    net = make_net(groups=2)
    net.train_quant(data)
    maps = get_feature_maps(net, data, rng=rng(), num_images=5)
    assert all(results.features.dtype == np.int8 for results in maps.values())
    taken = sum(results.features.nbytes + results.outputs.nbytes for results in maps.values())
    get_feature_maps(net, data, rng=rng(), num_images=5, memory_limit=taken)      # the estimate is what they take
    with pytest.raises(ValueError, match=f"memory_limit, {taken - 1} bytes; 5 images .* 4 images fit"):
        get_feature_maps(net, data, rng=rng(), num_images=5, memory_limit=taken - 1)


def test_grouped_fields_meet_only_their_own_group(make_net, data):
    net = make_net(groups=2)
    net.train_quant(data)
    results = get_feature_maps(net, data, rng=rng(), num_images=10)["block.main.conv"]
    fields, m = results.features.reshape(2, -1, 18), results.weights.reshape(18, 2, 2)
    expected = np.concatenate([fields[g] @ m[:, g] for g in range(2)])
    assert np.array_equal(results.outputs, expected)


@pytest.mark.parametrize("groups", [1, 2])
def test_weights_per_channel_have_scales(groups, make_net, data):
    net = make_net(groups=groups, quantization=LayerQuantization(w=TensorScheme(per_channel=True)))
    net.train_quant(data)
    maps = get_feature_maps(net, data, rng=rng(), num_images=5)
    for name, layer in net.noisy_modules:
        scale = layer.quantization.w_parameters(layer.parameters["weight"].value).scale
        assert np.allclose(maps[name].channel_scale, scale / scale.mean())
        of_layer = zip(np.split(maps[name].outputs, maps[name].groups), np.split(scale, maps[name].groups), strict=True)
        assert maps[name].output_std() == pytest.approx(np.std([y * s for y, s in of_layer]) / scale.mean())


# ---- the rule

def test_the_cheapest_that_fits_is_chosen_and_the_boundary_counts():
    results, library = random_results(), load_library()
    space = library.search_space()
    stds = predicted_stds(results, space, rng=rng())
    by_cost = sorted(range(len(space)), key=lambda i: space[i].performance_metric)
    for index in by_cost:
        max_noise = stds[index] / results.output_std()
        cheaper = [i for i in by_cost if stds[i] <= stds[index]]
        name, metric = select_layer_multiplier(results, space, max_noise * (1 + 1e-12), rng=rng())
        assert (name, metric) == (space[cheaper[0]].name, space[cheaper[0]].performance_metric)


def test_an_error_std_equal_to_the_allowance_fits():
    """Constant operands make both sides exact: the error is 1 in half of the fields, the outputs' std is 1."""
    features = np.array([[1], [3]])
    results = IntermediateLayerResults(1, features, features.copy(), np.array([[1]]))
    m = Multiplier.from_function("one off at 3", lambda x, w: x * w - (x == 3) * 2, bits=4, performance_metric=1.0)
    allowed = predicted_stds(results, [m], 4000, rng=rng())[0]
    sigma = allowed / results.output_std()
    assert results.output_std() == 1.0 and sigma == allowed
    assert select_layer_multiplier(results, [m], sigma, 4000, rng=rng())[0] == m.name
    with pytest.raises(ValueError, match="nearest candidate, one off at 3"):
        select_layer_multiplier(results, [m], np.nextafter(sigma, 0), 4000, rng=rng())


def test_later_entries_win_ties_and_the_sign_of_sigma_is_irrelevant():
    results = random_results()
    space = [costing("mul8s_1KVA", 1.0), costing("mul8s_1KVB", 1.0), costing("mul8s_1KV8", 2.0)]
    assert select_layer_multiplier(results, space, 1.0, rng=rng()) == ("mul8s_1KVB", 1.0)
    assert select_layer_multiplier(results, space, -1.0, rng=rng()) == ("mul8s_1KVB", 1.0)
    assert select_layer_multiplier(results, space[::-1], 1.0, rng=rng())[0] == "mul8s_1KVA"


def test_selection_is_published_arithmetic():
    """The rule spelled out with agnapprox's per-operation functions, one multiplier at a time."""
    from refapprox.error_stats import population_prediction, to_distribution
    results, space = random_results(), load_library().search_space()
    fields = get_sample_population(results.features, 512, rng=rng())
    x_dists = np.array([to_distribution(field, -128, 127)[1] for field in fields])
    _, w_dist = to_distribution(results.weights, -128, 127)
    expected = [population_prediction(m.error_map, x_dists, w_dist, results.fan_in)[1] * results.fan_in for m in space]
    assert np.allclose(predicted_stds(results, space, rng=rng()), expected, rtol=1e-12)


def test_prediction_is_near_simulation():
    """Independent operands: the population estimate counts a part of the variance twice, so it is at most sqrt(2)
    too large."""
    results, space = random_results(fields=3000), load_library().search_space()
    predicted, simulated = predicted_stds(results, space, rng=rng()), simulated_stds(results, space, rng=rng())
    inexact = simulated > 0
    assert inexact.sum() == 12
    ratio = predicted[inexact] / simulated[inexact]
    assert (ratio > 0.95).all() and (ratio < 1.05 * np.sqrt(2)).all()
    exact_std = [np.std(results.outputs - lut_matmul(results.features, results.weights, m), ddof=0) for m in space]
    assert np.allclose(simulated, exact_std, rtol=1e-12)      # there are no more than 4096 fields: all are taken


def test_fewer_fields_of_wide_layers_are_simulated(monkeypatch):
    monkeypatch.setattr(prediction, "MOST_ERRORS", 65)
    results, space = random_results(fields=50), load_library().search_space()
    fields = get_sample_population(results.features, 10, rng=rng())      # 7 outputs each: 70 errors
    expected = [np.std(fields @ results.weights - lut_matmul(fields, results.weights, m), ddof=0) for m in space]
    assert np.allclose(simulated_stds(results, space, rng=rng()), expected, rtol=1e-12)


def test_products_are_counted_as_they_are_simulated(make_net, data, monkeypatch):
    """With few errors allowed, so that some layers take fewer fields than there are, and others all."""
    formed = []
    monkeypatch.setattr(prediction, "MOST_ERRORS", 700)
    monkeypatch.setattr(prediction, "lut_matmul", lambda x, w, m: formed.append(x.size * w.shape[1]) or x @ w)
    net = make_net(groups=2)
    net.train_quant(data, epochs=1)
    for name, results in get_feature_maps(net, data, rng=rng(), num_images=3).items():
        simulated_stds(results, [load_library()["mul8s_1KR3"]], rng=rng())
        assert sum(formed) == prediction.products_simulated(dict(net.noisy_modules)[name], 3)
        formed.clear()


def test_channel_scales_weigh_both_sides():
    results, space = random_results(), load_library().search_space()
    plain = predicted_stds(results, space, rng=rng())
    equal = dataclasses.replace(results, channel_scale=np.ones(7))
    assert np.array_equal(predicted_stds(equal, space, rng=rng()), plain)
    scale = np.array([1.75, 0.25] * 3 + [1.0])
    scaled = dataclasses.replace(results, channel_scale=scale)
    assert scaled.output_std() == pytest.approx(np.std(results.outputs * scale, ddof=0))
    predicted, simulated = (f(scaled, space, rng=rng()) for f in (predicted_stds, simulated_stds))
    ratio = predicted[simulated > 0] / simulated[simulated > 0]
    # three channels carry the error, and their 90 weights differ from the 210 pooled ones by more than one channel's
    # worth of chance: 20 % on either side; without the scales every ratio would be below 0.8
    assert (ratio > 0.85).all() and (ratio < 1.7).all()
    assert (plain[simulated > 0] / simulated[simulated > 0]).min() < 0.8


# ---- whole networks

def test_select_and_deploy(searched):
    net, data = searched
    library = load_library()
    info = select_multipliers(net, data, library.search_space(), rng=rng())
    assert [layer.name for layer in info.layers] == ["conv", "block.main.conv", "linear"]
    assert all(layer.predicted_std <= layer.allowed_std for layer in info.layers)
    assert info.metric_max == 0.425 and info.opcount == net.total_ops
    energy = sum(l.opcount / info.opcount * l.multiplier_performance_metric / 0.425 for l in info.layers)
    assert info.relative_energy_consumption == pytest.approx(energy)
    deploy_multipliers(net, info, library)
    assert [layer.multiplier.name for _, layer in net.noisy_modules] == [l.multiplier_name for l in info.layers]
    assert net.mode == "approximate"
    deploy_uniform(net, exact())
    assert {layer.multiplier.name for _, layer in net.noisy_modules} == {"exact8s"}


def test_when_nothing_fits(searched):
    net, data = searched
    coarse = [costing("mul8s_1KR3", 0.1)]
    with pytest.raises(ValueError, match="no multiplier fits layer conv: .* nearest candidate, mul8s_1KR3"):
        select_multipliers(net, data, coarse, rng=rng())
    assert exact_fallback(load_library()).name == "mul8s_1KV8"                            # one of them is exact
    assert exact_fallback(coarse).performance_metric == 0.1 and not exact_fallback(coarse).error_map.any()
    fallback = dataclasses.replace(exact(), performance_metric=4.0)
    info = select_multipliers(net, data, coarse, rng=rng(), fallback=fallback)
    assert "exact8s" in {layer.multiplier_name for layer in info.layers}
    assert info.metric_max == 4.0      # the fallback counts


def test_layers_in_the_wrong_order_are_refused(searched):
    net, data = searched
    info = select_multipliers(net, data, load_library(), rng=rng())
    info.layers.reverse()
    with pytest.raises(ValueError, match=r"in this order, got \['linear'"):
        deploy_multipliers(net, info, load_library())


def test_unknown_multiplier_leaves_the_network_as_it_was(searched):
    net, data = searched
    deploy_uniform(net, exact())
    info = select_multipliers(net, data, load_library(), rng=rng())
    info.layers[-1].multiplier_name = "mul8s_1KVX"
    with pytest.raises(ValueError, match="Did you mean"):
        deploy_multipliers(net, info, load_library())
    assert {layer.multiplier.name for _, layer in net.noisy_modules} == {"exact8s"}


def test_nearest_uniform():
    space = [costing("mul8s_1KVA", 1.0), costing("mul8s_1KVB", 2.0), costing("mul8s_1KV8", 4.0)]
    info = MatchingInfo([LayerInfo("a", "mul8s_1KVA", 1.0, 50), LayerInfo("b", "mul8s_1KV8", 4.0, 50)], 4.0, 100)
    assert info.relative_energy_consumption == 0.625
    assert nearest_uniform(info, space).name == "mul8s_1KVB"


def test_json_round_trip_and_damage(tmp_path):
    info = MatchingInfo([LayerInfo("a", "m", 1.0, 50, 9, 0.1, 2.0, 3.0), LayerInfo("b", "m", 1.0, 50)], 4.0, 100)
    dump_results(info, 0.2, tmp_path)
    again = MatchingInfo.load(tmp_path / "gs_results.json")
    assert again.layers[0] == info.layers[0] and again.relative_energy_consumption == 0.25
    assert np.isnan(again.layers[1].sigma)
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ValueError, match="not a JSON file"):
        MatchingInfo.load(tmp_path / "bad.json")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="other.json must hold the key 'layers'"):
        MatchingInfo.load(tmp_path / "other.json")


@pytest.mark.parametrize("change, message", [
    (lambda d: d["layers"][0].update(name=3), "element 0, 'name' must hold text, got an integer"),
    (lambda d: d["layers"][0].pop("opcount"), "element 0 must hold the key 'opcount'"),
    (lambda d: d["layers"][0].update(sigma="0.1"), "'sigma' must hold a number or null, got text"),
    (lambda d: d.update(layers=None), "'layers' must hold a list, got null"),
    (lambda d: d.update(metric_max=True), "'metric_max' must hold a number or null"),
    (lambda d: d.update(more=1), "must not hold the key 'more'"),
])
def test_what_no_matching_writes_is_refused_with_its_place(tmp_path, change, message):
    path = tmp_path / "matching.json"
    MatchingInfo([LayerInfo("conv1", "cheap", 0.25, 3.0)], 1.0, 3.0).save(path)
    assert np.isnan(MatchingInfo.load(path).layers[0].sigma)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match=message):
        MatchingInfo.load(path)


@pytest.mark.parametrize("multipliers, message", [
    ([], "at least one multiplier"),
    ([exact()], "performance_metric of exact8s must be known"),
    ([dataclasses.replace(exact(4), performance_metric=1.0), costing("mul8s_1KVA", 1.0)], "share their operand"),
])
def test_bad_search_spaces_are_refused(multipliers, message):
    with pytest.raises(ValueError, match=message):
        select_layer_multiplier(random_results(), MultiplierLibrary(multipliers), 0.1, rng=rng())


def test_a_table_of_rank_0_is_a_multiplier_too():
    zero = Multiplier("nothing", np.zeros((256, 256), int), performance_metric=0.0)
    results = random_results()
    assert np.array_equal(lut_matmul(results.features, results.weights, zero), np.zeros_like(results.outputs))
    assert simulated_stds(results, [zero], rng=rng())[0] > 0


def test_mlflow_is_named_when_it_is_missing(tmp_path, monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "mlflow", None)
    info = MatchingInfo([LayerInfo("a", "m", 1.0, 50)], 4.0, 50)
    with pytest.raises(ValueError, match=r"refapprox\[mlflow\]"):
        dump_results(info, 0.2, tracking="mlflow")
    dump_results(info, 0.2, tmp_path)


@pytest.mark.parametrize("tracking, active, told", [("auto", None, 0), ("auto", "a run", 3), ("mlflow", None, 3),
                                                    ("mlflow", "a run", 3), ("none", "a run", 0)])
def test_mlflow_is_told_when_a_run_is_active_or_it_is_asked_for(monkeypatch, tracking, active, told):
    """A stand-in for MLflow; the real one is asked in test_mlflow, where it is installed."""
    import sys
    import types
    calls = []
    stand_in = types.SimpleNamespace(active_run=lambda: active, **{
        name: lambda *what: calls.append(what) for name in ("log_dict", "log_metric", "log_param")})
    monkeypatch.setitem(sys.modules, "mlflow", stand_in)
    dump_results(MatchingInfo([LayerInfo("a", "m", 1.0, 50)], 4.0, 50), 0.2, tracking=tracking)
    assert len(calls) == told
