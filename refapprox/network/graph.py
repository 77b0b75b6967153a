"""Layers as a directed acyclic graph: what chains and residual blocks cannot say.

Forward runs the nodes in their order; backward runs them in reverse, and the gradients of a value that several nodes
read add up.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from numpy.typing import NDArray

from refapprox.network.layers import PureLayer
from refapprox.network.module import Layer
from refapprox.ops import add, concat
from refapprox.validation import shown

INPUT = "input"      # the name of what the graph is given


class Node(NamedTuple):
    """A layer and the names of what it reads.

    Parameters
    ----------
    layer : Layer
    inputs : tuple of str
        "input", what the graph is given, or earlier nodes.

    Examples
    --------
    >>> from refapprox.network import ReLU
    >>> Node(ReLU(), ("input",)).inputs
    ('input',)
    """

    layer: Layer
    inputs: tuple[str, ...]


class Graph(Layer):
    """Layers that read the results of earlier ones by name.

    Parameters
    ----------
    nodes : dict of str to Node
        In an order in which every node comes after what it reads.
    output : str
        The node whose result is the graph's.

    Raises
    ------
    ValueError
        If a node reads what does not come before it, or there is no node `output`.

    Examples
    --------
    >>> from refapprox.network import ReLU
    >>> graph = Graph({"relu": Node(ReLU(), ("input",)), "sum": Node(Add(), ("relu", "input"))}, "sum")
    >>> graph.forward(np.array([[-1.0, 2.0]])).tolist()
    [[-1.0, 4.0]]
    """

    def __init__(self, nodes: dict[str, Node], output: str) -> None:
        super().__init__()
        seen = {INPUT}
        for name, node in nodes.items():
            if missing := set(node.inputs) - seen:
                raise ValueError(f"node {name} of a Graph reads {', '.join(sorted(missing))}, which no node before it "
                                 f"is named.")
            seen.add(name)
        if output not in nodes:
            raise ValueError(f"output of a Graph must be one of its nodes, got {shown(output)}.")
        needed = {output}
        for name in reversed(nodes):
            if name in needed:
                needed |= set(nodes[name].inputs)
        self.nodes = {name: node for name, node in nodes.items() if name in needed}
        self.output = output

    def children(self) -> Iterable[tuple[str, Layer]]:
        """The nodes' layers with their names."""
        return ((name, node.layer) for name, node in self.nodes.items())

    def forward(self, x: NDArray, *, training: bool = False) -> NDArray:
        values, readers = {INPUT: x}, self._readers()
        for name, node in self.nodes.items():
            values[name] = node.layer.forward(*(values[source] for source in node.inputs), training=training)
            for source in readers.get(name, ()):      # nobody reads it after this node
                del values[source]
        return values[self.output]

    def _readers(self):
        """node -> the values that it is the last one to read."""
        last = {source: name for name, node in self.nodes.items() for source in node.inputs}
        freed = {}
        for source, name in last.items():
            freed.setdefault(name, []).append(source)
        return freed

    def backward(self, dy: NDArray, *, need_dx: bool = True) -> NDArray | None:
        gradients = {self.output: dy}
        for name, node in reversed(self.nodes.items()):
            wanted = need_dx or set(node.inputs) != {INPUT}
            parts = node.layer.backward(gradients.pop(name), need_dx=wanted)
            if not wanted:
                continue
            for source, part in zip(node.inputs, parts if isinstance(parts, tuple) else (parts,), strict=True):
                gradients[source] = gradients[source] + part if source in gradients else part
        return gradients[INPUT] if need_dx else None


class SeveralInputs(PureLayer):
    """A `PureLayer` that reads several values."""

    def forward(self, *inputs: NDArray, training: bool = False) -> NDArray:
        y, cache = self.op.forward(*inputs, **self.options)
        if training:
            self._cache = cache
        return y


class Add(SeveralInputs):
    """Sum of two values of one shape.

    Examples
    --------
    >>> Add().forward(np.array([1.0]), np.array([2.0])).tolist()
    [3.0]
    """

    op = add

    def __init__(self) -> None:
        super().__init__()


class Concat(SeveralInputs):
    """Values behind one another along the channels.

    Examples
    --------
    >>> Concat().forward(np.zeros((1, 1)), np.ones((1, 1))).tolist()
    [[0.0, 1.0]]
    """

    op = concat

    def __init__(self) -> None:
        super().__init__()
