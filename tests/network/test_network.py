"""Whole networks: gradients against central differences, and the four modes against each other."""
import copy

import numpy as np
import pytest
from small_network import gradient_error

from refapprox import Multiplier, exact, load_library, nets
from refapprox.matching import deploy_uniform
from refapprox.network import BatchNorm, Conv2D, Linear, ReLU, Sequential
from refapprox.network.module import load_state_arrays, state_arrays
from refapprox.ops.lut_conv2d import lut_conv2d
from refapprox.quantization import LayerQuantization, TensorScheme

SCHEMES = {
    "symmetric": LayerQuantization(),
    "affine": LayerQuantization(TensorScheme("affine"), TensorScheme("affine")),
    "per channel": LayerQuantization(TensorScheme(), TensorScheme(per_channel=True)),
    "affine per channel": LayerQuantization(TensorScheme("affine", 0, 127), TensorScheme("affine", per_channel=True)),
}

def twenty(data):
    return data.train.images[:20].astype(float), data.train.labels[:20]


def test_gradients_of_a_whole_network_match_central_differences(make_net, data):
    net = make_net(dtype=np.float64)
    error = gradient_error(net, *twenty(data), np.random.default_rng(1))
    # truncation is about step**2 = 1e-10; the rounding of a loss near 1 is eps / step = 3e-11, 3e-7 of FLOOR
    assert error < 1e-5


def test_the_gradient_check_sees_a_wrong_layer(make_net, data, monkeypatch):
    net = make_net(dtype=np.float64)
    right = BatchNorm.backward
    monkeypatch.setattr(BatchNorm, "backward", lambda self, dy, need_dx=True: 1.001 * right(self, dy))
    assert gradient_error(net, *twenty(data), np.random.default_rng(1)) > 1e-4


def test_noise_mode_differentiates_through_the_spread():
    """A layer with noise but without quantization, since a staircase has no derivative."""
    rng = np.random.default_rng(3)
    layer = Linear(6, 5, rng=rng, dtype=np.float64)
    layer.set_mode("noise")
    layer.stdev = 0.3
    layer._code_products = layer._float_products
    x, along, dy = rng.normal(size=(7, 6)), rng.normal(size=(7, 6)), rng.normal(size=(7, 5))

    def loss(x):
        layer.noise_rng = np.random.default_rng(9)
        return np.sum(dy * layer.forward(x, training=True))

    loss(x)
    dx, dsigma = layer.backward(dy), layer.parameters["sigma"].grad
    numeric = (loss(x + 1e-6 * along) - loss(x - 1e-6 * along)) / 2e-6
    assert np.sum(dx * along) == pytest.approx(numeric, rel=1e-7)
    layer.stdev = 0.3 + 1e-6
    up = loss(x)
    layer.stdev = 0.3 - 1e-6
    assert dsigma == pytest.approx((up - loss(x)) / 2e-6, rel=1e-7)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("groups", [1, 2])
def test_quantized_equals_approximate_with_the_exact_table_bit_for_bit(make_net, data, scheme, groups):
    net = make_net(quantization=SCHEMES[scheme], groups=groups)
    net.set_mode("quantized")
    net.forward(data.train.images[:50], training=True)
    quantized = net.forward(data.train.images[50:80])
    deploy_uniform(net, exact())
    assert np.array_equal(net.forward(data.train.images[50:80]), quantized)
    deploy_uniform(net, load_library()["mul8s_1L2D"])
    assert not np.array_equal(net.forward(data.train.images[50:80]), quantized)      # or the table was not used


def test_straight_through_gradients_do_not_depend_on_the_table():
    layer = Conv2D(2, 3, 3, padding=1, rng=np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=(4, 2, 5, 5)).astype(np.float32)
    dy = np.random.default_rng(2).normal(size=(4, 3, 5, 5)).astype(np.float32)
    gradients = []
    for multiplier in (None, exact(), Multiplier.from_function("off", lambda a, b: a * b + 7)):
        layer.multiplier = multiplier
        layer.set_mode("approximate" if multiplier else "quantized")
        layer.observer.range[:] = np.nan
        layer.forward(x, training=True)
        gradients.append((layer.backward(dy), layer.parameters["weight"].grad))
    for dx, dw in gradients[1:]:
        assert np.array_equal(dx, gradients[0][0]) and np.array_equal(dw, gradients[0][1])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_straight_through_gradient_is_that_of_the_fake_quantized_product(scheme):
    """Linear layer: dx = dy w_fake and dw = dy^T x_fake, zero where a code was clipped."""
    rng = np.random.default_rng(5)
    layer = Linear(6, 4, bias=False, rng=rng, dtype=np.float64, quantization=SCHEMES[scheme])
    layer.set_mode("quantized")
    layer.forward(rng.normal(size=(9, 6)), training=True)
    x, dy = 3 * rng.normal(size=(9, 6)), rng.normal(size=(9, 4))      # wider than the observed range: some clip
    layer.forward(x, training=True)
    dx, weight = layer.backward(dy), layer.parameters["weight"].value
    qx, qw = layer.quantization.x_parameters(layer.observer.bounds()), layer.quantization.w_parameters(weight)
    x_fake, w_fake = qx.dequantize(qx.quantize(x)), qw.dequantize(qw.quantize(weight))
    unclipped = np.rint(x / qx.scale) + qx.zero_point
    inside = (unclipped >= qx.qmin) & (unclipped <= qx.qmax)
    assert not inside.all()
    assert np.allclose(dx, (dy @ w_fake) * inside, rtol=1e-12, atol=1e-14)
    assert np.allclose(layer.parameters["weight"].grad, dy.T @ x_fake, rtol=1e-12, atol=1e-14)


def test_padding_goes_through_the_table():
    """With lut[0, w] = 5 every padded tap adds 5: a padded zero is not free for an inexact table."""
    layer = Conv2D(1, 1, 3, padding=1, bias=False, rng=np.random.default_rng(0))
    layer.multiplier = Multiplier.from_function("zero costs", lambda x, w: 5 if x == 0 else x * w)
    layer.set_mode("approximate")
    layer.observer.observe(np.array([-1.0, 1.0]))
    records = []
    layer.recorder = lambda x_codes, qx, w_codes, qw: records.append((x_codes, w_codes, qx.scale * qw.scale))
    y = layer.forward(np.ones((1, 1, 3, 3), np.float32))
    x_codes, w_codes, scale = records[0]
    sums = lut_conv2d(x_codes, w_codes, layer.multiplier, padding=1, method="index")
    assert np.allclose(y, sums * scale, rtol=1e-6)      # float32 rescaling: a few units in the last place
    assert sums[0, 0, 0, 0] == 5 * 5 + np.sum(x_codes[0, 0, :2, :2] * w_codes[0, 0, 1:, 1:])


def test_opcounts_fan_ins_and_names(make_net):
    net = make_net(groups=2)
    assert [(name, layer.fan_in, layer.opcount) for name, layer in net.noisy_modules] == [
        ("conv", 9, 9 * 4 * 64), ("block.main.conv", 18, 18 * 4 * 16), ("linear", 16, 64)]
    assert net.total_ops == 9 * 4 * 64 + 18 * 4 * 16 + 64


def test_state_round_trip_and_misfits(make_net):
    one, other = make_net(seed=1), make_net(seed=2)
    state = one.state()
    other.load_state(state)
    assert all(np.array_equal(a, state[name], equal_nan=True) for name, a in state_arrays(other.model).items())
    del state["linear.bias"]
    with pytest.raises(ValueError, match=r"linear\.bias"):
        other.load_state(state)
    with pytest.raises(ValueError, match="shape"):
        load_state_arrays(other.model, one.state() | {"linear.bias": np.zeros(3, np.float32)})


def test_mistakes_are_named(make_net, data):
    net = make_net()
    with pytest.raises(ValueError, match="deploy one first"):
        net.set_mode("approximate")
    with pytest.raises(ValueError, match="mode must be one of float, quantized"):
        net.set_mode("qat")
    net.set_mode("quantized")
    with pytest.raises(ValueError, match="run train_quant"):
        net.forward(data.train.images[:2])
    with pytest.raises(ValueError, match=r"\(n, 1, 8, 8\), got \(2, 64\)"):
        net.forward(np.zeros((2, 64)))
    with pytest.raises(ValueError, match="forward pass with training=True"):
        make_net().backward(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="groups of Conv2D"):
        Conv2D(3, 4, 3, groups=2, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least one layer"):
        Sequential()
    assert ReLU().forward(np.array([[-1.0, 2.0]])).tolist() == [[0.0, 2.0]]


@pytest.mark.parametrize("make", [nets.LeNet5, nets.ResNet8])
def test_a_copied_network_is_a_network_of_its_own(make):
    net = make(rng=np.random.default_rng(0))
    copied, images = copy.deepcopy(net), np.random.default_rng(1).random((2, *net.input_shape), np.float32)
    before = net.forward(images)
    np.testing.assert_array_equal(copied.forward(images), before)
    net.load_state({name: np.zeros_like(array) for name, array in net.state().items()})
    np.testing.assert_array_equal(copied.forward(images), before)
