"""torchapprox's names: batch and index conventions, and the layer call."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox import Multiplier
from refapprox.compat.torchapprox import layers as tal
from refapprox.compat.torchapprox.operators.backend import approx
from refapprox.compat.torchapprox.utils import evoapprox as evo
from refapprox.quantization import TensorScheme

CODES = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int32)
EXACT = np.multiply.outer(CODES, CODES)
PROBE = (256 * np.arange(256)[:, None] + np.arange(256)).astype(np.int32)      # each entry says where it stands
SIZES = [1, 2, 23]
LAYERS = [      # kind, input shape, arguments, options: those of the published tests
    (tal.ApproxLinear, (4, 20), (20, 10), {}),
    (tal.ApproxConv2d, (2, 8, 4, 4), (8, 16, 3), {"groups": 1}),
    (tal.ApproxConv2d, (2, 8, 4, 4), (8, 16, 3), {"groups": 2}),
    (tal.ApproxConv2d, (2, 8, 4, 4), (8, 16, 3), {"groups": 8}),
    (tal.ApproxConv2d, (2, 8, 4, 4), (8, 8, 3), {"groups": 8, "padding": 1, "stride": 2}),
]


def definition(a, b, lut):
    """out[i, j] = sum_k lut[bits of a[i, k], bits of b[k, j]] of two matrices, one product after the other."""
    out = np.zeros((a.shape[0], b.shape[1]), dtype=int)
    for i, j in np.ndindex(*out.shape):
        out[i, j] = sum(int(lut[int(x) % 256, int(w) % 256]) for x, w in zip(a[i], b[:, j], strict=True))
    return out


def codes(rng, shape, dtype):
    return rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, shape).astype(dtype)


@given(st.sampled_from(SIZES), st.sampled_from(SIZES), st.sampled_from(SIZES),
       st.sampled_from([np.int8, np.uint8]), st.booleans(), st.integers(0, 99))
def test_either_operand_may_be_batched(n, k, m, dtype, first_batched, seed):
    rng = np.random.default_rng(seed)
    lut = rng.integers(-2 ** 20, 2 ** 20, (256, 256)).astype(np.int32)
    a, b = codes(rng, (2, n, k), dtype), codes(rng, (2, k, m), dtype)
    out = approx(a, b[0], lut) if first_batched else approx(a[0], b, lut)
    expected = [definition(a[i if first_batched else 0], b[0 if first_batched else i], lut) for i in range(2)]
    assert out.dtype == np.int32 and np.array_equal(out, expected)


def test_an_exact_table_gives_the_matrix_product():
    rng = np.random.default_rng(0)
    a, b = codes(rng, (2, 5, 115), np.int8), codes(rng, (115, 7), np.int8)
    assert np.array_equal(approx(a, b, EXACT), a.astype(int) @ b)
    # the transposed problem, which batches the second operand
    assert np.array_equal(approx(b.T, a.transpose(0, 2, 1), EXACT), (a.astype(int) @ b).transpose(0, 2, 1))


def test_the_first_operand_indexes_the_rows():
    one, other = np.array([[[-2]]], np.int8), np.array([[5]], np.int8)
    assert approx(one, other, PROBE).item() == 256 * 254 + 5
    assert approx(other, one, PROBE).item() == 256 * 5 + 254


@pytest.mark.parametrize("change, message", [
    ({"a": np.zeros((2, 3, 4))}, "must both be int8 or both uint8, got float64"),
    ({"b": np.zeros((4, 5), np.uint8)}, "got int8 and uint8"),
    ({"lut": EXACT.astype(np.int16)}, "must be int32, got int16"),
    ({"lut": EXACT[:128]}, r"shape \(256, 256\), got \(128, 256\)"),
    ({"b": np.zeros((3, 5), np.int8)}, r"got \(2, 3, 4\) and \(3, 5\)"),
    ({"a": np.zeros((3, 4), np.int8)}, r"got \(3, 4\) and \(4, 5\)"),
    ({"lut": np.full((256, 256), 2 ** 30, np.int32)}, "must fit int32, got 4294967296"),
])
def test_bad_operands_are_refused(change, message):
    arguments = {"a": np.zeros((2, 3, 4), np.int8), "b": np.zeros((4, 5), np.int8), "lut": EXACT} | change
    with pytest.raises(ValueError, match=message):
        approx(**arguments)


# ---- layers

def make(layer, **more):
    kind, shape, arguments, options = layer
    return kind(*arguments, **options, **more, rng=np.random.default_rng(1)), shape


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("qconfig", [None, TensorScheme("affine"), TensorScheme("affine", per_channel=True)])
def test_exact_products_give_the_quantized_layer(layer, qconfig):
    quantized, shape = make(layer, qconfig=qconfig)
    approximate, _ = make(layer, qconfig=qconfig)
    approximate.inference_mode = tal.InferenceMode.APPROXIMATE
    x = np.random.default_rng(2).random(shape) - 0.3      # so that real zero has a code other than 0
    y, expected = tal.ApproxWrapper(approximate)(x), tal.ApproxWrapper(quantized)(x)
    # float64 on both sides: sums of 180 products at most, each below 1
    assert y.shape == expected.shape and np.allclose(y, expected, rtol=0, atol=180 * 2 ** -50)


@pytest.mark.parametrize("layer", LAYERS)
def test_an_empty_table_gives_nothing(layer):
    layer, shape = make(layer, bias=False)
    layer.inference_mode = tal.InferenceMode.APPROXIMATE
    layer.lut = np.zeros((256, 256))
    x = np.random.default_rng(3).integers(-128, 128, shape).astype(float)
    assert not layer(x, np.array([1.0]), np.array([0.0])).any()


@pytest.mark.parametrize("layer", LAYERS)
def test_noise_is_relative_to_the_spread_of_the_output(layer):
    noisy, shape = make(layer, bias=False)
    exact, _ = make(layer, bias=False)
    noisy.inference_mode = tal.InferenceMode.NOISE
    x = np.random.default_rng(4).integers(-128, 128, shape).astype(float)
    y = exact(x)
    eps = np.random.default_rng(5).standard_normal(y.shape)
    noisy.stdev, noisy.mean, noisy.rng = 0.1, 2.0, np.random.default_rng(5)
    assert np.allclose(noisy(x), y + 0.1 * y.std(ddof=1) * eps + 2.0, rtol=1e-12, atol=1e-9)
    noisy.training = False
    assert np.array_equal(noisy(x), y)
    noisy.training, noisy.stdev, noisy.mean = True, 0.0, 0.0
    assert np.array_equal(noisy(x), y)


def asymmetric():
    """A table that differs from its transpose nearly everywhere, and m(0, w) is not 0."""
    return Multiplier.from_function("probe", lambda x, w: x * w + 3 * x - 5 * w + 11)


def test_defects_are_switched_by_name():
    layer, shape = make(LAYERS[4], bias=False)
    layer.inference_mode, layer.multiplier = tal.InferenceMode.APPROXIMATE, asymmetric()
    x = np.random.default_rng(6).random(shape) - 0.5
    wrapped = tal.ApproxWrapper(layer)
    results = {}
    for defects in ((), ("transposed table",), ("padding with code 0",), ("x zero-point term with the wrong sign",)):
        layer.defects = defects
        results[defects] = wrapped(x)
    assert len({array.tobytes() for array in results.values()}) == 4
    layer.defects = ("row order",)
    with pytest.raises(ValueError, match="defects of torchapprox must be one of .*, got 'row order'"):
        wrapped(x)


def test_sizes_of_layers():
    linear, conv = tal.ApproxLinear(20, 10), tal.ApproxConv2d(8, 16, (3, 1), groups=4)
    assert (linear.fan_in, linear.opcount, conv.fan_in) == (20, 200, 6)
    with pytest.raises(ValueError, match="after the first forward pass"):
        _ = conv.opcount
    conv(np.zeros((1, 8, 5, 5)))
    assert conv.opcount == 6 * 16 * 3 * 5
    with pytest.raises(ValueError, match="padding_mode of ApproxConv2d must be 'zeros'"):
        tal.ApproxConv2d(8, 16, 3, padding_mode="reflect")
    with pytest.raises(TypeError, match="must be an ApproxLinear or ApproxConv2d, got int"):
        tal.ApproxWrapper(3)
    linear.inference_mode = tal.InferenceMode.APPROXIMATE
    with pytest.raises(ValueError, match="needs x_scale and x_zero_point"):
        linear(np.zeros((1, 20)))
    with pytest.raises(ValueError, match="x_zero_point must hold integer codes, got 0.5"):
        linear(np.zeros((1, 20)), np.array([1.0]), np.array([0.5]))
    with pytest.raises(ValueError, match=r"codes of x must lie in \[-128, 127\], got 200"):
        linear(np.full((1, 20), 200.0), 1.0, 0.0)


# ---- multipliers by their names

def test_multipliers_by_name():
    assert len(evo.module_names("mul8s")) == 13 and evo.module_names("mul8u") == ["mul8u_1JJQ"]
    table, errors = evo.lut("mul8s_1KV8"), evo.error_map("mul8s_1KV8")
    # B(0, 2), bit by bit: partial products of weight below 4 are dropped
    dropped = sum((1 << i + j) * (CODES[:, None] >> i & 1) * (CODES >> j & 1) for i, j in ((0, 0), (0, 1), (1, 0)))
    assert np.array_equal(table, EXACT - dropped)
    assert np.array_equal(np.roll(errors, (-128, -128), (0, 1)), table - EXACT)
    assert evo.error_distribution("mul8s_1KV8", 4) == (4 * errors.mean(), 2 * errors.std())
    assert np.array_equal(evo.lut("mul8u_1JJQ"), np.multiply.outer(np.arange(256), np.arange(256)))
    assert 0 < evo.attribute("mul8s_1KX5", "PDK45_PWR") < evo.attribute("mul8s_1KV6", "PDK45_PWR")
    assert evo.bitwidth_from_name("mul12s_2PP") == 12 and not evo.signedness_from_name("mul8u_1JJQ")
    with pytest.raises(ImportError, match="mul8s_1KTY has no closed form in EvoApproxLib v2022"):
        evo.lut("mul8s_1KTY")
    with pytest.raises(ValueError, match="attr_name must be one of PDK45_PWR"):
        evo.attribute("mul8s_1KV6", "PDK45_AREA")
