"""torchapprox's names against the real package, where it is installed: products, layers, defects, gradients."""
import numpy as np
import pytest

from refapprox import Multiplier, load_library
from refapprox.compat.bisecting import RecordedLayer, bisect_layers
from refapprox.compat.presets import get_preset
from refapprox.compat.torchapprox import layers as tal
from refapprox.compat.torchapprox.layers.approx_layer import QuantizationParameters
from refapprox.compat.torchapprox.operators import ApproxConv2dOp, ApproxGeMM, approx
from refapprox.compat.torchapprox.operators.conv2d import Conv2dArgs
from refapprox.multipliers.formats import swap_order
from refapprox.quantization import QuantizationParameters as NativeParameters

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra crossval)")
layers = pytest.importorskip("torchapprox.layers", reason="torchapprox is not installed (see docs/conformance.md)")

LAYERS = [      # kind, input shape, arguments, options: those of the published tests
    ("ApproxLinear", (4, 20), (20, 10), {}),
    ("ApproxConv2d", (2, 8, 4, 4), (8, 16, 3), {"groups": 1}),
    ("ApproxConv2d", (2, 8, 4, 4), (8, 16, 3), {"groups": 2}),
    ("ApproxConv2d", (2, 8, 4, 4), (8, 16, 3), {"groups": 8}),
    ("ApproxConv2d", (2, 8, 4, 4), (8, 8, 3), {"groups": 8, "padding": 1, "stride": 2}),
]
DEFECTS = ("transposed table", "x zero-point term with the wrong sign", "padding with code 0")
# a table that differs from its transpose nearly everywhere, and m(0, w) is not 0
PROBE = Multiplier.from_function("probe", lambda x, w: x * w + 3 * x - 5 * w + 11)


def single(array):
    return torch.from_numpy(np.asarray(array)).float()


def test_the_product_is_the_same():
    from torchapprox.operators.backend import approx as real_approx
    rng = np.random.default_rng(7)
    lut = swap_order(load_library()["mul8s_1KVL"].lut)
    a, b = (rng.integers(-128, 128, shape).astype(np.int8) for shape in ((2, 5, 23), (23, 7)))
    for first, second in ((a, b), (b.T.copy(), a.transpose(0, 2, 1).copy())):
        theirs = real_approx(torch.from_numpy(first), torch.from_numpy(second), torch.from_numpy(lut))
        assert np.array_equal(theirs.numpy(), approx(first, second, lut))


def both(layer, zero_point):
    """(their layer, ours with the same weights and codes, x, its scale): the approximate mode, an asymmetric table."""
    name, shape, arguments, options = layer
    torch.manual_seed(1)
    theirs = getattr(layers, name)(*arguments, **options, qconfig=layers.ApproxLayer.default_qconfig())
    theirs.inference_mode = layers.InferenceMode.APPROXIMATE
    theirs.lut = swap_order(PROBE.lut)
    quantizer = theirs.weight_fake_quant
    with torch.no_grad():      # its observer chooses a range of its own; on its grid no rounding is a tie in float32
        theirs.weight.copy_(quantizer(theirs.weight))
    quantizer.apply(torch.ao.quantization.disable_observer)
    weights = NativeParameters(quantizer.scale.item(), quantizer.zero_point.item())
    ours = getattr(tal, name)(*arguments, **options, qconfig=weights)
    ours.inference_mode, ours.multiplier = tal.InferenceMode.APPROXIMATE, PROBE
    ours.weight, ours.bias = (tensor.detach().double().numpy() for tensor in (theirs.weight, theirs.bias))
    scale = 1 / 64
    return theirs, ours, scale * (np.random.default_rng(8).integers(0, 128, shape) - zero_point), scale


def rounding(ours, scale):
    """Their sums are float32: up to 72 products and corrections below 2**15, rounded a few times on the way."""
    return scale * ours.qconfig.scale * 72 * 2 ** 15 * 2 ** -22


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("zero_point", [0, 40])
def test_the_layers_are_the_same_with_their_defects(layer, zero_point):
    theirs, ours, x, scale = both(layer, zero_point)
    y, tolerance = theirs(single(x), torch.tensor([scale]), torch.tensor([float(zero_point)])), rounding(ours, scale)
    y = y.detach().numpy()
    ours.defects = DEFECTS
    assert np.allclose(y, ours(x, scale, zero_point), rtol=1e-6, atol=tolerance)
    ours.defects = ()
    agrees = np.allclose(y, ours(x, scale, zero_point), rtol=1e-6, atol=tolerance)
    assert agrees == (layer[0] == "ApproxLinear")      # or the defects would not matter here


@pytest.mark.parametrize("mode", ["APPROXIMATE", "QUANTIZED", "NOISE"])
@pytest.mark.parametrize("layer", LAYERS)
def test_the_gradients_are_the_same(layer, mode):
    """Random cotangent; the noise mode with their draw. Quantized weights beyond the narrow range are clipped."""
    theirs, ours, x, scale = both(layer, 40)
    theirs.inference_mode, ours.inference_mode = (getattr(kind.InferenceMode, mode) for kind in (layers, tal))
    quantizer = theirs.weight_fake_quant
    quantizer.scale[:] = quantizer.scale / 2
    ours.qconfig = NativeParameters(quantizer.scale.item())
    theirs.stdev = ours.stdev = 0.25
    leaf = single(x).requires_grad_()
    torch.manual_seed(0)
    y = theirs(leaf, torch.tensor([scale]), torch.tensor([40.0]))
    dy = np.random.default_rng(9).standard_normal(y.shape).astype(np.float32)
    y.backward(torch.from_numpy(dy))
    torch.manual_seed(0)
    draw = torch.randn_like(y).double().numpy()

    class TheirDraw:
        def standard_normal(self, shape):
            return draw.reshape(shape)

    ours.rng, ours.defects = TheirDraw(), DEFECTS if mode == "APPROXIMATE" else ()
    found = ours(x, scale, 40)
    assert np.allclose(y.detach().numpy(), found, rtol=1e-5, atol=rounding(ours, scale))
    dx = ours.backward(dy)
    assert not ours.weight_grad.all() and ours.weight_grad.any()
    for got, expected in ((dx, leaf.grad), (ours.weight_grad, theirs.weight.grad), (ours.bias_grad, theirs.bias.grad)):
        # float32 sums of at most 150 terms of order 1; a wrong gradient is off by its own size
        assert np.allclose(got, expected.numpy(), rtol=0, atol=150 * 2 ** -22 * max(1.0, np.abs(got).max()))


def test_operators_are_called_as_in_the_published_tests():
    from torchapprox.layers.approx_layer import QuantizationParameters as RealParameters
    from torchapprox.operators.approxgemm import ApproxGeMM as RealGeMM
    rng = np.random.default_rng(10)
    x, w, dy = (rng.integers(-128, 128, shape).astype(np.float32) for shape in ((42, 23), (5, 23), (42, 5)))
    lut = swap_order(PROBE.lut)
    leaves = [torch.from_numpy(array).requires_grad_() for array in (x, w)]
    unit = [torch.tensor([value]) for value in (1.0, 0.0, 1.0, 0.0)]
    theirs = RealGeMM.apply(*leaves, torch.from_numpy(lut), RealParameters(*unit), None, None)
    theirs.backward(torch.from_numpy(dy))
    y, ctx = ApproxGeMM.record(x, w, lut, QuantizationParameters([1.0], [0.0], [1.0], [0.0]), None, None)
    assert np.array_equal(theirs.detach().numpy(), y)      # whole numbers below 2**24
    for leaf, gradient in zip(leaves, ApproxGeMM.backward(ctx, dy), strict=False):
        assert np.array_equal(leaf.grad.numpy(), gradient)


def test_their_channel_scales_run_along_positions():
    """Symmetric weights quantized by the channel: their convolution multiplies the scales along the output positions.

    It fails where there are as many channels as positions, and is refused by PyTorch's broadcasting everywhere else.
    """
    from torchapprox.layers.approx_layer import QuantizationParameters as RealParameters
    from torchapprox.operators.conv2d import ApproxConv2dOp as RealConv2d
    from torchapprox.operators.conv2d import Conv2dArgs as RealArgs
    rng, scales = np.random.default_rng(11), np.array([0.5, 1.0, 2.0, 4.0])
    x, w = rng.integers(-20, 20, (2, 3, 4, 4)).astype(float), rng.integers(-20, 20, (4, 3, 3, 3)).astype(float)
    w, zeros, lut = w * scales[:, None, None, None], np.zeros(4), swap_order(PROBE.lut)
    args = (3, 4, (3, 3), (1, 1), (0, 0), (1, 1), 1)
    real = RealParameters(*(single(value) for value in ([1.0], [0.0], scales, zeros)))
    theirs = RealConv2d.apply(single(x), single(w), real, RealArgs(*args), None, (2, 2), torch.from_numpy(lut), None)
    mine = QuantizationParameters([1.0], [0.0], scales, zeros)
    ours = ApproxConv2dOp.apply(x, w, mine, Conv2dArgs(*args), None, (2, 2), lut, None, defects=["transposed table"])
    sums = (ours / scales[:, None, None]).reshape(2, 4, 4)
    assert np.array_equal(theirs.numpy(), (sums * scales).reshape(2, 4, 2, 2))
    again = ApproxConv2dOp.apply(x, w, mine, Conv2dArgs(*args), None, (2, 2), lut, None,
                                 defects=["transposed table", "channel scales along positions"])
    assert np.array_equal(theirs.numpy(), again)
    assert not np.array_equal(theirs.numpy(), ours)
    taller = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 0)))
    with pytest.raises(RuntimeError, match="size of tensor"):
        RealConv2d.apply(single(taller), single(w), real, RealArgs(*args), None, (3, 2), torch.from_numpy(lut), None)


def recorded_layer(name, layer, x):
    """Their layer on real `x`, quantized as the preset does, as a RecordedLayer."""
    layer.inference_mode, layer.lut = layers.InferenceMode.APPROXIMATE, swap_order(PROBE.lut)
    qx, quantizer = get_preset("torchapprox").x_parameters(x), layer.weight_fake_quant
    x = qx.dequantize(qx.quantize(x))
    with torch.no_grad():
        layer.weight.copy_(quantizer(layer.weight))
        quantizer.apply(torch.ao.quantization.disable_observer)
        y = layer(single(x), single([qx.scale]), single([qx.zero_point])).double().numpy()
    qw = NativeParameters(quantizer.scale.item())
    geometry = {"padding": layer.padding, "groups": layer.groups} if x.ndim == 4 else {}
    return RecordedLayer(name, x, layer.weight.detach().double().numpy(), y, geometry, qx, qw)


def test_their_network_is_bisected():
    """The first layer has a zero point and padding, the second neither, the third is no convolution."""
    torch.manual_seed(2)
    qconfig = layers.ApproxLayer.default_qconfig()
    x, recorded = np.random.default_rng(12).normal(size=(2, 4, 6, 6)), []
    for name, layer in (("conv1", layers.ApproxConv2d(4, 8, 3, padding=1, bias=False, qconfig=qconfig)),
                        ("conv2", layers.ApproxConv2d(8, 8, 3, groups=2, bias=False, qconfig=qconfig)),
                        ("linear", layers.ApproxLinear(128, 10, bias=False, qconfig=qconfig))):
        x = x.reshape(2, -1) if name == "linear" else x
        recorded.append(recorded_layer(name, layer, x))
        x = np.maximum(recorded[-1].y, 0)
    conv1, conv2, linear = bisect_layers("torchapprox", recorded, PROBE)
    assert conv1.explanations == [("transposed table", "x zero-point term with the wrong sign", "padding with code 0")]
    assert conv2.explanations == [("transposed table",)] and linear.agrees
