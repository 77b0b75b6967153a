"""Widths other than 8 through the whole package: tables up to 8 bits, circuits above, codes in part of the range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox import Circuit, Multiplier, lut_matmul
from refapprox.error_stats import error_prediction, to_distribution
from refapprox.multipliers import from_family
from refapprox.network import Conv2D, Linear
from refapprox.ops.lut_conv2d import lut_conv2d
from refapprox.quantization import LayerQuantization, TensorScheme


def plain_matmul(x, w, multiplier):
    return [[sum(int(multiplier(int(a), int(b))) for a, b in zip(row, column, strict=True)) for column in w.T]
            for row in x]


def draw_codes(multiplier, x_shape, w_shape, seed):
    rng = np.random.default_rng(seed)
    return (rng.integers(*multiplier.range_x, x_shape, endpoint=True),
            rng.integers(*multiplier.range_w, w_shape, endpoint=True))


@given(st.integers(2, 16), st.booleans(), st.integers(0, 99))
def test_matrix_products_at_any_width(bits, signed, seed):
    multiplier = from_family("truncated", k=bits // 2, bits=bits, signed=signed)
    assert isinstance(multiplier, Multiplier if bits <= 8 else Circuit)
    x, w = draw_codes(multiplier, (3, 5), (5, 2), seed)
    assert lut_matmul(x, w, multiplier).tolist() == plain_matmul(x, w, multiplier)


def test_operands_of_different_widths():
    multiplier = Multiplier.from_function("5x3", lambda x, w: x * w - (x & 1), bits=(5, 3))
    x, w = draw_codes(multiplier, (4, 6), (6, 3), 1)
    assert lut_matmul(x, w, multiplier).tolist() == plain_matmul(x, w, multiplier)
    with pytest.raises(ValueError, match=r"w of lut_matmul must lie in \[-4, 3\]"):
        lut_matmul(x, np.full((6, 3), 4), multiplier)


def test_convolution_by_a_circuit_equals_that_by_its_table():
    """The same family at 8 bits as a table, and as a function that is never tabulated."""
    table = from_family("drum(k=4)")
    circuit = Circuit("the same", lambda x, w: table.lut[x + 128, w + 128].astype(np.int64), 8, 8)
    x, w = draw_codes(table, (2, 4, 6, 5), (6, 2, 3, 3), 2)
    options = {"padding": 1, "stride": 2, "groups": 2, "pad_code": 3, "x_zero_point": 3, "w_zero_point": -1}
    assert np.array_equal(lut_conv2d(x, w, circuit, **options), lut_conv2d(x, w, table, **options))


def test_a_wide_product_takes_no_table(peak_memory):
    """16x16: a table would take 16 GiB; 64 x 32 x 16 products stay below 64 MiB."""
    multiplier = from_family("broken_array(h=3,v=9)", bits=16)
    x, w = draw_codes(multiplier, (64, 32), (32, 16), 3)
    peak, sums = peak_memory(lambda: lut_matmul(x, w, multiplier))
    assert peak < 64 * 2 ** 20
    assert sums[:2, :3].tolist() == plain_matmul(x[:2], w[:, :3], multiplier)


@pytest.mark.parametrize("call", [
    lambda circuit: circuit.to_multiplier(), lambda circuit: circuit.func.lut,
])
def test_asking_for_a_wide_table_says_what_it_takes(call):
    with pytest.raises(ValueError, match="16.* GiB"):
        call(from_family("udm", bits=16))


def test_adders_and_wrong_methods_are_refused():
    adder = Circuit("add12", lambda x, w: x + w, 12, 12, operation="add")
    with pytest.raises(ValueError, match="add12 is an adder"):
        lut_matmul([[1]], [[1]], adder)
    with pytest.raises(ValueError, match="method 'factored' needs a table"):
        lut_matmul([[1]], [[1]], from_family("udm", bits=9), method="factored")


@pytest.mark.parametrize("bits, x_range, w_range", [(4, (-8, 7), (-8, 7)), (6, (-31, 31), (-31, 31)),
                                                    (6, (0, 31), (-32, 31)),
                                                    (12, (-2048, 2047), (-2047, 2047))])
def test_layers_compute_at_any_width_and_in_part_of_the_range(bits, x_range, w_range):
    multiplier = from_family("broken_array(h=1,v=3)", bits=bits)
    quantization = LayerQuantization(*(TensorScheme("symmetric", *codes) for codes in (x_range, w_range)))
    rng = np.random.default_rng(bits)
    for layer, shape in ((Linear(7, 4, rng=rng, dtype=np.float64, quantization=quantization), (5, 7)),
                         (Conv2D(2, 3, 3, rng=rng, dtype=np.float64, quantization=quantization), (2, 2, 5, 5))):
        x, recorded = np.abs(rng.normal(size=shape)), []
        layer.recorder = lambda *codes, seen=recorded: seen.append(codes)
        layer.set_mode("quantized")
        layer.forward(x, training=True)
        layer.multiplier = multiplier
        layer.set_mode("approximate")
        y = layer.forward(x)
        x_codes, qx, w_codes, qw = recorded[-1]
        assert x_codes.min() >= x_range[0] and x_codes.max() == x_range[1] and abs(w_codes).max() == w_range[1]
        bias = layer.parameters["bias"].value
        if y.ndim == 2:
            expected = np.array(plain_matmul(x_codes, w_codes.T, multiplier)) * qx.scale * qw.scale + bias
        else:
            sums = [[[[int(multiplier(image[:, i:i + 3, j:j + 3], kernel).sum()) for j in range(3)] for i in range(3)]
                     for kernel in w_codes.astype(int)] for image in x_codes.astype(int)]
            expected = np.array(sums) * qx.scale * qw.scale + bias[:, None, None]
        np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)       # float64, a handful of roundings


def test_a_layer_refuses_a_multiplier_that_does_not_hold_its_codes():
    layer = Linear(3, 2, rng=np.random.default_rng(0))
    layer.multiplier = from_family("exact", bits=4)
    with pytest.raises(ValueError, match=r"codes x of the layer lie in \[-128, 127\], but exact_4s takes \[-8, 7\]"):
        layer.set_mode("approximate")
    layer.multiplier = from_family("exact", bits=8, signed=False)
    with pytest.raises(ValueError, match=r"takes \[0, 255\]: quantize to that range"):
        layer.set_mode("approximate")


def test_error_statistics_at_6_bits():
    multiplier = from_family("operand_truncated(t=2)", bits=6)
    rng = np.random.default_rng(4)
    x, w = rng.integers(-20, 20, 5000), rng.integers(-32, 31, 5000, endpoint=True)
    x_dist, w_dist = (to_distribution(codes, -32, 31)[1] for codes in (x, w))
    mean, std = error_prediction(multiplier.error_map, x_dist, w_dist, 9)
    pairs = np.array([[p * q for q in w_dist] for p in x_dist])
    expected = (pairs * multiplier.error_map).sum()
    assert mean == pytest.approx(expected, rel=1e-12)
    assert std == pytest.approx(np.sqrt((pairs * (multiplier.error_map - expected) ** 2).sum() / 9), rel=1e-9)
