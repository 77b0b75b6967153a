"""TensorFlow 1's quantized operators, as examples/reproductions emulates them, and the reader of frozen graphs."""
import importlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from refapprox.multipliers import Multiplier, exact
from tests import small_tensorflow_graph as small

FOLDER = Path(__file__).parents[1] / "examples" / "reproductions"
MODULES = ("tensorflow_graph", "tensorflow_ops", "tfapprox_readme", "tfapprox_circuits", "figures")
EXACT = exact(8, signed=False)


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def read(scripts, tmp_path):
    def nodes(content):
        (tmp_path / "graph.pb").write_bytes(content)
        return scripts("tensorflow_graph").read_graph(tmp_path / "graph.pb")
    return nodes


def rough(seed=3):
    """A table that is exact nowhere and has no symmetry."""
    rng = np.random.default_rng(seed)
    return Multiplier("rough", EXACT.lut + rng.integers(1, 400, EXACT.lut.shape), signed=False)


def test_a_residual_block_is_what_tensorflow_computes(scripts, read):
    # printed by TensorFlow 2.15.1 with TF_ENABLE_ONEDNN_OPTS=0, which has other kernels for these operators
    expected = np.float32([[-1.725678, -3.1881168, 1.7549262], [-2.2814047, -5.615765, 0.4972291],
                           [-1.696429, -3.2466142, 0.9944582], [-1.5501852, -2.7786338, 1.8426728]])
    outputs, _ = scripts("tensorflow_ops").run(read(small.graph()), small.images(), EXACT)
    np.testing.assert_allclose(outputs, expected, rtol=1e-6)      # float32; one code more or less is 0.029


@pytest.mark.parametrize(("padding", "stride"), [("SAME", 1), ("SAME", 2), ("VALID", 1), ("VALID", 2)])
def test_convolution_is_the_loop_of_axqconv(scripts, padding, stride):
    rng, multiplier = np.random.default_rng(5), rough()
    x, w = rng.integers(0, 256, (2, 5, 5, 2)).astype(np.uint8), rng.integers(0, 256, (3, 3, 2, 3)).astype(np.uint8)
    attributes = {"padding": padding, "strides": [1, stride, stride, 1]}
    node = scripts("tensorflow_graph").Node("c", "AxConv2D", [], attributes)
    limits = [np.float32(value) for value in (-1, 2, -3, 1)]
    sums, low, high = scripts("tensorflow_ops").convolution(node, x, w, *limits, multiplier)
    size = -(-5 // stride) if padding == "SAME" else (5 - 3) // stride + 1
    before = ((size - 1) * stride + 3 - 5) // 2 if padding == "SAME" else 0
    zero_x, zero_w = 85, 191                                                    # 255 / 3 and 3 * 255 / 4, rounded
    assert sums.shape == (2, size, size, 3)
    for image, row, column, output in np.ndindex(*sums.shape):
        total = 0
        for i, j, channel in np.ndindex(3, 3, 2):
            y, z = row * stride - before + i, column * stride - before + j
            code = int(x[image, y, z, channel]) if 0 <= y < 5 and 0 <= z < 5 else zero_x
            weight = int(w[i, j, channel, output])
            total += int(multiplier.lut[code, weight]) - code * zero_w - weight * zero_x + zero_x * zero_w
        assert sums[image, row, column, output] == total
    step = (3 / 255) * (4 / 255)
    assert float(high) == pytest.approx(step * 2 ** 31, rel=1e-6) and low == -high


def test_statistics_can_be_held(scripts, read):
    nodes, run = read(small.graph()), scripts("tensorflow_ops").run
    outputs, statistics = run(nodes, small.images(), EXACT)
    np.testing.assert_allclose(run(nodes, small.images(), EXACT, statistics)[0], outputs, rtol=1e-6)
    alone = [run(nodes, image[None], EXACT, statistics)[0][0] for image in small.images()]
    np.testing.assert_allclose(alone, outputs, rtol=1e-6)                  # no image sees its neighbors any more
    assert not np.allclose(run(nodes, small.images()[:1], EXACT)[0], outputs[:1], rtol=1e-2)


def test_the_sum_of_a_channel_is_taken_image_after_image(scripts):
    """In float32, 2**24 + 1 is 2**24: ones after it are lost, ones before it are not."""
    ops = scripts("tensorflow_ops")
    node = scripts("tensorflow_graph").Node("n", "FusedBatchNorm", [], {
        "is_training": 1, "data_format": "NHWC", "epsilon": 0.0})
    ones, large = np.ones((40, 1, 1, 2), np.float32), np.full((24, 1, 1, 2), 2 ** 24, np.float32)
    unit = np.ones(2, np.float32), np.zeros(2, np.float32)
    _, first, _ = ops.normalization(node, np.concatenate([large[:1], ones, 0 * large[:23]]), *unit)
    _, last, _ = ops.normalization(node, np.concatenate([ones, 0 * large[:23], large[:1]]), *unit)
    assert (first * 64).tolist() == [2 ** 24] * 2 and (last * 64).tolist() == [2 ** 24 + 40] * 2


def test_the_estimated_root_is_a_step_of_newton_from_12_bits(scripts):
    x = np.geomspace(1e-3, 1e3, 4_000, dtype=np.float32)
    error = scripts("tensorflow_ops").estimated_root(x) * np.sqrt(x.astype(np.float64)) - 1
    # 1.5 e^2 below the root for an estimate off by e <= 2**-13, and four roundings of 2**-24
    assert error.max() < 4 * 2.0 ** -24 and -1.5 * 2.0 ** -26 - 4 * 2.0 ** -24 < error.min() < -2.0 ** -25


def test_a_narrow_range_is_widened_as_in_quantize_op(scripts):
    """To a hundredth of the largest of 1 and both ends, and zero lies in it."""
    node = scripts("tensorflow_graph").Node("q", "QuantizeV2", [], {"mode": "MIN_FIRST"})
    quantize, f4 = scripts("tensorflow_ops").quantize, np.float32
    codes, low, high = quantize(node, np.float32([-0.001, 0, 0.004]), f4(-0.001), f4(0.004))
    assert low == f4(-0.001) and high == f4(f4(-0.001) + f4(0.01)) and codes.tolist() == [0, 26, 128]
    _, low, high = quantize(node, np.float32([5, 6]), f4(5), f4(6))
    assert (low, high) == (0, 6)


def test_alwann_takes_the_column_with_the_least_error(scripts):
    alwann = scripts("tfapprox_circuits").alwann
    assert np.array_equal(alwann(EXACT).lut, EXACT.lut)
    lut = np.multiply.outer(np.arange(4), np.arange(4))
    swapped = alwann(Multiplier("swapped", lut[:, [0, 2, 1, 3]], signed=False))
    assert np.array_equal(swapped.lut, lut)                                # every weight finds its own products
    equal = alwann(Multiplier("equal", np.repeat([[0, 0, 0, 9]], 4, axis=0), signed=False))
    assert equal.lut.tolist() == [[0, 0, 0, 9]] * 4                        # a tie leaves a weight where it is
    rng = np.random.default_rng(7)
    drawn = Multiplier("drawn", rng.integers(0, 60, (8, 8)), signed=False)
    for w in range(8):
        sums = [sum(abs(x * w - int(drawn.lut[x, v])) for x in range(8)) for v in range(8)]
        chosen = alwann(drawn).lut[:, w]
        assert sum(abs(x * w - int(chosen[x])) for x in range(8)) == min(sums)


def test_damaged_files_are_refused(scripts, read):
    content = small.graph()
    rng = np.random.default_rng(11)
    damaged = [content[:cut] for cut in rng.integers(1, len(content), 60)]
    for place, byte in zip(rng.integers(0, len(content), 300), rng.integers(0, 256, 300), strict=True):
        damaged.append(content[:place] + bytes([byte]) + content[place + 1:])
    refused = 0
    for one in damaged:
        try:
            read(one)
        except ValueError as error:
            assert "is not a TensorFlow graph that is read" in str(error)
            refused += 1
    assert refused > 100


BAD = {
    "it must hold 1 to 20000 nodes, got 0": b"",
    "two nodes are called 'a'": small.constant("a", 1.0) * 2,
    "node 'b' reads 'c', which is not before it": small.node("b", "Relu", ["c"]),
    "node 'b' reads output 'x' of 'a'": small.constant("a", 1.0) + small.node("b", "Relu", ["a:x"]),
    "field 1 claims 9 bytes, 1 are left": b"\x0a\x09\x0a",
    "field 1 has the unknown kind 3": b"\x0b",
    "an integer does not end": b"\xff" * 11,
    "the integer 5 stands where text or a message belongs": small.field(1, 5),
    "a constant of shape .5. takes 20 bytes, got 8": small.node(
        "a", "Const", value=np.zeros(2, np.float32)).replace(small.field(2, small.field(1, 2)),
                                                             small.field(2, small.field(1, 5))),
    "a constant must be of a type in .1, 3, 12. and have at most 8 sizes, got type 1": small.constant(
        "a", np.zeros((1,) * 9, np.float32)),
}


@pytest.mark.parametrize("words", BAD)
def test_what_is_wrong_with_a_file_is_said(read, words):
    with pytest.raises(ValueError, match=words):
        read(BAD[words])


WRONG = {
    "operator 'Softmax' is not one of those known": small.node("a", "Softmax"),
    "mode of QuantizeV2 must be MIN_FIRST, got 'SCALED'": small.constant("x", 1.0) + small.node(
        "q", "QuantizeV2", ["x", "x", "x"], mode="SCALED"),
    "batch normalization must be in training mode": small.constant("x", 1.0) + small.node(
        "n", "FusedBatchNorm", ["x"] * 5, is_training=0),
}


@pytest.mark.parametrize("words", WRONG)
def test_what_is_not_emulated_is_refused(scripts, read, words):
    with pytest.raises(ValueError, match=words):
        scripts("tensorflow_ops").run(read(WRONG[words]), small.images(), EXACT)


def shipped():
    """(checkout of tf-approximate, its graph), or a skip that names the variable."""
    if "REFAPPROX_TFAPPROX_DIR" not in os.environ:
        pytest.skip("REFAPPROX_TFAPPROX_DIR is not set: tf-approximate is not here")
    return Path(os.environ["REFAPPROX_TFAPPROX_DIR"])


def test_circuits_are_measured_once(scripts, tmp_path):
    folder = shipped()
    if "REFAPPROX_DATA_DIR" not in os.environ:
        pytest.skip("REFAPPROX_DATA_DIR is not set: CIFAR-10 is not here")
    module, names = scripts("tfapprox_circuits"), ["mul8u_1JFF", "mul8u_17QU"]
    found = list(module.figures(folder, tmp_path, 20, names))
    assert len(found) == 10 and found[0].computed == found[3].computed      # exact products need no other weights
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mul8u_17QU_20.json", "mul8u_1JFF_20.json"]
    scripts("refapprox.files").write_json(tmp_path / "mul8u_1JFF_20.json", dict.fromkeys(module.PROTOCOLS, 2.0))
    assert [figure.computed for figure in module.figures(folder, tmp_path, 20, names)][:5] == [2.0] * 5


def test_c_sources_and_shipped_tables_are_the_same_multipliers(scripts):
    from refapprox.multipliers import load_library
    folder = shipped()
    library = load_library(folder / "tf1/axqconv/axmult", signed=False, bits=8)
    for multiplier in library:
        table = np.fromfile(folder / f"tf2/examples/axmul_8x8/{multiplier.name}.bin", "<u2").reshape(256, 256)
        assert np.array_equal(multiplier.lut, table)
    assert len(library) == 36
