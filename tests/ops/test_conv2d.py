"""Convolution: the fast path against the definition, a decodable probe, gradients, and mutants of both."""
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox.conformance.spec.convolution import filled, patches, values_at
from refapprox.gradient_check import gradient_agrees
from refapprox.ops import conv2d, rolling
from refapprox.ops.patches import from_batch_last, geometry, to_batch_last


@st.composite
def cases(draw):
    """Shapes of x and w with every option, small, such that the kernel fits."""
    groups = draw(st.integers(1, 3))
    kernel, stride, padding, dilation = (draw(st.tuples(*[st.integers(low, high)] * 2))
                                         for low, high in ((1, 3), (1, 3), (0, 2), (1, 2)))
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    size = [max(1, e - 2 * p) + draw(st.integers(0, 4)) for e, p in zip(extent, padding, strict=True)]
    x_shape = (draw(st.integers(1, 3)), groups * draw(st.integers(1, 2)), *size)
    w_shape = (groups * draw(st.integers(1, 2)), x_shape[1] // groups, *kernel)
    return x_shape, w_shape, dict(stride=stride, padding=padding, dilation=dilation, groups=groups)


def definition(x, w, *, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, pad_value=0.0):
    """Equation (1) literally, tap by tap: the patches of the conformance suite's specification."""
    found = {}
    for index, o, positions, inside in patches(x.shape, w.shape, stride, padding, dilation, groups):
        operands = values_at(x, positions, inside, pad_value)
        found[index] = sum(a * b for a, b in zip(w[o].ravel().tolist(), operands.tolist(), strict=True))
    return filled(found, np.result_type(x, w))


@given(case=cases(), seed=st.integers(0, 2**32 - 1), pad_value=st.integers(-5, 5),
       more=st.tuples(st.integers(0, 2), st.integers(0, 2)))
def test_equals_the_definition_on_integers_bit_for_bit(case, seed, pad_value, more):
    x_shape, w_shape, options = case
    rng = np.random.default_rng(seed)
    x, w = (rng.integers(-128, 128, shape).astype(float) for shape in (x_shape, w_shape))
    options["padding"] = tuple((p, p + extra) for p, extra in zip(options["padding"], more, strict=True))
    expected = definition(x, w, pad_value=pad_value, **options)
    for same_x in x, from_batch_last(to_batch_last(x)):
        assert np.array_equal(conv2d.forward(same_x, w, pad_value=pad_value, **options)[0], expected)


@given(size=st.integers(1, 12), kernel=st.integers(1, 5), stride=st.integers(1, 4), dilation=st.integers(1, 3))
def test_same_padding_gives_as_many_outputs_as_strides_fit_the_map(size, kernel, stride, dilation):
    """TensorFlow's rule by search: the least padding that gives ceil(size / stride) outputs, an odd one at the end."""
    window = geometry("this test", (kernel, 1), (stride, 1), "same", (dilation, 1)).on(size, 7)
    wanted = -(-size // stride)
    totals = (total for total in range(100) if (size + total - dilation * (kernel - 1) - 1) // stride + 1 >= wanted
              and size + total >= dilation * (kernel - 1) + 1)
    total = next(totals)
    assert window.padding == ((total // 2, total - total // 2), (0, 0))
    assert window.output_size(size, 7) == (wanted, 7)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("least", [1, 15_000, 30_000, 60_000])
def test_several_rows_of_outputs_at_once_give_the_same(stride, least, monkeypatch):
    """Of many images and small kernels: one row, two or four."""
    monkeypatch.setattr(rolling, "SHARED", least // stride ** 2)
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-5, 6, shape).astype(float) for shape in ((rolling.NARROW, 2, 8, 7), (3, 2, 3, 2)))
    cache = conv2d.prepare(x, w, padding=((1, 1), (0, 1)), stride=stride)
    assert np.array_equal(conv2d.product(cache), conv2d.definition(cache))


@pytest.mark.parametrize("padding", [((0, 1), (0, 0)), ((0, 0), (0, 1))])
def test_a_kernel_of_one_sees_padding_behind_the_map_only(padding):
    rng = np.random.default_rng(0)
    x, w = rng.integers(-5, 6, (rolling.NARROW, 2, 3, 3)).astype(float), rng.integers(-5, 6, (3, 2, 1, 1)).astype(float)
    cache = conv2d.prepare(x, w, padding=padding, pad_value=7)
    assert np.array_equal(conv2d.product(cache), conv2d.definition(cache))
    assert np.array_equal(conv2d.forward(x, w, stride=1000)[0], conv2d.forward(x[:, :, :1, :1], w)[0])


def test_integers_padded_with_a_fraction_are_real_numbers():
    x, w = np.arange(8).reshape(1, 2, 2, 2), np.arange(8).reshape(1, 2, 2, 2) - 3
    for value, dtype in ((1.0, np.int64), (1.5, np.float64)):
        found, wanted = (conv2d.forward(images, w, padding=1, pad_value=value)[0] for images in (x, x.astype(float)))
        assert found.dtype == dtype and np.array_equal(found, wanted)


def test_one_sided_padding_of_a_stride_of_two():
    """A 2x2 map of ones, kernel 3, stride 2: nothing before, one position after; symmetric padding sees other taps."""
    x, w = np.ones((1, 1, 2, 2)), np.arange(9.0).reshape(1, 1, 3, 3)
    for padding in "same", ((0, 1), (0, 1)):
        y, cache = conv2d.forward(x, w, stride=2, padding=padding)
        assert y.tolist() == [[[[0 + 1 + 3 + 4]]]]
        assert conv2d.backward(np.ones((1, 1, 1, 1)), cache)[0].tolist() == [[[[0, 1], [3, 4]]]]
    assert conv2d.forward(x, w, stride=2, padding=1)[0].tolist() == [[[[4 + 5 + 7 + 8]]]]


def probe(convolve):
    """One-hot image, power-of-two kernel: every output is the weight of the tap that saw the one.

    The one sits at channel 1, row 2, column 3 of a 4 x 5 image; tap (c, i, j) of a 2 x 3 kernel weighs 2**(6c + 3i + j)
    and sees it where (p, q) = (2 - i, 3 - j).
    """
    x = np.zeros((1, 2, 4, 5))
    x[0, 1, 2, 3] = 1
    w = 2.0 ** np.arange(12).reshape(1, 2, 2, 3)
    expected = np.zeros((3, 3))
    for i in range(2):
        for j in range(3):
            if 0 <= 2 - i < 3 and 0 <= 3 - j < 3:
                expected[2 - i, 3 - j] = 2 ** (6 + 3 * i + j)
    return np.array_equal(convolve(x, w)[0, 0], expected)


def fast(x, w):
    return conv2d.forward(x, w)[0]


@pytest.mark.parametrize("convolve", [fast, definition])
def test_every_tap_sees_its_own_pixel(convolve):
    assert probe(convolve)


@pytest.mark.parametrize("wrong", [
    lambda x, w: fast(x, w[:, :, ::-1, ::-1]),                  # true convolution
    lambda x, w: fast(x, w[:, ::-1]),                           # channels reversed
    lambda x, w: fast(x, w[:, :, ::-1]),                        # rows reversed
    lambda x, w: fast(x, np.roll(w, 1, axis=3)),                # off by one
])
def test_the_probe_rejects(wrong):
    assert not probe(wrong)


def gradients_agree(backward, case, seed):
    x_shape, w_shape, options = case
    rng = np.random.default_rng(seed)
    return gradient_agrees(lambda x, w: conv2d.forward(x, w, pad_value=0.7, **options), backward,
                           [rng.normal(size=x_shape), rng.normal(size=w_shape)], rng=rng)


@given(case=cases(), seed=st.integers(0, 2**32 - 1))
def test_gradients_match_central_differences(case, seed):
    assert gradients_agree(conv2d.backward, case, seed)


def mutant(change_dx=lambda dx: dx, change_dw=lambda dw: dw, change_dy=lambda dy: dy):
    def backward(dy, cache):
        dx, dw = conv2d.backward(change_dy(dy), cache)
        return change_dx(dx), change_dw(dw)
    return backward


@pytest.mark.parametrize("wrong", [
    mutant(change_dw=lambda dw: dw * 1.0005),
    mutant(change_dx=lambda dx: dx * 1.0005),
    mutant(change_dw=lambda dw: dw[:, :, ::-1, ::-1]),
    mutant(change_dx=lambda dx: np.roll(dx, 1, axis=2)),
    mutant(change_dw=lambda dw: dw.transpose(0, 1, 3, 2)),
    mutant(change_dy=lambda dy: dy.transpose(0, 1, 3, 2)),
    mutant(change_dy=lambda dy: dy[:, ::-1]),
])
def test_the_battery_rejects(wrong):
    case = (2, 4, 6, 6), (4, 2, 3, 3), dict(stride=2, padding=1, dilation=1, groups=2)
    assert not any(gradients_agree(wrong, case, seed) for seed in range(10))


@given(case=cases(), seed=st.integers(0, 2**32 - 1))
def test_adding_to_every_tap_is_the_adjoint_of_patches(case, seed):
    x_shape, w_shape, options = case
    rng = np.random.default_rng(seed)
    window = geometry("this test", w_shape[2:], options["stride"], options["padding"], options["dilation"])
    padded = window.pad(to_batch_last(rng.integers(-9, 10, x_shape)), 3)
    patches = window.patches(padded)
    d, u = rng.integers(-9, 10, patches.shape), np.zeros_like(padded)
    for i, j in np.ndindex(window.kernel):
        window.tap(u, i, j, *patches.shape[1:3])[...] += d[:, :, :, i, j]
    assert np.sum(patches * d) == np.sum(padded * u)


def test_dtype_follows_the_inputs_and_memory_is_batch_last():
    x, w = np.ones((3, 2, 5, 5), np.float32), np.ones((4, 2, 3, 3), np.float32)
    y, cache = conv2d.forward(x, w, padding=1)
    dx, dw = conv2d.backward(y, cache)
    assert y.dtype == dx.dtype == dw.dtype == np.float32
    assert y.transpose(2, 3, 1, 0).flags.c_contiguous
    assert conv2d.backward(y, cache, need_dx=False)[0] is None


@pytest.mark.parametrize("x_shape, w_shape, options, message", [
    ((2, 5, 5), (1, 2, 3, 3), {}, r"x of conv2d must have shape \(n, c, h, w\), got \(2, 5, 5\)"),
    ((1, 2, 5, 5), (1, 3, 3, 3), {}, "w of conv2d"),
    ((1, 2, 5, 5), (3, 1, 3, 3), dict(groups=2), "multiple of groups"),
    ((1, 2, 5, 5), (1, 2, 6, 3), {}, "must fit the map 5x5"),
    ((1, 2, 5, 5), (1, 2, 3, 3), dict(stride=0), "stride of conv2d must be at least 1"),
    ((1, 2, 5, 5), (1, 2, 3, 3), dict(padding=(1, 2, 3)), r"padding of conv2d must be one integer or a"),
    ((1, 2, 5, 5), (1, 2, 3, 3), dict(dilation=1.5), "dilation of conv2d must be an integer"),
    ((1, 2, 5, 5), (1, 2, 3, 3), dict(groups=0), "groups of conv2d"),
])
def test_bad_input_is_named(x_shape, w_shape, options, message):
    with pytest.raises(ValueError, match=message):
        conv2d.forward(np.zeros(x_shape), np.zeros(w_shape), **options)


@given(case=cases(), seed=st.integers(0, 2**32 - 1), small=st.sampled_from((4, 40, 10 ** 6)),
       narrow=st.sampled_from((1, 100)))
def test_bands_workers_and_pieces_change_nothing(case, seed, small, narrow):
    """Integers held as floats: no rounding hides a row or a piece that is missed or taken twice."""
    x_shape, w_shape, options = case
    rng = np.random.default_rng(seed)
    x, w = (rng.integers(-9, 10, shape).astype(np.float64) for shape in (x_shape, w_shape))
    y, cache = conv2d.forward(x, w, **options)
    dy = rng.integers(-9, 10, y.shape).astype(np.float64)
    whole = conv2d.definition(cache), *conv2d.backward(dy, cache)
    with mock.patch.multiple(rolling, SHARED=0, BANDS=100, NARROW=narrow, SMALL=small, ROWS=2, COLUMNS=2,
                             TRANSPOSED=small, PRODUCT_BYTES=small):
        y, cache = conv2d.forward(x, w, workers=2, **options)
        assert all(map(np.array_equal, whole, (y, *conv2d.backward(dy, cache, workers=2))))


@mock.patch.object(rolling, "SHARED", 0)
def test_no_bit_depends_on_workers():
    rng = np.random.default_rng(3)
    x, w = (rng.normal(size=shape).astype(np.float32) for shape in ((70, 3, 17, 9), (5, 3, 3, 3)))
    y, cache = conv2d.forward(x, w, padding=1)
    alone = y, *conv2d.backward(y, cache)
    y, cache = conv2d.forward(x, w, padding=1, workers=2)
    assert all(map(np.array_equal, alone, (y, *conv2d.backward(y, cache, workers=2))))


def test_columns_are_never_held_whole(peak_memory):
    x, w = np.ones((32, 8, 40, 40), np.float32), np.ones((8, 8, 5, 5), np.float32)
    y, cache = conv2d.forward(x, w)
    buffer = 40 * 5 * 8 * 32 * 4 + rolling.PRODUCT_BYTES
    for run, kept in ((lambda: conv2d.forward(x, w), y.nbytes + x.nbytes),
                      (lambda: conv2d.backward(y, cache), 2 * x.nbytes + y.nbytes)):
        assert peak_memory(run)[0] < kept + 4 * buffer < 200 * y.nbytes // 8 / 2
