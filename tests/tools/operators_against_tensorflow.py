"""The operators of examples/reproductions/tensorflow_ops.py against TensorFlow itself, each on TensorFlow's own inputs.

    python -m tests.tools.operators_against_tensorflow [GRAPH.pb]      # tensorflow-cpu 2.15.1 and refapprox installed

Without a file the small graph of the tests is taken. oneDNN is turned off: it has other kernels for these operators.
"""
import collections
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from refapprox.multipliers import exact
from tests import small_tensorflow_graph as small

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "reproductions"))
import tensorflow_graph
import tensorflow_ops


def differences(path, batches):
    """operator -> [outputs, numbers, numbers that differ, largest difference, largest number], over all nodes."""
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    import tensorflow
    tf = tensorflow.compat.v1
    definition = tf.GraphDef.FromString(path.read_bytes())
    for node in definition.node:
        node.op = node.op.replace("AxConv2D", "QuantizedConv2D")
    nodes = [node for node in tensorflow_graph.read_graph(path) if node.op not in ("Placeholder", "Const")]
    found = collections.defaultdict(lambda: [0, 0, 0, 0.0, 0.0])
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(definition, name="")
        wanted = {f"{name}:{output}" for node in nodes for name, output in [*node.inputs, (node.name, 0)]}
        for batch in batches:
            values = {key: plain(value) for key, value in session.run(
                {key: key for key in wanted}, {"input:0": batch}).items()}
            for node in nodes:
                for number, ours in enumerate(computed(node, values)):
                    if (key := f"{node.name}:{number}") in values:
                        count(found[node.op], np.asarray(ours, np.float64), np.asarray(values[key], np.float64))
    return found


def computed(node, values):
    inputs = [values[f"{name}:{output}"] for name, output in node.inputs]
    if node.op == "AxConv2D":
        return tensorflow_ops.convolution(node, *inputs, exact(8, signed=False))
    if node.op == "FusedBatchNorm":
        return tensorflow_ops.normalization(node, *inputs[:3])
    return tensorflow_ops.OPERATORS[node.op](node, *inputs)


def plain(value):
    """TensorFlow's quantized numbers as NumPy's own, and numbers for arrays without axes."""
    value = np.asarray(value)
    if value.dtype.names:
        value = value.astype({"quint8": np.uint8, "qint32": np.int64}[value.dtype.names[0]])
    return value if value.ndim else value[()]


def count(row, ours, theirs):
    off = np.abs(ours - theirs)
    row[0] += 1
    row[1] += off.size
    row[2] += int(np.count_nonzero(off))
    row[3] = max(row[3], float(off.max()))
    row[4] = max(row[4], float(np.abs(theirs).max()))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        graph, inputs = Path(sys.argv[1]), [np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3)).astype("f4")]
    else:
        graph = Path(tempfile.mkdtemp()) / "small_graph.pb"
        inputs = [small.images(8, seed) for seed in range(5)]
        graph.write_bytes(small.graph())
    for op, (outputs, size, differing, worst, largest) in sorted(differences(graph, inputs).items()):
        print(f"{op:20} {outputs:4} outputs {size:9} numbers, {differing:7} differ, "
              f"by {worst:.3g} at most of {largest:.6g}")
