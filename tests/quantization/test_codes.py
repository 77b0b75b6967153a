"""Codes: literal ties, ranges, observers, and the round trip as a property."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox.quantization import (
    LayerQuantization,
    MinMaxObserver,
    MovingAverageObserver,
    TensorScheme,
    dequantize,
    quantize,
    quantize_with_mask,
)


def test_ties_round_to_even_before_the_zero_point_is_added():
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5])
    assert quantize(x, 1.0, 0).tolist() == [0, 2, 2, 0, -2]
    assert quantize(x, 1.0, 1).tolist() == [1, 3, 3, 1, -1]      # rounding after adding 1 would give 2, 2, 4, 0, 0


def test_the_clip_comes_last():
    assert quantize(np.array([1e9, -1e9]), 1.0, 5).tolist() == [127, -128]


def test_symmetric_scale_is_the_largest_magnitude_over_127():
    parameters = TensorScheme().parameters(-2.0, 1.0)
    assert (parameters.scale, parameters.zero_point) == (2 / 127, 0)
    assert parameters.quantize(np.array([-2.0, 1.0])).tolist() == [-127, 64]      # 63.5 is a tie


def test_affine_range_contains_zero_exactly():
    parameters = TensorScheme("affine", 0, 127).parameters(1.0, 3.0)
    assert parameters.zero_point == 0 and parameters.scale == 3 / 127
    parameters = TensorScheme("affine", 0, 255).parameters(-1.0, 3.0)
    assert parameters.zero_point == 64 and parameters.dequantize(np.array([64])) == 0


def test_per_channel_weights():
    weight = np.array([[1.0, -0.5], [0.25, 0.1], [0.0, 0.0]])
    parameters = LayerQuantization(w=TensorScheme(per_channel=True)).w_parameters(weight)
    assert parameters.scale.tolist() == [1 / 127, 0.25 / 127, 1.0]      # a channel of zeros takes any scale
    assert parameters.quantize(weight).tolist() == [[127, -64], [127, 51], [0, 0]]


@given(low=st.floats(-1e3, 0), high=st.floats(0, 1e3), kind=st.sampled_from(["symmetric", "affine"]),
       seed=st.integers(0, 1000))
def test_values_in_range_come_back_within_half_a_step(low, high, kind, seed):
    parameters = TensorScheme(kind).parameters(low, high)
    x = np.random.default_rng(seed).uniform(low, high, 50)
    error = np.abs(parameters.dequantize(parameters.quantize(x)) - x)
    # an affine zero point is rounded, which moves the ends of the range by up to half a step more
    assert (error <= parameters.scale * (1.0 if kind == "affine" else 0.5) * (1 + 1e-9)).all()


@given(seed=st.integers(0, 1000), zero_point=st.integers(-128, 127))
def test_codes_survive_the_round_trip(seed, zero_point):
    codes = np.random.default_rng(seed).integers(-128, 128, 30)
    assert np.array_equal(quantize(dequantize(codes, 0.1, zero_point), 0.1, zero_point), codes)


def test_mask_is_one_inside_the_range_before_clipping():
    parameters = TensorScheme().parameters(-127.0, 127.0)
    codes, inside = quantize_with_mask(np.array([127.4, 127.6, -128.4, -128.6]), parameters, np.float64)
    assert codes.tolist() == [127, 127, -128, -128]
    assert inside.tolist() == [True, False, True, False]
    assert quantize_with_mask(np.array([1.0]), parameters, np.float64)[1] is None


def test_observers():
    widest, average = MinMaxObserver(), MovingAverageObserver(momentum=0.25)
    for x in ([1.0, 2.0], [-3.0, 1.0]):
        widest.observe(np.array(x))
        average.observe(np.array(x))
    assert widest.bounds() == (-3.0, 2.0)
    assert average.bounds() == (1.0 + 0.25 * (-3.0 - 1.0), 2.0 + 0.25 * (1.0 - 2.0))
    with pytest.raises(ValueError, match="range is unknown"):
        MinMaxObserver().bounds()


@pytest.mark.parametrize("make, message", [
    (lambda: TensorScheme("log"), "kind of TensorScheme must be one of symmetric, affine"),
    (lambda: TensorScheme(qmin=5, qmax=5), "qmax of TensorScheme must be at least 6"),
    (lambda: TensorScheme(qmin=-9, qmax=0), "must be positive"),
    (lambda: LayerQuantization(x=TensorScheme(per_channel=True)), "cannot be per channel"),
    (lambda: TensorScheme().parameters(np.nan, 1.0), "finite"),
    (lambda: MovingAverageObserver(2.0), "momentum"),
    (lambda: MinMaxObserver().observe(np.array([np.inf])), "activations must be finite"),
    (lambda: quantize(np.array([np.nan]), 1.0), "x of quantize must be finite, got nan at"),
    (lambda: quantize(np.zeros(2), 0.0), "scale must be positive, got 0.0"),
    (lambda: quantize(np.zeros(2), 1.0, 200), "zero_point must lie in"),
    (lambda: quantize(np.zeros(2), 1.0, 0, 5, 4), "qmax must be at least 6"),
])
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
