"""The nodes of a frozen TensorFlow graph (GraphDef, a protocol buffer): bounded, nothing executed, no library needed.

Only what quantized networks need is kept: constants of the types in `DTYPES`, attributes that are text, numbers,
truth values or lists of integers. Fields of other kinds are passed over.
"""
import math
import struct
from typing import Any, NamedTuple

import numpy as np

from refapprox import files

MAX_BYTES, MAX_NODES, MAX_RANK = 2 ** 26, 20_000, 8
DTYPES = {1: np.dtype("<f4"), 3: np.dtype("<i4"), 12: np.dtype("u1")}      # float, int32, quint8


class Node(NamedTuple):
    """Name, operator, the tensors read as pairs (node, number of its output), attributes by name."""

    name: str
    op: str
    inputs: list[tuple[str, int]]
    attributes: dict[str, Any]


def read_graph(path):
    """The nodes of the file `path`, in its order; a ValueError where it is no graph of this kind."""
    try:
        nodes = [read_node(message(value)) for number, value in
                 fields(memoryview(files.read_bytes(path, limit=MAX_BYTES))) if number == 1]
        if not 0 < len(nodes) <= MAX_NODES:
            raise ValueError(f"it must hold 1 to {MAX_NODES} nodes, got {len(nodes)}.")
        known = set()
        for node in nodes:
            if node.name in known:
                raise ValueError(f"two nodes are called {node.name!r}.")
            for name, _ in node.inputs:
                if name not in known:
                    raise ValueError(f"node {node.name!r} reads {name!r}, which is not before it.")
            known.add(node.name)
    except ValueError as error:      # a UnicodeDecodeError is one
        raise ValueError(f"{path} is not a TensorFlow graph that is read: {error}") from None
    return nodes


# Messages: fields behind one another, each with a number and a kind

def fields(content):
    """Pairs (number, value) of a message: integers, or the bytes of what states its length or has a fixed one."""
    at = 0
    while at < len(content):
        tag, at = varint(content, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = varint(content, at)
        elif kind in (1, 2, 5):
            size, at = varint(content, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            if size > len(content) - at:
                raise ValueError(f"field {number} claims {size} bytes, {len(content) - at} are left.")
            value, at = content[at:at + size], at + size
        else:
            raise ValueError(f"field {number} has the unknown kind {kind}.")
        yield number, value


def varint(content, at):
    """The integer at `at`, seven bits to a byte, and where it ends."""
    value = 0
    for place, byte in enumerate(content[at:at + 10]):
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    raise ValueError("an integer does not end.")


def message(value):
    if isinstance(value, int):
        raise ValueError(f"the integer {value} stands where text or a message belongs.")
    return value


def text(value):
    return str(message(value), "utf-8")


def integer(value):
    if not isinstance(value, int):
        raise ValueError("text or a message stands where an integer belongs.")
    return value


# What the messages of a graph mean

def read_node(content):
    """NodeDef: name 1, op 2, input 3, attr 5 (key 1, value 2)."""
    name = op = ""
    inputs, attributes = [], {}
    for number, value in fields(content):
        if number == 1:
            name = text(value)
        elif number == 2:
            op = text(value)
        elif number == 3 and not text(value).startswith("^"):      # that marks order only
            source, _, output = text(value).partition(":")
            if output not in ("", "0", "1", "2", "3", "4"):
                raise ValueError(f"node {name!r} reads output {output[:20]!r} of {source!r}.")
            inputs.append((source, int(output or 0)))
        elif number == 5:
            pair = dict(fields(message(value)))
            attributes[text(pair.get(1, b""))] = read_attribute(message(pair.get(2, b"")))
    return Node(name, op, inputs, attributes)


def read_attribute(content):
    """AttrValue: list 1 (its integers 3), s 2, i 3, f 4, b 5, tensor 8; None for the others."""
    for number, value in fields(content):
        if number == 1:
            return [one for kind, packed in fields(message(value)) if kind == 3 for one in integers(packed)]
        if number == 2:
            return text(value)
        if number in (3, 5):
            return integer(value)
        if number == 4 and len(message(value)) == 4:
            return struct.unpack("<f", value)[0]
        if number == 8:
            return read_tensor(message(value))
    return None


def integers(value):
    """One integer, or packed ones."""
    if isinstance(value, int):
        return [value]
    found, at = [], 0
    while at < len(value):
        one, at = varint(value, at)
        found.append(one)
    return found


def read_tensor(content):
    """TensorProto: dtype 1, shape 2 (dim 2, its size 1), content 4, or repeated values: float 5, int 7."""
    kind, shape, raw, values = None, [], b"", []
    for number, value in fields(content):
        if number == 1:
            kind = integer(value)
        elif number == 2:
            shape = [integer(dict(fields(message(size))).get(1, 0)) for field, size in fields(message(value))
                     if field == 2]
        elif number in (4, 5):
            raw = bytes(message(value))
        elif number == 7:
            values += [one % 2 ** 32 for one in integers(value)]      # negative ones fill 64 bits
    if kind not in DTYPES or len(shape) > MAX_RANK or max(shape, default=1) > MAX_BYTES:
        raise ValueError(f"a constant must be of a type in {sorted(DTYPES)} and have at most {MAX_RANK} sizes, "
                         f"got type {kind} and {shape}.")
    dtype, size = DTYPES[kind], math.prod(shape)
    if values:
        raw = np.array(values, "<u4").astype(dtype).tobytes()
    if len(raw) == dtype.itemsize and size <= MAX_BYTES // dtype.itemsize:
        raw *= size                                                  # one value stands for all
    if len(raw) != size * dtype.itemsize:
        raise ValueError(f"a constant of shape {shape} takes {size * dtype.itemsize} bytes, got {len(raw)}.")
    return np.frombuffer(raw, dtype).reshape(shape)
