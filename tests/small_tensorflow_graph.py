"""A residual block of TensorFlow 1's quantized operators as the bytes of a frozen graph: every operator that
examples/reproductions/tensorflow_ops.py knows, written field by field, so that no TensorFlow is needed."""
import struct

import numpy as np

FLOAT, INT32, QUINT8, QINT32 = 1, 3, 12, 13
TYPES = {np.dtype(np.float32): FLOAT, np.dtype(np.int32): INT32, np.dtype(np.uint8): QUINT8}
NAMES = ("T", "T1", "T2", "Tinput", "Tfilter", "Toutput", "out_type", "Tpaddings", "Tshape", "Tidx", "dtype")


def varint(value):
    groups = []
    while True:
        value, low = value >> 7, value & 127
        groups.append(low | (128 if value else 0))
        if not value:
            return bytes(groups)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    if isinstance(value, np.ndarray):
        shape = b"".join(field(2, field(1, size)) for size in value.shape)
        return field(8, field(1, TYPES[value.dtype]) + field(2, shape) + field(4, value.tobytes()))
    if isinstance(value, list):
        return field(1, field(3, b"".join(map(varint, value))))
    if isinstance(value, float):
        return b"\x25" + struct.pack("<f", value)
    return field(2, value.encode()) if isinstance(value, str) else field(6 if name in NAMES else 5, value)


def node(name, op, inputs=(), **attributes):
    parts = [field(1, name.encode()), field(2, op.encode()), *(field(3, one.encode()) for one in inputs)]
    parts += [field(5, field(1, key.encode()) + field(2, attribute(key, value))) for key, value in attributes.items()]
    return field(1, b"".join(parts))


def constant(name, value):
    value = np.array(value, np.float32) if isinstance(value, float) else value
    return node(name, "Const", dtype=TYPES[value.dtype], value=value)


def triple(name):
    return [name, name + ":1", name + ":2"]


def ranged(name, source):
    """`source` in codes of its own range: (name)/codes."""
    return [constant(name + "/axes", np.array([0], np.int32)), constant(name + "/flat", np.array([-1], np.int32)),
            node(name + "/line", "Reshape", [source, name + "/flat"], T=FLOAT, Tshape=INT32),
            node(name + "/low", "Min", [name + "/line", name + "/axes"], T=FLOAT, Tidx=INT32, keep_dims=0),
            node(name + "/high", "Max", [name + "/line", name + "/axes"], T=FLOAT, Tidx=INT32, keep_dims=0),
            node(name + "/codes", "QuantizeV2", [source, name + "/low", name + "/high"], T=QUINT8, mode="MIN_FIRST")]


def narrowed(name, sums):
    """32-bit `sums` in codes of the range that they take: (name)/codes."""
    return [node(name + "/range", "RequantizationRange", triple(sums), Tinput=QINT32),
            node(name + "/codes", "Requantize", [*triple(sums), name + "/range", name + "/range:1"], Tinput=QINT32,
                 out_type=QUINT8)]


def mixed(first, second):
    """Inputs of an operator with two quantized operands: codes, codes, ranges."""
    (a, *range_a), (b, *range_b) = triple(first), triple(second)
    return [a, b, *range_a, *range_b]


def graph(seed=0, convolution="AxConv2D"):
    """The bytes; the network takes (n, 6, 6, 2) and gives three numbers an image."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return rng.normal(size=shape).astype(np.float32)

    kernels = [(rng.integers(0, 256, (3, 3, 2, 4)).astype(np.uint8), -1.25, 0.75), (rng.integers(
        0, 256, (3, 3, 4, 4)).astype(np.uint8), -0.5, 0.875)]
    parts = [node("input", "Placeholder", dtype=FLOAT), constant("half", 128.0),
             constant("one", 1.0), node("scaled", "RealDiv", ["input", "half"], T=FLOAT),
             node("centered", "Sub", ["scaled", "one"], T=FLOAT), *ranged("x", "centered"),
             constant("none", np.zeros(0, np.float32))]
    for index, (kernel, low, high) in enumerate(kernels):
        parts += [constant(f"w{index}", kernel), constant(f"w{index}/low", low),
                  constant(f"w{index}/high", high), constant(f"gamma{index}", normal(4)),
                  constant(f"beta{index}", normal(4))]

    def layer(index, source, out, stride, padding):
        codes, *limits = triple(source)
        return [node(f"{out}/sums", convolution,
                     [codes, f"w{index}", *limits, f"w{index}/low", f"w{index}/high"], Tinput=QUINT8, Tfilter=QUINT8,
                     out_type=QINT32, strides=[1, stride, stride, 1], padding=padding),
                *narrowed(out, out + "/sums"), node(out + "/real", "Dequantize", triple(out + "/codes"), T=QUINT8,
                                                    mode="MIN_FIRST"),
                node(out + "/normal", "FusedBatchNorm",
                     [out + "/real", f"gamma{index}", f"beta{index}", "none", "none"], T=FLOAT, epsilon=1e-3,
                     data_format="NHWC", is_training=1), *ranged(out + "/n", out + "/normal")]
    parts += [*layer(0, "x/codes", "a", 1, "SAME"), node("relu", "QuantizedRelu", triple("a/n/codes"), Tinput=QUINT8),
              node("relu/real", "Dequantize", triple("relu"), T=QUINT8, mode="MIN_FIRST"),
              constant("widths", np.array([[0, 0], [0, 1], [1, 0], [0, 0]], np.int32)),
              node("padded", "Pad", ["relu/real", "widths"], T=FLOAT, Tpaddings=INT32), *ranged("p", "padded"),
              *layer(1, "p/codes", "b", 2, "VALID"),
              node("pool", "QuantizedAvgPool", triple("relu"), T=QUINT8, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1],
                   padding="SAME"),
              node("sum", "QuantizedAdd", mixed("b/n/codes", "pool"), T1=QUINT8, T2=QUINT8, Toutput=QINT32),
              *narrowed("s", "sum"), node("s/real", "Dequantize", triple("s/codes"), T=QUINT8, mode="MIN_FIRST"),
              constant("space", np.array([1, 2], np.int32)), node("mean", "Mean", ["s/real", "space"], T=FLOAT,
                                                                  Tidx=INT32, keep_dims=0), *ranged("m", "mean"),
              constant("dense", normal(4, 3)), *ranged("d", "dense"), constant("bias", normal(3)), *ranged("c", "bias"),
              node("product", "QuantizedMatMul", mixed("m/codes", "d/codes"), T1=QUINT8, T2=QUINT8, Toutput=QINT32,
                   transpose_a=0, transpose_b=0), *narrowed("q", "product"),
              node("biased", "QuantizedBiasAdd", mixed("q/codes", "c/codes"), T1=QUINT8, T2=QUINT8, out_type=QINT32),
              *narrowed("r", "biased"), node("output", "Dequantize", triple("r/codes"), T=QUINT8, mode="MIN_FIRST")]
    return b"".join(parts)


def images(n=4, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (n, 6, 6, 2)).astype(np.float32)
