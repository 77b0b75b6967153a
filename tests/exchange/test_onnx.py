"""ONNX in and out, held against onnxruntime on models made here and quantized with its own tool."""
import numpy as np
import pytest

from refapprox import exact, load_library
from refapprox.datasets import DataModule
from refapprox.exchange import OnnxError, export_onnx, load_onnx
from refapprox.matching import deploy_multipliers, exact_fallback, select_multipliers
from refapprox.nets import LeNet5, ResNet8
from refapprox.quantization import LayerQuantization, TensorScheme

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'refapprox[onnx]'")
models = pytest.importorskip("onnx_models")

# float32 logits below 16 of sums of at most 144 products, in an order that the runtime chooses: 144 * 16 * 2**-24
FLOAT32 = 2e-4
# dequantized logits differ by the rounding of one product of float32 only, where all codes are equal
LAST_PRODUCT = 16 * 2 ** -23


@pytest.fixture(scope="module")
def runtime():
    return pytest.importorskip("onnxruntime", reason="needs onnxruntime, to compare with")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).normal(size=(16, 3, 8, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def float_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "everything.onnx"
    models.everything(np.random.default_rng(0), path)
    return path


def logits(runtime, path, images):
    return runtime.InferenceSession(str(path)).run(None, {"x": images})[0]


def test_float_operators_give_the_logits_of_the_runtime(runtime, float_model, images):
    net = load_onnx(float_model)
    assert net.mode == "float" and net.name == "everything"
    assert np.abs(net.forward(images) - logits(runtime, float_model, images)).max() < FLOAT32


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("types", [("QUInt8", "QInt8"), ("QInt8", "QInt8"), ("QUInt8", "QUInt8")])
@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_static_quantization_gives_the_codes_of_the_runtime(runtime, float_model, images, tmp_path, form, types,
                                                            per_channel):
    """Every code of every layer is equal: one that differed would move a logit by a step of its scale, 0.06."""
    q = pytest.importorskip("onnxruntime.quantization")

    class Batches(q.CalibrationDataReader):
        def __init__(self):
            self.batches = iter([{"x": images[i:i + 4]} for i in range(0, len(images), 4)])

        def get_next(self):
            return next(self.batches, None)

    path = tmp_path / "quantized.onnx"
    x_type, w_type = (getattr(q.QuantType, name) for name in types)
    q.quantize_static(str(float_model), str(path), Batches(), quant_format=getattr(q.QuantFormat, form),
                      activation_type=x_type, weight_type=w_type, per_channel=per_channel)
    net = load_onnx(path, dtype=np.float64)
    assert net.mode == "quantized"
    assert np.abs(net.forward(images) - logits(runtime, path, images)).max() < LAST_PRODUCT
    # the same real numbers by codes of either sign
    for signed in (True, False):
        other = load_onnx(path, signed=signed, dtype=np.float64)
        assert {layer.quantization.w.qmin for _, layer in other.noisy_modules} == {-128 if signed else 0}
        assert np.array_equal(other.forward(images), net.forward(images))
        for _, layer in other.noisy_modules:      # through the table of an exact multiplier of that sign
            layer.multiplier = exact(8, signed)
        other.set_mode("approximate")
        assert np.array_equal(other.forward(images), net.forward(images))


@pytest.mark.parametrize("w_type", ["QInt8", "QUInt8"])
def test_dynamic_quantization_takes_the_range_of_every_batch(runtime, float_model, images, tmp_path, w_type):
    q = pytest.importorskip("onnxruntime.quantization")
    path = tmp_path / "dynamic.onnx"
    q.quantize_dynamic(str(float_model), str(path), weight_type=getattr(q.QuantType, w_type),
                       op_types_to_quantize=["Conv", "MatMul", "Gemm"])
    net = load_onnx(path, dtype=np.float64)
    for batch in (images, images[:3], 5 * images):
        assert np.abs(net.forward(batch) - logits(runtime, path, batch)).max() < FLOAT32 * np.abs(batch).max()


def test_a_loaded_network_is_trained_matched_deployed_and_retrained(float_model, images):
    part = np.tile(images, (8, 1, 1, 1)), np.arange(128) % 5
    data = DataModule(part, part, part, num_classes=5, batch_size=32)
    net = load_onnx(float_model)
    net.train_quant(data, epochs=1)
    net.train_gradient(data, epochs=1)
    library = load_library()
    info = select_multipliers(net, data, library, rng=np.random.default_rng(0),
                              fallback=exact_fallback(library))
    deploy_multipliers(net, info, library)
    before = {name: p.value.copy() for name, p in net.named_parameters().items()}
    net.train_approx(data, epochs=1)
    assert any(not np.array_equal(before[name], p.value) for name, p in net.named_parameters().items())
    assert len(info.layers) == 5 and [name for name, _ in net.noisy_modules] == [
        "conv_c1", "conv_c2", "conv_c3", "gemm_l1", "matmul_l2"]


# ---- the way back

SCHEMES = [None, LayerQuantization(TensorScheme("affine", 0, 255), TensorScheme("affine", 0, 255)),
           LayerQuantization(TensorScheme("symmetric", -127, 127), TensorScheme(per_channel=True)),
           LayerQuantization(TensorScheme("affine", -128, 127), ranges="batch")]


@pytest.mark.parametrize("quantization", SCHEMES)
@pytest.mark.parametrize("mode", ["float", "quantized"])
def test_out_and_in_again_is_the_same_network(images, tmp_path, quantization, mode):
    net = ResNet8((3, 8, 8), width=4, rng=np.random.default_rng(1), quantization=quantization)
    net.set_mode("quantized")
    net.forward(images, training=True)      # ranges and statistics
    net.set_mode(mode)
    export_onnx(net, tmp_path / "net.onnx")
    onnx.checker.check_model(onnx.load(tmp_path / "net.onnx"))
    again = load_onnx(tmp_path / "net.onnx")
    assert again.mode == mode
    assert np.array_equal(again.forward(images), net.forward(images))
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime, to compare with")
    # without fusion, so that it rounds where the file says; bound: as of the float logits
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    theirs = runtime.InferenceSession(str(tmp_path / "net.onnx"), options).run(None, {"x": images})[0]
    assert np.abs(theirs - net.forward(images)).max() < FLOAT32


def test_deployed_tables_are_not_lost_in_silence(tmp_path):
    net = LeNet5(rng=np.random.default_rng(0))
    net.set_mode("quantized")
    net.forward(np.ones((2, 1, 28, 28)), training=True)
    for _, layer in net.noisy_modules:
        layer.multiplier = load_library()["mul8s_1KVL"]
    net.set_mode("approximate")
    with pytest.raises(ValueError, match="multipliers of LeNet5 \\(mul8s_1KVL\\) would be lost"):
        export_onnx(net, tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()
    export_onnx(net, tmp_path / "net.onnx", drop_tables=True)
    assert load_onnx(tmp_path / "net.onnx").mode == "quantized"


# ---- what is refused

def one_node(path, operator, inputs="x", constants=None, shape=(3, 8, 8), **attributes):
    return models.model([models.node(operator, inputs, "y", **attributes)], constants or {}, shape, shape, path)


@pytest.mark.parametrize("operator, inputs, constants, attributes, match", [
    ("Sigmoid", "x", {}, {}, r"node 'sigmoid_y' \(Sigmoid\) is an operator that is not read"),
    ("Concat", "x x", {}, {"axis": 2}, "axis 1"),
    ("Flatten", "x", {}, {"axis": 2}, "attribute axis of node 'flatten_y'"),
    ("MaxPool", "x", {}, {"kernel_shape": [2, 2], "dilations": [2, 2]}, "dilations"),
    ("Conv", "x x", {}, {}, "the weight of node 'conv_y'"),
    ("Conv", "x w", {"w": np.zeros((4, 2, 3, 3), np.float32)}, {}, r"node 'conv_y' \(Conv\)"),
    ("Conv", "x w", {"w": np.zeros((4, 3, 9, 9), np.float32)}, {}, "must fit"),
    ("Reshape", "x s", {"s": np.array([0, 6, -1])}, {}, "keep the shape or flatten"),
    ("Add", "x c", {"c": np.zeros((7, 3, 8, 8), np.float32)}, {}, "one for all"),
    ("QuantizeLinear", "x s z", {"s": np.float32(0), "z": np.uint8(3)}, {}, "scale must be positive"),
    ("QuantizeLinear", "x s z", {"s": np.float32(1), "z": np.int32(3)}, {}, "uint8 or int8, got int32"),
])
def test_what_is_not_read_is_named_with_its_node(tmp_path, operator, inputs, constants, attributes, match):
    graph_input = (3, 8, 8)
    nodes = [models.node(operator, inputs, "y", **attributes)]
    graph = onnx.helper.make_graph(
        nodes, "t", [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", *graph_input])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "bad.onnx")
    with pytest.raises(OnnxError, match=match):
        load_onnx(tmp_path / "bad.onnx")


def hostile_models(float_model):
    """(what, bytes): files that lie about sizes, point elsewhere, or read what is not there."""
    def changed(change):
        model = onnx.load(float_model)
        change(model.graph)
        return model.SerializeToString()

    def claims(graph):
        graph.initializer[0].dims[0] = 2 ** 40

    def negative(graph):
        graph.initializer[0].dims[0] = -8

    def elsewhere(graph):
        tensor = graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../etc/passwd")

    def dangling(graph):
        graph.node[0].input[0] = "nothing"

    def twice(graph):
        graph.node[1].output[0] = graph.node[0].output[0]

    def backwards(graph):
        nodes = list(graph.node)[::-1]
        del graph.node[:]
        graph.node.extend(nodes)

    def huge_input(graph):
        graph.input[0].type.tensor_type.shape.dim[2].dim_value = 2 ** 40

    def huge_padding(graph):
        pad = next(node for node in graph.node if node.op_type == "Conv")
        del pad.attribute[:]
        pad.attribute.append(onnx.helper.make_attribute("pads", [2 ** 40] * 4))

    def doubling(graph):
        for index in range(40):
            graph.node.insert(index, models.node("Concat", f"d{index - 1} d{index - 1}" if index else "x x",
                                                 f"d{index}", axis=1))

    def nested(graph):
        graph.node[0].attribute.append(onnx.helper.make_attribute("body", onnx.helper.make_graph([], "g", [], [])))

    yield from ((f.__name__, changed(f)) for f in (claims, negative, elsewhere, dangling, twice, backwards, huge_input,
                                                   huge_padding, doubling, nested))
    yield "empty", b""
    yield "text", b"module mul; endmodule"
    yield "cut", float_model.read_bytes()[:900]


def test_hostile_files_are_a_value_error(float_model, tmp_path):
    for what, content in hostile_models(float_model):
        path = tmp_path / f"{what}.onnx"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{what}.onnx"):
            load_onnx(path)


def test_mutated_files_are_read_or_refused(float_model, tmp_path):
    """200 files with a few bytes changed: never another kind of error, and bounded time a file."""
    rng, content, path = np.random.default_rng(7), bytearray(float_model.read_bytes()), tmp_path / "mutated.onnx"
    refused = 0
    for _ in range(200):
        mutated = bytearray(content)
        for position in rng.integers(0, len(content), rng.integers(1, 8)):
            mutated[position] = rng.integers(256)
        path.write_bytes(mutated)
        try:
            load_onnx(path)
        except ValueError:
            refused += 1
    assert 0 < refused < 200
