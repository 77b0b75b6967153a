"""ONNX's operators of quantization, and onnxruntime's; functions as in `onnx_layers`."""
from __future__ import annotations

import numpy as np

from refapprox.exchange.onnx_file import OnnxError
from refapprox.exchange.onnx_layers import constant, conv_geometry, linear, real, refuse, without_batch
from refapprox.exchange.onnx_shapes import average
from refapprox.exchange.onnx_values import (
    BATCH,
    CODE_RANGES,
    Codes,
    Constant,
    RangeScale,
    RangeZero,
    Real,
    Sums,
    code_parameters,
)
from refapprox.network import Add, AvgPool2D, Concat, ScaleShift


def quantize_linear(importer, node, x, scale, zero_point=None):
    parameters = code_parameters(node, scale, zero_point)
    if isinstance(x, Constant):
        axis = channel_axis(node, parameters, x.array)
        shape = [-1 if i == axis else 1 for i in range(x.array.ndim)]
        spread = (np.reshape(v, shape) if np.ndim(v) else v for v in (parameters.scale, parameters.zero_point))
        step, zero = spread
        codes = np.clip(np.rint(x.array.astype(np.float64) / step) + zero, parameters.qmin, parameters.qmax)
        return Constant(codes.astype(np.uint8 if parameters.qmin == 0 else np.int8))
    x = real(node, x)
    if np.ndim(parameters.scale):
        raise OnnxError(f"{node} must have one scale for all activations, got {np.size(parameters.scale)}.")
    return Codes(importer.rounded(node, x.node, parameters), parameters)


def channel_axis(node, parameters, array):
    """The axis of scales per channel, None for one scale."""
    if not np.ndim(parameters.scale):
        return None
    axis = node.attributes.get("axis", 1) % max(array.ndim, 1)
    if array.ndim == 0 or array.shape[axis] != np.size(parameters.scale):
        raise OnnxError(f"{node} has {np.size(parameters.scale)} scales for axis {axis} of shape {array.shape}.")
    return axis


def dequantize_linear(importer, node, x, scale, zero_point=None):
    if isinstance(x, Constant) and x.array.dtype == np.int32:      # a bias, whose codes are sums of products
        if zero_point is not None and np.any(constant(node, zero_point, "the zero point").array):
            raise OnnxError(f"{node} must have the zero point 0 for int32.")
        factor = constant(node, scale, "the scale").array.astype(np.float64)
        return Constant(x.array * (factor if factor.size == 1 or x.array.ndim == 1 else np.nan))
    if isinstance(x, Constant):
        parameters = code_parameters(node, scale, zero_point, x.array.dtype.name)
        axis = channel_axis(node, parameters, x.array)
        return Constant(meaning(x.array, parameters, axis), parameters, axis)
    if not isinstance(x, Codes):
        raise OnnxError(f"{node} must dequantize codes that QuantizeLinear made.")
    if x.parameters is BATCH:
        if scale != RangeScale(x.node) or zero_point != RangeZero(x.node):
            raise OnnxError(f"{node} must have the scale and zero point of the codes that it reads.")
        return Real(x.node, BATCH)
    return operand(node, x, scale, zero_point)


def meaning(codes, parameters, axis):
    """The real numbers that constant codes stand for, float64."""
    shape = [-1 if i == axis else 1 for i in range(codes.ndim)]
    scale, zero = (np.reshape(v, shape) if np.ndim(v) else v for v in (parameters.scale, parameters.zero_point))
    return scale * (codes.astype(np.int64) - zero)


def operand(node, value, scale, zero_point):
    """Real numbers behind the codes of a QLinear operator's input."""
    parameters = code_parameters(node, scale, zero_point)
    if not isinstance(value, Codes) or value.parameters is BATCH:
        raise OnnxError(f"{node} must read codes that a node before it made.")
    if (parameters.scale, parameters.zero_point) != (value.parameters.scale, value.parameters.zero_point):
        raise OnnxError(f"{node} must have the scale and zero point of the codes that it reads.")
    return Real(value.node, value.parameters)


def weight_operand(node, value, scale, zero_point, axis):
    codes = constant(node, value, "the weight").array
    parameters = code_parameters(node, scale, zero_point, codes.dtype.name)
    axis = axis if np.ndim(parameters.scale) else None
    return Constant(meaning(codes, parameters, axis), parameters, axis)


def result(importer, node, name, scale, zero_point):
    parameters = code_parameters(node, scale, zero_point)
    return Codes(importer.rounded(node, name, parameters), parameters)


def sums_bias(node, bias, x, weight):
    """An int32 bias, in units of the products' scale, as real numbers."""
    if bias is None:
        return None
    return constant(node, bias, "the bias").array * (x.parameters.scale * weight.parameters.scale)


def qlinear_conv(importer, node, x, xs, xz, w, ws, wz, ys, yz, bias=None):
    x, weight = operand(node, x, xs, xz), weight_operand(node, w, ws, wz, 0)
    name = importer.multiply(node, x, weight.array, sums_bias(node, bias, x, weight), weight.parameters,
                             **conv_geometry(importer, node, x.node, weight.array))
    return result(importer, node, name, ys, yz)


def qlinear_matmul(importer, node, a, sa, za, b, sb, zb, sy, zy):
    x, weight = operand(node, a, sa, za), weight_operand(node, b, sb, zb, 1)
    return result(importer, node, linear(importer, node, x, weight, None).node, sy, zy)


def qgemm(importer, node, a, sa, za, b, sb, zb, bias=None, sy=None, zy=None):
    refuse(node, transA=0, alpha=1.0)
    transposed = bool(node.attributes.get("transB", 0))
    x, weight = operand(node, a, sa, za), weight_operand(node, b, sb, zb, 0 if transposed else 1)
    value = linear(importer, node, x, weight, sums_bias(node, bias, x, weight), transposed)
    return value if sy is None else result(importer, node, value.node, sy, zy)


def qlinear_add(importer, node, a, sa, za, b, sb, zb, sy, zy):
    if isinstance(a, Constant):
        a, sa, za, b, sb, zb = b, sb, zb, a, sa, za
    left = operand(node, a, sa, za)
    if isinstance(b, Constant):
        summand = weight_operand(node, b, sb, zb, None).array
        layer, sources = ScaleShift(summand=without_batch(node, importer.shapes[left.node], summand)), [left.node]
    else:
        layer, sources = Add(), [left.node, operand(node, b, sb, zb).node]
    return result(importer, node, importer.add(node, layer, *sources), sy, zy)


def qlinear_global_average_pool(importer, node, x, xs, xz, ys, yz):
    refuse(node, channels_last=0)
    x = operand(node, x, xs, xz)
    return result(importer, node, importer.add(node, AvgPool2D(importer.shapes[x.node][1:]), x.node), ys, yz)


def qlinear_average_pool(importer, node, x, xs, xz, ys, yz):
    refuse(node, channels_last=0)
    return result(importer, node, average(importer, node, operand(node, x, xs, xz).node), ys, yz)


def qlinear_concat(importer, node, ys, yz, *triples):
    refuse(node, axis=1)
    parts = [operand(node, *triples[i:i + 3]).node for i in range(0, len(triples), 3)]
    return result(importer, node, importer.add(node, Concat(), *parts), ys, yz)


# ---- dynamic quantization: the range of every batch

def dynamic_quantize_linear(importer, node, x):
    x = real(node, x)
    return [Codes(x.node, BATCH), RangeScale(x.node), RangeZero(x.node)]


def conv_integer(importer, node, x, w, xz=None, wz=None):
    return sums(node, x, w, xz, wz)


def matmul_integer(importer, node, a, b, za=None, zb=None):
    return sums(node, a, b, za, zb)


def sums(node, x, w, x_zero, w_zero):
    codes = constant(node, w, "the weight").array
    if not isinstance(x, Codes) or x.parameters is not BATCH or not (
            isinstance(x_zero, RangeZero) and x_zero.node == x.node):
        raise OnnxError(f"{node} must read the codes and the zero point of one DynamicQuantizeLinear.")
    if codes.dtype.name not in CODE_RANGES:
        raise OnnxError(f"{node} must have weights of type uint8 or int8, got {codes.dtype}.")
    zero = np.zeros((), codes.dtype) if w_zero is None else constant(node, w_zero, "the weight's zero point").array
    return Sums(x.node, node, codes, zero, codes.dtype.name)


def cast(importer, node, x):
    if isinstance(x, Sums) and node.attributes.get("to") == 1:      # TensorProto.FLOAT
        return x
    raise OnnxError(f"{node} must cast integer sums of products to float.")


def mul(importer, node, left, right):
    if isinstance(left, Constant) or isinstance(right, Sums):
        left, right = right, left
    if isinstance(left, RangeScale) and isinstance(right, Constant) and left.factor is None:
        return RangeScale(left.node, right.array)
    if isinstance(left, Real) and isinstance(right, Constant):
        factor = without_batch(node, importer.shapes[left.node], right.array)
        return Real(importer.add(node, ScaleShift(factor=factor), left.node))
    if isinstance(left, Sums) and isinstance(right, RangeScale) and right.factor is not None and (
            left.node == right.node):
        return scaled_sums(importer, left, right.factor)
    raise OnnxError(f"{node} must multiply by a constant, or by the scale of dynamically quantized products.")


def scaled_sums(importer, product, factor):
    """The layer whose integer sums are `product`, its weight codes of scale `factor`."""
    node, is_conv = product.onnx_node, product.weight.ndim == 4
    axis = (0 if is_conv else 1) if factor.size > 1 or product.zero_point.size > 1 else None
    size = product.weight.shape[axis] if axis is not None else 1
    scale, zero = (np.broadcast_to(v.ravel(), size) if axis is not None else v for v in (factor, product.zero_point))
    parameters = code_parameters(node, Constant(np.asarray(scale)), Constant(np.asarray(zero, product.weight.dtype)))
    weight = Constant(meaning(product.weight, parameters, axis), parameters, axis)
    source = Real(product.node, BATCH)
    if is_conv:
        return Real(importer.multiply(node, source, weight.array, None, parameters,
                                      **conv_geometry(importer, node, product.node, weight.array)))
    return Real(importer.multiply(node, source, weight.array.T, None, parameters))


MICROSOFT = "com.microsoft."
OPERATORS = {
    "Cast": cast, "ConvInteger": conv_integer, "DequantizeLinear": dequantize_linear,
    "DynamicQuantizeLinear": dynamic_quantize_linear, "MatMulInteger": matmul_integer, "Mul": mul,
    "QLinearConv": qlinear_conv, "QLinearMatMul": qlinear_matmul, "QuantizeLinear": quantize_linear,
    MICROSOFT + "QGemm": qgemm, MICROSOFT + "QLinearAdd": qlinear_add,
    MICROSOFT + "QLinearAveragePool": qlinear_average_pool, MICROSOFT + "QLinearConcat": qlinear_concat,
    MICROSOFT + "QLinearGlobalAveragePool": qlinear_global_average_pool,
    MICROSOFT + "DequantizeLinear": dequantize_linear, MICROSOFT + "QuantizeLinear": quantize_linear,
}
