"""The way back through torchapprox's operators and layers: its straight-through gradients, by hand.

Three ways: sums written out, central differences of the declared surrogate, and the real package's autograd
(`test_torchapprox_real`).
"""
from types import SimpleNamespace

import numpy as np
import pytest

from refapprox.compat.torchapprox import layers as tal
from refapprox.compat.torchapprox.layers.approx_layer import QuantizationParameters, TracedGeMMInputs
from refapprox.compat.torchapprox.operators import ApproxConv2dOp, ApproxGeMM, dwconv2d
from refapprox.compat.torchapprox.operators.conv2d import Conv2dArgs
from refapprox.gradient_check import gradient_agrees
from refapprox.ops import agn, bias, conv2d, linear
from refapprox.quantization import QuantizationParameters as NativeParameters

CODES = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int32)
EXACT = np.multiply.outer(CODES, CODES)
NOP = QuantizationParameters([1.0], [0.0], [1.0], [0.0])
GEOMETRIES = [Conv2dArgs(4, 6, (3, 2), (1, 2), (1, 0), (1, 1), 2), Conv2dArgs(4, 4, (2, 2), (2, 1), (0, 1), (2, 1), 4),
              Conv2dArgs(4, 3, (1, 1), (1, 1), (0, 0), (1, 1), 1)]


def integers(rng, *shape):
    return rng.integers(-128, 128, shape).astype(float)


def sums_written_out(dy, x, w):
    """(dx, dw) of y[i, o] = sum_k x[i, k] w[o, k], product by product."""
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i, o in np.ndindex(*dy.shape):
        for k in range(x.shape[1]):
            dx[i, k] += dy[i, o] * w[o, k]
            dw[o, k] += dy[i, o] * x[i, k]
    return dx, dw


def convolution_written_out(dy, x, w, args):
    """(dx, dw) of the convolution, product by product."""
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    inside, outside = x.shape[1] // args.groups, len(w) // args.groups
    for n, o, a, b in np.ndindex(*dy.shape):
        for c, i, j in np.ndindex(*w.shape[1:]):
            row = a * args.stride[0] - args.padding[0] + i * args.dilation[0]
            column = b * args.stride[1] - args.padding[1] + j * args.dilation[1]
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                channel = o // outside * inside + c
                dx[n, channel, row, column] += dy[n, o, a, b] * w[o, c, i, j]
                dw[o, c, i, j] += dy[n, o, a, b] * x[n, channel, row, column]
    return dx, dw


@pytest.mark.parametrize("lut", [EXACT, np.zeros((256, 256), np.int32)], ids=["exact", "empty"])
def test_the_product_goes_back_straight_through(lut):
    rng = np.random.default_rng(0)
    x, w, dy = integers(rng, 5, 7), integers(rng, 3, 7), rng.standard_normal((5, 3))
    y, ctx = ApproxGeMM.record(x, w, lut, NOP, None, None)
    assert np.array_equal(y, ApproxGeMM.apply(x, w, lut, NOP)) and np.array_equal(y, x @ w.T * (lut is EXACT))
    *gradients, a, b, c, d = ApproxGeMM.backward(ctx, dy)
    # float64: seven products, each below 128 * 5
    for got, expected in zip(gradients, sums_written_out(dy, x, w), strict=True):
        assert np.allclose(got, expected, rtol=0, atol=7 * 640 * 2 ** -51)
    assert [a, b, c, d] == [None] * 4
    ctx.needs_input_grad[:2] = False, True
    assert ApproxGeMM.backward(ctx, dy)[0] is None
    ctx.needs_input_grad[:2] = True, False
    assert ApproxGeMM.backward(ctx, dy)[1] is None


@pytest.mark.parametrize("args", GEOMETRIES, ids=lambda args: f"groups-{args.groups}")
def test_the_convolution_goes_back_straight_through(args):
    rng = np.random.default_rng(1)
    x = integers(rng, 2, 4, 6, 5)
    w = integers(rng, args.out_channels, 4 // args.groups, *args.kernel_size)
    lut = rng.integers(-999, 999, (256, 256)).astype(np.int32)
    y, ctx = ApproxConv2dOp.record(x, w, NOP, args, None, None, lut, None)
    dy = rng.standard_normal(y.shape)
    dx, dw, *rest = ApproxConv2dOp.backward(ctx, dy)
    expected = convolution_written_out(dy, x, w, args)
    # at most 100 products per sum, each below 128 * 5
    assert np.allclose(dx, expected[0], rtol=0, atol=100 * 640 * 2 ** -51)
    assert np.allclose(dw, expected[1], rtol=0, atol=100 * 640 * 2 ** -51) and rest == [None] * 6
    ctx.needs_input_grad[:2] = False, False
    assert ApproxConv2dOp.backward(ctx, dy)[:2] == (None, None)


def test_operators_index_the_rows_by_the_first_operand():
    lut = np.zeros((256, 256), np.int32)
    lut[127, 0], lut[0, 127] = 42, -23
    for x, w, y in ((127.0, 0.0, 42.0), (0.0, 127.0, -23.0)):
        assert ApproxGeMM.apply(np.array([[x]]), np.array([[w]]), lut, NOP, None, None).tolist() == [[y]]
        image, kernel, args = np.full((1, 1, 1, 1), x), np.full((1, 1, 1, 1), w), Conv2dArgs(1, 1, 1, 1, 0, 1, 1)
        assert ApproxConv2dOp.apply(image, kernel, NOP, args, None, (1, 1), lut, None).item() == y
        swapped = ApproxConv2dOp.apply(image, kernel, NOP, args, None, None, lut, None, defects=["transposed table"])
        assert swapped.item() == 19 - y      # 42 and -23 change places
        assert dwconv2d(image, kernel, lut).item() == y


@pytest.mark.parametrize("zero_points", [(0, [0]), (7, [0]), (-9, [3, -4, 0])])
def test_zero_points_and_scales_are_taken_off_again(zero_points):
    """With exact products the operator is the product of the real operands, per tensor and per channel."""
    rng = np.random.default_rng(2)
    zx, zw = zero_points[0], np.array(zero_points[1], float)
    params = QuantizationParameters([0.25], [float(zx)], 0.5 * np.arange(1, len(zw) + 1), zw)
    scale = np.broadcast_to(params.w_scale, 3)
    x = 0.25 * (rng.integers(-100, 100, (4, 6)) - zx)
    w = scale[:, None] * rng.integers(-100, 100, (3, 6))
    # codes of w below 128 in size whatever the zero point; products of quarters: float64 is exact
    assert np.array_equal(ApproxGeMM.apply(x, w, EXACT, params), x @ w.T)
    image, kernel = x.reshape(2, 3, 2, 2), w.reshape(3, 3, 2, 1)
    y = ApproxConv2dOp.apply(image, kernel, params, Conv2dArgs(3, 3, (2, 1), 1, 0, 1, 1), None, (1, 2), EXACT, None)
    assert np.array_equal(y[:, :, 0], np.einsum("ncik,mcij->nmk", image, kernel))


def test_a_model_takes_the_place_of_the_table_and_codes_are_traced():
    rng = np.random.default_rng(3)
    x, w, seen = integers(rng, 4, 6), integers(rng, 3, 6), []

    def model(op, x, w, options):
        seen.append(options)
        return op(x, w, **options) - op(x % 2.0, np.ones_like(w), **options)

    traced = TracedGeMMInputs(None, None)
    expected = x @ w.T - (x % 2).sum(axis=1)[:, None]
    assert np.array_equal(ApproxGeMM.apply(x, w, EXACT, NOP, model, traced), expected)
    ApproxGeMM.apply(x[:1], w + 0, EXACT, NOP, None, traced)
    assert traced.features.shape == (5, 1, 6) and np.array_equal(traced.weights, w.T)
    conv = tal.ApproxConv2d(2, 3, 2, padding=1, bias=False, rng=rng)
    conv.inference_mode, images = tal.InferenceMode.APPROXIMATE, 0.5 * (rng.integers(0, 100, (2, 2, 4, 4)) - 30)
    exact = conv(images, [0.5], [30.0])
    conv.htp_model = lambda op, x, w, options: op(x, w, **options)
    assert np.allclose(conv(images, [0.5], [30.0]), exact, rtol=0, atol=1e-9) and len(seen) == 1


# ---- layers

def make_layer(kind, qconfig=None):
    """A layer and a shape for it."""
    rng = np.random.default_rng(4)
    if kind is tal.ApproxLinear:
        return kind(6, 4, qconfig=qconfig, rng=rng), (5, 6)
    return kind(4, 6, 3, stride=(1, 2), padding=1, groups=2, qconfig=qconfig, rng=rng), (2, 4, 5, 4)


# scale 1 / 512: weights beyond 127 / 512 = 0.248 are clipped, of 1 / sqrt(6) = 0.41 and 1 / sqrt(18) = 0.24 at most
NARROW = NativeParameters(1 / 512, 0, -100, 100)
KINDS = [tal.ApproxLinear, tal.ApproxConv2d]


def exact_layer(layer, mode, inside, w):
    """The declared surrogate as a function of real operands: exact products, the same noise, clipped weights fixed."""
    def forward(x, v, b):
        v = np.where(inside, v, w)
        y = linear.forward(x, v)[0] if v.ndim == 2 else conv2d.forward(x, v, **layer.conv_args.backward_args())[0]
        if mode is tal.InferenceMode.NOISE:
            y = agn.forward(y, 0.3, eps=np.random.default_rng(6).standard_normal(y.shape))[0] + 0.1
        return bias.forward(y, b)[0], None

    return forward


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", tal.InferenceMode)
def test_layers_have_the_gradient_of_the_declared_surrogate(kind, mode):
    layer, shape = make_layer(kind, NARROW)
    layer.inference_mode, layer.stdev, layer.mean = mode, 0.3, 0.1
    layer.lut = np.zeros((256, 256), np.int32)      # whatever the table says
    x = (np.random.default_rng(5).integers(0, 128, shape) - 40) / 64
    w = NARROW.dequantize(NARROW.quantize(layer.weight))
    inside = np.abs(np.rint(layer.weight * 512)) <= 100
    surrogate = exact_layer(layer, mode, inside, w)

    def forward(x, v, b):
        layer.rng = np.random.default_rng(6)
        y = layer(x, 1 / 64, 40)
        if mode is not tal.InferenceMode.APPROXIMATE:
            assert np.allclose(y, surrogate(x, v, b)[0], rtol=0, atol=1e-12)
        return y, None

    def backward(dy, _):
        forward(x, w, layer.bias)
        return layer.backward(dy), layer.weight_grad, layer.bias_grad

    assert agrees(surrogate, backward, [x, w, layer.bias])
    assert 0 < inside.mean() < 1 and not layer.weight_grad[~inside].any()
    for wrong in (lambda g: (g[0], 1.001 * g[1], g[2]), lambda g: (g[0][::-1], *g[1:]), lambda g: (-g[0], *g[1:]),
                  lambda g: (*g[:2], g[2][::-1]), lambda g: (g[0], np.flip(g[1], 1), g[2])):
        assert not agrees(surrogate, lambda dy, _, wrong=wrong: wrong(backward(dy, _)), [x, w, layer.bias])


def agrees(forward, backward, inputs):
    return gradient_agrees(forward, backward, inputs, rng=np.random.default_rng(7))


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_has_no_say_in_the_gradient(kind):
    rng, results = np.random.default_rng(8), []
    for lut in (EXACT, rng.integers(-2 ** 20, 2 ** 20, (256, 256)), np.zeros((256, 256))):
        layer, shape = make_layer(kind)
        wrapped, layer.inference_mode, layer.lut = tal.ApproxWrapper(layer), tal.InferenceMode.APPROXIMATE, lut
        y = wrapped(np.random.default_rng(9).random(shape) - 0.3)
        dx = wrapped.backward(np.random.default_rng(10).standard_normal(y.shape))
        results.append([dx.tobytes(), layer.weight_grad.tobytes(), layer.bias_grad.tobytes()])
    assert results[0] == results[1] == results[2]


def test_a_clipped_activation_gets_no_gradient():
    """-125.5 to 1.5 is scale 1, zero point round(125.5) = 126; 1.5 would be the code round(1.5) + 126 = 128."""
    wrapped = tal.ApproxWrapper(make_layer(tal.ApproxLinear)[0])
    x = np.array([[-125.5, 1.5, 0.0, -3.0, 1.4, 1.5]])
    wrapped(x)
    assert np.array_equal(wrapped.backward(np.ones((1, 4))) == 0, x == 1.5)
    wrapped(x[:, :1].repeat(6, axis=1))      # nothing clipped here
    assert wrapped.backward(np.ones((1, 4))).all()


def test_layers_of_pytorch_are_taken_by_their_attributes():
    rng = np.random.default_rng(11)
    w, b = rng.standard_normal((4, 6)), rng.standard_normal(4)
    taken = tal.ApproxWrapper(SimpleNamespace(in_features=6, out_features=4, weight=w, bias=b)).wrapped
    assert isinstance(taken, tal.ApproxLinear) and np.array_equal(taken.weight, w) and taken.weight is not w
    kernel = rng.standard_normal((6, 2, 3, 3))
    conv = SimpleNamespace(in_channels=4, out_channels=6, kernel_size=(3, 3), stride=(1, 2), padding=(1, 0), bias=None,
                           dilation=(1, 1), groups=2, padding_mode="zeros", weight=kernel)
    taken = tal.ApproxConv2d.from_super(conv)
    assert np.array_equal(taken.weight, kernel) and taken.bias is None and taken.fan_in == 18
    assert taken(np.zeros((1, 4, 5, 7))).shape == (1, 6, *taken.output_dims(np.zeros((1, 4, 5, 7)))) == (1, 6, 5, 3)
    assert {name: cls.__name__ for name, cls in tal.layer_mapping_dict().items()} == {
        "Linear": "ApproxLinear", "Conv2d": "ApproxConv2d"}


def test_bad_calls_are_refused():
    layer, shape = make_layer(tal.ApproxLinear)
    with pytest.raises(TypeError, match="abstract"):
        tal.ApproxLayer()
    with pytest.raises(ValueError, match="backward of ApproxLinear needs a forward pass first"):
        layer.backward(np.zeros((5, 4)))
    layer(np.zeros(shape))
    with pytest.raises(ValueError, match=r"shape of the output \(5, 4\), got \(4, 5\)"):
        layer.backward(np.zeros((4, 5)))
    with pytest.raises(TypeError, match="qconfig of ApproxLinear must be None, a TensorScheme or"):
        make_layer(tal.ApproxLinear, "fbgemm")[0](np.zeros(shape))
    with pytest.raises(ValueError, match=r"codes of x must lie in \[-128, 127\], got 128"):
        ApproxGeMM.apply(np.full((1, 1), 128.0), np.ones((1, 1)), EXACT, NOP)
    with pytest.raises(ValueError, match=r"shape \(n, k\) and w of shape \(m, k\), got \(1, 2\) and \(1, 3\)"):
        ApproxGeMM.apply(np.ones((1, 2)), np.ones((1, 3)), EXACT, NOP)
    with pytest.raises(ValueError, match="only weights are quantized by the channel"):
        ApproxGeMM.apply(np.ones((1, 2)), np.ones((1, 2)), EXACT, QuantizationParameters([1, 1], [0, 0], [1], [0]))
    image, args = np.ones((1, 1, 3, 3)), Conv2dArgs(1, 1, 3, 1, 0, 1, 1)
    with pytest.raises(ValueError, match=r"out_dims must be the output's size \(1, 1\), got \(3, 3\)"):
        ApproxConv2dOp.apply(image, image, NOP, args, None, (3, 3), EXACT, None)
    with pytest.raises(ValueError, match="traced_inputs of ApproxConv2dOp must be None"):
        ApproxConv2dOp.apply(image, image, NOP, args, None, (1, 1), EXACT, TracedGeMMInputs(None, None))
    assert args.use_fast_dwconv() and not Conv2dArgs(4, 8, 3, 1, 0, 1, 4).use_fast_dwconv()


def test_depthwise_codes():
    """Against the definition, one product after the other; padding is the code 0, looked up."""
    rng = np.random.default_rng(12)
    x, w = integers(rng, 2, 3, 5, 4), integers(rng, 3, 1, 3, 3)
    lut = rng.integers(-999, 999, (256, 256)).astype(np.int32)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    expected = np.zeros((2, 3, 3, 2))
    for n, c, a, b in np.ndindex(*expected.shape):
        expected[n, c, a, b] = sum(int(lut[int(padded[n, c, 2 * a + i, 2 * b + j]) % 256, int(w[c, 0, i, j]) % 256])
                                   for i in range(3) for j in range(3))
    assert np.array_equal(dwconv2d(x, w, lut, stride=2, padding=1), expected)
    with pytest.raises(ValueError, match="x of dwconv2d must hold integer codes, got .*.5 at"):
        dwconv2d(x + 0.5, w, lut)
