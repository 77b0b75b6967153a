"""Networks as ONNX files: float, or quantized in the QDQ form, which every runtime reads.

A layer that multiplies becomes QuantizeLinear and DequantizeLinear of its activations, DequantizeLinear of its weight
codes, and Conv or MatMul; other layers become the operators of their names. ONNX has no operator for a product by a
table, so deployed multipliers do not survive the way out.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np

from refapprox import files
from refapprox._version import __version__
from refapprox.exchange.onnx_file import library
from refapprox.nets import ApproxNet
from refapprox.network import (
    Add,
    AvgPool2D,
    BatchNorm,
    Clip,
    Concat,
    Conv2D,
    FakeQuantize,
    Flatten,
    Graph,
    Linear,
    MaxPool2D,
    MultiplyingLayer,
    Pad,
    ReLU,
    Residual,
    ScaleShift,
    Sequential,
    Subsample,
)
from refapprox.network.graph import INPUT
from refapprox.ops.patches import geometry
from refapprox.validation import check_flag, check_instance

OPSET = 17
IR_VERSION = 9                # of onnx 1.14 and newer, which opset 17 needs
CODE_DTYPES = {(-128, 127): np.int8, (0, 255): np.uint8}


def export_onnx(net: ApproxNet, path: str | Path, *, drop_tables: bool = False) -> None:
    """Write `net` to `path`; needs the extra `onnx`.

    Parameters
    ----------
    net : ApproxNet
        In the mode "float" it is written with float products, else quantized in the QDQ form, without noise.
    path : path
    drop_tables : bool, optional
        Write a network in the mode "approximate" with exact products: ONNX cannot hold its multipliers.

    Raises
    ------
    ImportError
        If the package onnx is missing.
    TypeError
        If net is no ApproxNet.
    ValueError
        If deployed tables would be lost and `drop_tables` does not allow it, or a layer has no form in ONNX.

    Examples
    --------
    >>> export_onnx(net, "model.onnx")                                       # doctest: +SKIP
    """
    check_instance("net", net, ApproxNet)
    if net.mode == "approximate" and not check_flag("drop_tables", drop_tables):
        names = sorted({layer.multiplier.name for _, layer in net.noisy_modules})
        raise ValueError(f"ONNX cannot hold products by a table: the multipliers of {net.name} ({', '.join(names)}) "
                         f"would be lost. drop_tables=True writes it with exact products.")
    writer = Writer(library(), net)
    output = writer.layer(net.model, "x", "")
    files.write_bytes(path, writer.finished(output).SerializeToString())


class Writer:
    """Collects nodes and constants while it walks the layers; every method returns the name of its result."""

    def __init__(self, onnx, net):
        self.onnx, self.net, self.quantized = onnx, net, net.mode != "float"
        self.nodes, self.constants, self.count = [], {}, 0
        self.shapes = {"x": net.input_shape}      # of one sample of every result

    def finished(self, output):
        helper, dtype = self.onnx.helper, self.onnx.TensorProto.FLOAT
        if output != "y":
            self.node("Identity", [output], "y", "y")
        shape = self.shapes[output]
        graph = helper.make_graph(
            self.nodes, self.net.name, [helper.make_tensor_value_info("x", dtype, ["batch", *self.net.input_shape])],
            [helper.make_tensor_value_info("y", dtype, ["batch", *shape])],
            [self.onnx.numpy_helper.from_array(array, name) for name, array in self.constants.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
                                 producer_name="refapprox", producer_version=__version__)

    def node(self, operator, inputs, name, output=None, **attributes):
        self.count += 1
        output = output or f"{name}_{self.count}"
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [output], name=f"{name}.{self.count}",
                                                     **attributes))
        return output

    def constant(self, name, array, dtype=np.float32):
        self.count += 1
        name = f"{name}_{self.count}"
        self.constants[name] = np.asarray(array, dtype)
        return name

    def layer(self, layer, x, name):
        """Append `layer`, which reads the result `x`."""
        if isinstance(layer, Sequential):
            for key, child in layer.layers.items():
                x = self.layer(child, x, f"{name}.{key}".strip("."))
            return x
        if isinstance(layer, Residual):
            main = self.layer(layer.main, x, f"{name}.main")
            side = x if layer.shortcut is None else self.layer(layer.shortcut, x, f"{name}.shortcut")
            return self.together("Add", [main, side], name)
        if isinstance(layer, Graph):
            return self.graph(layer, x, name)
        write = Writer.multiplying if isinstance(layer, MultiplyingLayer) else next(
            (write for kind, write in PLAIN.items() if isinstance(layer, kind)), None)
        if write is None:
            raise ValueError(f"layer {name or 'model'}, a {type(layer).__name__}, has no form in ONNX.")
        output = write(self, layer, x, name)
        sample = np.zeros((1, *self.shapes[x]), self.net.dtype)
        self.shapes[output] = (layer.exact(sample, layer.parameters["weight"].value)[0]
                               if isinstance(layer, MultiplyingLayer) else layer.forward(sample)).shape[1:]
        return output

    def together(self, operator, inputs, name, **attributes):
        """Append Add, or Concat along the channels."""
        output = self.node(operator, inputs, name, **attributes)
        channels, *rest = self.shapes[inputs[0]]
        if operator == "Concat":
            channels = sum(self.shapes[x][0] for x in inputs)
        self.shapes[output] = (channels, *rest)
        return output

    def graph(self, graph, x, name):
        values = {INPUT: x}
        for key, node in graph.nodes.items():
            inputs, inner = [values[source] for source in node.inputs], f"{name}.{key}".strip(".")
            if isinstance(node.layer, Add):
                values[key] = self.together("Add", inputs, inner)
            elif isinstance(node.layer, Concat):
                values[key] = self.together("Concat", inputs, inner, axis=1)
            else:
                values[key] = self.layer(node.layer, *inputs, inner)
        return values[graph.output]

    # ---- what multiplies

    def multiplying(self, layer, x, name):
        weight = layer.parameters["weight"].value
        if self.quantized:
            x, weight_name = self.activations(layer, x, name), self.weight_codes(layer, weight, name)
        else:
            weight_name = self.constant(f"{name}.weight", weight)
        inputs = [x, weight_name]
        if "bias" in layer.parameters:
            inputs.append(self.constant(f"{name}.bias", layer.parameters["bias"].value))
        if isinstance(layer, Linear):
            return self.node("Gemm", inputs, name, transB=1)
        if not isinstance(layer, Conv2D):
            raise ValueError(f"layer {name}, a {type(layer).__name__}, has no form in ONNX.")
        return self.node("Conv", inputs, name, kernel_shape=list(weight.shape[2:]), **window(layer.window),
                         group=layer.groups)

    def activations(self, layer, x, name):
        """`x` rounded to the codes of the layer."""
        scheme = layer.quantization.x
        if layer.observer.watches == "every forward pass":
            if (scheme.kind, scheme.qmin, scheme.qmax) not in (("affine", 0, 255), ("affine", -128, 127)):
                raise ValueError(f"layer {name} takes the range of every batch, which ONNX has for affine codes of 8 "
                                 f"bits only, got {scheme}.")
            codes, scale, zero = (f"{name}_{part}_{self.count}" for part in ("codes", "scale", "zero"))
            self.nodes.append(self.onnx.helper.make_node("DynamicQuantizeLinear", [x], [codes, scale, zero],
                                                         name=f"{name}.codes"))
            return self.node("DequantizeLinear", [codes, scale, zero], name)
        return self.rounded(layer.quantization.x_parameters(layer.observer.bounds()), x, name)

    def rounded(self, parameters, x, name):
        """`x` to codes and back; a range narrower than 8 bits is kept by a Clip before."""
        whole = whole_range(parameters.qmin, parameters.qmax)
        if whole != (parameters.qmin, parameters.qmax):
            bounds = [parameters.scale * (q - parameters.zero_point) for q in (parameters.qmin, parameters.qmax)]
            x = self.node("Clip", [x, *(self.constant(f"{name}.bound", b) for b in bounds)], name)
        scale_zero = [self.constant(f"{name}.scale", parameters.scale),
                      self.constant(f"{name}.zero", parameters.zero_point, CODE_DTYPES[whole])]
        codes = self.node("QuantizeLinear", [x, *scale_zero], name)
        return self.node("DequantizeLinear", [codes, *scale_zero], name)

    def weight_codes(self, layer, weight, name):
        parameters = layer.quantization.w_parameters(weight)
        whole = whole_range(parameters.qmin, parameters.qmax)
        codes = self.constant(f"{name}.weight", parameters.quantize(weight), CODE_DTYPES[whole])
        scale_zero = [self.constant(f"{name}.weight_scale", parameters.scale),
                      self.constant(f"{name}.weight_zero", parameters.zero_point, CODE_DTYPES[whole])]
        axis = {"axis": 0} if np.ndim(parameters.scale) else {}
        return self.node("DequantizeLinear", [codes, *scale_zero], f"{name}.weight", **axis)


def whole_range(qmin, qmax):
    """The 8-bit range of codes that holds [qmin, qmax]."""
    for low, high in CODE_DTYPES:
        if low <= qmin and qmax <= high:
            return low, high
    raise ValueError(f"ONNX has codes of 8 bits, got a range [{qmin}, {qmax}].")


def window(around, dilation=True):
    """Attributes of a window; "same" is written by its name."""
    attributes = {"strides": list(around.stride)} | ({"dilations": list(around.dilation)} if dilation else {})
    if around.padding == "same":
        return attributes | {"auto_pad": "SAME_UPPER"}
    (top, bottom), (left, right) = around.padding
    return attributes | {"pads": [top, left, bottom, right]}


# ---- the other layers: (writer, layer, x, name) -> the name of the result

def batch_norm(writer, layer, x, name):
    arrays = {key: layer.parameters[key].value for key in ("gamma", "beta")} | {
        key: layer.buffers[key] for key in ("running_mean", "running_var")}
    return writer.node("BatchNormalization", [x, *(writer.constant(f"{name}.{key}", v) for key, v in arrays.items())],
                       name, epsilon=float(layer.eps))


def pool(operator, **attributes):
    def write(writer, layer, x, name):
        options = dict(layer.options)
        stride = options["kernel"] if options["stride"] is None else options["stride"]
        around = geometry(name, options["kernel"], stride, options["padding"])
        return writer.node(operator, [x], name, kernel_shape=list(around.kernel), **window(around, dilation=False),
                           **attributes)
    return write


def clip(writer, layer, x, name):
    return writer.node("Clip", [x, *(writer.constant(f"{name}.{key}", layer.options[key]) for key in ("low", "high"))],
                       name)


def pad(writer, layer, x, name):
    before, after = zip((0, 0), *layer.options["widths"], strict=True)
    return writer.node("Pad", [x, writer.constant(f"{name}.widths", [*before, *after], np.int64),
                               writer.constant(f"{name}.value", layer.options["value"])], name)


def scale_shift(writer, layer, x, name):
    shifted = writer.node("Mul", [x, writer.constant(f"{name}.factor", layer.options["factor"])], name)
    return writer.node("Add", [shifted, writer.constant(f"{name}.summand", layer.options["summand"])], name)


def subsample(writer, layer, x, name):
    """Every stride-th pixel is a maximum over windows of one; the empty channels are padding."""
    stride = layer.options["stride"]
    kept = writer.node("MaxPool", [x], name, kernel_shape=[1, 1], strides=[stride, stride])
    missing = layer.options["channels"] - writer.shapes[x][0]
    before = missing // 2
    return writer.node("Pad", [kept, writer.constant(f"{name}.widths", [0, before, 0, 0, 0, missing - before, 0, 0],
                                                     np.int64)], name)


def simple(operator, **attributes):
    return lambda writer, layer, x, name: writer.node(operator, [x], name, **attributes)


PLAIN = {
    AvgPool2D: pool("AveragePool", count_include_pad=1), BatchNorm: batch_norm, Clip: clip,
    FakeQuantize: lambda writer, layer, x, name: writer.rounded(layer.quantization_parameters, x, name),
    Flatten: simple("Flatten", axis=1), MaxPool2D: pool("MaxPool"), Pad: pad, ReLU: simple("Relu"),
    ScaleShift: scale_shift, Subsample: subsample,
}
