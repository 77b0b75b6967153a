"""Batch norms folded into the layers before them; the formula is in `quantization.folding`."""
from refapprox.network.graph import Graph, Node
from refapprox.network.layers import BatchNorm
from refapprox.network.module import Sequential
from refapprox.network.multiplying import MultiplyingLayer
from refapprox.quantization import folding


def fold_batch_norm(model, prefix=""):
    """Fold what can be folded in `model`, in place; names of the batch norms that are gone.

    A batch norm can go where it alone reads a layer that multiplies: next in a `Sequential`, or in a `Graph`.
    """
    folded = []
    if isinstance(model, Sequential):
        for (_, layer), (name, norm) in zip(list(model.layers.items()), list(model.layers.items())[1:], strict=False):
            if folds(layer, norm):
                fold_into(layer, norm)
                del model.layers[name]
                folded.append(f"{prefix}{name}")
    elif isinstance(model, Graph):
        folded += [f"{prefix}{name}" for name in fold_nodes(model)]
    for name, child in model.children():
        folded += fold_batch_norm(child, f"{prefix}{name}.")
    return folded


def fold_nodes(graph):
    """Fold the batch norms among the nodes of `graph`; their names."""
    folded = []
    for name, node in list(graph.nodes.items()):
        source = node.inputs[0]
        readers = sum(other.inputs.count(source) for other in graph.nodes.values())
        if source not in graph.nodes or readers != 1 or not folds(graph.nodes[source].layer, node.layer):
            continue
        fold_into(graph.nodes[source].layer, node.layer)
        del graph.nodes[name]
        graph.output = source if graph.output == name else graph.output
        for other, (layer, inputs) in graph.nodes.items():
            graph.nodes[other] = Node(layer, tuple(source if i == name else i for i in inputs))
        folded.append(name)
    return folded


def folds(layer, norm):
    return isinstance(layer, MultiplyingLayer) and isinstance(norm, BatchNorm)


def fold_into(layer, norm):
    """Give `layer` the weight and the bias that do the work of `norm` too."""
    own = layer.parameters
    weight, bias = folding.fold_batch_norm(
        own["weight"].value, own["bias"].value if "bias" in own else None, norm.parameters["gamma"].value,
        norm.parameters["beta"].value, norm.buffers["running_mean"], norm.buffers["running_var"], norm.eps)
    own["weight"].value[...] = weight
    layer.set_bias(bias)
