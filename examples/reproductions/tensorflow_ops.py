"""TensorFlow 1's quantized operators in NumPy, as far as frozen residual networks use them, and the loop over a graph.

A quantized tensor is three tensors: codes (uint8, or 32-bit sums) and the real numbers `low` and `high` that the first
and the last code stand for. TensorFlow computes these ranges anew for every batch. Images are (n, h, w, c), as
there; what refapprox defines (the convolution through a table, pooling) is called with axes transposed. Real numbers
are float32 and scales float64 where they are in the original.

Sources: github.com/tensorflow/tensorflow, tensorflow/core/kernels of release 1.14 (quantize_op.cc,
quantization_utils.h, requantization_range_op.cc, quantized_add_op.cc, quantized_pooling_ops.cc,
fused_batch_norm_op.cc); github.com/ehw-fit/tf-approximate, tf1/axqconv.
"""
import collections

import numpy as np

from refapprox.ops import avg_pool2d
from refapprox.ops.lut_conv2d import lut_conv2d

F4 = np.float32
LEVELS = {np.dtype(np.uint8): (2 ** 8, 0), np.dtype(np.int64): (2 ** 32, -2 ** 31)}      # how many codes, the lowest
STATISTICS = ("Min", "Max", "RequantizationRange", "FusedBatchNorm")      # operators that look at the whole batch


def reciprocal_root(x):
    """1 / sqrt(x), float32."""
    return F4(1) / np.sqrt(x)


def estimated_root(x):
    """1 / sqrt(x) as Eigen had it in 2019 for processors with AVX: the processor's estimate, of about 12 bits, and one
    step of Newton's. Estimates differ from maker to maker; this one is the root rounded to 12 bits."""
    mantissa, exponent = np.frexp(reciprocal_root(x))
    y = np.ldexp(np.rint(mantissa * F4(2 ** 13)) / F4(2 ** 13), exponent)
    return y * (F4(1.5) - F4(0.5) * x * (y * y))


def run(nodes, batch, multiplier, held=None, **options):
    """The output of the last node for a batch of images (n, h, w, c), and what every statistic was.

    `multiplier` takes the place of every convolution's products. `held` (name -> values) are statistics of another
    run, to be used in place of this batch's own; `options` go to batch normalization.
    """
    held = {} if held is None else held
    uses = collections.Counter(name for node in nodes for name, _ in node.inputs)
    values, seen = {}, {}
    for node in nodes:
        inputs = [values[name][output] for name, output in node.inputs]
        for name, _ in node.inputs:
            uses[name] -= 1
            if not uses[name]:
                del values[name]                               # a batch of maps is large: forget what is used up
        if node.op == "Placeholder":
            outputs = (np.asarray(batch, F4),)
        elif node.op == "AxConv2D":
            outputs = convolution(node, *inputs, multiplier)
        elif node.op == "FusedBatchNorm":
            outputs = normalization(node, *inputs[:3], held.get(node.name), **options)
        elif node.name in held:
            outputs = held[node.name]
        elif node.op in OPERATORS:
            outputs = OPERATORS[node.op](node, *inputs)
        else:
            raise ValueError(f"node {node.name!r}: the operator {node.op!r} is not one of those known here.")
        values[node.name] = outputs
        if node.op in STATISTICS:
            seen[node.name] = outputs[1:] if node.op == "FusedBatchNorm" else outputs
    return values[nodes[-1].name][0], seen


# Real numbers and codes

def round_away(x):
    """Half away from zero, as C's round: the largest number below 1/2 is added, so that 0.49999997 stays below 1."""
    x = np.asarray(x)
    return np.trunc(x + np.copysign(np.nextafter(x.dtype.type(0.5), x.dtype.type(0)), x))


def step_of(low, high, dtype):
    """What one code is worth, float64."""
    levels, _ = LEVELS[np.dtype(dtype)]
    return float(high - low) * (levels / (levels - 1.0)) / levels


def to_code(value, low, high, dtype):
    """The code of a real number, not clipped."""
    if low == high:
        return LEVELS[np.dtype(dtype)][1]
    scale = 1 / step_of(low, high, dtype)
    return int(round_away(float(value) * scale) - round_away(float(low) * scale)) + LEVELS[np.dtype(dtype)][1]


def to_real(code, low, high, dtype):
    """The real number of a code, float32."""
    if low == high:
        return F4(low)
    step = step_of(low, high, dtype)
    first = float(round_away(F4(low) / F4(step)) * F4(step))
    return F4(first + (int(code) - LEVELS[np.dtype(dtype)][1]) * step)


def quantize(node, x, low, high):
    """QuantizeV2, MIN_FIRST: zero is made to lie in the range, and a narrow range is widened."""
    check_mode(node)
    wider = F4(max(F4(1), abs(low), abs(high)) * F4(0.01))
    low = min(F4(0), F4(low))
    high = max(F4(0), F4(high), F4(low + wider))
    scale = F4(255.0 / float(high - low))
    codes = round_away(x * scale) - round_away(low * scale)
    return codes.clip(0, 255).astype(np.uint8), low, high


def dequantize(node, codes, low, high):
    """Dequantize, MIN_FIRST."""
    check_mode(node)
    scale = F4(float(high - low) / 255.0)
    return (codes.astype(F4) * scale + round_away(low / scale) * scale,)


def check_mode(node):
    if node.attributes.get("mode") != "MIN_FIRST":
        raise ValueError(f"node {node.name!r}: the mode of {node.op} must be MIN_FIRST, "
                         f"got {node.attributes.get('mode')!r}.")


def requantization_range(node, sums, low, high):
    """The range that the sums of this batch take; zero lies in it."""
    return (min(F4(0), to_real(sums.min(), low, high, np.int64)), to_real(sums.max(), low, high, np.int64))


def requantize(node, sums, low, high, new_low, new_high):
    """Sums to uint8 in fixed point, 16 bits after the point."""
    span, new_span, middle = F4(high - low), F4(new_high - new_low), F4((float(low) + float(high)) / 2)
    if new_span == 0:
        scale = offset = 0
    else:
        scale = int(255.0 * 2 ** 16 * float(span) / float(new_span))
        offset = (int(F4(F4(middle * F4(255.0 / float(new_span))) * F4(2 ** 16)))
                  - int(2 ** 16 * (float(new_low) * 255.0) / float(new_span)))
    codes = ((sums.astype(np.int64) * scale >> 32) + (offset + 2 ** 15)) >> 16
    return codes.clip(0, 255).astype(np.uint8), new_low, new_high


# Products

def product_range(low_a, high_a, low_b, high_b):
    """The range of 32-bit sums of products."""
    step = F4(F4((high_a - low_a) / F4(255)) * F4((high_b - low_b) / F4(255)))
    return step * F4(-2 ** 31), step * F4(2 ** 31 - 1)


def convolution(node, x, w, low_x, high_x, low_w, high_w, multiplier):
    """AxConv2D: every product from the table, padded positions too, with the code of zero (axqconv.cc)."""
    _, stride, same, _ = node.attributes["strides"]
    if node.attributes["padding"] not in ("SAME", "VALID") or stride != same:
        raise ValueError(f"node {node.name!r}: padding must be SAME or VALID and both strides equal, "
                         f"got {node.attributes}.")
    zero = to_code(0, low_x, high_x, np.uint8)
    sums = lut_conv2d(x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1), multiplier, stride=stride,
                      padding="same" if node.attributes["padding"] == "SAME" else 0, pad_code=zero, x_zero_point=zero,
                      w_zero_point=to_code(0, low_w, high_w, np.uint8))
    return sums.transpose(0, 2, 3, 1), *product_range(low_x, high_x, low_w, high_w)


def matrix_product(node, x, w, low_x, high_x, low_w, high_w):
    """QuantizedMatMul: exact, as TensorFlow's own."""
    if node.attributes.get("transpose_a") or node.attributes.get("transpose_b"):
        raise ValueError(f"node {node.name!r}: transposed operands are not taken.")
    zero_x, zero_w = to_code(0, low_x, high_x, np.uint8), to_code(0, low_w, high_w, np.uint8)
    return (x.astype(np.int64) - zero_x) @ (w.astype(np.int64) - zero_w), *product_range(low_x, high_x, low_w, high_w)


# Other layers

def normalization(node, x, gamma, beta, held=None, inverse_root=reciprocal_root, sums=F4):
    """FusedBatchNorm in training mode: mean and variance (divided by the count) are the batch's, unless `held`.

    As TensorFlow 1.14 on a CPU, channel by channel one float32 number is added to another, image after image. A million
    of them lose two digits and more, which decides a few images in a thousand. NumPy adds the rows of an array in C
    order in the same way (of two channels and more: one alone it adds in pairs). With `sums` float64 next to
    nothing is lost.
    """
    if not node.attributes.get("is_training") or node.attributes.get("data_format") != "NHWC":
        raise ValueError(f"node {node.name!r}: batch normalization must be in training mode and NHWC, "
                         f"got {node.attributes}.")
    rows = np.ascontiguousarray(x).reshape(-1, x.shape[3])
    part = F4(1) / F4(len(rows))
    mean = (rows.sum(axis=0, dtype=sums) * part).astype(F4) if held is None else held[0]
    centered = rows - mean
    variance = (np.square(centered).sum(axis=0, dtype=sums) * part).astype(F4) if held is None else held[1]
    scale = inverse_root(variance + F4(node.attributes["epsilon"])) * gamma
    return (centered * scale + beta).reshape(x.shape), mean, variance


def relu(node, codes, low, high):
    """QuantizedRelu: the range stays, codes below that of zero do not."""
    return np.maximum(codes, np.uint8(min(255, max(0, to_code(0, low, high, codes.dtype))))), low, high


def average(node, codes, low, high):
    """QuantizedAvgPool: the mean of the codes, rounded down."""
    window = node.attributes["ksize"][1:3]
    if node.attributes["strides"][1:3] != window or codes.shape[1] % window[0] or codes.shape[2] % window[1]:
        raise ValueError(f"node {node.name!r}: windows must tile the image, got {node.attributes} for {codes.shape}.")
    means = avg_pool2d.forward(codes.astype(F4).transpose(0, 3, 1, 2), tuple(window))[0]
    return np.floor(means).astype(np.uint8).transpose(0, 2, 3, 1), low, high


def add(node, x, y, low_x, high_x, low_y, high_y):
    """QuantizedAdd: each operand to 32 bits by one factor and one offset, then the sum."""
    high = F4(max(abs(min(low_x, low_y)), abs(max(high_x, high_y))) * F4(2 ** 14))
    total = 0
    for codes, low_, high_ in ((x, low_x, high_x), (y, low_y, high_y)):
        first, second = (to_code(to_real(code, low_, high_, np.uint8), -high, high, np.int64) for code in (0, 1))
        total = total + (first + codes.astype(np.int64) * (second - first))
    return total, -high, high


def add_bias(node, x, bias, low_x, high_x, low_b, high_b):
    """QuantizedBiasAdd: operands to real numbers, and to 32 bits each."""
    high = F4(max(high_x, -low_x, high_b, -low_b) * F4(2 ** 17))
    scale = F4((2.0 ** 32 - 1) / float(high - -high))
    offset = round_away(-high * scale) + F4(2 ** 31)
    total = 0
    for codes, low_, high_ in ((x, low_x, high_x), (bias, low_b, high_b)):
        step = F4(float(high_ - low_) / 255.0)
        real = codes.astype(F4) * step + round_away(low_ / step) * step
        total = total + (round_away(real * scale) - offset).astype(np.int64)
    return total + to_code(0, -high, high, np.int64), -high, high


OPERATORS = {
    "Const": lambda node: (node.attributes["value"],),
    "Reshape": lambda node, x, shape: (x.reshape(shape.tolist()),),
    "Min": lambda node, x, axes: (x.min(axis=tuple(axes.tolist())),),
    "Max": lambda node, x, axes: (x.max(axis=tuple(axes.tolist())),),
    "Mean": lambda node, x, axes: (x.mean(axis=tuple(axes.tolist())),),
    "RealDiv": lambda node, x, y: (x / y,),
    "Sub": lambda node, x, y: (x - y,),
    "Pad": lambda node, x, widths: (np.pad(x, widths.tolist()),),
    "QuantizeV2": quantize, "Dequantize": dequantize, "RequantizationRange": requantization_range,
    "Requantize": requantize, "QuantizedMatMul": matrix_product, "QuantizedRelu": relu,
    "QuantizedAvgPool": average, "QuantizedAdd": add, "QuantizedBiasAdd": add_bias,
}
