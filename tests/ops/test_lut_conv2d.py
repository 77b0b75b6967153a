"""Table convolution against loops over single products, its padding and zero points, its edges."""
import numpy as np
import pytest

from refapprox import Multiplier, exact
from refapprox.conformance.spec.convolution import filled, patches, values_at
from refapprox.ops.lut_conv2d import conv2d_sums, lut_conv2d
from refapprox.ops.lut_matmul import matmul_sums
from refapprox.ops.patches import Geometry, geometry


def random_multiplier(rng, signed=True, bits=(8, 8), low=-300, high=300):
    return Multiplier("random", rng.integers(low, high, size=(2 ** bits[0], 2 ** bits[1])), signed)


def by_loops(x, w, multiplier, *, stride=1, padding=0, dilation=1, groups=1, pad_code=0, x_zero_point=0,
             w_zero_point=0):
    """The formula, one product at a time, in Python integers, over the patches of the conformance suite."""
    stride, padding, dilation = (v if isinstance(v, tuple) else (v, v) for v in (stride, padding, dilation))
    z_w, found = np.broadcast_to(w_zero_point, len(w)).tolist(), {}
    for index, o, positions, inside in patches(x.shape, w.shape, stride, padding, dilation, groups):
        codes = values_at(x, positions, inside, pad_code).tolist()
        found[index] = sum(
            int(multiplier.lut[code - multiplier.range_x[0], weight - multiplier.range_w[0]])
            - x_zero_point * weight - z_w[o] * code + x_zero_point * z_w[o]
            for code, weight in zip(codes, w[o].ravel().tolist(), strict=True))
    return filled(found, object)


CASES = [
    dict(shape=(2, 1, 6, 5), kernel=(3, 1, 3, 2)),
    dict(shape=(2, 3, 6, 6), kernel=(4, 3, 3, 3), padding=1, pad_code=7, x_zero_point=7),
    dict(shape=(1, 4, 7, 8), kernel=(6, 2, 3, 3), groups=2, stride=(2, 1), padding=(0, 2), pad_code=-3),
    dict(shape=(2, 3, 5, 5), kernel=(6, 1, 3, 3), groups=3, padding=1, w_zero_point=np.arange(6) - 2),
    dict(shape=(1, 2, 9, 7), kernel=(2, 2, 2, 3), dilation=(3, 2), stride=2, x_zero_point=-4, w_zero_point=3),
    dict(shape=(3, 5, 1, 1), kernel=(2, 5, 1, 1)),
    dict(shape=(2, 2, 5, 6), kernel=(3, 2, 3, 3), padding=((0, 2), (1, 0)), pad_code=-5, w_zero_point=2,
         x_zero_point=-5),
]


@pytest.mark.parametrize("case", CASES)
def test_every_product_and_every_position_counts_once(case):
    rng = np.random.default_rng(1)
    arguments = {key: value for key, value in case.items() if key not in ("shape", "kernel")}
    x, w = rng.integers(-128, 128, size=case["shape"]), rng.integers(-128, 128, size=case["kernel"])
    m = random_multiplier(rng)
    y = lut_conv2d(x, w, m, **arguments)
    assert y.dtype == np.int64 and np.array_equal(y, by_loops(x, w, m, **arguments))


def test_with_the_exact_table_zero_points_shift_both_operands():
    rng = np.random.default_rng(2)
    x, w = rng.integers(-128, 128, size=(2, 2, 5, 5)), rng.integers(-128, 128, size=(3, 2, 3, 3))
    z_w = np.array([0, 5, -9])
    y = lut_conv2d(x, w, exact(), padding=1, pad_code=11, x_zero_point=11, w_zero_point=z_w)
    padded = np.pad(x - 11, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    assert np.array_equal(y, np.einsum("ncabij,ocij->noab", windows, w - z_w[:, None, None, None]))


@pytest.mark.parametrize("largest, k, dtype", [
    (2 ** 14, 1024, np.float32), (2 ** 14 + 1, 1024, np.float64), (2 ** 31 - 1, 5, np.float64),
])
def test_sums_come_in_the_narrowest_dtype_that_holds_any_of_them(largest, k, dtype):
    m = Multiplier("constant", np.full((256, 256), largest))
    sums = conv2d_sums(np.zeros((1, k, 1, 1), np.float32), np.zeros((1, k, 1, 1), np.float32), m, Geometry((1, 1)))
    assert sums.dtype == dtype and sums.tolist() == [[[[largest * k]]]]


def test_codes_held_as_floats_give_the_same_sums_zero_points_included():
    rng = np.random.default_rng(3)
    m, window = random_multiplier(rng), geometry("test", 3, padding=1)
    x, w = rng.integers(-128, 128, size=(2, 4, 6, 6)), rng.integers(-128, 128, size=(6, 2, 3, 3))
    arguments = dict(groups=2, pad_code=5, x_zero_point=5, w_zero_point=np.arange(6) - 3)
    sums = conv2d_sums(x.astype(np.float32), w.astype(np.float32), m, window, **arguments)
    assert sums.dtype == np.float32 and np.array_equal(sums, lut_conv2d(x, w, m, padding=1, **arguments))


def test_zero_points_of_some_outputs_alone_can_need_the_wider_dtype():
    """The table is all zeros: only z_w sum x grows, and only for the outputs whose zero point is large."""
    rng = np.random.default_rng(5)
    m = Multiplier("nothing", np.zeros((256, 256), int))
    x, w = rng.integers(100, 128, size=(20, 1999, 1, 1)), rng.integers(-128, 128, size=(10, 1999, 1, 1))
    arguments = dict(w_zero_point=np.array([0, 1, 127, -128, 0, 125, 0, 0, 0, 111]))
    expected = -arguments["w_zero_point"] * x.sum(axis=1)[:, :, 0]
    assert np.abs(expected).max() > 2 ** 24 and (expected % 2).any()
    sums = conv2d_sums(x.astype(np.float32), w.astype(np.float32), m, Geometry((1, 1)), **arguments)
    assert sums.dtype == np.float64 and np.array_equal(sums[:, :, 0, 0], expected)


@pytest.mark.parametrize("x, w, arguments, message", [
    (np.zeros((1, 1, 3, 3), int), np.zeros((1, 2, 3, 3), int), {}, "groups=1 needs c = groups"),
    (np.zeros((1, 3, 3), int), np.zeros((1, 2, 3, 3), int), {}, r"shape \(n, c, h, w\)"),
    (np.zeros((1, 1, 2, 3), int), np.zeros((1, 1, 3, 3), int), {}, "must fit the map 2x3"),
    (np.full((1, 1, 3, 3), 200), np.zeros((1, 1, 3, 3), int), {}, r"x of lut_conv2d .* \(0, 0, 0, 0\)"),
    (np.zeros((1, 1, 3, 3), int), np.full((1, 1, 3, 3), -129), {}, "w of lut_conv2d"),
    (np.zeros((1, 1, 3, 3), int), np.zeros((1, 1, 3, 3), int), {"pad_code": 128}, "pad_code"),
    (np.zeros((1, 1, 3, 3), int), np.zeros((1, 1, 3, 3), int), {"stride": 0}, "stride"),
    (np.zeros((1, 1, 3, 3), int), np.zeros((1, 1, 3, 3), int), {"stride": (1, 1, 1)}, "pair"),
    (np.zeros((1, 1, 3, 3), int), np.zeros((1, 1, 3, 3), int), {"w_zero_point": [1, 2]}, "w_zero_point"),
    (np.zeros((1, 1, 3, 3), int), np.zeros((1, 1, 3, 3), int), {"x_zero_point": 2 ** 62}, "fit int64"),
    (np.zeros((1, 1, 3, 3), int), np.zeros((1, 1, 3, 3), int), {"workers": 0}, "workers"),
    (np.zeros((1, 1, 3, 3), int), np.zeros((1, 1, 3, 3), int), {"method": "magic"}, "method"),
])
def test_bad_input_is_named(x, w, arguments, message):
    with pytest.raises(ValueError, match=message):
        lut_conv2d(x, w, exact(), **arguments)


def test_odd_sums_just_beyond_float32_are_exact_in_whichever_dtype_is_chosen():
    """No single product or constant passes 2**24, the whole sum does: the bound needs each of its factors."""
    m, k = exact(bits=8, signed=False), 301
    assert matmul_sums(np.full((1, k), 255), np.full((k, 1), 255), m).item() == k * 255 * 255 > 2 ** 24
    images, weights = np.full((1, 101, 1, 1), 255), np.zeros((1, 101, 1, 1), np.int64)      # only the term z_w sum x
    assert conv2d_sums(images, weights, m, Geometry((1, 1)), w_zero_point=-1001).item() == 101 * 255 * 1001 > 2 ** 24
