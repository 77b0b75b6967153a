"""What each layer computes, by literal values and plain loops; dtypes, edges, and what is refused."""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox.ops import (
    add,
    avg_pool2d,
    batch_norm,
    bias,
    concat,
    cross_entropy,
    flatten,
    linear,
    max_pool2d,
    noise_loss,
    relu,
    subsample,
)
from refapprox.ops.patches import from_batch_last, to_batch_last

POOLS = {"max": (max_pool2d, max, -math.inf), "avg": (avg_pool2d, lambda window: sum(window) / len(window), 0.0)}


def pool_definition(x, kernel, stride, padding, reduce, border):
    """Pooling in Python lists, window by window."""
    n, c, h, w = x.shape
    oh, ow = ((size + 2 * p - k) // s + 1 for size, k, s, p in zip((h, w), kernel, stride, padding, strict=True))
    y = np.empty((n, c, oh, ow))
    for b, ch, p, q in np.ndindex(y.shape):
        window = []
        for i, j in np.ndindex(kernel):
            row, column = p * stride[0] + i - padding[0], q * stride[1] + j - padding[1]
            inside = 0 <= row < h and 0 <= column < w
            window.append(x[b, ch, row, column] if inside else border)
        y[b, ch, p, q] = reduce(window)
    return y


@pytest.mark.parametrize("kind", POOLS)
@given(kernel=st.tuples(*[st.integers(1, 3)] * 2), stride=st.tuples(*[st.integers(1, 3)] * 2), pad=st.booleans(),
       more=st.tuples(*[st.integers(0, 4)] * 2), seed=st.integers(0, 2**32 - 1))
def test_pooling_equals_its_definition(kind, kernel, stride, pad, more, seed):
    op, reduce, border = POOLS[kind]
    padding = tuple(k // 2 if pad else 0 for k in kernel)
    x = np.random.default_rng(seed).integers(-9, 10, (2, 2, kernel[0] + more[0], kernel[1] + more[1])).astype(float)
    expected = pool_definition(x, kernel, stride, padding, reduce, border)
    for same_x in x, from_batch_last(to_batch_last(x)):
        # sums of at most 9 integers are exact and divided once: equal bit for bit
        assert np.array_equal(op.forward(same_x, kernel, stride, padding)[0], expected)


@pytest.mark.parametrize("kind", POOLS)
def test_the_stride_of_a_pool_is_its_kernel_unless_given(kind):
    op, reduce, border = POOLS[kind]
    x = np.arange(42.0).reshape(1, 1, 6, 7)
    assert np.array_equal(op.forward(x, (2, 3))[0], pool_definition(x, (2, 3), (2, 3), (0, 0), reduce, border))


def test_of_equal_maxima_the_first_in_reading_order_gets_the_gradient():
    x = np.array([[[[1.0, 5.0], [5.0, 5.0]]]])
    y, cache = max_pool2d.forward(x, 2)
    assert max_pool2d.backward(np.array([[[[7.0]]]]), cache).tolist() == [[[[0.0, 7.0], [0.0, 0.0]]]]


def test_overlapping_windows_add_up_at_their_common_maximum():
    x = np.zeros((1, 1, 1, 3))
    x[..., 1] = 1
    _, cache = max_pool2d.forward(x, (1, 2), stride=1)
    assert max_pool2d.backward(np.array([[[[3.0, 5.0]]]]), cache).tolist() == [[[[0.0, 8.0, 0.0]]]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rectifier_is_flat_at_zero_of_either_sign(dtype):
    y, cache = relu.forward(np.array([-2.0, -0.0, 0.0, 3.0], dtype))
    assert y.tolist() == [0, 0, 0, 3] and not np.signbit(y).any()
    assert relu.backward(np.full(4, 5.0, dtype), cache).tolist() == [0, 0, 0, 5]


def test_flatten_goes_channel_row_column_from_any_memory_and_back():
    x = np.arange(2 * 3 * 2 * 2.0).reshape(2, 3, 2, 2)
    for same_x in x, from_batch_last(to_batch_last(x)):
        y, cache = flatten.forward(same_x)
        assert np.array_equal(y, np.arange(24.0).reshape(2, 12))
        assert np.array_equal(flatten.backward(y, cache), x)


def test_linear_and_bias_by_hand():
    x, w = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 10.0]])
    y, cache = linear.forward(x, w)
    assert y.tolist() == [[21], [43]]
    dx, dw = linear.backward(np.array([[1.0], [2.0]]), cache)
    assert dx.tolist() == [[1, 10], [2, 20]] and dw.tolist() == [[7, 10]]
    assert linear.backward(np.array([[1.0], [2.0]]), cache, need_dx=False)[0] is None
    y, _ = bias.forward(np.zeros((1, 2, 1, 2)), np.array([3.0, 4.0]))
    assert y.tolist() == [[[[3, 3]], [[4, 4]]]]
    assert bias.backward(np.array([[[[1.0, 2]], [[4, 8]]]]))[1].tolist() == [3, 12]


@pytest.mark.parametrize("shape", [(6, 2), (3, 2, 2, 1)])
def test_batch_norm_normalizes_and_keeps_unbiased_running_statistics(shape):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, shape)
    columns = np.moveaxis(x, 1, 0).reshape(2, -1)
    mean, var = np.array([1.0, -1.0]), np.array([2.0, 3.0])
    gamma, beta = np.array([2.0, -1.0]), np.array([0.5, 0.0])
    y, (new_mean, new_var), _ = batch_norm.forward(x, gamma, beta, mean, var, training=True, momentum=0.25, eps=0.01)
    assert np.allclose(new_mean, 0.75 * mean + 0.25 * columns.mean(axis=1), rtol=1e-14)
    assert np.allclose(new_var, 0.75 * var + 0.25 * columns.var(axis=1, ddof=1), rtol=1e-14)
    expected = (columns - columns.mean(axis=1, keepdims=True)) / np.sqrt(columns.var(axis=1, ddof=0) + 0.01)[:, None]
    expected = gamma[:, None] * expected + beta[:, None]
    assert np.allclose(np.moveaxis(y, 1, 0).reshape(2, -1), expected, rtol=1e-13, atol=1e-14)
    assert mean.tolist() == [1, -1] and var.tolist() == [2, 3]      # the caller's arrays are left alone


def test_batch_norm_in_evaluation_uses_and_keeps_the_running_statistics():
    one = np.ones(1)
    y, (mean, var), _ = batch_norm.forward(np.array([[5.0], [9.0]]), 3 * one, 2 * one, one, 4 * one, training=False,
                                           eps=0.0)
    assert y.ravel().tolist() == [8, 14]
    assert mean.tolist() == [1] and var.tolist() == [4]


def test_cross_entropy_by_hand_and_for_huge_logits():
    loss, cache = cross_entropy.forward(np.log([[1.0, 3.0], [1.0, 1.0]]), np.array([1, 0]))
    assert math.isclose(loss, (math.log(4 / 3) + math.log(2)) / 2, rel_tol=1e-15)
    assert np.allclose(cross_entropy.backward(cache), [[1 / 8, -1 / 8], [-1 / 4, 1 / 4]], rtol=1e-15)
    loss, cache = cross_entropy.forward(np.array([[1e30, -1e30]]), np.array([1]))
    assert loss == 2e30 and cross_entropy.backward(cache).tolist() == [[1, -1]]


def test_the_noise_reward_stops_at_the_cap_and_at_zero():
    sigmas = np.array([0.1, -0.1, 0.0, 0.5, -0.5, 0.7])
    shares = np.array([0.1, 0.2, 0.3, 0.1, 0.1, 0.2])
    value, cache = noise_loss.forward(sigmas, shares, lmbd=0.2)
    assert math.isclose(value, -0.2 * (0.01 + 0.02 + 0 + 0.05 + 0.05 + 0.1), rel_tol=1e-14)
    assert np.allclose(noise_loss.backward(cache), [-0.02, 0.04, 0, 0, 0, 0], rtol=1e-15, atol=0)


def layers_on(x):
    """(y, gradients) of every layer on x (n, c, h, w) and parameters of its dtype."""
    c = np.ones(x.shape[1], x.dtype)
    y, cache = bias.forward(x, c)
    yield y, bias.backward(y, cache)
    for training in (True, False):
        y, running, cache = batch_norm.forward(x, c, c, c, c, training=training)
        yield y, (*running, *batch_norm.backward(y, cache))
    y, cache = relu.forward(x)
    yield y, (relu.backward(y, cache),)
    for op in (max_pool2d, avg_pool2d):
        y, cache = op.forward(x, 2, padding=1)
        yield y, (op.backward(y, cache),)
    y, cache = add.forward(x, x)
    yield y, add.backward(y, cache)
    y, cache = flatten.forward(x)
    yield y, (flatten.backward(y, cache),)
    logits, cache = linear.forward(y, np.ones((3, y.shape[1]), x.dtype))
    yield logits, linear.backward(logits, cache)
    loss, cache = cross_entropy.forward(logits, np.zeros(len(logits), int))
    yield logits, (cross_entropy.backward(cache),)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_follows_the_inputs_which_stay_as_they_are(dtype):
    x = np.random.default_rng(0).normal(size=(4, 2, 3, 3)).astype(dtype)
    x.flags.writeable = False
    for y, gradients in layers_on(x):
        assert {y.dtype, *(g.dtype for g in gradients)} == {np.dtype(dtype)}


def test_batch_last_memory_stays_batch_last():
    x = from_batch_last(to_batch_last(np.random.default_rng(0).normal(size=(4, 2, 3, 3))))
    for y, gradients in layers_on(x):
        for array in (y, *gradients):
            if array.ndim == 4:
                n, c, h, w = array.strides
                assert n == array.itemsize and h > w > c > n      # a cropped border leaves gaps, not disorder


ONE = np.ones(1)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_every_stride_th_pixel_and_zeros_around_the_channels(stride):
    x = np.arange(1.0, 1 + 2 * 3 * 5 * 4).reshape(2, 3, 5, 4)
    y, _ = subsample.forward(x, 8, stride)
    assert y.shape == (2, 8, -(-5 // stride), -(-4 // stride)) and y.sum() == x[:, :, ::stride, ::stride].sum()
    assert np.array_equal(y[:, 2:5], x[:, :, ::stride, ::stride])
    assert np.array_equal(subsample.forward(x, 3)[0], x)                       # every pixel unless told otherwise


@pytest.mark.parametrize("call, message", [
    (lambda: linear.forward(np.zeros((2, 3)), np.zeros((4, 2))), r"got \(2, 3\) and \(4, 2\)"),
    (lambda: bias.forward(np.zeros((2, 3)), np.zeros(2)), r"b of bias must have shape \(c,\)"),
    (lambda: bias.forward(np.zeros((2, 3, 4)), np.zeros(3)), r"for x \(2, 3, 4\)"),
    (lambda: batch_norm.forward(np.zeros((2, 2)), ONE, ONE, ONE, ONE, training=True), "gamma of batch_norm"),
    (lambda: batch_norm.forward(np.zeros((1, 1)), ONE, ONE, ONE, ONE, training=True), "at least 2 values per channel"),
    (lambda: max_pool2d.forward(np.zeros((2, 2)), 2), "x of max_pool2d must have shape"),
    (lambda: max_pool2d.forward(np.zeros((1, 1, 4, 4)), 2, padding=2), "at most half the kernel"),
    (lambda: max_pool2d.forward(np.zeros((1, 1, 2, 2)), 3), "must fit the map 2x2"),
    (lambda: avg_pool2d.forward(np.zeros((1, 1, 2, 2)), 0), "kernel of avg_pool2d must be at least 1"),
    (lambda: add.forward(np.zeros((2, 3)), np.zeros((1, 3))), "one shape"),
    (lambda: concat.forward(np.zeros(3), np.zeros(3)), "differ in their channels only"),
    (lambda: concat.forward(np.zeros((2, 3)), np.zeros((1, 3))), "differ in their channels only"),
    (lambda: concat.forward(np.zeros((2, 3, 4)), np.zeros((2, 3))), "differ in their channels only"),
    (lambda: concat.forward(), "differ in their channels only"),
    (lambda: cross_entropy.forward(np.zeros((2, 3)), np.zeros(3, int)), r"labels of shape \(n,\)"),
    (lambda: cross_entropy.forward(np.zeros((0, 3)), np.zeros(0, int)), r"got \(0, 3\)"),
    (lambda: cross_entropy.forward(np.zeros((1, 3)), np.array([3])), r"labels must lie in \[0, 2\], got 3"),
    (lambda: cross_entropy.forward(np.array([[np.nan, 0]]), np.array([0])), "logits must be finite, got nan"),
    (lambda: noise_loss.forward([0.1], [1.0], lmbd=-1), "lmbd must be at least 0"),
    (lambda: noise_loss.forward([0.1], [1.0], lmbd=1, sigma_max=0), "sigma_max must be positive"),
    (lambda: noise_loss.forward([0.1], [0.5], lmbd=1), "shares must sum to 1"),
    (lambda: noise_loss.forward([0.1, 0.2], [1.0], lmbd=1), r"got \(2,\) and \(1,\)"),
    (lambda: noise_loss.forward([np.nan], [1.0], lmbd=1), "sigmas must be finite"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
