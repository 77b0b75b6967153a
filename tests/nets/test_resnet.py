"""Residual networks: sizes that the papers print, values by hand, gradients, and the four stages on a tiny data set."""
import numpy as np
import pytest
from small_network import gradient_error

from refapprox import load_library
from refapprox.datasets import DataModule
from refapprox.matching import deploy_multipliers, select_multipliers
from refapprox.nets import ResNet, ResNet8
from refapprox.ops import add, subsample
from refapprox.ops.patches import to_batch_last
from refapprox.optimizer import StageSettings

TINY = dict.fromkeys(("baseline", "quant", "gradient", "approx"), StageSettings(epochs=1, lr=0.02))


def tiny_net(seed=0, **options):
    return ResNet8((2, 9, 8), 3, width=4, rng=np.random.default_rng(seed), **{"stages": TINY} | options)


def blobs(seed=0):
    """Three classes: a bright spot in one of three corners, 160 + 30 + 30 images of two channels, 9 x 8."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=220)
    images = rng.normal(0, 0.5, (220, 2, 9, 8))
    for row, label in enumerate(labels):
        y, x = ((0, 0), (0, 4), (5, 0))[label]
        images[row, :, y:y + 4, x:x + 4] += 1
    parts = [(images[part], labels[part]) for part in (slice(160), slice(160, 190), slice(190, None))]
    return DataModule(*parts, num_classes=3, batch_size=30)


def parameter_count(net):
    return sum(p.value.size for p in net.named_parameters().values())


@pytest.mark.parametrize("depth, parameters, operations", [
    (8, 75_290, None), (20, 269_722, 40.5e6), (32, 464_154, 68.9e6)])
def test_sizes_for_cifar(depth, parameters, operations):
    # 0.27 M and 0.46 M parameters as printed in the paper (20 and 32 layers), 41 M and 69 M multiplications
    net = ResNet(depth, rng=np.random.default_rng(0))
    assert parameter_count(net) == parameters and len(net.noisy_modules) == depth
    if operations is not None:
        assert net.total_ops == pytest.approx(operations, rel=5e-3)


def test_layers_and_their_fan_in():
    net = tiny_net()
    names = [name for name, _ in net.noisy_modules]
    assert names[:3] == ["conv1", "layer1.0.residual.main.conv1", "layer1.0.residual.main.conv2"]
    assert [layer.fan_in for _, layer in net.noisy_modules] == [18, 36, 36, 36, 72, 72, 144, 16]
    sides = [9 * 8] * 3 + [5 * 4] * 2 + [3 * 2] * 2 + [1]
    outputs = [4, 4, 4, 8, 8, 16, 16, 3]
    assert [layer.opcount for _, layer in net.noisy_modules] == [
        f * s * m for f, s, m in zip([18, 36, 36, 36, 72, 72, 144, 16], sides, outputs, strict=True)]


def test_initial_weights_have_the_variance_of_he():
    weight = ResNet8(rng=np.random.default_rng(0)).named_parameters()["layer3.0.residual.main.conv2.weight"].value
    # 36,864 normal draws: the relative standard error of the variance is sqrt(2 / 36864) = 0.0074; 5 of them
    assert np.isclose(weight.var() * weight[0].size, 2, rtol=0.037)


@pytest.mark.parametrize("channels, stride", [(3, 1), (6, 1), (7, 2), (3, 3)])
def test_subsample_by_its_definition(channels, stride):
    x = np.random.default_rng(1).normal(size=(2, 3, 5, 4))
    y, _ = subsample.forward(x, channels, stride)
    expected = np.zeros((2, channels, -(-5 // stride), -(-4 // stride)))
    for n, c, p, q in np.ndindex(2, 3, *expected.shape[2:]):
        expected[n, c + (channels - 3) // 2, p, q] = x[n, c, p * stride, q * stride]
    assert np.array_equal(y, expected) and np.shares_memory(to_batch_last(y), y)


def test_a_block_is_its_branch_plus_its_shortcut():
    net = tiny_net(dtype=np.float64)
    for name, shrinks in (("layer1", False), ("layer2", True)):
        (block,) = net.model.layers[name].layers.values()
        residual = block.layers["residual"]
        x = np.random.default_rng(2).normal(size=(3, 4, 7, 6))
        side = subsample.forward(x, 8, 2)[0] if shrinks else x
        expected = np.maximum(add.forward(residual.main.forward(x), side)[0], 0)
        assert np.array_equal(block.forward(x), expected) and expected.shape[1] == (8 if shrinks else 4)


def four(data):
    """So few images that, for this seed, no rectifier changes sides within a difference's step; with 20 some do."""
    return data.train.images[:4].astype(float), data.train.labels[:4]


def test_gradients_of_the_whole_network():
    # as in test_network: truncation 1e-10, rounding 3e-7 of the floor
    assert gradient_error(tiny_net(dtype=np.float64), *four(blobs()), np.random.default_rng(1)) < 1e-5


def test_the_gradient_check_sees_a_wrong_shortcut(monkeypatch):
    right = subsample.backward
    monkeypatch.setattr(subsample, "backward", lambda dy, cache: 1.01 * right(dy, cache))
    assert gradient_error(tiny_net(dtype=np.float64), *four(blobs()), np.random.default_rng(1)) > 1e-4


def test_the_four_stages_and_matching():
    net, data = tiny_net(), blobs()
    net.train_baseline(data, epochs=6)
    net.train_quant(data, epochs=2)
    _, quantized = net.test(data)
    net.train_gradient(data)
    assert net.sigma_max == 0.3 and all(layer.stdev != 0 for _, layer in net.noisy_modules)
    library = load_library()
    info = select_multipliers(net, data, library.search_space(), rng=np.random.default_rng(0),
                              fallback=library["mul8s_1KV8"])
    assert [layer.name for layer in info.layers] == [name for name, _ in net.noisy_modules]
    deploy_multipliers(net, info, library)
    _, accuracy = net.train_approx(data, test=True)
    # chance is 1/3: 24 of 30 by luck have a probability below 2e-7
    assert quantized >= 0.8 and accuracy >= 0.8 and info.relative_energy_consumption <= 1


def test_the_noise_search_starts_where_it_was_published_to():
    net, data = tiny_net(), blobs()
    net.train_quant(data)
    net.train_gradient(data, epochs=0)
    assert all(layer.stdev == np.float32(0.1) for _, layer in net.noisy_modules)
    net.train_gradient(data, initial_noise=0.05, lmbd=0.0, epochs=0)
    assert all(layer.stdev == np.float32(0.05) for _, layer in net.noisy_modules)


@pytest.mark.parametrize("call, message", [
    (lambda: ResNet(9, rng=np.random.default_rng(0)), "depth of ResNet must be one of 8, 14, 20, 32, 44, 56, got 9"),
    (lambda: ResNet8(width=0, rng=np.random.default_rng(0)), "width of ResNet must be at least 1"),
    (lambda: subsample.forward(np.zeros((1, 3, 2, 2)), 2), "channels of subsample must be at least 3, got 2"),
    (lambda: subsample.forward(np.zeros((3, 2, 2)), 4), r"must have shape \(n, c, h, w\)"),
    (lambda: tiny_net().forward(np.zeros((1, 3, 9, 8))), r"must have shape \(n, 2, 9, 8\)"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
