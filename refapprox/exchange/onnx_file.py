"""An ONNX file as plain nodes and NumPy arrays: bounded, nothing executed, nothing read beside the file.

Only the graph itself is taken: files with functions, subgraphs, sparse tensors, or tensors elsewhere are refused.
"""
from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refapprox import files

MAX_BYTES = 2 ** 29           # of a file: 512 MiB, the weights of the largest image networks
MAX_NODES = 20_000
MAX_RANK = 8
DEFAULT_DOMAINS = ("", "ai.onnx")


class OnnxError(ValueError):
    """What of an ONNX file cannot be taken, and where: it names the node."""


class OnnxNode(NamedTuple):
    """One node: operator (with its domain where that is not ONNX's own), name, tensors read and made, attributes."""

    operator: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]

    def __str__(self):
        return f"node {self.name!r} ({self.operator})"


class OnnxGraph(NamedTuple):
    """Nodes in order of evaluation, constants by name, the input's name and shape without the batch, the output."""

    nodes: list[OnnxNode]
    constants: dict[str, NDArray]
    input_name: str
    input_shape: tuple[int, ...]
    output_name: str


def library():
    """The module `onnx`, or an ImportError that says how to get it."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError("reading and writing ONNX needs the package onnx: pip install 'refapprox[onnx]'.") from error
    return onnx


def read_graph(path: str | Path) -> OnnxGraph:
    """The graph of the file `path`; an `OnnxError`, which is a ValueError, for what cannot be taken."""
    path = Path(path)
    content = files.read_bytes(path, limit=MAX_BYTES)
    onnx = library()
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(content)
    except (DecodeError, RecursionError, ValueError, RuntimeError) as error:
        raise OnnxError(f"{path} is not an ONNX file: {error}") from None
    try:
        return graph_of(onnx, model)
    except OnnxError as error:
        raise OnnxError(f"{path}: {error}") from None
    except (TypeError, ValueError, OverflowError, MemoryError, AttributeError, KeyError, IndexError) as error:
        raise OnnxError(f"{path} is not a valid ONNX model: {error}") from None


def graph_of(onnx, model):
    graph = model.graph
    if len(model.functions):
        raise OnnxError(f"it defines functions ({model.functions[0].name!r}); only plain operators are read.")
    if len(graph.sparse_initializer):
        raise OnnxError("it has sparse tensors; only dense ones are read.")
    if not 0 < len(graph.node) <= MAX_NODES:
        raise OnnxError(f"it must have 1 to {MAX_NODES} nodes, got {len(graph.node)}.")
    constants = {text(tensor.name): array_of(onnx, tensor, f"tensor {tensor.name!r}") for tensor in graph.initializer}
    inputs = [value for value in graph.input if text(value.name) not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise OnnxError(f"it must have one input and one output, got inputs {[v.name for v in inputs]} and outputs "
                        f"{[v.name for v in graph.output]}.")
    nodes, known = [], {*constants, text(inputs[0].name), ""}
    for index, proto in enumerate(graph.node):
        node = node_of(onnx, proto, index)
        if missing := [name for name in node.inputs if name not in known]:
            raise OnnxError(f"{node} reads {missing[0]!r}, which nothing before it makes.")
        if again := [name for name in node.outputs if name and name in known]:
            raise OnnxError(f"{node} makes {again[0]!r}, which exists already.")
        known.update(node.outputs)
        nodes.append(node)
    if text(graph.output[0].name) not in known:
        raise OnnxError(f"no node makes its output {graph.output[0].name!r}.")
    return OnnxGraph(nodes, constants, text(inputs[0].name), sample_shape(inputs[0]), text(graph.output[0].name))


def sample_shape(value):
    """Shape of one sample: the input's without its first axis."""
    dims = value.type.tensor_type.shape.dim
    shape = tuple(dim.dim_value for dim in dims[1:])
    if not 1 <= len(shape) <= 3 or min(shape) < 1 or math.prod(shape) > 2 ** 24:
        raise OnnxError(f"its input {value.name!r} must have a batch axis and 1 to 3 others of known size, got "
                        f"{[dim.dim_param or dim.dim_value for dim in dims]}.")
    return shape


def node_of(onnx, proto, index):
    kind, domain = text(proto.op_type), text(proto.domain)
    operator = kind if domain in DEFAULT_DOMAINS else f"{domain}.{kind}"
    node = OnnxNode(operator, text(proto.name) or f"{kind}_{index}", [text(name) for name in proto.input],
                    [text(name) for name in proto.output], {})
    kinds = onnx.AttributeProto
    for attribute in proto.attribute:
        if attribute.type == kinds.TENSOR:
            value = array_of(onnx, attribute.t, f"attribute {attribute.name!r} of {node}")
        elif attribute.type in (kinds.INT, kinds.FLOAT, kinds.STRING, kinds.INTS, kinds.FLOATS, kinds.STRINGS):
            value = onnx.helper.get_attribute_value(attribute)
            value = list(value) if attribute.type in (kinds.INTS, kinds.FLOATS, kinds.STRINGS) else value
            value = text(value) if isinstance(value, bytes) else value
        else:
            raise OnnxError(f"{node} has attribute {attribute.name!r} of a kind that is not read (a subgraph?).")
        node.attributes[text(attribute.name)] = value
    return node


def text(value):
    """A string of the file, which comes as bytes where it is not UTF-8."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def array_of(onnx, tensor, what):
    """The ndarray of a tensor that lies in the file; its claimed size is compared with what is there first."""
    kinds = onnx.TensorProto
    itemsizes = {kinds.FLOAT: 4, kinds.DOUBLE: 8, kinds.FLOAT16: 2, kinds.UINT8: 1, kinds.INT8: 1, kinds.INT32: 4,
                 kinds.INT64: 8, kinds.BOOL: 1}
    if tensor.data_location == kinds.EXTERNAL or len(tensor.external_data):
        raise OnnxError(f"{what} is stored outside of the file; save the model with its tensors inside.")
    if tensor.data_type not in itemsizes:
        names = {number: name for name, number in kinds.DataType.items()}
        raise OnnxError(f"{what} is of type {names.get(tensor.data_type, tensor.data_type)}, which is not read.")
    if len(tensor.dims) > MAX_RANK or min(tensor.dims, default=0) < 0:
        raise OnnxError(f"{what} must have at most {MAX_RANK} axes, none negative, got {list(tensor.dims)}.")
    size = math.prod(tensor.dims)
    stored = len(tensor.raw_data) // itemsizes[tensor.data_type] if tensor.raw_data else max(
        len(tensor.float_data), len(tensor.double_data), len(tensor.int32_data), len(tensor.int64_data))
    if size != stored:
        raise OnnxError(f"{what} claims {size} elements of shape {list(tensor.dims)} and holds {stored}.")
    array = onnx.numpy_helper.to_array(tensor)
    return np.array(array, order="C")
