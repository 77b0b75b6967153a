"""Real numbers to codes: ties, clipping, ranges, and the declared gradient of it all."""
import math

import numpy as np

from refapprox.conformance.spec.base import Part, family, operation
from refapprox.conformance.spec.examples import Example, exact, reals, rounding

# ---- parts

rounded = Part("The nearest integer, ties to the even one.", lambda v: round(v), {
    "half-up rounding": ("ties go up: floor(v + 1/2)", lambda v: math.floor(v + 0.5)),
    "half away from zero": ("ties go away from zero, as C's round()",
        lambda v: int(math.copysign(math.floor(abs(v) + 0.5), v))),
    "truncation": ("the fraction is cut off", math.trunc)})


def clipped(q, qmin, qmax):
    return min(max(q, qmin), qmax)


code = Part(
    "One code.",
    lambda v, scale, zero_point, qmin, qmax: clipped(rounded(v / scale) + zero_point, qmin, qmax), {
    "wraparound instead of clipping": ("codes out of range wrap",
        lambda v, scale, zero_point, qmin, qmax: (rounded(v / scale) + zero_point - qmin) % (qmax - qmin + 1) + qmin),
    "clipping before the zero point": ("the range is applied to the code without its zero point",
        lambda v, scale, zero_point, qmin, qmax: clipped(rounded(v / scale), qmin, qmax) + zero_point),
    "zero point subtracted": ("the zero point enters with the wrong sign",
        lambda v, scale, zero_point, qmin, qmax: clipped(rounded(v / scale) - zero_point, qmin, qmax))})


def each(function, x, *args):
    """`function` of every element."""
    return np.array([function(v, *args) for v in x.ravel().tolist()]).reshape(x.shape)


def codes(x, scale, zero_point, qmin, qmax):
    """Codes of an array, int64."""
    return each(code, x, scale, zero_point, qmin, qmax).astype(np.int64)


handed_out = Part(
    "Codes of the operation `quantize`: layers and fake quantization have one order, this operation may have another.",
    lambda x, scale, zero_point, qmin, qmax: codes(x, scale, zero_point, qmin, qmax), {}, {
    "order of rounding and zero point": {
        "round, then add": None, "add, then round": lambda x, scale, zero_point, qmin, qmax: each(
            lambda v: clipped(rounded(v / scale + zero_point), qmin, qmax), x)}})
extended = Part("An affine range has zero in it.", lambda low, high: (min(low, 0.0), max(high, 0.0)), {
    "range without zero": ("an affine range that does not contain zero is not extended to it",
        lambda low, high: (low, high))})
largest = Part("The magnitude that a symmetric range ends at.", lambda low, high: max(abs(low), abs(high)), {
    "symmetric range from one side": ("the scale is that of the maximum, a larger minimum is forgotten",
        lambda low, high: high)})
steps = Part("Steps from code to code.", lambda first, last: last - first, {
    "one step too many": ("the span is divided by the number of codes instead of the number of steps",
        lambda first, last: last - first + 1)})
passes = Part(
    "Whether the surrogate gradient passes an operand whose code before clipping is q.",
    lambda q, qmin, qmax: qmin <= q <= qmax, {
    "clipping ignored by the gradient": ("the surrogate gradient passes where an operand was clipped",
        lambda q, qmin, qmax: True),
    "gradient clipped to open range": ("the surrogate gradient is 0 at the ends of the range, too",
        lambda q, qmin, qmax: qmin < q < qmax)})
surrogate = Part("What passes: dy itself.", lambda dy, scale: dy, {
    "gradient scaled by the scale": ("a factor of the quantization scale is left in the gradient, or missing",
        lambda dy, scale: scale * dy)})


def fake(x, scale, zero_point, qmin, qmax):
    """The values that codes stand for."""
    return each(lambda q: scale * (q - zero_point), codes(x, scale, zero_point, qmin, qmax))


def passed(x, scale, zero_point, qmin, qmax):
    """1.0 where the gradient passes, else 0.0."""
    return each(lambda v: float(passes(round(v / scale) + zero_point, qmin, qmax)), x)


# ---- operations


@operation("codes", "quantization",
           exact("codes are integers; no v / scale lies within 1e-6 of a tie but on one"))
def quantize(*, x, scale, zero_point, qmin, qmax):
    """clip(round_half_even(x / scale) + zero_point, qmin, qmax) -> integer codes."""
    return handed_out(x, scale, zero_point, qmin, qmax)


@operation("scale zero_point", "quantization",
           rounding(lambda inputs, right: {"scale": right["scale"]}, 4, "one subtraction and one division"))
def quantization_parameters(*, low, high, scheme, qmin, qmax):
    """(scale, zero_point) for values in [low, high], `scheme` "symmetric" (max(|low|, |high|) / qmax) or "affine"
    ([min(low, 0), max(high, 0)] spans [qmin, qmax])."""
    if scheme == "symmetric":
        return largest(low, high) / steps(0, qmax), 0
    low, high = extended(low, high)
    scale = (high - low) / steps(qmin, qmax)
    return scale, clipped(round(qmin - low / scale), qmin, qmax)


@operation("y", "fake-quantization", rounding({"y": 8.0}, 2, "one product of a scale and an integer"))
def fake_quantize(*, x, scale, zero_point, qmin, qmax):
    """scale * (quantize(x) - zero_point)."""
    return fake(x, scale, zero_point, qmin, qmax)


@operation("dx", "fake-quantization", rounding({"dx": 2.0}, 2, "dy or 0"))
def fake_quantize_gradient(*, dy, x, scale, zero_point, qmin, qmax):
    """Straight-through: dy where the code before clipping lies in [qmin, qmax], else 0."""
    return surrogate(dy, scale) * passed(x, scale, zero_point, qmin, qmax)


# ---- examples

INT8 = (-128, 127)


def parameters(scale, zero_point, limits):
    return {"scale": scale, "zero_point": zero_point, "qmin": limits[0], "qmax": limits[1]}


@family("quantization")
def to_codes():
    """Ties, clipping, and the order of rounding and zero point."""
    ties = np.array([-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5])
    plain = [-2.75, -1.25, -0.25, 0.0, 0.25, 1.25, 2.75]
    wide = [-1000.0, -129.0, -128.0, -127.5, 126.5, 127.0, 128.0, 1000.0]
    for name, x, scale, zero_point, limits, probes in (
            ("ties", ties, 1.0, 0, INT8, "ties go to the even code"),
            ("ties-scaled", ties / 4, 0.25, 0, INT8, "ties of v / 0.25"),
            ("no-ties", plain, 1.0, 0, INT8, "nearest code"),
            ("clipped", wide, 1.0, 0, INT8, "codes out of range are clipped, not wrapped"),
            ("clipped-unsigned", [-3.0, -0.25, 0.0, 254.5, 256.0, 300.0], 1.0, 0, (0, 255), "unsigned range"),
            ("even-zero-point", ties, 1.0, 10, INT8, "an even zero point leaves ties as they are"),
            ("odd-zero-point", ties, 1.0, 3, INT8, "with an odd zero point the order of rounding and adding shows"),
            ("odd-zero-point-scaled", ties * 2, 2.0, -7, INT8, "ties of v / 2 with zero point -7"),
            ("zero-point-clipped", [-200.0, -100.0, -50.0, 100.0, 200.0], 1.0, -60, INT8,
             "the range applies after the zero point"),
            ("zero-point-unsigned", [-1.5, -0.75, 0.0, 0.75, 1.75], 0.0078125, 128, (0, 255), "affine unsigned codes"),
            ("narrow", ties, 1.0, 0, (-2, 1), "2-bit codes"),
            ("scale-1-127", [0.3, 0.77, 1.0], 1 / 127, 0, (0, 127), "scale 1/127")):
        yield Example(name, quantize, {"x": np.array(x), **parameters(scale, zero_point, limits)}, probes)


@family("quantization_parameters")
def ranges():
    """Scale and zero point of a range."""
    for name, low, high, scheme, (qmin, qmax), probes in (
            ("symmetric", -1.0, 2.0, "symmetric", INT8, "the larger magnitude decides"),
            ("symmetric-negative", -3.0, 1.0, "symmetric", INT8, "the larger magnitude is the minimum's"),
            ("symmetric-7-bit", -0.5, 0.25, "symmetric", (-64, 63), "7-bit codes"),
            ("affine", -1.0, 3.0, "affine", INT8, "the range spans 255 steps"),
            ("affine-unsigned", -0.6, 2.5, "affine", (0, 255), "unsigned codes"),
            ("affine-positive", 1.0, 4.0, "affine", (0, 255), "a range above zero is extended to zero"),
            ("affine-negative", -4.0, -2.0, "affine", (0, 127), "a range below zero is extended to zero"),
            ("affine-7-bit", 0.0, 6.0, "affine", (0, 127), "activations after ReLU in torchapprox's 7-bit codes")):
        yield Example(name, quantization_parameters,
                      {"low": low, "high": high, "scheme": scheme, "qmin": qmin, "qmax": qmax}, probes)


@family("fake_quantize")
def fake_quantized():
    """Values that codes stand for, and the declared gradient."""
    for name, x, scale, zero_point, limits, probes in (
            ("symmetric", reals("fake a", (3, 4), -2, 2), 0.03125, 0, (-32, 31), "symmetric, some values clipped"),
            ("affine", reals("fake b", (3, 4), -1, 3), 0.0625, -10, (-32, 31), "affine, some values clipped"),
            ("unsigned", reals("fake c", (12,), -1, 3), 0.015625, 20, (0, 127), "unsigned codes, some values clipped"),
            ("ends", np.array([-2.0, -1.9375, -1.0, 0.0, 1.875, 1.9375, 2.0]), 0.0625, 0, (-31, 30),
             "codes at the ends of the range are inside it"),
            ("ties", np.array([-0.75, -0.25, 0.25, 0.75, 1.25, 5.0]), 0.5, 2, (-8, 7), "ties")):
        inputs = {"x": x, **parameters(scale, zero_point, limits)}
        yield Example(name, fake_quantize, inputs, probes)
        yield Example(f"gradient-{name}", fake_quantize_gradient,
                      {"dy": reals(f"fake dy {name}", x.shape, 0.25, 2), **inputs}, f"declared gradient: {probes}")
