"""Multipliers as tables: literal values, error paths, and the built-in circuits against bit-level definitions."""
import numpy as np
import pytest

from refapprox import Multiplier, exact, load_library, lut_matmul


def bit(code, i):
    return code >> i & 1


def by_bits(h, v, x, w, bits=8):
    """Signed broken array from single bits: independent of the table's formula."""
    weight = [2 ** i for i in range(bits - 1)] + [-(2 ** (bits - 1))]
    return sum(weight[i] * weight[j] * bit(x, i) * bit(w, j)
               for i in range(bits) for j in range(bits) if i >= h and i + j >= v)


def by_masks(t, x, w):
    """Operand truncation from the bits that are left."""
    return (x - x % 2 ** t) * (w - w % 2 ** t)


# mean absolute errors as EvoApproxLib publishes them; 1KRC is printed as 36 there, a known misprint of 36.535
PUBLISHED = {
    "mul8s_1KV8": (by_masks, (0,), 0, .425), "mul8s_1KVA": (by_bits, (0, 2), 1.25, .422),
    "mul8s_1KVB": (by_bits, (0, 3), 4.25, .410), "mul8s_1KX2": (by_bits, (0, 4), 12.25, .391),
    "mul8s_1L2H": (by_masks, (1,), 53.33, .301), "mul8s_1L2D": (by_masks, (2,), 149.78, .200),
    "mul8s_1L1G": (by_masks, (3,), 339.94, .126), "mul8s_1KR8": (by_bits, (1, 0), 32, .369),
    "mul8s_1KR6": (by_bits, (1, 3), 33.28, .363), "mul8s_1KRC": (by_bits, (1, 4), 36.54, .351),
    "mul8s_1KVL": (by_bits, (2, 5), 101.28, .289), "mul8s_1KTY": (by_bits, (3, 0), 224, .237),
    "mul8s_1KR3": (by_bits, (6, 0), 2016, .052),
}


def test_the_built_in_library_is_the_tutorials_search_space():
    assert sorted(load_library().names) == sorted(PUBLISHED)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_built_in_tables_equal_their_bit_level_definition_and_published_figures(name):
    definition, parameters, mae, power = PUBLISHED[name]
    multiplier = load_library()[name]
    table = definition(*parameters, *np.mgrid[-128:128, -128:128])
    assert np.array_equal(multiplier.lut, table)
    assert multiplier.metrics()["MAE"] == pytest.approx(mae, abs=0.005)      # published with two decimals
    assert multiplier.performance_metric == power


def test_error_map_is_exact_minus_approximate_and_axis_0_is_the_activation():
    m = Multiplier.from_function("asymmetric", lambda x, w: 3 * x, bits=3)
    assert m.lut[0, 7] == -12 and m.lut.dtype == np.int32
    assert m.error_map[0, 7] == -4 * 3 - (-12)
    assert m(-4, 3) == -12
    assert m.metrics()["bias"] == np.mean([x * w - 3 * x for x in range(-4, 4) for w in range(-4, 4)])


def test_widths_of_the_operands_may_differ():
    m = Multiplier.from_function("8x2", lambda x, w: x * w, signed=False, bits=(4, 2))
    assert (m.bits_x, m.bits_w, m.range_x, m.range_w) == (4, 2, (0, 15), (0, 3))
    with pytest.raises(ValueError, match="bits_x and bits_w"):
        _ = m.bits


def test_a_multiplier_cannot_be_changed():
    m = exact()
    with pytest.raises(AttributeError):
        m.name = "other"
    with pytest.raises(ValueError, match="read-only"):
        m.lut[0, 0] = 1


@pytest.mark.parametrize("lut, message", [
    (np.zeros((256, 255), int), r"shape .* got \(256, 255\)"),
    (np.zeros((512, 512), int), "1 to 8 bits"),
    (np.zeros(256, int), "shape"),
    (np.zeros((4, 4)), "an array of integers, got float"),
    (np.full((4, 4), 2 ** 31), "fit int32"),
])
def test_a_wrong_table_is_refused(lut, message):
    with pytest.raises(ValueError, match=message):
        Multiplier("wrong", lut)


@pytest.mark.parametrize("x, message", [
    (128, "lie in"), (200, "unsigned codes need an unsigned multiplier"), (0.5, "integer codes"),
    (np.nan, "finite"), ("a", "dtype"),
])
def test_operands_outside_the_table_are_refused(x, message):
    with pytest.raises(ValueError, match=message):
        exact()(x, 1)


def test_an_unknown_name_suggests_the_closest():
    library = load_library()
    with pytest.raises(KeyError, match="Did you mean mul8s_1KV"):
        library["mul8s_1KV"]
    with pytest.raises(KeyError, match="Did you mean mul8s_1L2H\\?"):      # as people call it
        library["1l2h"]
    assert "mul8s_1KV8" in library and "mul8s_1KV" not in library
    assert library.get("mul8s_1KV") is None and library.get("mul8s_1KV8") is library["mul8s_1KV8"]
    assert repr(library).startswith("MultiplierLibrary('builtin', 13 multipliers: mul8s_1KR3, ")


def test_a_search_space_needs_costs_and_entries(tmp_path):
    np.save(tmp_path / "mine.npy", exact().lut)
    library = load_library(tmp_path)
    with pytest.raises(ValueError, match="cost of mine is not known: .* say costs="):
        library.search_space()
    (tmp_path / "mine.json").write_text('{"name": "my_mul", "performance_metric": 2.5}')
    assert [(m.name, m.performance_metric) for m in load_library(tmp_path).search_space()] == [("my_mul", 2.5)]
    with pytest.raises(ValueError, match="8x8 bits by its shape: it cannot be read as 7x7 bits"):
        load_library(tmp_path / "mine.npy", bits=7)
    with pytest.raises(ValueError, match="holds no unsigned multiplier"):
        load_library(tmp_path, signed=False)
    with pytest.raises(ValueError, match="must have one sign and one width"):
        load_library(["builtin", exact(8, False).to_multiplier(performance_metric=1.0)]).search_space()


def test_lut_matmul_by_hand():
    m = Multiplier.from_function("sum", lambda x, w: x + 10 * w, bits=3)
    assert lut_matmul([[1, 2], [3, -4]], [[1], [2]], m).tolist() == [[11 + 22], [13 + 16]]
    assert lut_matmul(np.zeros((2, 0), int), np.zeros((0, 3), int), m).tolist() == [[0] * 3] * 2
    assert lut_matmul(np.zeros((2, 3), int), np.zeros((3, 0), int), m).shape == (2, 0)
