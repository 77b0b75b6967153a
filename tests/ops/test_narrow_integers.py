"""Codes that users hold: every public function gives for narrow integers and lists what it gives for int64."""
import numpy as np
import pytest

from refapprox import exact
from refapprox.network import BatchNorm, Conv2D, Linear
from refapprox.ops import (
    add,
    agn,
    avg_pool2d,
    batch_norm,
    bias,
    clip,
    concat,
    conv2d,
    cross_entropy,
    fake_quantize,
    flatten,
    linear,
    max_pool2d,
    noise_loss,
    pad,
    relu,
    scale_shift,
    subsample,
)
from refapprox.ops.lut_conv2d import lut_conv2d
from refapprox.ops.lut_matmul import lut_matmul, zero_point_terms
from refapprox.quantization import (
    LayerQuantization,
    MinMaxObserver,
    QuantizationParameters,
    TensorScheme,
    dequantize,
    fold_batch_norm,
    quantize,
)
from refapprox.training import topk_accuracy

IMAGES = [[[[100, 90, 7, 1], [3, 120, 100, 127], [5, 99, 101, 0], [60, 61, 62, 63]]]]     # sums of two leave int8
KERNEL = [[[[100, 2, 3], [4, 50, 6], [7, 8, 127]]]]
ROWS, WEIGHT = [[100, 100, 100, 100], [1, 2, 3, 127]], [[100, 100, 100, 100], [127, 0, 5, 100]]
CHANNELS = [100, 90, 80, 127]


def both(op, arguments, *others, **options):
    """y of the operation, and its gradients for y as the cotangent."""
    y, cache = op.forward(*arguments, *others, **options)
    gradients = op.backward(y, cache)
    return y, *(gradients if isinstance(gradients, tuple) else (gradients,))


def normalized(x, *parameters, training):
    y, running, cache = batch_norm.forward(x, *parameters, training=training)
    return y, *running, *batch_norm.backward(x, cache)


def loss_and_gradient(loss, cache):
    return loss, cross_entropy.backward(cache)


def layer(made, x):
    """Outputs in every mode that has codes, after a training pass that observes x."""
    found = []
    made.multiplier = exact()
    for mode in ("float", "quantized", "approximate"):
        made.set_mode(mode)
        found.append(made.forward(x, training=True))
        made.backward(x)
    return found


RNG = np.random.default_rng
CALLS = {
    "add": lambda k: both(add, (k(ROWS), k(WEIGHT))),
    "agn": lambda k: both(agn, (k(ROWS), 1), eps=k(WEIGHT)),
    "avg_pool2d": lambda k: both(avg_pool2d, (k(IMAGES), 2), padding=1),
    "max_pool2d": lambda k: both(max_pool2d, (k(IMAGES), 3), 2, padding=1),
    "batch_norm": lambda k: normalized(k(ROWS), *[k(CHANNELS)] * 4, training=True),
    "batch_norm evaluated": lambda k: normalized(k(ROWS), *[k(CHANNELS)] * 4, training=False),
    "bias": lambda k: both(bias, (k(ROWS), k(CHANNELS))),
    "conv2d": lambda k: both(conv2d, (k(IMAGES), k(KERNEL)), padding=1, pad_value=100),
    "conv2d of a fractional padding": lambda k: both(conv2d, (k(IMAGES), k(KERNEL)), padding=1, pad_value=0.5),
    "cross_entropy": lambda k: loss_and_gradient(*cross_entropy.forward(k(ROWS), k([3, 0]))),
    "fake_quantize": lambda k: both(fake_quantize, (k(ROWS), 1.9, k(100), -128, 127)),
    "flatten": lambda k: both(flatten, (k(IMAGES),)),
    "linear": lambda k: both(linear, (k(ROWS), k(WEIGHT))),
    "noise_loss": lambda k: noise_loss.forward(k(CHANNELS), [0.25] * 4, lmbd=1)[0],
    "relu": lambda k: both(relu, (k(ROWS),)),
    "clip": lambda k: both(clip, (k(ROWS), 0, 6)),
    "concat": lambda k: both(concat, (k(ROWS), k(WEIGHT))),
    "pad": lambda k: both(pad, (k(ROWS), ((1, 2),)), 100),
    "scale_shift": lambda k: both(scale_shift, (k(ROWS), k(CHANNELS), k(127))),
    "subsample": lambda k: both(subsample, (k(IMAGES), 3, 2)),
    "lut_matmul": lambda k: lut_matmul(k(ROWS), k(np.transpose(WEIGHT).tolist()), exact()),
    "lut_conv2d": lambda k: lut_conv2d(k(IMAGES), k(KERNEL), exact(), padding=1, pad_code=k(100), x_zero_point=k(100),
                                       w_zero_point=k([127])),
    "zero_point_terms": lambda k: zero_point_terms(k(CHANNELS), k(CHANNELS), k(100), k(100), k(127)),
    "quantize": lambda k: quantize(k(ROWS), 0.5, k(100), k(0), k(127)),
    "dequantize": lambda k: dequantize(k([3, 120]), 0.1, k(127)),
    "QuantizationParameters": lambda k: (
        lambda q: (q.scale, q.zero_point, q.largest_shifted_code, q.quantize(k(ROWS)), q.dequantize(k(ROWS))))(
            QuantizationParameters(k(2), k(100), 0, 127)),
    "QuantizationParameters of channels": lambda k: (
        lambda q: (q.largest_shifted_code, q.quantize(k(ROWS)), q.dequantize(k(ROWS))))(
            QuantizationParameters(k([2, 1]), k([100, 0]), 0, 127)),
    "TensorScheme": lambda k: (lambda q: (q.scale, q.zero_point))(TensorScheme("affine", k(0), k(127)).parameters(
        k(3), k(120))),
    "LayerQuantization": lambda k: LayerQuantization().w_parameters(k(WEIGHT)).scale,
    "MinMaxObserver": lambda k: (lambda o: (o.observe(k(ROWS)), o.bounds()))(MinMaxObserver()),
    "fold_batch_norm": lambda k: fold_batch_norm(k(np.transpose(ROWS).tolist()), *[k(CHANNELS)] * 5),
    "topk_accuracy": lambda k: topk_accuracy(k([[0, 5, 120], [127, 0, 1]]), k([2, 1]), topk=(1, 2)),
    "layers": lambda k: layer(Linear(4, 4, rng=RNG(0)), k(ROWS)) + layer(
        Conv2D(1, 1, 3, padding=1, rng=RNG(0)), k(IMAGES)),
    "BatchNorm": lambda k: BatchNorm(4).forward(k(ROWS), training=True),
}
KINDS = {**{dtype.__name__: dtype for dtype in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint64)},
         "list": lambda values: values, "big-endian": lambda values: np.array(values, ">i2")}


def flat(found):
    return [np.asarray(part) for part in found] if isinstance(found, (tuple, list)) else [np.asarray(found)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_narrow_integers_and_lists_give_what_int64_gives(name, kind):
    expected, found = (flat(CALLS[name](k)) for k in (np.int64, KINDS[kind]))
    for a, b in zip(expected, found, strict=True):
        assert a.dtype == b.dtype and np.array_equal(a, b)


def test_the_comparison_sees_a_sum_that_wraps(monkeypatch):
    monkeypatch.setattr(linear, "check_numbers", lambda name, array, **wanted: np.asarray(array))
    with pytest.raises(AssertionError):
        test_narrow_integers_and_lists_give_what_int64_gives("linear", "int8")


def test_the_values_themselves():
    assert dequantize(np.uint8([3]), 0.1, 128).tolist() == [-12.5]
    assert fake_quantize.forward(np.array([3, 5, 7]), 1.9, 0, -128, 127)[0].tolist() == [3.8, 5.699999999999999, 7.6]
    assert TensorScheme("affine", np.int8(-128), np.int8(127)).parameters(-1.0, 1.0).scale == 2 / 255
    assert topk_accuracy(np.uint8([[0, 5, 200]]), [2]) == [1.0]
    row = np.full((1, 4), 100, np.int8)
    assert linear.forward(row, row)[0].tolist() == [[40000]]
    image = row.reshape(1, 1, 2, 2)
    assert conv2d.forward(image, image)[0].tolist() == [[[[40000]]]]
    assert max_pool2d.forward(-image, 2, padding=1)[0].ravel().tolist() == [-100] * 4
    assert avg_pool2d.forward(image, 2)[0].tolist() == [[[[100.0]]]]
    assert add.forward(row, row)[0].tolist() == [[200] * 4]
    assert bias.forward(row, row[0])[0].tolist() == [[200] * 4]
    assert cross_entropy.forward(np.int8([[-100, 100]]), np.int8([0]))[0] == 200.0
    assert QuantizationParameters(1.0, np.int8(-100), -128, 127).largest_shifted_code == 227
    assert quantize(np.float32([3e9, -3e9]), 1.0, 0, -2 ** 31, 2 ** 31 - 1).tolist() == [2 ** 31 - 1, -2 ** 31]
    assert topk_accuracy([[-2 ** 63, 2 ** 63 - 1]], [1]) == [1.0]


@pytest.mark.parametrize("call, message", [
    (lambda: topk_accuracy([[np.nan, np.nan]], [0]), "output must be finite, got nan"),
    (lambda: topk_accuracy([[1.0, 2.0]], [2]), r"target must lie in \[0, 1\], got 2"),
    (lambda: topk_accuracy([[1.0, 2.0]], [-1]), r"target must lie in \[0, 1\], got -1"),
    (lambda: linear.forward(np.ma.masked_array([[1.0]], [[True]]), [[1.0]]), "masked"),
    (lambda: linear.forward(None, [[1.0]]), "x of linear must be an array of real numbers"),
    (lambda: relu.forward([[1.0], [2.0, 3.0]]), "x of relu must be an array of numbers"),
    (lambda: relu.forward(np.array([True])), "bool"),
    (lambda: relu.forward(np.array([1j])), "complex"),
    (lambda: add.forward(np.uint64([2 ** 64 - 1]), [1]), "a of add must lie in"),
    (lambda: agn.draw((2,), np.random.RandomState(0)), "rng must be a numpy.random.Generator"),
    (lambda: Linear(2, 2, rng=np.random.Generator), "the class itself"),
    (lambda: TensorScheme(per_channel="no"), "per_channel of TensorScheme must be True or False"),
    (lambda: quantize([1.0], 1.0, 0, 0, 2 ** 60), "qmax must be at most"),
])
def test_what_is_no_array_of_numbers_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()
