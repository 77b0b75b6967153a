"""The tools of `refapprox.testing`: what they draw is valid and varied; every mutant is told from the right thing."""
import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from refapprox import Multiplier, load_library, lut_matmul
from refapprox.error_stats import error_prediction
from refapprox.gradient_check import gradient_agrees
from refapprox.ops import conv2d, linear
from refapprox.quantization import quantize
from refapprox.testing import (
    MUTANTS,
    conv_shapes,
    distributions,
    error_maps,
    linear_shapes,
    multiplier_families,
    multiplier_tables,
    multipliers,
    operand_codes,
    quantization_parameters,
)
from refapprox.testing.strategies import asymmetric_multipliers


def zero_operands(multiplier):
    """Products with a zero operand."""
    row, column = -multiplier.range_x[0], -multiplier.range_w[0]
    return np.concatenate([multiplier.lut[row], multiplier.lut[:, column]])


# ---- strategies

@given(multipliers())
def test_drawn_multipliers_are_usable(multiplier):
    assert multiplier.error_map.shape == multiplier.lut.shape and multiplier.performance_metric != 0


@given(multiplier_tables(exact_at_zero=True), multiplier_tables(exact_at_zero=False), asymmetric_multipliers())
def test_drawn_tables_are_what_was_asked_for(clean, dirty, asymmetric):
    assert not zero_operands(clean).any() and zero_operands(dirty).any()
    assert not np.array_equal(asymmetric.lut, asymmetric.lut.T)


@pytest.mark.parametrize("wanted", [
    lambda m: not m.error_map.any(),
    lambda m: m.error_map.any() and m.signed,
    lambda m: m.bits_x != m.bits_w,
    lambda m: zero_operands(m).any(),
    lambda m: m.bits_x == m.bits_w and not np.array_equal(m.lut, m.lut.T),
])
def test_every_kind_of_multiplier_is_among_them(wanted):
    assert find(multipliers(), wanted)


@pytest.mark.parametrize("name, other", [("T", "B"), ("B", "T")])
def test_families_hold_both_kinds_with_and_without_errors(name, other):
    for erroneous in (False, True):
        found = find(multiplier_families(), lambda m, e=erroneous: m.name.startswith(name) and m.error_map.any() == e)
        assert found.name.startswith(name) and not found.name.startswith(other)


@given(st.integers(1, 20).flatmap(distributions))
def test_distributions_sum_to_one(distribution):
    assert distribution.min() >= 0 and distribution.sum() == pytest.approx(1, abs=1e-12)


@given(operand_codes((3, 4), -7, 5))
def test_codes_stay_in_their_range(codes):
    assert codes.shape == (3, 4) and codes.dtype == np.int64 and codes.min() >= -7 and codes.max() <= 5


@given(conv_shapes(), linear_shapes())
def test_every_layer_shape_has_an_output(conv, shape):
    x = np.zeros((conv["n"], conv["c_in"], conv["h"], conv["w"]))
    w = np.zeros((conv["c_out"], conv["c_in"] // conv["groups"], *conv["kernel"]))
    y, _ = conv2d.forward(x, w, **{key: conv[key] for key in ("stride", "padding", "dilation", "groups")})
    assert y.size > 0
    y, _ = linear.forward(np.zeros((shape["n"], shape["k"])), np.zeros((shape["m"], shape["k"])))
    assert y.shape == (shape["n"], shape["m"])


@given(quantization_parameters(), st.floats(-1e6, 1e6))
def test_quantization_parameters_quantize(parameters, real):
    assert parameters.qmin <= parameters.quantize(np.array([real]))[0] <= parameters.qmax


@given(error_maps(max_bits=3))
def test_error_maps_are_integers(emap):
    assert emap.dtype.kind == "i" and emap.ndim == 2


# ---- mutants: the right thing passes each check, every mutant of its kind fails it

LUT = load_library()["mul8s_1KVL"].lut
UNIFORM = np.full(8, 1 / 8)
EMAP = np.random.default_rng(0).integers(-9, 10, (8, 8))


def check_table(lut):
    x = np.arange(-128, 128)
    plain = [[sum((a >> i & 1) * (b >> j & 1) * (-1) ** ((i == 7) + (j == 7)) * 2 ** (i + j)
                  for i in range(2, 8) for j in range(8) if i + j >= 5) for b in x[::37]] for a in x[::37]]
    return np.array_equal(lut[::37, ::37], plain)


def check_estimator(estimator):
    x_dist = np.arange(1, 9) / 36
    draws = [(p * q, e) for p, row in zip(x_dist, EMAP, strict=True) for q, e in zip(UNIFORM, row, strict=True)]
    mean = sum(p * e for p, e in draws)
    variance = sum(p * (e - mean) ** 2 for p, e in draws) / 5
    return np.allclose(estimator(EMAP, x_dist, UNIFORM, 5), (mean, variance ** 0.5), rtol=1e-12)


def check_spread(spread):
    return np.isclose(spread(np.array([0.0, 2.0, 4.0])), (8 / 3) ** 0.5, rtol=1e-12)


def check_quantizer(quantizer):
    """Ties, odd zero points and clipping: x / scale = 0.5, 2.5, -0.5, 1000."""
    x, scale = np.array([0.25, 1.25, -0.25, 500.0]), 0.5
    return quantizer(x, scale, 1, -128, 127).tolist() == [1, 3, 1, 127]


def check_convolution(convolution):
    """One-hot input and a kernel of powers of two: a wrong number names the wrong tap."""
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 0, 1] = 1
    return convolution(x, 2.0 ** np.arange(9).reshape(1, 1, 3, 3)).ravel().tolist() == [2]


def check_product(product):
    x, w = np.full((2, 300), 127), np.full((300, 2), 127)
    return np.array_equal(product(x, w), np.full((2, 2), 300 * (127 * 127 - 9)))


OFF_BY_NINE = Multiplier.from_function("off by nine", lambda x, w: x * w - 9)      # also where both are zero
RIGHT = {
    "table": (LUT, check_table),
    "estimator": (error_prediction, check_estimator),
    "spread": (lambda a: np.std(a, ddof=0), check_spread),
    "quantizer": (quantize, check_quantizer),
    "convolution": (lambda x, w: conv2d.forward(x, w)[0], check_convolution),
    "matrix product": (lambda x, w: lut_matmul(x, w, OFF_BY_NINE), check_product),
    "gradient": (linear.backward, lambda backward: gradient_agrees(
        linear.forward, backward, np.random.default_rng(0).normal(size=(2, 3, 4)), rng=np.random.default_rng(1))),
}


def test_every_kind_of_mutant_has_its_check():
    assert {mutant.kind for mutant in MUTANTS} == {*RIGHT, "sampler"}      # samplers: test_assertions.py


@pytest.mark.parametrize("kind", RIGHT)
def test_the_right_thing_passes(kind):
    right, check = RIGHT[kind]
    assert check(right)


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.kind in RIGHT], ids=lambda mutant: mutant.name)
def test_every_mutant_is_rejected(mutant):
    right, check = RIGHT[mutant.kind]
    assert not check(mutant.apply(right))
