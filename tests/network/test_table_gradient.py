"""Training through slopes of a table: against loops over every product, and against straight-through gradients."""
import numpy as np
import pytest
from small_network import small_net

from refapprox import from_family
from refapprox.matching.deployment import deploy_uniform
from refapprox.multipliers.gradients import TableGradient, difference_gradient, straight_through_gradient
from refapprox.network import Conv2D, Linear
from refapprox.ops import linear, table_gradient
from refapprox.quantization import LayerQuantization, TensorScheme

SIGNED = LayerQuantization(TensorScheme("affine", -8, 7), TensorScheme(qmin=-8, qmax=7, per_channel=True), "static")
UNSIGNED = LayerQuantization(TensorScheme("affine", 0, 15), TensorScheme("affine", 0, 15), "static")


def random_gradient(multiplier, seed=0):
    """Full-rank slopes that have nothing to do with the product, so that no wrong term can cancel."""
    rng = np.random.default_rng(seed)
    return TableGradient(*rng.normal(size=(2, *multiplier.lut.shape)))


def layer_case(kind, quantization, rng):
    if kind == "linear":
        layer, x = Linear(5, 3, rng=rng, dtype=np.float64, quantization=quantization), rng.normal(size=(4, 5))
    else:
        layer = Conv2D(4, 6, 3, stride=2, padding=((1, 0), (2, 1)), dilation=(1, 2), groups=2, rng=rng,
                       dtype=np.float64, quantization=quantization)
        x = rng.normal(size=(2, 4, 6, 7))
    layer.observer.observe(0.7 * x)      # a range narrower than x: some codes are clipped
    layer.multiplier = from_family("truncated", k=2, bits=4, signed=quantization is SIGNED)
    return layer, x


def by_loops(layer, x, dy, gradient):
    """dx and dw from every single product: (1) and (2) of `ops.table_gradient`, with scales, clips and padding."""
    weight, qx = layer.parameters["weight"].value, layer.quantization.x_parameters(layer.observer.bounds())
    qw = layer.quantization.w_parameters(weight)
    low = layer.multiplier.qmin
    xq, wq = qx.quantize(x), qw.quantize(weight)
    zero_w, scale_w = (np.broadcast_to(v, len(weight)) for v in (qw.zero_point, qw.scale))
    dx, dw = np.zeros(x.shape), np.zeros(weight.shape)

    def product(xi, wi, out, cotangent):
        """One product of x[xi] (None: a padded position) and w[wi], in output channel `out`."""
        row = (qx.zero_point if xi is None else xq[xi]) - low
        column = wq[wi] - low
        if xi is not None:
            dx[xi] += cotangent * scale_w[out] * (gradient.x[row, column] - zero_w[out])
        dw[wi] += cotangent * qx.scale * (gradient.w[row, column] - qx.zero_point)

    if isinstance(layer, Linear):
        for n, j, k in np.ndindex(*dy.shape, x.shape[1]):
            product((n, k), (j, k), j, dy[n, j])
    else:
        window, per_group = layer.window, weight.shape[1]
        for n, o, p, q, c, i, j in np.ndindex(*dy.shape, *weight.shape[1:]):
            row = p * window.stride[0] + i * window.dilation[0] - window.padding[0][0]
            column = q * window.stride[1] + j * window.dilation[1] - window.padding[1][0]
            channel = o // (len(weight) // layer.groups) * per_group + c
            inside = 0 <= row < x.shape[2] and 0 <= column < x.shape[3]
            product((n, channel, row, column) if inside else None, (o, c, i, j), o, dy[n, o, p, q])
    raw = np.rint(x / qx.scale) + qx.zero_point
    return dx * ((raw >= qx.qmin) & (raw <= qx.qmax)), dw


@pytest.mark.parametrize("quantization", [SIGNED, UNSIGNED], ids=["signed", "unsigned"])
@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_gradients_are_the_sum_over_every_product(kind, quantization):
    rng = np.random.default_rng(5)
    layer, x = layer_case(kind, quantization, rng)
    layer.gradient = random_gradient(layer.multiplier)
    layer.set_mode("approximate")
    dy = rng.normal(size=layer.forward(x, training=True).shape)
    dx = layer.backward(dy)
    expected = by_loops(layer, x, dy, layer.gradient)
    # sums of at most 10**3 terms below 100, factors exact to 1e-10 of the largest singular value, about 10
    for found, wanted in zip((dx, layer.parameters["weight"].grad), expected, strict=True):
        assert np.abs(found - wanted).max() < 1e-6 < 1e-3 * np.abs(wanted).max()
    layer.forward(x, training=True)
    assert layer.backward(dy, need_dx=False) is None


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_slopes_of_the_exact_product_are_straight_through(kind):
    rng = np.random.default_rng(6)
    layer, x = layer_case(kind, UNSIGNED, rng)
    layer.set_mode("approximate")
    dy = rng.normal(size=layer.forward(x, training=True).shape)
    dx, dw = layer.backward(dy), layer.parameters["weight"].grad
    layer.gradient = straight_through_gradient(layer.multiplier)
    layer.forward(x, training=True)
    assert np.allclose(layer.backward(dy), dx) and np.allclose(layer.parameters["weight"].grad, dw)
    layer.gradient = difference_gradient(layer.multiplier, 1)
    layer.forward(x, training=True)
    assert not np.allclose(layer.backward(dy), dx)


@pytest.mark.parametrize("rank_x, rank_w", [(1, 3), (3, 1), (2, 2)])
def test_slopes_of_different_ranks(rank_x, rank_w):
    """The tables of both operands are factored apart: one may have more terms than the other."""
    rng = np.random.default_rng(8)
    gradient = TableGradient(*(rng.normal(size=(16, rank)) @ rng.normal(size=(rank, 16)) for rank in (rank_x, rank_w)))
    x, w, dy = rng.integers(0, 16, (4, 5)), rng.integers(0, 16, (3, 5)), rng.normal(size=(4, 3))
    zero_w, scale_w = rng.normal(size=(2, 3, 1))

    def product_backward(dy, x, w, pad_value, need_dx):
        return linear.backward(dy, (x, w), need_dx=need_dx)
    dx, dw = table_gradient.backward(dy, x, w, gradient, product_backward, x_zero_point=2.5,
                                     w_zero_point=zero_w, w_scale=scale_w)
    by_x = np.einsum("nm,m,nmk->nk", dy, scale_w[:, 0], gradient.x[x[:, np.newaxis], w] - zero_w)
    by_w = np.einsum("nm,nmk->mk", dy, gradient.w[x[:, np.newaxis], w] - 2.5)
    assert np.allclose(dx, by_x, atol=1e-9) and np.allclose(dw, by_w, atol=1e-9)
    none, alone = table_gradient.backward(dy, x, w, gradient, product_backward, x_zero_point=2.5, need_dx=False)
    assert none is None and np.allclose(alone, by_w, atol=1e-9)


def test_float32_networks_train_in_float32():
    net = small_net()
    net.set_mode("quantized")
    images = np.random.default_rng(0).normal(size=(3, *net.input_shape))
    net.forward(images, training=True)
    deploy_uniform(net, from_family("drum", k=4), gradient=lambda m: difference_gradient(m, 8))
    layers = [layer for _, layer in net.noisy_modules]
    assert len({id(layer.gradient) for layer in layers}) == 1, "one pair of tables a multiplier"
    net.forward(images, training=True)
    net.backward(np.ones((3, 4), np.float32))
    assert all(layer.parameters["weight"].grad.dtype == np.float32 for layer in layers)
    deploy_uniform(net, from_family("drum", k=4))
    assert all(layer.gradient is None for layer in layers)


def test_tables_of_another_shape_are_refused():
    layer, _ = layer_case("linear", UNSIGNED, np.random.default_rng(0))
    layer.gradient = TableGradient(np.zeros((256, 256)), np.zeros((256, 256)))
    with pytest.raises(ValueError, match=r"tables of shape \(16, 16\)"):
        layer.set_mode("approximate")
