"""Codes: literal ties, ranges, observers, and the round trip as a property."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox import exact
from refapprox.network import Linear
from refapprox.quantization import (
    BatchObserver,
    LayerQuantization,
    MinMaxObserver,
    MovingAverageObserver,
    QuantizationParameters,
    TensorScheme,
    dequantize,
    fold_batch_norm,
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


@pytest.mark.parametrize("x, codes, inside", [
    ([127.6, 3.0], [127, 3], [False, True]),             # above only
    ([-128.6, 3.0], [-128, 3], [False, True]),           # below only
    ([127.4, -128.4], [127, -128], None),                # the ends themselves
])
def test_the_mask_is_made_where_one_side_is_clipped(x, codes, inside):
    parameters = TensorScheme().parameters(-127.0, 127.0)
    for dtype in np.float32, np.float64:
        found, mask = quantize_with_mask(np.array(x, dtype), parameters, np.float64)
        assert found.tolist() == codes and (None if mask is None else mask.tolist()) == inside


@pytest.mark.parametrize("scheme, low, high, scale", [
    (TensorScheme("symmetric", -8, 127), -1.0, 2.0, 1 / 8),       # eight negative codes must hold -1
    (TensorScheme("symmetric", -8, 127), -0.1, 2.0, 2 / 127),
    (TensorScheme("symmetric", -128, 127), -2.0, 1.0, 2 / 127),
    (TensorScheme("symmetric", 0, 255), 0.0, 2.0, 2 / 255),
])
def test_a_symmetric_range_holds_what_it_quantizes(scheme, low, high, scale):
    parameters = scheme.parameters(low, high)
    assert parameters.scale == scale
    x = np.linspace(low, high, 50)
    assert np.abs(parameters.dequantize(parameters.quantize(x)) - x).max() <= scale / 2 * (1 + 1e-9)


def test_a_step_that_float32_does_not_hold_stands_for_zeros():
    for scheme in (TensorScheme(), TensorScheme("affine", 0, 255)):
        parameters = scheme.parameters(-1e-44, 1e-44)
        assert parameters.scale == 1.0
        assert parameters.quantize(np.float32([1e-44, -1e-44])).tolist() == [parameters.zero_point] * 2
    with np.errstate(all="raise"):      # a given step below the dtype is computed with in float64
        assert QuantizationParameters(1e-46).quantize(np.float32([0.0, 2.8e-45])).tolist() == [0, 28]
        assert quantize(np.float32([1.0]), 1e-300).tolist() == [127]
        assert quantize(np.float32([[2.8e-45], [3.0]]), np.array([[1e-46], [1.0]])).tolist() == [[28], [3]]


@pytest.mark.parametrize("per_channel", [True, False])
def test_a_dead_weight_gives_zeros_not_nan(per_channel):
    layer = Linear(2, 2, rng=np.random.default_rng(0), bias=False,
                   quantization=LayerQuantization(w=TensorScheme(per_channel=per_channel)))
    layer.parameters["weight"].value[...] = [[1, -1], [1e-44, 0]] if per_channel else 1e-44
    layer.multiplier = exact(8)
    for mode in ("quantized", "approximate"):
        layer.set_mode(mode)
        y = layer.forward(np.array([[1, 0.5]], np.float32), training=True)
        assert y[0, 1] == 0 and np.isfinite(y).all()
        assert np.isfinite(layer.backward(np.ones((1, 2), np.float32))).all()


@pytest.mark.parametrize("mode", ["quantized", "approximate"])
def test_unsigned_codes_hold_signed_weights_by_a_zero_point(mode):
    """A layer on [0, 255] computes what one on [-128, 127] does, to the rounding of its codes."""
    rng = np.random.default_rng(3)
    x = np.maximum(rng.normal(size=(50, 30)), 0).astype(np.float32)      # after a rectifier
    multiplier = exact(8, signed=False)
    layer = Linear(30, 20, rng=rng, quantization=LayerQuantization.for_multiplier(multiplier))
    expected = layer.forward(x)
    layer.multiplier = multiplier
    layer.set_mode(mode)
    y = layer.forward(x, training=True)
    qx = layer.quantization.x_parameters(layer.observer.bounds())
    qw = layer.quantization.w_parameters(layer.parameters["weight"].value)
    assert qx.zero_point == 0 and 0 < qw.zero_point < 255
    # each factor is off by half a step at most, and one step where the zero point was rounded
    weight = np.abs(layer.parameters["weight"].value).sum(axis=1)
    assert (np.abs(y - expected) <= qx.scale * weight + qw.scale * x.sum(axis=1)[:, None]).all()


def test_codes_are_int8_unless_told_otherwise():
    parameters = QuantizationParameters(0.5)
    assert (parameters.qmin, parameters.qmax) == (-128, 127)
    assert parameters.quantize([-1e9, 1e9]).tolist() == [-128, 127]


@pytest.mark.parametrize("shape", [(3,), (3, 2), (3, 2, 5), (3, 2, 3, 3)])
def test_parameters_per_channel_are_those_of_each_channel_alone(shape):
    rng = np.random.default_rng(0)
    scales, zeros, x = rng.uniform(0.01, 0.1, 3), rng.integers(-20, 20, 3), rng.normal(0, 9, shape)
    together = QuantizationParameters(scales, zeros)
    codes = together.quantize(x)
    back, (masked, inside) = together.dequantize(codes), quantize_with_mask(x, together, np.float64)
    for i in range(3):
        alone = QuantizationParameters(float(scales[i]), int(zeros[i]))
        assert np.array_equal(codes[i], alone.quantize(x[i])) and np.array_equal(back[i], alone.dequantize(codes[i]))
        expected, within = quantize_with_mask(x[i], alone, np.float64)
        assert np.array_equal(masked[i], expected)
        assert np.all(inside[i] if within is None else inside[i] == within)         # None: nothing was clipped


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2), (4, 3, 2, 2)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_a_folded_layer_computes_what_the_layer_and_its_batch_norm_compute(shape, with_bias):
    rng = np.random.default_rng(1)
    weight, x = rng.normal(size=shape), rng.normal(size=shape[1:])
    gamma, beta, mean, bias = rng.normal(size=(4, 4))
    var, eps, bias = rng.uniform(0.1, 2, 4), 0.03, bias if with_bias else None
    w, b = fold_batch_norm(weight, bias, gamma, beta, mean, var, eps)
    for i in range(4):
        plain = np.sum(weight[i] * x) + (bias[i] if with_bias else 0)
        assert np.isclose(np.sum(w[i] * x) + b[i], gamma[i] * (plain - mean[i]) / np.sqrt(var[i] + eps) + beta[i])
    with pytest.raises(ValueError, match=r"needs arrays \(4,\)"):
        fold_batch_norm(weight, bias, gamma[:3], beta[:3], mean[:3], var[:3])


def test_observers():
    widest, average = MinMaxObserver(), MovingAverageObserver(momentum=0.25)
    for x in ([1.0, 2.0], [-3.0, 1.0]):
        widest.observe(np.array(x))
        average.observe(np.array(x))
    assert widest.bounds() == (-3.0, 2.0)
    assert average.bounds() == (1.0 + 0.25 * (-3.0 - 1.0), 2.0 + 0.25 * (1.0 - 2.0))
    batch = BatchObserver()
    for x in ([1.0, 9.0], [-3.0, 1.0]):
        batch.observe(x)
    assert batch.bounds() == (-3.0, 1.0)
    with pytest.raises(ValueError, match="range is unknown"):
        MinMaxObserver().bounds()


@pytest.mark.parametrize("make, message", [
    (lambda: TensorScheme("log"), "kind of TensorScheme must be one of symmetric, affine"),
    (lambda: TensorScheme(qmin=5, qmax=5), "qmax of TensorScheme must be at least 6"),
    (lambda: TensorScheme(qmin=-9, qmax=0), "must be positive"),
    (lambda: TensorScheme(qmin=1, qmax=5), "at most 0"),
    (lambda: TensorScheme("symmetric", 0, 255).parameters(-0.25, 1.0), r"no negative value, got -0\.25"),
    (lambda: TensorScheme("symmetric", 0, 255).parameters([0.0, -0.25], [1.0, 1.0]), r"no negative value, got -0\.25"),
    (lambda: TensorScheme().parameters(2.0, -3.0), "low must not exceed high"),
    (lambda: LayerQuantization(ranges="running"), "ranges of LayerQuantization must be one of moving, batch, static"),
    (lambda: LayerQuantization(x=TensorScheme(per_channel=True)), "cannot be per channel"),
    (lambda: TensorScheme().parameters(np.nan, 1.0), "finite"),
    (lambda: MovingAverageObserver(2.0), "momentum"),
    (lambda: MinMaxObserver().observe(np.array([np.inf])), "activations x must be finite"),
    (lambda: quantize(np.array([np.nan]), 1.0), "x of quantize must be finite, got nan at"),
    (lambda: quantize(np.zeros(2), 0.0), "scale must be positive, got 0.0"),
    (lambda: quantize(np.zeros(2), 1.0, 200), "zero_point must lie in"),
    (lambda: quantize(np.zeros(2), 1.0, 0, 5, 4), "qmax must be at least 6"),
])
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
