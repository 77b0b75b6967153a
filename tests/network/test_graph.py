"""Graphs against the same computation written out, forward and backward."""
import numpy as np
import pytest

from refapprox.gradient_check import gradient_agrees
from refapprox.network import Add, Concat, Conv2D, FakeQuantize, Graph, Node, ReLU, ScaleShift
from refapprox.quantization import QuantizationParameters


def branching(rng):
    """x -> a -> (relu, a) -> sum, concatenated with a: `a` has three readers and x two."""
    conv = Conv2D(2, 2, 3, padding=1, rng=rng, dtype=np.float64)
    nodes = {"a": Node(conv, ("input",)), "r": Node(ReLU(), ("a",)), "s": Node(Add(), ("r", "a")),
             "unused": Node(ReLU(), ("a",)), "j": Node(Concat(), ("s", "a", "input"))}
    return Graph(nodes, "j"), conv


def test_values_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    graph, conv = branching(rng)
    x = rng.normal(size=(2, 2, 4, 4))
    a = conv.forward(x)
    assert np.array_equal(graph.forward(x), np.concatenate([np.maximum(a, 0) + a, a, x], axis=1))
    assert "unused" not in dict(graph.children()), "a node that nobody reads is dropped"


@pytest.mark.parametrize("which", ["input", "weight"])
def test_gradients_add_up_over_readers(which):
    rng = np.random.default_rng(1)
    graph, conv = branching(rng)
    x, weight = rng.normal(size=(2, 2, 4, 4)), conv.parameters["weight"].value

    def forward(varied):
        given = x
        if which == "weight":
            weight[...] = varied
        else:
            given = varied
        return graph.forward(given, training=True), None

    def backward(dy, cache):
        dx = graph.backward(dy)
        return conv.parameters["weight"].grad if which == "weight" else dx

    assert gradient_agrees(forward, backward, [weight.copy() if which == "weight" else x], rng=rng)


def test_a_gradient_that_forgets_a_reader_is_seen():
    """The check above can fail: without the shortcut's part it does."""
    rng = np.random.default_rng(1)
    graph, _ = branching(rng)
    x = rng.normal(size=(2, 2, 4, 4))

    def backward(dy, cache):
        graph.backward(dy)
        return np.zeros_like(x)

    assert not gradient_agrees(lambda x: (graph.forward(x, training=True), None), backward, [x], rng=rng)


def test_the_input_gradient_is_not_formed_where_nobody_wants_it():
    graph = Graph({"k": Node(ScaleShift(factor=2.0), ("input",)), "r": Node(ReLU(), ("k",))}, "r")
    graph.forward(np.ones((1, 2)), training=True)
    assert graph.backward(np.ones((1, 2)), need_dx=False) is None


def test_fake_quantize_is_straight_through():
    layer = FakeQuantize(QuantizationParameters(0.5, 1, -2, 3))
    y = layer.forward(np.array([[-9.0, 0.3, 0.2, 9.0]]), training=True)
    assert y.tolist() == [[-1.5, 0.5, 0.0, 1.0]]
    assert layer.backward(np.ones((1, 4))).tolist() == [[0.0, 1.0, 1.0, 0.0]]


def test_refusals():
    with pytest.raises(ValueError, match="node b of a Graph reads c"):
        Graph({"b": Node(ReLU(), ("c",))}, "b")
    with pytest.raises(ValueError, match="output of a Graph"):
        Graph({"b": Node(ReLU(), ("input",))}, "z")
