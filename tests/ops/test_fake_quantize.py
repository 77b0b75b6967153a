"""Fake quantization: values and codes agree with `quantization`; the surrogate gradient is the declared one."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox.conformance.spec import OPERATIONS
from refapprox.ops import fake_quantize
from refapprox.quantization import dequantize, quantize

QMIN, QMAX = -8, 7


# multiples of scale/2 make ties, the edges of the range and both neighbors outside it common
@given(halves=st.lists(st.integers(-45, 45), min_size=1, max_size=20), zero_point=st.integers(QMIN, QMAX),
       scale=st.sampled_from([0.25, 1.0, 0.1]))
def test_equals_the_definition(halves, zero_point, scale):
    x = np.array(halves) * (scale / 2)
    y, inside = fake_quantize.forward(x, scale, zero_point, QMIN, QMAX)
    given_ = {"x": x, "scale": scale, "zero_point": zero_point, "qmin": QMIN, "qmax": QMAX}
    assert np.array_equal(y, OPERATIONS["fake_quantize"](**given_))
    assert np.array_equal(inside, OPERATIONS["fake_quantize_gradient"](dy=np.ones(x.shape), **given_) != 0)
    assert np.array_equal(y, dequantize(quantize(x, scale, zero_point, QMIN, QMAX), scale, zero_point))


def test_the_mask_looks_before_the_clip_and_after_rounding_and_zero_point():
    # codes 7.4 -> 7 inside, 7.5 -> 8 outside; with zero point 2 the range of round(x) is [-10, 5]
    _, inside = fake_quantize.forward(np.array([7.4, 7.5, -8.5, -8.6]), 1.0, 0, QMIN, QMAX)
    assert inside.tolist() == [True, False, True, False]
    _, inside = fake_quantize.forward(np.array([5.4, 6.0, -10.0, -11.0]), 1.0, 2, QMIN, QMAX)
    assert inside.tolist() == [True, False, True, False]


def test_gradient_is_the_declared_surrogate():
    x = np.array([[0.3, -20.0], [6.9, 30.0]])
    _, cache = fake_quantize.forward(x, 1.0, 0, QMIN, QMAX)
    assert fake_quantize.backward(np.array([[2.0, 3.0], [5.0, 7.0]]), cache).tolist() == [[2.0, 0.0], [5.0, 0.0]]


def test_per_channel_parameters_broadcast_and_dtype_follows_x():
    x = np.array([[0.3, 0.3], [0.3, 0.3]], np.float32)
    y, cache = fake_quantize.forward(x, np.array([[0.25], [1.0]]), np.array([[0], [3]]), QMIN, QMAX)
    assert y.tolist() == [[0.25, 0.25], [0.0, 0.0]]
    assert y.dtype == fake_quantize.backward(y, cache).dtype == np.float32


@pytest.mark.parametrize("arguments, message", [
    ((np.array([np.nan]), 1.0, 0, QMIN, QMAX), "x of fake_quantize must be finite, got nan"),
    ((np.zeros(1), 0.0, 0, QMIN, QMAX), "scale must be positive"),
    ((np.zeros(1), np.inf, 0, QMIN, QMAX), "scale must be finite"),
    ((np.zeros(1), 1.0, 8, QMIN, QMAX), "zero_point must lie in"),
    ((np.zeros(1), 1.0, 0.5, QMIN, QMAX), "zero_point must hold integer codes"),
    ((np.zeros(1), 1.0, 0, 7, 7), "qmax must be at least 8"),
])
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        fake_quantize.forward(*arguments)
