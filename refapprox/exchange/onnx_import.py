"""ONNX models as networks of refapprox: float ones, and quantized ones in the QDQ and the QOperator form.

    QDQ          DequantizeLinear, a float operator, QuantizeLinear
    QOperator    QLinearConv, QLinearMatMul, and onnxruntime's QLinearAdd, QGemm ...
    dynamic      DynamicQuantizeLinear, ConvInteger or MatMulInteger, and the scale

All three become the same layers: a layer that multiplies takes the codes that the file gives to its operands, and a
`FakeQuantize` stands where the file rounds a result to codes. The order of operations is ONNX's.
"""
from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from refapprox import files
from refapprox.exchange import onnx_layers, onnx_quantized, onnx_shapes
from refapprox.exchange.onnx_file import OnnxError, OnnxGraph, OnnxNode, read_graph
from refapprox.exchange.onnx_values import BATCH, Constant, GivenScheme, Real, batch_scheme, moved, real_bounds
from refapprox.nets import ApproxNet
from refapprox.network import Conv2D, FakeQuantize, Graph, Linear, MultiplyingLayer, Node
from refapprox.network.graph import INPUT
from refapprox.optimizer import StageSettings
from refapprox.quantization import LayerQuantization, TensorScheme
from refapprox.validation import check_flag, check_rng

MAX_VALUES = 2 ** 24          # of one sample at any place: a network of images has less than a tenth
MAX_PRODUCTS = 2 ** 36        # of one layer and sample
OPERATORS = onnx_layers.OPERATORS | onnx_shapes.OPERATORS | onnx_quantized.OPERATORS
STAGES = {      # of a network that comes trained: short retraining at a small learning rate
    "baseline": StageSettings(epochs=10, lr=1e-2, step=5),
    "quant": StageSettings(epochs=1, lr=1e-3),
    "gradient": StageSettings(epochs=3, lr=1e-3),
    "approx": StageSettings(epochs=2, lr=1e-3),
}


def load_onnx(path: str | Path, *, signed: bool | None = None, dtype: DTypeLike = np.float32,
              rng: np.random.Generator | None = None) -> ApproxNet:
    """A network from an ONNX file; needs the extra `onnx`.

    Parameters
    ----------
    path : path
        A model with one input (batch first) and one output, made of Conv, Gemm, MatMul, Add, Relu, Clip, MaxPool,
        AveragePool, GlobalAveragePool, BatchNormalization, Concat, Flatten, Reshape, Pad, Identity, Dropout, and the
        operators of quantization; tensors inside the file.
    signed : bool, optional
        Signed or unsigned codes in the layers that multiply, and so which multipliers they take. By default those of
        the file's weights; the other sign is the same real numbers by codes moved by 128, exactly.
    dtype : float32 or float64, optional
    rng : numpy.random.Generator, optional
        What retraining draws from; by default a generator seeded with the digest of the file.

    Returns
    -------
    ApproxNet
        In the mode "quantized" where the file says how any layer is quantized, else "float": such a network is
        quantized here, by `calibrate` or `train_quant`.

    Raises
    ------
    ImportError
        If the package onnx is missing.
    OnnxError
        A ValueError that names the node: for an operator or attribute that is not read, a file that is damaged, too
        large, or stores tensors elsewhere.

    Notes
    -----
    Integers are those that ONNX defines; results between layers are computed in `dtype`, where ONNX leaves the
    rounding of scale products open. Nothing in a file is executed.

    Examples
    --------
    >>> net = load_onnx("model.onnx")                                        # doctest: +SKIP
    >>> select_multipliers(net, datamodule, load_library(), rng=rng)         # doctest: +SKIP
    """
    graph = read_graph(path)
    if signed is not None:
        signed = check_flag("signed", signed)
    if rng is None:
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(files.read_bytes(path)).digest()[:8], "little"))
    importer = Importer(graph, signed, np.dtype(dtype), check_rng(rng))
    with np.errstate(all="ignore"):      # a sample of zeros goes through whatever numbers the file holds
        try:
            net = ApproxNet(importer.network(), graph.input_shape, STAGES, rng=rng, name=Path(path).stem)
        except (OnnxError, MemoryError) as error:
            raise OnnxError(f"{path}: {error}") from None
    if importer.given:
        net.set_mode("quantized")
    return net


class Importer:
    """Turns nodes into layers one after the other, and runs each on one sample to know its shape."""

    def __init__(self, graph: OnnxGraph, signed: bool | None, dtype: np.dtype, rng: np.random.Generator):
        self.graph, self.signed, self.dtype, self.rng = graph, signed, dtype, rng
        self.values = {"": None} | {name: Constant(array) for name, array in graph.constants.items()}
        self.values[graph.input_name] = Real(INPUT)
        self.nodes, self.shapes = {}, {INPUT: graph.input_shape}
        self.readers = {}
        for node in graph.nodes:
            for name in node.inputs:
                self.readers[name] = self.readers.get(name, 0) + 1
        self.given = False

    def network(self) -> Graph:
        for node in self.graph.nodes:
            if node.operator not in OPERATORS:
                raise OnnxError(f"{node} is an operator that is not read. Read are {', '.join(sorted(OPERATORS))}.")
            try:
                results = OPERATORS[node.operator](self, node, *(self.values[name] for name in node.inputs))
            except OnnxError:
                raise
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                # attributes of a wrong kind, inputs too few or too many: whatever a damaged file says of a node
                raise OnnxError(f"{node} is not valid: {error}") from None
            results = results if isinstance(results, list) else [results]
            if len(node.outputs) > len(results):
                raise OnnxError(f"{node} must have at most {len(results)} output(s), got {len(node.outputs)}.")
            self.values.update(zip(node.outputs, results, strict=False))
        result = self.values[self.graph.output_name]
        if not hasattr(result, "node") or result.node not in self.nodes:
            raise OnnxError(f"the output {self.graph.output_name!r} is no result of a layer.")
        return Graph(self.nodes, result.node)

    # ---- building

    def add(self, node: OnnxNode, layer, *sources: str, suffix: str = "") -> str:
        """Append a layer that reads the nodes `sources`; the name of the new one. A refusal names the ONNX node."""
        name = unique(node.name + suffix, self.nodes)
        if sum(math.prod(self.shapes[source]) for source in sources) > MAX_VALUES:
            raise OnnxError(f"{node} reads more than {MAX_VALUES} numbers a sample.")
        sample = [np.zeros((1, *self.shapes[source]), self.dtype) for source in sources]
        try:
            if isinstance(layer, MultiplyingLayer):      # its quantization may still have no range
                mode, layer.mode = layer.mode, "float"
                self.shapes[name] = layer.forward(*sample).shape[1:]
                layer.mode = mode
            else:
                self.shapes[name] = layer.forward(*sample).shape[1:]
        except ValueError as error:
            raise OnnxError(f"{node}: {error}") from None
        self.nodes[name] = Node(layer, sources)
        return name

    def multiply(self, node: OnnxNode, source: Real, weight: NDArray, bias, parameters, **geometry) -> str:
        """Append a convolution, or a linear layer where `geometry` is empty.

        `weight` has outputs first; `parameters` are those of its codes, None for floats.
        """
        batch = source.parameters is BATCH
        given_x = None if batch else source.parameters
        if weight.size * math.prod(self.shapes[source.node][1:]) > MAX_PRODUCTS:
            raise OnnxError(f"{node} takes more than {MAX_PRODUCTS} multiplications a sample.")
        signed = self.signed
        if signed is None:
            signed = True if parameters is None else parameters.qmin < 0
        schemes = [TensorScheme() if p is None else GivenScheme(moved(p, signed)) for p in (given_x, parameters)]
        if batch:
            schemes[0] = batch_scheme(signed)
        elif given_x is None and not signed:
            schemes[0] = TensorScheme("affine", 0, 255)
        if parameters is None and not signed:
            schemes[1] = TensorScheme("affine", 0, 255)
        ranges = "batch" if batch else "static" if given_x is not None else "moving"
        try:
            options = {"rng": self.rng, "dtype": self.dtype, "bias": bias is not None,
                       "quantization": LayerQuantization(*schemes, ranges)}
            layer = (Conv2D(weight.shape[1] * geometry["groups"], len(weight), weight.shape[2:], **geometry, **options)
                     if geometry else Linear(weight.shape[1], len(weight), **options))
        except ValueError as error:
            raise OnnxError(f"{node}: {error}") from None
        layer.parameters["weight"].value[...] = weight
        if bias is not None:
            layer.parameters["bias"].value[...] = vector(node, bias, len(weight))
        if given_x is not None:
            layer.observer.range[:] = real_bounds(given_x)
        self.given |= source.parameters is not None or parameters is not None
        return self.add(node, layer, source.node)

    def rounded(self, node: OnnxNode, source: str, parameters) -> str:
        """Append the rounding of a result to codes."""
        return self.add(node, FakeQuantize(parameters), source, suffix="_codes")


def unique(name, taken):
    """`name` without dots, which separate levels in names of layers, and told from those that are `taken`."""
    name = name.replace(".", "_").replace("/", "_").strip("_") or "node"
    candidate, count = name, 1
    while candidate in taken or candidate == INPUT:
        count += 1
        candidate = f"{name}_{count}"
    return candidate


def vector(node, array, size):
    """A bias of `size` entries, whatever axes of length one it has."""
    if array.size not in (1, size):
        raise OnnxError(f"{node} must have a bias of {size} entries, got shape {array.shape}.")
    return np.broadcast_to(array.ravel(), size)
