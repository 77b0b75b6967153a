"""Real numbers to codes: ties, clipping, ranges, and the declared gradient of it all."""
import math

import numpy as np

from refapprox.conformance.generator.building import exact, make, rounding
from refapprox.conformance.generator.draws import reals

INT8 = (-128, 127)


def half_up(v):
    return math.floor(v + 0.5)


def half_away(v):
    return int(math.copysign(math.floor(abs(v) + 0.5), v))


ROUNDINGS = {"half-up rounding": half_up, "half away from zero": half_away, "truncation": math.trunc}


def code(v, scale, zero_point, qmin, qmax, *, rounded=round, order="round, then add", clip=True):
    """One code. Python's `round` is half to even."""
    if order == "add, then round":
        q = rounded(v / scale + zero_point)
    elif order == "clip, then add":
        return min(max(rounded(v / scale), qmin), qmax) + zero_point
    elif order == "subtract":
        q = rounded(v / scale) - zero_point
    else:
        q = rounded(v / scale) + zero_point
    if not clip:
        return (q - qmin) % (qmax - qmin + 1) + qmin
    return min(max(q, qmin), qmax)


DEVIATIONS = {**{name: {"rounded": function} for name, function in ROUNDINGS.items()},
              "wraparound instead of clipping": {"clip": False},
              "clipping before the zero point": {"order": "clip, then add"},
              "zero point subtracted": {"order": "subtract"}}


def codes(x, *args, **how):
    return np.array([code(float(v), *args, **how) for v in x.ravel()], dtype=np.int64).reshape(x.shape)


ORDER = "order of rounding and zero point"


def by_order(values):
    """{convention: outputs} where the order shows, else the outputs alone; with the question."""
    right, other = values(), values(order="add, then round")
    if all(np.array_equal(right[name], other[name]) for name in right):
        return right, ""
    return {"round, then add": right, "add, then round": other}, ORDER


def quantization():
    """Ties, clipping, and the order of rounding and zero point."""
    ties = np.array([-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5])
    plain = np.array([-2.75, -1.25, -0.25, 0.0, 0.25, 1.25, 2.75])
    wide = np.array([-1000.0, -129.0, -128.0, -127.5, 126.5, 127.0, 128.0, 1000.0])
    for name, x, scale, zero_point, (qmin, qmax), probes in (
            ("ties", ties, 1.0, 0, INT8, "ties go to the even code"),
            ("ties-scaled", ties / 4, 0.25, 0, INT8, "ties of v / 0.25"),
            ("no-ties", plain, 1.0, 0, INT8, "nearest code"),
            ("clipped", wide, 1.0, 0, INT8, "codes out of range are clipped, not wrapped"),
            ("clipped-unsigned", np.array([-3.0, -0.25, 0.0, 254.5, 256.0, 300.0]), 1.0, 0, (0, 255), "unsigned range"),
            ("even-zero-point", ties, 1.0, 10, INT8, "an even zero point leaves ties as they are"),
            ("odd-zero-point", ties, 1.0, 3, INT8, "with an odd zero point the order of rounding and adding shows"),
            ("odd-zero-point-scaled", ties * 2, 2.0, -7, INT8, "ties of v / 2 with zero point -7"),
            ("zero-point-clipped", np.array([-200.0, -100.0, -50.0, 100.0, 200.0]), 1.0, -60, INT8,
             "the range applies after the zero point"),
            ("zero-point-unsigned", np.array([-1.5, -0.75, 0.0, 0.75, 1.75]), 0.0078125, 128, (0, 255),
             "affine unsigned codes"),
            ("narrow", ties, 1.0, 0, (-2, 1), "2-bit codes"),
            ("scale-1-127", np.array([0.3, 0.77, 1.0]), 1 / 127, 0, (0, 127), "scale 1/127")):
        def values(x=x, args=(scale, zero_point, qmin, qmax), **how):
            return {"codes": codes(x, *args, **how)}

        expected, question = by_order(values)
        yield make(f"quantization/{name}", "quantize",
                   {"x": x, "scale": scale, "zero_point": zero_point, "qmin": qmin, "qmax": qmax}, expected,
                   probes=probes, check=exact("codes are integers; no v / scale lies within 1e-6 of a tie but on one"),
                   mistakes={mistake: values(**how) for mistake, how in DEVIATIONS.items()},
                   reference="quantization", question=question)


def range_parameters(low, high, scheme, qmin, qmax, *, with_zero=True, one_sided=False, steps=0, rounded=round):
    """(scale, zero point) by the definition."""
    if scheme == "symmetric":
        return (high if one_sided else max(abs(low), abs(high))) / (qmax + steps), 0
    if with_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (qmax - qmin + steps)
    return scale, min(max(rounded(qmin - low / scale), qmin), qmax)


def parameters():
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
        def values(args=(low, high, scheme, qmin, qmax), **how):
            scale, zero_point = range_parameters(*args, **how)
            return {"scale": scale, "zero_point": zero_point}

        right = values()
        yield make(f"quantization_parameters/{name}", "quantization_parameters",
                   {"low": low, "high": high, "scheme": scheme, "qmin": qmin, "qmax": qmax}, right, probes=probes,
                   check=rounding({"scale": right["scale"]}, 4, "one subtraction and one division"),
                   mistakes={"range without zero": values(with_zero=False),
                             "symmetric range from one side": values(one_sided=True),
                             "one step too many": values(steps=1)}, reference="quantization")


def fake(x, scale, zero_point, qmin, qmax, **how):
    return np.array([scale * (int(q) - zero_point) for q in codes(x, scale, zero_point, qmin, qmax, **how).ravel()]
                    ).reshape(x.shape)


def fake_gradient(dy, x, scale, zero_point, qmin, qmax, *, passes="closed", factor=1.0):
    """dy where the unclipped code lies in [qmin, qmax]."""
    inside = []
    for v in x.ravel():
        q = round(float(v) / scale) + zero_point
        inside.append(passes == "all" or (qmin <= q <= qmax if passes == "closed" else qmin < q < qmax))
    return factor * dy * np.array(inside).reshape(x.shape)


def fake_quantize():
    """Values that codes stand for, and the declared gradient."""
    for name, x, scale, zero_point, (qmin, qmax), probes in (
            ("symmetric", reals("fake a", (3, 4), -2, 2), 0.03125, 0, (-32, 31), "symmetric, some values clipped"),
            ("affine", reals("fake b", (3, 4), -1, 3), 0.0625, -10, (-32, 31), "affine, some values clipped"),
            ("unsigned", reals("fake c", (12,), -1, 3), 0.015625, 20, (0, 127), "unsigned codes, some values clipped"),
            ("ends", np.array([-2.0, -1.9375, -1.0, 0.0, 1.875, 1.9375, 2.0]), 0.0625, 0, (-31, 30),
             "codes at the ends of the range are inside it"),
            ("ties", np.array([-0.75, -0.25, 0.25, 0.75, 1.25, 5.0]), 0.5, 2, (-8, 7), "ties")):
        inputs = {"x": x, "scale": scale, "zero_point": zero_point, "qmin": qmin, "qmax": qmax}
        args = (scale, zero_point, qmin, qmax)

        def values(x=x, args=args, **how):
            return {"y": fake(x, *args, **how)}

        yield make(f"fake_quantize/{name}", "fake_quantize", inputs, values(), probes=probes,
                   check=rounding({"y": 8.0}, 2, "one product of a scale and an integer"),
                   reference="fake-quantization",
                   mistakes={mistake: values(**how) for mistake, how in DEVIATIONS.items()})
        dy = reals(f"fake dy {name}", x.shape, 0.25, 2)

        def gradient(dy=dy, x=x, args=args, **how):
            return {"dx": fake_gradient(dy, x, *args, **how)}

        yield make(f"fake_quantize/gradient-{name}", "fake_quantize_gradient", {"dy": dy, **inputs}, gradient(),
                   probes=f"declared gradient: {probes}", check=rounding({"dx": 2.0}, 2, "dy or 0"),
                   reference="fake-quantization",
                   mistakes={"clipping ignored by the gradient": gradient(passes="all"),
                             "gradient clipped to open range": gradient(passes="open"),
                             "gradient scaled by the scale": gradient(factor=scale)})
