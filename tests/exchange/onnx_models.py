"""Small ONNX models for the tests, made with the library's own helpers."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def model(nodes, constants, input_shape, output_shape, path=None, opset=17):
    graph = helper.make_graph(
        nodes, "test", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *input_shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", *output_shape])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    onnx.checker.check_model(made)
    if path is not None:
        onnx.save(made, path)
    return made


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs.split(), [output], name=f"{operator.lower()}_{output}", **attributes)


def everything(rng, path=None):
    """Every float operator that is read: groups, one-sided padding, a branch, concatenation, 8x8 images, 5 classes."""
    def normal(*shape, scale=0.5):
        return (rng.normal(size=shape) * scale).astype(np.float32)

    constants = {
        "w1": normal(8, 3, 3, 3), "b1": normal(8), "w2": normal(8, 2, 3, 3), "w3": normal(8, 8, 1, 1),
        "gamma": normal(8) + 1, "beta": normal(8), "mean": normal(8), "var": np.abs(normal(8)) + np.float32(0.5),
        "low": np.float32(0), "high": np.float32(6), "pads": np.array([0, 0, 1, 0, 0, 0, 0, 1]),
        "flat": np.array([0, -1]), "w4": normal(20, 16), "b4": normal(20), "w5": normal(20, 5), "b5": normal(5)}
    nodes = [
        node("Conv", "x w1 b1", "c1", strides=[2, 2], pads=[0, 0, 1, 1]),
        node("BatchNormalization", "c1 gamma beta mean var", "n1"), node("Relu", "n1", "r1"),
        node("Conv", "r1 w2", "c2", group=4, auto_pad="SAME_UPPER"), node("Add", "c2 r1", "a2"),
        node("Clip", "a2 low high", "k2"), node("Conv", "k2 w3", "c3"), node("Pad", "c3 pads", "p3"),
        node("MaxPool", "p3", "m3", kernel_shape=[2, 2], strides=[1, 1]), node("Concat", "m3 k2", "j", axis=1),
        node("AveragePool", "j", "v", kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1]),
        node("GlobalAveragePool", "v", "g"), node("Reshape", "g flat", "f"),
        node("Gemm", "f w4 b4", "l1", transB=1), node("Relu", "l1", "r4"), node("MatMul", "r4 w5", "l2"),
        node("Add", "l2 b5", "y")]
    return model(nodes, constants, (3, 8, 8), (5,), path)
