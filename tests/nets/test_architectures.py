"""Every architecture at toy width: shapes, gradients, the four stages and matching; and what deployment does."""
from dataclasses import replace

import numpy as np
import pytest
from small_network import gradient_error

from refapprox import exact, from_family, load_library
from refapprox.datasets import DataModule
from refapprox.matching import deploy_multipliers, deploy_uniform, exact_fallback, select_multipliers
from refapprox.nets import VGG, AlexNet, LeNet5, MobileNetV2, ResNet, make_net, net_names
from refapprox.network import Add, BatchNorm, Conv2D, Graph, Node, ReLU
from refapprox.network.folding import fold_batch_norm as fold
from refapprox.optimizer import StageSettings
from refapprox.quantization import LayerQuantization, TensorScheme, fold_batch_norm

RNG = np.random.default_rng
SHAPE = (3, 16, 16)
STAGES = dict.fromkeys(("baseline", "quant", "gradient", "approx"), StageSettings(epochs=1, lr=0.01))
TOY = {      # name -> how to make it small
    "LeNet5": lambda **options: LeNet5(SHAPE, 3, **options),
    "AlexNet": lambda **options: AlexNet(SHAPE, 3, width=2, **options),
    "VGG11": lambda **options: VGG(11, SHAPE, 3, width=2, **options),
    "VGG19": lambda **options: VGG(19, SHAPE, 3, width=1, **options),
    "MobileNetV2": lambda **options: MobileNetV2(SHAPE, 3, width=4, groups=((1, 16, 1, 1), (6, 16, 2, 2)), **options),
    "ResNet14": lambda **options: ResNet(14, SHAPE, 3, width=2, **options),
}


def colors(n=132):
    """Three classes of noisy images, each bright in one channel."""
    rng = RNG(0)
    labels = np.arange(n) % 3
    images = rng.normal(size=(n, *SHAPE)) + 2 * np.eye(3)[labels][:, :, None, None]
    return DataModule((images, labels), (images[:15], labels[:15]), (images[15:30], labels[15:30]), num_classes=3,
                      batch_size=44)


@pytest.fixture(scope="module")
def images():
    return colors().train.images[:60]


@pytest.mark.parametrize("name", TOY)
def test_four_stages_and_matching(name):
    data, library = colors(), load_library()
    net = TOY[name](rng=RNG(1), stages=STAGES)
    start = net.state()
    for train in (net.train_baseline, net.train_quant, net.train_gradient):
        train(data)
    assert all(layer.stdev != 0 and np.isfinite(layer.stdev) for _, layer in net.noisy_modules)
    fallback = exact_fallback(library)
    info = select_multipliers(net, data, library, rng=RNG(2), fallback=fallback)
    assert [layer.name for layer in info.layers] == [layer for layer, _ in net.noisy_modules]
    assert 0 < info.relative_energy_consumption <= 1
    deploy_multipliers(net, info, library)
    net.train_approx(data)
    loss, accuracy = net.test(data)
    assert np.isfinite(loss) and 0 <= accuracy <= 1
    changed = {key for key, value in net.state().items() if not np.array_equal(value, start[key])}
    assert {f"{layer}.weight" for layer, _ in net.noisy_modules} <= changed


@pytest.mark.parametrize("name", TOY)
def test_quantized_equals_approximate_with_the_exact_table_bit_for_bit(name, images):
    for quantization, table in ((None, exact()), (LayerQuantization.for_multiplier(exact(8, False)), exact(8, False))):
        net = TOY[name](rng=RNG(3), stages=STAGES, quantization=quantization)
        net.set_mode("quantized")
        net.forward(images[:20], training=True)
        quantized = net.forward(images[20:30])
        deploy_uniform(net, table)
        assert np.array_equal(net.forward(images[20:30]), quantized)


def test_unsigned_multipliers_are_matched_deployed_and_retrained():
    """Weights of both signs on codes [0, 255] with a zero point, activations after a rectifier with zero point 0."""
    data, space = colors(), [replace(from_family("drum", k=k, bits=8, signed=False), performance_metric=k / 10)
                             for k in (3, 5, 7)]
    net = TOY["LeNet5"](rng=RNG(1), stages=STAGES, quantization=LayerQuantization.for_multiplier(space[0]))
    for train in (net.train_baseline, net.train_quant, net.train_gradient):
        train(data)
    fallback = exact_fallback(space)
    assert not fallback.signed and not fallback.error_map.any()
    info = select_multipliers(net, data, space, rng=RNG(2), fallback=fallback)
    deploy_multipliers(net, info, {m.name: m for m in (*space, fallback)})
    for (_, layer), chosen in zip(net.noisy_modules, info.layers, strict=True):
        assert layer.quantization.w.kind == "affine" and layer.multiplier.name == chosen.multiplier_name
    net.train_approx(data)
    assert np.isfinite(net.test(data)[0])
    with pytest.raises(ValueError, match=r"codes x of the layer lie in \[0, 255\]"):
        deploy_uniform(net, exact())
    with pytest.raises(ValueError, match=r"codes in \[0, 255\] of a symmetric scheme have no negative value"):
        wrong = LayerQuantization(*[TensorScheme("symmetric", 0, 255)] * 2)
        TOY["LeNet5"](rng=RNG(1), stages=STAGES, quantization=wrong).train_quant(data)


# without batch norm a network of rectifiers has kinks too close to each other for differences
@pytest.mark.parametrize("name", ["LeNet5", "MobileNetV2", "VGG11"])
def test_gradients_match_central_differences(name, images):
    net = TOY[name](rng=RNG(4), stages=STAGES, dtype=np.float64)
    labels = np.arange(12) % 3
    # a step of 1e-7 hardly ever crosses the kink of a rectifier; rounding is eps / step = 2e-9, 2e-5 of the floor
    assert gradient_error(net, images[:12].astype(float), labels, RNG(5), step=1e-7) < 1e-3


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 64, 64)])
def test_every_name_makes_a_network_for_every_data_set(shape):
    for name in net_names():
        width = {} if name == "lenet5" else {"width": 1}
        net = make_net(name, shape, 7, rng=RNG(0), **width)
        assert net.forward(np.zeros((2, *shape))).shape == (2, 7) and net.name.lower() == name
    with pytest.raises(KeyError, match="Did you mean resnet8"):
        make_net("resnet9", shape, 7, rng=RNG(0))


def test_published_sizes():
    """Parameters and multiplications a sample of the networks at full width, as others count them."""
    mobile = make_net("mobilenetv2", (3, 32, 32), 10, rng=RNG(0))
    assert len(mobile.noisy_modules) == 53 and mobile.total_ops == 87_976_448
    deep = make_net("resnet56", (3, 32, 32), 10, rng=RNG(0))
    assert len(deep.noisy_modules) == 56 and deep.total_ops == 125_485_696
    assert 0.85e6 <= sum(p.value.size for p in deep.named_parameters().values()) < 0.86e6      # He et al., table 6


# ---- as networks are deployed

def trained(name, dtype=np.float32, **options):
    """A toy network whose batch norms have statistics of their own."""
    net = TOY[name](rng=RNG(6), stages=STAGES, dtype=dtype, **options)
    for _ in range(3):
        net.forward(RNG(7).normal(size=(20, *SHAPE)), training=True)
    for _, norm in net.batch_norms:
        norm.parameters["gamma"].value[...] = RNG(8).uniform(0.5, 2, norm.parameters["gamma"].value.shape)
        norm.parameters["beta"].value[...] = RNG(9).normal(size=norm.parameters["beta"].value.shape)
    return net


@pytest.mark.parametrize("name", ["LeNet5", "VGG11", "MobileNetV2", "ResNet14"])
def test_folding_batch_norm_is_exact_in_float(name, images):
    for dtype, rtol in ((np.float64, 1e-11), (np.float32, 1e-3)):      # the deepest network rounds 30 times
        net = trained(name, dtype)
        expected, norms = net.forward(images[:20]), [norm for norm, _ in net.batch_norms]
        assert net.fold_batch_norm() == net.preparation[-1]["layers"] and not net.batch_norms
        assert sorted(net.preparation[-1]["layers"]) == sorted(norms)
        assert np.allclose(net.forward(images[:20]), expected, rtol=rtol, atol=rtol * np.abs(expected).max())
        net.set_mode("quantized")
        net.forward(images, training=True)
        assert np.isfinite(net.forward(images)).all()


def test_folding_in_a_graph_leaves_what_others_read(images):
    rng = RNG(10)
    nodes = {"conv": Node(Conv2D(3, 2, 3, rng=rng, dtype=np.float64), ("input",)),
             "norm": Node(BatchNorm(2, dtype=np.float64), ("conv",)), "relu": Node(ReLU(), ("norm",)),
             "second": Node(Conv2D(2, 2, 3, rng=rng, dtype=np.float64), ("relu",)),
             "kept": Node(BatchNorm(2, dtype=np.float64), ("second",)), "other": Node(ReLU(), ("second",))}
    graph = Graph(nodes | {"sum": Node(Add(), ("kept", "other"))}, "sum")
    x = images[:4].astype(float)
    for _ in range(3):
        graph.forward(x, training=True)
    expected = graph.forward(x)
    assert fold(graph) == ["norm"] and np.allclose(graph.forward(x), expected, rtol=1e-12)


def test_the_formula_of_folding_sees_each_of_its_parts():
    rng = RNG(11)
    weight, (bias, gamma, beta, mean) = rng.normal(size=(4, 3)), rng.normal(size=(4, 4))
    var, x = rng.uniform(0.5, 2, 4), rng.normal(size=(5, 3))
    w, b = fold_batch_norm(weight, bias, gamma, beta, mean, var, eps=0.1)
    expected = (x @ weight.T + bias - mean) / np.sqrt(var + 0.1) * gamma + beta
    assert np.allclose(x @ w.T + b, expected, rtol=1e-12)


def test_static_ranges_are_those_of_the_calibration_images_and_stay(images):
    net = trained("LeNet5", quantization=LayerQuantization(ranges="static"))
    net.set_mode("quantized")
    with pytest.raises(ValueError, match="range is unknown"):
        net.forward(images)
    net.calibrate(images[:25], "25 training images", batch_size=10)
    assert net.preparation == [{"step": "calibrate", "images": 25, "source": "25 training images"}]
    assert net.mode == "quantized" and not net.noisy_modules[0][1].calibrating
    first = net.noisy_modules[0][1].observer
    assert first.bounds() == (float(images[:25].min()), float(images[:25].max()))
    before = net.state()
    net.forward(10 * images, training=True)
    after = net.state()
    assert all(np.array_equal(before[key], after[key]) for key in before if key.endswith("x_range"))


def test_ranges_of_every_batch_depend_on_the_batch_alone(images):
    net = trained("LeNet5", quantization=LayerQuantization(TensorScheme("affine"), ranges="batch"))
    net.set_mode("quantized")
    alone = net.forward(images[:10])
    net.forward(100 * images)
    assert np.array_equal(net.forward(images[:10]), alone)
    assert not np.array_equal(net.forward(images[:20])[:10], alone)      # a batch of others besides


def test_batch_norm_is_recalibrated_under_the_deployed_multiplier(images):
    net = trained("VGG11")
    net.set_mode("quantized")
    net.forward(images, training=True)
    deploy_uniform(net, load_library()["mul8s_1L2D"])
    weights = {key: value for key, value in net.state().items() if "running" not in key}
    net.recalibrate_batch_norm(images, batch_size=30)
    assert net.preparation[-1] == {"step": "recalibrate batch norm", "images": 60, "source": "given images",
                                   "mode": "approximate"}
    after = net.state()
    assert all(np.array_equal(after[key], weights[key]) for key in weights)
    # the first batch norm sees the same convolution outputs in every batch size
    first, halves = net.noisy_modules[0][1], [images[:30], images[30:]]
    outputs = [first.forward(half) for half in halves]
    assert np.allclose(after["bn1.running_mean"], np.mean([y.mean(axis=(0, 2, 3)) for y in outputs], axis=0), rtol=1e-4,
                       atol=1e-6)
    variances = [y.astype(float).var(axis=(0, 2, 3), ddof=0) * y[:, 0].size / (y[:, 0].size - 1) for y in outputs]
    assert np.allclose(after["bn1.running_var"], np.mean(variances, axis=0), rtol=1e-4)
    net.recalibrate_batch_norm(images, batch_size=30)
    assert np.array_equal(net.state()["bn1.running_mean"], after["bn1.running_mean"])      # nothing is left of before


@pytest.mark.parametrize("what, keys", [("batch_norm", {"gamma", "beta"}), ("biases", {"bias", "beta"})])
def test_retraining_of_some_parameters_leaves_the_others(what, keys):
    data, net = colors(), trained("LeNet5")
    net.set_mode("quantized")
    net.forward(data.train.images, training=True)
    deploy_uniform(net, exact())
    before = net.state()
    net.train_approx(data, trained=what)
    after = net.state()
    changed = {key.rpartition(".")[2] for key in before if not np.array_equal(before[key], after[key])}
    assert changed == keys | {"running_mean", "running_var", "x_range"}


def test_nothing_to_retrain_is_an_error():
    net = trained("LeNet5")
    net.fold_batch_norm()
    deploy_uniform(net, exact())
    with pytest.raises(ValueError, match="trained must name something that LeNet5 has, got 'batch_norm'"):
        net.train_approx(colors(), trained="batch_norm")
    with pytest.raises(KeyError, match="trained must be one of all, batch_norm, biases"):
        replace(STAGES["approx"], trained="weights")


@pytest.mark.parametrize("name", ["lenet5", "resnet8", "vgg11", "alexnet", "mobilenetv2"])
@pytest.mark.parametrize("shape", [[1, [2]], (1, 28), 7, (None, 28, 28), np.array(3)], ids=repr)
def test_the_shape_of_images_is_named(name, shape):
    with pytest.raises((TypeError, ValueError), match="input_shape"):
        make_net(name, shape, 10, rng=np.random.default_rng(0))
