"""Other tools' arithmetic: against the product of what the codes stand for, against loops, and each defect alone."""
import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox import Multiplier, exact, load_library
from refapprox.compat import presets
from refapprox.compat.pipelines import table_of
from refapprox.compat.presets import NOISE_SEARCH, PRESETS, get_preset
from refapprox.ops import conv2d as exact_conv2d

NAMES = sorted(PRESETS)
seeds = st.integers(0, 2 ** 32 - 1)


def operands(seed, x_shape, w_shape):
    """Real operands of either sign, weights off center."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.3, 1, x_shape), rng.normal(-0.2, 0.5, w_shape)


@functools.cache
def probe(signed):
    """Neither symmetric nor exact anywhere, m(0, 0) = 7."""
    return Multiplier.from_function("probe", lambda x, w: x * w + 2 * x - 3 * w + 7, signed=signed)


def fake_quantized(preset, x, w):
    qx, qw = preset.x_parameters(x), preset.w_parameters(w)
    return qx.dequantize(preset.quantize(x, qx)), qw.dequantize(preset.quantize(w, qw))


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds)
def test_an_exact_table_multiplies_what_the_codes_stand_for(name, seed):
    preset = get_preset(name)
    x, w = operands(seed, (3, 9), (4, 9))
    x_real, w_real = fake_quantized(preset, x, w)
    # a few float64 roundings of sums of 9 products below 8
    assert np.allclose(preset.linear(x, w, exact(8, preset.signed)), x_real @ w_real.T, rtol=0, atol=2 ** -40)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("geometry", [{}, {"padding": 1, "stride": 2}, {"padding": 2, "dilation": 2}, {"groups": 2}])
def test_an_exact_table_convolves_what_the_codes_stand_for(name, geometry):
    preset = get_preset(name)
    x, w = operands(1, (2, 4, 6, 5), (6, 4 // geometry.get("groups", 1), 3, 2))
    expected, _ = exact_conv2d.forward(*fake_quantized(preset, x, w), **geometry)
    assert np.allclose(preset.conv2d(x, w, exact(8, preset.signed), **geometry), expected, rtol=0, atol=2 ** -40)


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds)
def test_every_product_goes_through_the_table(name, seed):
    preset = get_preset(name)
    x, w = operands(seed, (2, 5), (3, 5))
    qx, qw = preset.x_parameters(x), preset.w_parameters(w)
    table = probe(preset.signed)
    difference = sum(float(table(a, b)) - float(a) * float(b) for a, b in
                     zip(preset.quantize(x, qx)[1].tolist(), preset.quantize(w, qw)[2].tolist(), strict=True))
    y, reference = (preset.linear(x, w, m)[1, 2] for m in (table, exact(8, preset.signed)))
    assert np.isclose(y - reference, qx.scale * qw.scale * difference, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_padding_goes_through_the_table_as_real_zero(name):
    preset = get_preset(name)
    x, w = operands(2, (2, 3, 4, 4), (5, 3, 3, 3))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    table = probe(preset.signed)
    assert np.array_equal(preset.conv2d(x, w, table, padding=1), preset.conv2d(padded, w, table))


@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_as_large_as_the_image_is_a_linear_layer(name):
    preset = get_preset(name)
    x, w = operands(3, (2, 3, 4, 4), (5, 3, 4, 4))
    table = probe(preset.signed)
    flat = preset.linear(x.reshape(2, -1), w.reshape(5, -1), table)
    assert np.array_equal(preset.conv2d(x, w, table)[:, :, 0, 0], flat)


# ---- ranges and rounding, by hand

def test_ranges():
    affine = get_preset("torchapprox").x_parameters([-1.0, 1.54])
    assert affine.scale == pytest.approx(0.02) and affine.zero_point == 50 and (affine.qmin, affine.qmax) == (0, 127)
    assert get_preset("torchapprox").x_parameters([0.5, 1.27]).zero_point == 0
    assert get_preset("torchapprox").w_parameters([-2.55, 1.0]).scale == pytest.approx(0.02)      # 2.55 / 127.5
    assert get_preset("adapt").w_parameters([-2.54, 1.0]).scale == pytest.approx(0.02)            # 2.54 / 127
    assert get_preset("agnapprox").x_parameters([0.0, 0.0]).scale == 1.0


def test_nudging():
    tf = get_preset("tfapprox")
    parameters = tf.x_parameters([-1.25, 126.25])      # steps of 1/2: zero point 2.5, rounded half up
    assert parameters.scale == 0.5 and parameters.zero_point == 3
    beyond = tf.x_parameters([1.0, 2.0])               # has no zero: shifted to [0, 1], so that 2 is clipped
    assert beyond.zero_point == 0
    assert np.allclose(beyond.dequantize(tf.quantize([1.0, 2.0], beyond)), 1.0)


def test_rounding_of_ties():
    ties = np.array([0.5, 1.5, 2.5])
    for name, expected in (("adapt", [0, 2, 2]), ("tfapprox", [1, 2, 3])):
        preset = get_preset(name)
        unit = presets.QuantizationParameters(1.0, 0, 0, 127)
        assert preset.quantize(ties, unit).tolist() == expected


def test_pytorch_has_the_ranges_of_torchapprox():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra crossval)")
    from torch.ao.quantization import MinMaxObserver
    preset = get_preset("torchapprox")
    for seed in range(20):
        x, w = (a.astype(np.float32) for a in operands(seed, (50,), (50,)))
        for values, parameters, options in (
                (x, preset.x_parameters(x), {"dtype": torch.quint8, "qscheme": torch.per_tensor_affine,
                                             "quant_min": 0, "quant_max": 127}),
                (w, preset.w_parameters(w), {"dtype": torch.qint8, "qscheme": torch.per_tensor_symmetric,
                                             "quant_min": -128, "quant_max": 127})):
            observer = MinMaxObserver(**options)
            observer(torch.from_numpy(values))
            scale, zero_point = observer.calculate_qparams()
            assert np.isclose(scale.item(), parameters.scale, rtol=1e-6) and zero_point.item() == parameters.zero_point


# ---- defects

def test_transposed_tables_in_convolutions_only():
    for name in ("torchapprox", "adapt"):
        preset, defects = get_preset(name), ["transposed table"]
        x, w = operands(4, (2, 3, 4, 4), (5, 3, 3, 3))
        table = probe(True)
        transposed = Multiplier("transposed", table.lut.T)
        assert np.array_equal(preset.conv2d(x, w, table, defects=defects), preset.conv2d(x, w, transposed))
        flat_x, flat_w = x.reshape(2, -1), operands(5, (1,), (5, 48))[1]
        linear = preset.linear(flat_x, flat_w, table)
        assert np.array_equal(preset.linear(flat_x, flat_w, table, defects=defects), linear)


def test_the_sign_of_the_zero_point_term():
    preset = get_preset("torchapprox")
    x, w = operands(6, (2, 3, 4, 4), (5, 3, 3, 3))
    qx, qw = preset.x_parameters(x), preset.w_parameters(w)
    sign = "x zero-point term with the wrong sign"
    error = preset.conv2d(x, w, exact(8), defects=[sign]) - preset.conv2d(x, w, exact(8))
    sums = preset.quantize(w, qw).reshape(5, -1).sum(axis=1)
    assert qx.zero_point > 0
    assert np.allclose(error, (2 * qx.scale * qw.scale * qx.zero_point * sums)[:, None, None], rtol=1e-9, atol=1e-9)
    nonnegative = np.abs(x)      # what its tests use: no zero point, no difference
    assert np.array_equal(preset.conv2d(nonnegative, w, exact(8), defects=[sign, "padding with code 0"]),
                          preset.conv2d(nonnegative, w, exact(8)))


def test_padding_with_code_zero_is_padding_with_the_smallest_real_number():
    preset = get_preset("torchapprox")
    x, w = operands(7, (2, 3, 4, 4), (5, 3, 3, 3))
    qx = preset.x_parameters(x)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=qx.dequantize(np.int64(0)))
    table = probe(True)
    expected = preset.conv2d(padded, w, table)
    assert preset.x_parameters(padded).zero_point == qx.zero_point
    # `padded` has another smallest number, so a scale that differs by less than a 127th: 27 products below 10
    found = preset.conv2d(x, w, table, padding=1, defects=["padding with code 0"])
    assert np.allclose(found, expected, rtol=0, atol=0.5)
    assert not np.allclose(preset.conv2d(x, w, table, padding=1), expected, rtol=0, atol=0.5)


@pytest.mark.parametrize("x_shape, w_shape, options, combined", [
    ((2, 3, 4, 4), (5, 3, 1, 1), {}, True),
    ((2, 3, 4, 4), (5, 3, 4, 4), {}, True),
    ((2, 3, 4, 4), (5, 3, 1, 1), {"stride": 2}, False),
    ((2, 3, 4, 4), (5, 3, 3, 3), {}, False),
    ((2, 3, 4, 4), (5, 3, 4, 4), {"padding": 1}, False),
])
def test_the_combined_kernel_forgets_the_sums(x_shape, w_shape, options, combined):
    preset = get_preset("tfapprox")
    x, w = operands(8, x_shape, w_shape)
    y = preset.conv2d(x, w, exact(8, signed=False), **options)
    wrong = preset.conv2d(x, w, exact(8, signed=False), defects=["patch sums of 1"], **options)
    assert np.allclose(y, wrong) != combined
    if combined:
        x_real, w_real = fake_quantized(preset, x, w)
        qx, qw = preset.x_parameters(x), preset.w_parameters(w)
        m_x, m_w = -qx.scale * qx.zero_point, -qw.scale * qw.zero_point
        sum_x, _ = exact_conv2d.forward(x_real, np.ones((1, *w_shape[1:])))
        sum_w = w_real.reshape(5, -1).sum(axis=1)[:, None, None]
        assert np.allclose(y - wrong, m_w * (sum_x - 1) + m_x * (sum_w - 1), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name, k, excess", [("torchapprox", 16, 0), ("torchapprox", 17, 15), ("tfapprox", 12, 4)])
def test_the_last_tile_of_a_gpu_kernel(name, k, excess):
    preset = get_preset(name)
    x, w = operands(9, (2, k), (3, k))
    table = probe(preset.signed)
    scale = preset.x_parameters(x).scale * preset.w_parameters(w).scale
    (tile,) = (defect for defect in preset.defects if defect.startswith("tile padding"))
    difference = preset.linear(x, w, table, defects=[tile]) - preset.linear(x, w, table)
    assert np.allclose(difference, scale * excess * 7, rtol=1e-9, atol=1e-9)


def test_the_converted_table_has_one_quadrant_wrong():
    preset, multiplier = get_preset("adapt"), load_library()["mul8s_1L2H"]
    converted = table_of(preset, multiplier, frozenset(["negative quadrant from magnitudes"]))
    assert (multiplier(-5, -7), converted(-5, -7)) == (48, 24)
    wrong = converted.lut != multiplier.lut
    # as many entries as the header that AdaPT ships has wrong
    assert wrong.sum() == wrong[:128, :128].sum() == 12_414
    # an exact table stays exact but for code -128, whose magnitude has no 8-bit code; [-127, 127] has no such code
    exactly = table_of(preset, exact(8), frozenset(["negative quadrant from magnitudes"]))
    assert np.array_equal(exactly.lut[1:, 1:], exact(8).lut[1:, 1:]) and exactly(-128, -1) == -128


@pytest.mark.parametrize("name", NAMES)
def test_all_defects_at_once_change_something_where_there_are_any(name):
    preset = get_preset(name)
    x, w = operands(10, (2, 3, 4, 4), (5, 3, 1, 1))
    table = probe(preset.signed)
    same = np.allclose(preset.conv2d(x, w, table, defects="all"), preset.conv2d(x, w, table))
    assert same == (not preset.defects)


# ---- settings and bad input

def test_noise_search_settings():
    assert NOISE_SEARCH["agnapprox"] == (0.2, 0.5, 0.1)
    assert NOISE_SEARCH["ResNet8"] == (0.3, 0.3, 0.1) and NOISE_SEARCH["ResNet32"].initial_noise == 0.01


@pytest.mark.parametrize("call, message", [
    (lambda: get_preset("adpt"), "preset must be one of torchapprox, tfapprox, adapt, agnapprox, got 'adpt'"),
    (lambda: get_preset("adapt").linear(np.ones((1, 2)), np.ones((1, 2)), exact(8, False)), "takes signed 8x8-bit"),
    (lambda: get_preset("tfapprox").linear(np.ones((1, 2)), np.ones((1, 2)), exact(8)), "takes unsigned 8x8-bit"),
    (lambda: get_preset("adapt").linear(np.ones((1, 2)), np.ones((1, 3)), exact(8)), r"got \(1, 2\) and \(1, 3\)"),
    (lambda: get_preset("adapt").linear(np.ones((1, 0)), np.ones((1, 0)), exact(8)), "x must not be empty"),
    (lambda: get_preset("adapt").linear([[np.nan]], [[1.0]], exact(8)), "x must be finite"),
    (lambda: get_preset("adapt").linear([[1.0]], [[1.0]], exact(8), defects="patch sums of 1"), "a collection of"),
    (lambda: get_preset("adapt").linear([[1.0]], [[1.0]], exact(8), defects=["patch sums of 1"]), "must be one of neg"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
