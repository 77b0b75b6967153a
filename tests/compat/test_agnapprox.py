"""agnapprox's names: argument orders, table order, settings, what counts as a multiplier, and bad input."""
import inspect
import json
from dataclasses import dataclass

import numpy as np
import pytest

from refapprox import load_library, matching
from refapprox.compat.agnapprox import utils
from refapprox.compat.agnapprox.datamodules import MNIST, ApproxDataModule
from refapprox.compat.agnapprox.libs.approxlib import ApproximateMultiplier
from refapprox.compat.agnapprox.libs.evoapprox import EvoApprox, EvoApproxLib
from refapprox.compat.agnapprox.nets import LeNet5, ResNet
from refapprox.compat.agnapprox.nets.approxnet import ApproxNet
from refapprox.compat.lightning import Trainer
from refapprox.compat.pipelines import signed_multiplier
from refapprox.datasets import SyntheticDigits

PUBLISHED = {      # argument names in order, of the documented functions; what we add comes after
    "single_dist_mc": "emap x_dist w_dist fan_in num_samples",
    "error_prediction": "emap x_dist w_dist fan_in",
    "get_sample_population": "tensor num_samples",
    "population_prediction": "emap x_multidist w_dist fan_in",
    "to_distribution": "tensor min_val max_val",
    "error_calculation": "accurate approximate fan_in",
    "dump_results": "result lmbd",
    "set_all": "model attr value",
    "IntermediateLayerResults": "fan_in features outputs weights",
    "get_feature_maps": "model target_modules trainer datamodule",
    "topk_accuracy": "output target topk",
    "select_layer_multiplier": "intermediate_results multipliers max_noise num_samples",
    "LayerInfo": "name multiplier_name multiplier_performance_metric opcount",
    "MatchingInfo": "layers metric_max opcount",
    "deploy_multipliers": "model matching_result library",
    "select_multipliers": "model datamodule multipliers trainer",
}


class Digits(ApproxDataModule):
    """A data set of one's own."""

    def load(self):
        return SyntheticDigits(n_train=144, n_test=20, batch_size=self.args["batch_size"])


@pytest.fixture(scope="module")
def trained():
    """(model, dm) after one epoch of each stage up to the noise search."""
    dm, model = Digits(batch_size=64, num_workers=2), LeNet5(rng=np.random.default_rng(3))
    dm.setup("fit")
    for stage in (model.train_baseline, model.train_quant, model.train_gradient):
        stage(dm, epochs=1, enable_progress_bar=False)
    return model, dm


@pytest.mark.parametrize("name", PUBLISHED)
def test_arguments_have_the_published_names_and_order(name):
    published = PUBLISHED[name].split()
    parameters = list(inspect.signature(getattr(utils, name)).parameters.values())
    assert [p.name for p in parameters[:len(published)]] == published
    assert all(p.default is not p.empty for p in parameters[len(published):])


def test_published_defaults():
    gradient = inspect.signature(ApproxNet.train_gradient).parameters
    assert gradient["lmbd"].default == 0.2 and gradient["initial_noise"].default == 0.1
    assert inspect.signature(utils.single_dist_mc).parameters["num_samples"].default == 100_000
    assert inspect.signature(utils.select_layer_multiplier).parameters["num_samples"].default == 512
    model = LeNet5()
    assert model.sigma_max == 0.5 and model.topk == (1,) and model.name == "LeNet5"
    assert model.epochs == {"baseline": 10, "qat": 1, "gradient_search": 3, "approx": 5}


def test_statistics_make_a_generator_where_none_is_passed():
    emap, uniform = load_library()["mul8s_1KVL"].error_map, np.full(256, 1 / 256)
    first, second = (utils.single_dist_mc(emap, uniform, uniform, 10, 50) for _ in range(2))
    assert first != second
    again = [utils.single_dist_mc(emap, uniform, uniform, 10, 50, rng=np.random.default_rng(1)) for _ in range(2)]
    assert again[0] == again[1]
    assert utils.get_sample_population(np.arange(12).reshape(4, 3), 5).shape == (5, 3)


# ---- tables

def two_complement_reference(name):
    """Table by the definition: row and column are the bit patterns of the operands."""
    multiplier = load_library()[name]
    patterns = np.arange(256)
    codes = patterns.astype(np.uint8).view(np.int8).astype(int)
    return multiplier(codes[:, None], codes)


@pytest.mark.parametrize("name", ["mul8s_1KV8", "mul8s_1KVL", "mul8s_1L2D"])
def test_load_lut_is_in_twos_complement_order_and_the_native_one_is_not(name):
    table = EvoApproxLib().load_lut(name)
    assert table.dtype == np.int32 and np.array_equal(table, two_complement_reference(name))
    native = load_library().load_lut(name)
    assert not np.array_equal(table, native) and np.array_equal(table[128:, 128:], native[:128, :128])


def test_an_assigned_table_is_what_the_layer_multiplies_with():
    evo, model = EvoApproxLib(), LeNet5()
    (_, module), *_ = model.noisy_modules
    assert module.approx_op.lut is None
    module.approx_op.lut = evo.load_lut("mul8s_1KVL")      # not symmetric in its operands
    multiplier = load_library()["mul8s_1KVL"]
    assert np.array_equal(module.layer.multiplier.lut, multiplier.lut)
    assert not np.array_equal(module.layer.multiplier.lut, multiplier.lut.T)
    assert np.array_equal(module.approx_op.lut, evo.load_lut("mul8s_1KVL"))
    module.approx_op.lut = np.zeros((256, 256))             # floats that are whole, as the published tests have them
    assert module.layer.multiplier.lut.dtype == np.int32 and not module.layer.multiplier.lut.any()


@pytest.mark.parametrize("table, message", [
    (np.zeros((128, 256), int), r"must have shape \(256, 256\), got \(128, 256\)"),
    (np.full((256, 256), 0.5), "must hold whole numbers"),
])
def test_a_bad_table_is_refused(table, message):
    with pytest.raises(ValueError, match=message):
        signed_multiplier(table, "m")


def test_both_releases_hold_the_same_circuits():
    evo, later = EvoApproxLib(), EvoApprox()
    tables = [{library.load_lut(m.name).tobytes() for m in library.search_space()} for library in (evo, later)]
    assert tables[0] == tables[1] and len(tables[0]) == len(later.names) == 13
    errors, before = ({m.name: np.abs(m.error_map).mean() for m in library.search_space()} for library in (later, evo))
    assert errors["mul8s_1KV8"] == 1.25 and before["mul8s_1KV8"] == 0      # one name, two circuits
    assert errors["mul8s_1KV6"] == 0 and round(errors["mul8s_1KX5"], 2) == 101.28
    assert EvoApprox("1KV").names == [name for name in later.names if "1KV" in name]


# ---- matching

@dataclass
class Mine:
    name: str
    performance_metric: float
    error_map: np.ndarray


def test_anything_with_three_attributes_counts_as_a_multiplier(trained):
    model, dm = trained
    nothing, everything = np.zeros((256, 256), int), np.full((256, 256), 10)
    everything[::2] = -10_000
    res = utils.select_multipliers(model, dm, [Mine("coarse", 0.1, everything), Mine("fine", 0.4, nothing)], None)
    assert [layer.multiplier_name for layer in res.layers] == 5 * ["fine"]
    assert res.metric_max == 0.4 and res.relative_energy_consumption == pytest.approx(1)


def test_a_seeded_selection_is_the_native_one(trained):
    model, dm = trained
    candidates = EvoApproxLib().prepare(signed=True)
    ours = utils.select_multipliers(model, dm, candidates, Trainer(), rng=np.random.default_rng(5))
    native = matching.select_multipliers(model.net, dm.native, list(load_library()), rng=np.random.default_rng(5))
    assert [layer.multiplier_name for layer in ours.layers] == [layer.multiplier_name for layer in native.layers]
    assert [layer.predicted_std for layer in ours.layers] == [layer.predicted_std for layer in native.layers]
    assert ours.relative_energy_consumption == native.relative_energy_consumption


def test_feature_maps_of_some_layers(trained):
    model, dm = trained
    maps = utils.get_feature_maps(model, model.noisy_modules[2:4], Trainer(), dm)
    assert list(maps) == ["model.linear1", "model.linear2"]
    linear = maps["model.linear1"]
    assert linear.features.shape == (128, 400) and linear.weights.shape == (400, 120)
    assert np.array_equal(linear.outputs, linear.features @ linear.weights)
    name, metric = utils.select_layer_multiplier(linear, EvoApproxLib().prepare(), 0.5)
    assert name in load_library().names and 0 < metric <= 0.425


def test_deployment_through_either_library_is_the_same(trained):
    model, dm = trained
    res = utils.select_multipliers(model, dm, EvoApproxLib().prepare())
    images = dm.native.test.images[:4]
    outputs = []
    for library in (EvoApproxLib(), load_library()):
        for _, module in model.noisy_modules:
            module.approx_op.lut = None
        utils.deploy_multipliers(model, res, library)
        model.mode = "approx"
        outputs.append(model(images))
    assert np.array_equal(*outputs)
    model.mode = "qat"
    assert not np.array_equal(outputs[0], model(images))


def test_results_are_json(trained):
    model, dm = trained
    res = utils.select_multipliers(model, dm, EvoApproxLib().prepare())
    stored = json.loads(json.dumps(res, cls=utils.EnhancedJSONEncoder))
    assert utils.MatchingInfo([utils.LayerInfo(**layer) for layer in stored["layers"]], stored["metric_max"],
                              stored["opcount"]) == res
    assert json.dumps({"a": np.float32(0.5), "b": np.arange(2)}, cls=utils.EnhancedJSONEncoder) == \
        '{"a": 0.5, "b": [0, 1]}'
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(object(), cls=utils.EnhancedJSONEncoder)


# ---- settings

def test_modes_are_flags_of_the_layers():
    model = LeNet5()
    modules = [module for _, module in model.noisy_modules]
    assert model.mode == "baseline" and not modules[0].quantize
    utils.set_all(model, "quantize", True)
    assert all(m.quantize and m.layer.mode == "quantized" for m in modules)
    utils.set_all(model, "noise", True)
    assert all(m.layer.mode == "noise" for m in modules)
    utils.set_all(model, "stdev", 0.25)
    assert all(m.stdev.item() == 0.25 for m in modules)
    model.mode = "baseline"
    assert all(m.layer.mode == "float" and not m.noise for m in modules)
    with pytest.raises(ValueError, match="needs a multiplier"):
        modules[0].approximate = True
    assert not modules[0].approximate and modules[0].layer.mode == "float"


def test_residual_networks_have_the_published_layer_names():
    model = ResNet(input_shape=(1, 8, 8), width=2)
    assert [name for name, _ in model.noisy_modules] == [
        "model.conv1", "model.layer1.0.conv1", "model.layer1.0.conv2", "model.layer2.0.conv1", "model.layer2.0.conv2",
        "model.layer3.0.conv1", "model.layer3.0.conv2", "model.linear"]
    assert model.epochs == {"baseline": 180, "qat": 30, "gradient_search": 30, "approx": 10}
    assert model.sigma_max == 0.5 and model.name == "ResNet8"
    with pytest.raises(ValueError, match="resnet_size must be one of ResNet8, ResNet14, ResNet20, ResNet32"):
        ResNet("ResNet18")


def test_epochs_of_a_stage_can_be_set(capsys):
    dm, model = Digits(), LeNet5(rng=np.random.default_rng(0))
    dm.setup()
    before = model.net.state()
    model.epochs["baseline"] = 0
    model.train_baseline(dm, test=True)
    assert all(np.array_equal(value, before[name], equal_nan=True) for name, value in model.net.state().items())
    assert "test_acc_top1" in capsys.readouterr().out


def test_the_data_module_has_its_loaders():
    dm = Digits(batch_size=50)
    dm.setup()
    assert [len(labels) for _, labels in dm.train_dataloader()] == [50, 50, 32]
    assert sum(len(labels) for _, labels in dm.val_dataloader()) == len(dm.df_val.labels) == 12
    assert sum(len(labels) for _, labels in dm.test_dataloader()) == len(dm.df_test.labels) == 20
    assert [len(images) for images, _ in dm.sample_dataloader()] == [50, 50, 28]


# ---- bad input

def test_a_mode_without_tables_names_the_layers():
    model = LeNet5()
    model.noisy_modules[0][1].approx_op.lut = np.zeros((256, 256))
    with pytest.raises(ValueError, match=r"every layer, model.conv2.0, .* have none: call deploy_multipliers"):
        model.mode = "approx"
    with pytest.raises(ValueError, match="mode must be one of baseline, qat, gradient_search, approx, got 'noise'"):
        model.mode = "noise"


def test_layers_in_the_wrong_order_are_refused(trained):
    model, _ = trained
    layers = [utils.LayerInfo(name, "mul8s_1KV8", 0.4, 1) for name, _ in reversed(model.noisy_modules)]
    with pytest.raises(ValueError, match="in this order"):
        utils.deploy_multipliers(model, utils.MatchingInfo(layers, 1, 5), EvoApproxLib())


def test_what_is_not_there_says_so(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"call prepare_data\(\) and setup\(\) first"):
        LeNet5().train_baseline(MNIST())
    monkeypatch.setenv("AGNAPPROX_DATA_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="call prepare_data"):
        MNIST().setup()
    with pytest.raises(TypeError, match="must be an ApproxDataModule or a refapprox DataModule, got list"):
        LeNet5().train_baseline([])
    with pytest.raises(ValueError, match="Trainer options gradient_clip_val, precision are not supported"):
        LeNet5().train_baseline(Digits(), precision=16, gradient_clip_val=1, logger=False)
    with pytest.raises(ValueError, match="signed of prepare must be True"):
        EvoApproxLib().prepare(signed=False)
    with pytest.raises(ValueError, match="no built-in multiplier has 'mul8u' in its name"):
        EvoApprox("mul8u")
    with pytest.raises(TypeError, match="must be a refapprox.nets.ApproxNet"):
        ApproxNet(object())


def test_a_candidate_is_plain_data():
    (first, *_) = EvoApproxLib().prepare()
    assert isinstance(first, ApproximateMultiplier)
    assert np.array_equal(first.error_map, load_library()[first.name].error_map)
