"""ONNX's operators that pool, shape and pass on; functions as in `onnx_layers`.

What moves values about moves codes as well.
"""
from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np

from refapprox.exchange.onnx_file import OnnxError
from refapprox.exchange.onnx_layers import MAX_PADDING, constant, padding, pair, real, refuse
from refapprox.exchange.onnx_values import BATCH, Codes, Constant, Real
from refapprox.network import AvgPool2D, Concat, Flatten, MaxPool2D, Pad, ScaleShift
from refapprox.quantization import QuantizationParameters


def like(x, node):
    """A result that holds the same values as `x`: real numbers, or codes, on the same grid."""
    return type(x)(node, x.parameters)


def values_of(node, x):
    return x if isinstance(x, Codes) else real(node, x)


def max_pool(importer, node, x):
    refuse(node, storage_order=0, dilations=[1, 1])
    x = values_of(node, x)
    kernel, stride, sides = pool_geometry(importer, node, x.node)
    return like(x, importer.add(node, MaxPool2D(kernel, stride, sides), x.node))


def pool_geometry(importer, node, source):
    if len(importer.shapes[source]) != 3:
        raise OnnxError(f"{node} must pool maps (n, c, h, w), got shape (n, {importer.shapes[source]}).")
    kernel, stride = pair(node, "kernel_shape", ()), pair(node, "strides")
    sides = padding(importer, node, source, kernel, stride)
    if node.attributes.get("ceil_mode", 0):      # windows that begin inside are kept: more padding at the end
        sides = tuple(
            (before, after + last_window(size, k, s, before, after))
            for size, k, s, (before, after) in zip(importer.shapes[source][1:], kernel, stride, sides, strict=True))
    return kernel, stride, sides


def last_window(size, kernel, stride, before, after):
    """How much padding at the end makes the last window whole that begins inside the map or the padding before it."""
    windows = -(-(size + before + after - kernel) // stride) + 1
    if (windows - 1) * stride >= size + before:
        windows -= 1
    return max((windows - 1) * stride + kernel - size - before - after, 0)


def average_pool(importer, node, x):
    return Real(average(importer, node, real(node, x).node))


def average(importer, node, source):
    """Append an average pooling of `source`; the name of the result."""
    refuse(node, dilations=[1, 1], ceil_mode=0)
    kernel, stride, sides = pool_geometry(importer, node, source)
    name = importer.add(node, AvgPool2D(kernel, stride, sides), source)
    if node.attributes.get("count_include_pad", 0) or sides == ((0, 0), (0, 0)):
        return name
    inside = AvgPool2D(kernel, stride, sides).forward(np.ones((1, 1, *importer.shapes[source][1:])))[0]
    return importer.add(node, ScaleShift(factor=1 / inside), name, suffix="_counts")


def global_average_pool(importer, node, x):
    x = real(node, x)
    return Real(importer.add(node, AvgPool2D(importer.shapes[x.node][1:]), x.node))


def flatten(importer, node, x):
    refuse(node, axis=1)
    x = values_of(node, x)
    return like(x, importer.add(node, Flatten(), x.node))


def reshape(importer, node, x, shape):
    wanted = constant(node, shape, "the shape").array.ravel().tolist()
    if isinstance(x, Constant):
        return Constant(x.array.reshape([x.array.shape[i] if size == 0 else size for i, size in enumerate(wanted)]))
    x = values_of(node, x)
    own = importer.shapes[x.node]
    rest = [own[i] if size == 0 and i < len(own) else size for i, size in enumerate(wanted[1:])]
    if len(rest) == 1 and rest[0] in (-1, math.prod(own)):
        return like(x, importer.add(node, Flatten(), x.node))
    if tuple(rest) == own:
        return x
    raise OnnxError(f"{node} must keep the shape or flatten it to (n, {math.prod(own)}), got {wanted}.")


def pad(importer, node, x, widths=None, value=None, axes=None):
    refuse(node, mode="constant")
    x = values_of(node, x)
    widths = node.attributes.get("pads") if widths is None else constant(
        node, widths, "the widths").array.ravel().tolist()
    axes_count = len(importer.shapes[x.node]) + 1
    if axes is not None or widths is None or len(widths) != 2 * axes_count:
        raise OnnxError(f"{node} must have {2 * axes_count} widths and no axes.")
    before, after = widths[:axes_count], widths[axes_count:]
    if before[0] or after[0] or min(widths) < 0 or max(widths) > MAX_PADDING:
        raise OnnxError(f"{node} must pad maps and channels by widths in [0, {MAX_PADDING}], got {widths}.")
    filling = node.attributes.get("value", 0.0) if value is None else float(
        constant(node, value, "the value").array.reshape(()))
    if isinstance(x, Codes):
        if x.parameters is BATCH:
            raise OnnxError(f"{node} pads codes of a range that only the batch tells.")
        filling = float(x.parameters.scale * (filling - x.parameters.zero_point))
    name = importer.add(node, Pad(tuple(zip(before[1:], after[1:], strict=True)), filling), x.node)
    return like(x, name) if isinstance(x, Codes) or filling == 0 else Real(name)


def concat(importer, node, *parts):
    if node.attributes.get("axis") != 1:
        raise OnnxError(f"{node} must concatenate channels (axis 1), got axis {node.attributes.get('axis')}.")
    parts = [values_of(node, part) for part in parts]
    first = parts[0].parameters
    one_grid = isinstance(first, QuantizationParameters) and all(
        isinstance(part.parameters, QuantizationParameters) and astuple(part.parameters) == astuple(first)
        for part in parts)
    if len({type(part) for part in parts}) > 1 or isinstance(parts[0], Codes) and not one_grid:
        raise OnnxError(f"{node} must concatenate real numbers, or codes of one scale and zero point.")
    return type(parts[0])(importer.add(node, Concat(), *(part.node for part in parts)), first if one_grid else None)


def identity(importer, node, x, *unused):
    return x


def dropout(importer, node, x, ratio=None, training=None):
    if training is not None and np.any(constant(node, training, "training_mode").array):
        raise OnnxError(f"{node} must not be in training mode.")
    return x


def constant_node(importer, node):
    for name, kind in (("value", None), ("value_float", np.float32), ("value_int", np.int64),
                       ("value_floats", np.float32), ("value_ints", np.int64)):
        if name in node.attributes:
            return Constant(np.asarray(node.attributes[name], kind))
    raise OnnxError(f"{node} must hold a tensor or numbers, got {', '.join(node.attributes) or 'nothing'}.")


OPERATORS = {
    "AveragePool": average_pool, "Concat": concat, "Constant": constant_node, "Dropout": dropout, "Flatten": flatten,
    "GlobalAveragePool": global_average_pool, "Identity": identity, "MaxPool": max_pool, "Pad": pad, "Reshape": reshape,
}
