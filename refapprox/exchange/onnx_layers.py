"""ONNX's float operators that compute; one function each: (importer, node, *values) -> the value of the node."""
from __future__ import annotations

import math

import numpy as np

from refapprox.exchange.onnx_file import OnnxError
from refapprox.exchange.onnx_values import BATCH, Codes, Constant, Real
from refapprox.network import Add, BatchNorm, Clip, MultiplyingLayer, ReLU, ScaleShift
from refapprox.ops.patches import same_padding

MAX_PADDING = 4096      # of one side


def real(node, value):
    """`value` as real numbers of a node, refused with what came."""
    if isinstance(value, Real):
        return value
    kind = {Constant: "a constant", Codes: "integer codes", type(None): "nothing"}.get(type(value), "integers")
    raise OnnxError(f"{node} must read real numbers computed from the input, got {kind}.")


def constant(node, value, what):
    if not isinstance(value, Constant):
        raise OnnxError(f"{what} of {node} must be a constant of the file.")
    return value


def refuse(node, **wanted):
    """Refuse attributes that are neither absent nor of the wanted value."""
    for name, value in wanted.items():
        if node.attributes.get(name, value) != value:
            raise OnnxError(f"attribute {name} of {node} must be {value}, got {node.attributes[name]}.")


# ---- products

def conv(importer, node, x, weight, bias=None):
    x, weight = real(node, x), constant(node, weight, "the weight")
    bias = None if bias is None else constant(node, bias, "the bias").array
    if weight.parameters is not None and np.ndim(weight.parameters.scale) and weight.axis != 0:
        raise OnnxError(f"{node} must have weight scales along axis 0, got axis {weight.axis}.")
    return Real(importer.multiply(node, x, weight.array, bias, weight.parameters,
                                  **conv_geometry(importer, node, x.node, weight.array)))


def conv_geometry(importer, node, source, weight):
    """Stride, padding, dilation and groups of a convolution of maps."""
    if weight.ndim != 4:
        raise OnnxError(f"{node} must be a convolution of maps with a weight of 4 axes, got {weight.ndim}.")
    kernel = list(weight.shape[2:])
    if node.attributes.get("kernel_shape", kernel) != kernel:
        raise OnnxError(f"{node} says kernel_shape {node.attributes['kernel_shape']}, its weight is {kernel}.")
    stride, dilation = pair(node, "strides"), pair(node, "dilations")
    return {"stride": stride, "dilation": dilation, "groups": node.attributes.get("group", 1),
            "padding": padding(importer, node, source, kernel, stride, dilation)}


def pair(node, name, default=(1, 1)):
    values = tuple(node.attributes.get(name, default))
    if len(values) != 2:
        raise OnnxError(f"attribute {name} of {node} must have 2 entries, got {list(values)}.")
    return values


def padding(importer, node, source, kernel, stride, dilation=(1, 1)):
    """((top, bottom), (left, right)) by `pads` or `auto_pad`."""
    how = node.attributes.get("auto_pad", "NOTSET")
    if how == "VALID":
        return ((0, 0), (0, 0))
    if how == "NOTSET":
        pads = node.attributes.get("pads", [0] * 4)
        if len(pads) != 4 or min(pads) < 0 or max(pads) > MAX_PADDING:
            raise OnnxError(f"attribute pads of {node} must have 4 entries in [0, {MAX_PADDING}], got {list(pads)}.")
        return ((pads[0], pads[2]), (pads[1], pads[3]))
    if how not in ("SAME_UPPER", "SAME_LOWER"):
        raise OnnxError(f"attribute auto_pad of {node} must be NOTSET, VALID, SAME_UPPER or SAME_LOWER, got {how}.")
    sides = [same_padding(*axis) for axis in zip(importer.shapes[source][-2:], kernel, stride, dilation, strict=True)]
    return tuple(side if how == "SAME_UPPER" else side[::-1] for side in sides)


def gemm(importer, node, x, weight, bias=None):
    refuse(node, transA=0)
    x, weight = real(node, x), constant(node, weight, "the second operand")
    alpha, beta = node.attributes.get("alpha", 1.0), node.attributes.get("beta", 1.0)
    if alpha != 1.0 and weight.parameters is not None:
        raise OnnxError(f"{node} must have alpha = 1 with a quantized weight, got {alpha}.")
    bias = None if bias is None else beta * constant(node, bias, "the bias").array
    return linear(importer, node, x, weight, bias, transposed=bool(node.attributes.get("transB", 0)), alpha=alpha)


def matmul(importer, node, x, weight):
    return linear(importer, node, real(node, x), constant(node, weight, "the second operand"), None)


def linear(importer, node, x, weight, bias, transposed=False, alpha=1.0):
    """`weight` (k, m), or (m, k) where `transposed`."""
    if weight.array.ndim != 2 or len(importer.shapes[x.node]) != 1:
        raise OnnxError(f"{node} must multiply (n, k) by a matrix, got {len(importer.shapes[x.node]) + 1} and "
                        f"{weight.array.ndim} axes.")
    if weight.parameters is not None and np.ndim(weight.parameters.scale) and weight.axis != (0 if transposed else 1):
        raise OnnxError(f"{node} must have weight scales along its outputs, got axis {weight.axis}.")
    array = weight.array if transposed else weight.array.T
    array = array if alpha == 1.0 else alpha * array
    return Real(importer.multiply(node, x, array, bias, weight.parameters))


def add(importer, node, left, right):
    if isinstance(left, Constant):
        left, right = right, left
    left = real(node, left)
    if not isinstance(right, Constant):
        return Real(importer.add(node, Add(), left.node, real(node, right).node))
    if bias_of(importer, node, left, right.array):
        return Real(left.node)
    return Real(importer.add(node, ScaleShift(summand=without_batch(node, importer.shapes[left.node], right.array)),
                             left.node))


def bias_of(importer, node, left, array):
    """Whether `array` could become the bias of the layer that made `left`, which nothing else reads: now it is."""
    layer = importer.nodes[left.node].layer if left.node in importer.nodes else None
    name = next((n for n in node.inputs if importer.values[n] is left), None)
    if not isinstance(layer, MultiplyingLayer) or "bias" in layer.parameters or importer.readers.get(name) != 1:
        return False
    channels, axes = importer.shapes[left.node][0], len(importer.shapes[left.node])
    full = (1,) * (axes + 1 - array.ndim) + array.shape
    if len(full) != axes + 1 or full[1] != channels or array.size != channels:
        return False
    layer.set_bias(array.ravel())
    return True


def without_batch(node, shape, array):
    """A constant that broadcasts against (n, *shape), as one that broadcasts against `shape`."""
    if array.ndim == len(shape) + 1:
        if array.shape[0] != 1:
            raise OnnxError(f"{node} has a constant of {array.shape[0]} samples; only one for all is read.")
        array = array[0]
    return array.astype(np.float64)


# ---- normalization and activation

def batch_normalization(importer, node, x, scale, shift, mean, var):
    refuse(node, training_mode=0)
    x = real(node, x)
    arrays = [constant(node, value, what).array for value, what in
              ((scale, "scale"), (shift, "B"), (mean, "mean"), (var, "var"))]
    channels = importer.shapes[x.node][0]
    if any(array.shape != (channels,) for array in arrays):
        raise OnnxError(f"{node} must have parameters of {channels} channels, got shapes {[a.shape for a in arrays]}.")
    layer = BatchNorm(channels, eps=node.attributes.get("epsilon", 1e-5), dtype=importer.dtype)
    for key, array in zip(("gamma", "beta"), arrays[:2], strict=True):
        layer.parameters[key].value[...] = array
    for key, array in zip(("running_mean", "running_var"), arrays[2:], strict=True):
        layer.buffers[key][...] = array
    return Real(importer.add(node, layer, x.node))


def relu(importer, node, x):
    if isinstance(x, Codes):      # ONNX compares the codes themselves with 0
        if x.parameters is BATCH or x.parameters.zero_point != 0:
            raise OnnxError(f"{node} rectifies codes whose zero point is not 0: no rectifier of real numbers.")
        return Codes(importer.add(node, ReLU(), x.node), x.parameters)
    x = real(node, x)
    return Real(importer.add(node, ReLU(), x.node), None if x.parameters is BATCH else x.parameters)


def clip(importer, node, x, low=None, high=None):
    x = real(node, x)
    bounds = [node.attributes.get("min", -math.inf), node.attributes.get("max", math.inf)]
    for index, value in enumerate((low, high)):
        if value is not None:
            bounds[index] = float(constant(node, value, "a bound").array.reshape(()))
    return Real(importer.add(node, Clip(*bounds), x.node))


OPERATORS = {"Add": add, "BatchNormalization": batch_normalization, "Clip": clip, "Conv": conv, "Gemm": gemm,
             "MatMul": matmul, "Relu": relu}
