"""Weights to conductances and back: pairs of devices, curves, single devices, and how an array is read out."""
import math

import numpy as np

from refapprox.conformance.spec.base import Part, Refused, family, operation, part
from refapprox.conformance.spec.examples import Example, reals, rounding
from refapprox.conformance.spec.quantization import rounded

EPSILON = 1e-7

# ---- parts

order_of_pairs = Part("In which order pairs are filled.", lambda pairs: range(pairs), {
    "pairs filled in reverse order": ("the last pair carries the small weights",
        lambda pairs: range(pairs - 1, -1, -1))})
lowest = Part("Where conductances start.", lambda g_min: g_min, {
    "g_min ignored": ("conductances start at 0", lambda g_min: 0.0)})
devices_of = Part("Devices in the order g0+, g0-, g1+, g1-, ...", lambda conductances: conductances, {
    "devices swapped": ("positive weights are stored in g-",
        lambda g: g.reshape(-1, 2, *g.shape[1:])[:, ::-1].reshape(g.shape))})
factor = Part("What a pair counts.", lambda f: f, {
    "significance ignored": ("pairs are summed without their factors", lambda f: 1.0)})


@part({
    "negative factor accepted": ("pairs of negative significance are filled, and weights come back as others "
        "(aihwkit's pair converters)", lambda f_lst: None)})
def check_factors(f_lst):
    """Weights filled into a pair that counts negatively would come back as others."""
    if min(f_lst) <= 0:
        raise Refused("factors must be positive")


def check_at(totals, positions):
    """The curves must represent the weight at every one of the positions (0 to 1)."""
    n, size = len(totals) - 1, max(map(abs, totals))
    for position in positions:
        left = min(int(position * n), n - 1)
        found = totals[left] + (totals[left + 1] - totals[left]) * (position * n - left)
        if abs(found / size - (2 * position - 1)) > 1e-4:
            raise Refused("a mapping that does not come back must be refused")


@part({
    "invertibility tested at five points": ("curves that misrepresent weights between -1, -1/2, 0, 1/2 and 1 are taken "
        "(aihwkit's custom converter)", lambda totals: check_at(totals, (0, 0.25, 0.5, 0.75, 1)))})
def check_curves(totals):
    """Every breakpoint comes back."""
    check_at(totals, [i / (len(totals) - 1) for i in range(len(totals))])


slope_without_spread = Part(
    "Weight per uS of a row whose conductances are all alike.",
    lambda weights, g_max: max(map(abs, weights)) / g_max, {
    "constant rows lost": ("a row of conductances that are all alike has no regression slope, and its weights become 0 "
        "(aihwkit's Fusion converter)", lambda weights, g_max: 0.0)})
sides = Part("How many bounds the range of a converter spans.", lambda: 2, {
    "one side of the range": ("levels are a share of the bound instead of the whole range", lambda: 1)})
is_read = Part("Whether a row is taken as it was read.", lambda y, bound: max(map(abs, y)) <= bound, {
    "outputs stop at the bound": ("outputs beyond the bound are cut off, rather than read with a smaller input",
        lambda y, bound: True)})


def filled_pairs(weights, f_lst, g_max, g_min):
    """(conductances, uS per unit weight) of pairs filled one after the other."""
    base = lowest(g_min)
    span = g_max - base
    scale = math.fsum(f * span for f in f_lst) / max(float(np.abs(weights).max()), EPSILON)
    conductances, below = np.empty((2 * len(f_lst), *weights.shape)), 0.0
    for j in order_of_pairs(len(f_lst)):
        for sign in (0, 1):
            share = (np.maximum(scale * (-weights if sign else weights), 0.0) - below) / f_lst[j]
            conductances[2 * j + sign] = base + np.minimum(np.maximum(share, 0.0), span)
        below += f_lst[j] * span
    return devices_of(conductances), scale


def interpolated_curves(weights, f_lst, g_lst):
    """Each device's curve at the normalized weight, piecewise linear over equispaced breakpoints."""
    n, largest = len(g_lst[0]), float(np.abs(weights).max())
    totals = [math.fsum(f * (g_lst[2 * j][i] - g_lst[2 * j + 1][i]) for j, f in enumerate(f_lst)) for i in range(n)]
    check_curves(totals)
    conductances = np.empty((len(g_lst), *weights.shape))
    for at in np.ndindex(weights.shape):
        position = (weights[at] / largest + 1) / 2 * (n - 1)
        left = min(int(position), n - 2)
        part = position - left
        for device, curve in enumerate(g_lst):
            conductances[(device, *at)] = curve[left] * (1 - part) + curve[left + 1] * part
    return devices_of(conductances), max(map(abs, totals)) / max(largest, EPSILON)


def regressed(held, wanted, g_max):
    """A row by the slope of a regression (with intercept) of its weights on its signed conductances."""
    n, x_sum, y_sum = len(held), math.fsum(held), math.fsum(wanted)
    if len(set(held)) == 1:
        slope = slope_without_spread(wanted, g_max)
    else:
        slope = ((n * math.fsum(x * y for x, y in zip(held, wanted, strict=True)) - x_sum * y_sum)
                 / (n * math.fsum(x * x for x in held) - x_sum * x_sum))
    return [slope * x for x in held]


# ---- operations


def of_range(inputs, right):
    return {"conductances": inputs["g_max"], "scale_ratio": right["scale_ratio"]}


def of_weights(inputs, right):
    if "f_lst" in inputs:
        return {"weights": 2 * sum(inputs["f_lst"]) * inputs.get("g_max", 25.0) / inputs["scale_ratio"]}
    return {"weights": 2 * float(np.abs(inputs["weights"]).max())}


@operation("conductances scale_ratio", "converters", rounding(of_range))
def to_conductances(*, weights, converter, f_lst, g_max, g_min, g_lst):
    """(conductances (2P, ...) in uS, scale_ratio in uS per unit weight); `converter` "single", "n_pair" or
    "custom" (then g_lst holds 2P curves over equispaced weights, else null)."""
    check_factors(f_lst)
    if converter == "custom":
        return interpolated_curves(weights, f_lst, g_lst)
    return filled_pairs(weights, f_lst, g_max, g_min)


@operation("weights", "converters", rounding(of_weights))
def from_conductances(*, conductances, f_lst, scale_ratio):
    """sum_j f_j (g_j+ - g_j-) / scale_ratio."""
    g = devices_of(conductances)
    return sum(factor(f) * (g[2 * j] - g[2 * j + 1]) for j, f in enumerate(f_lst)) / scale_ratio


@operation("conductances", "converters", rounding(lambda inputs, right: {"conductances": inputs["g_max"]}))
def unpaired_conductances(*, weights, converter, g_max, g_min):
    """Conductances (out, in) in uS of (out, in) weights, one device each; `converter` "single_device" or "fusion"
    (magnitudes, every row scaled by itself)."""
    if converter == "fusion":
        return np.array([[g_max * abs(w) / max(map(abs, row)) for w in row] for row in weights.tolist()])
    low, high, base = float(weights.min()), float(weights.max()), lowest(g_min)
    return np.array([[base + (g_max - base) * (w - low) / (high - low) for w in row] for row in weights.tolist()])


@operation("weights", "converters", rounding(of_weights))
def unpaired_weights(*, conductances, weights, converter, g_max, g_min):
    """The weights that `conductances` stand for, once programmed for `weights` by `unpaired_conductances`."""
    if converter == "fusion":
        return np.array([regressed(held, wanted, g_max) for held, wanted in
                         zip((np.sign(weights) * conductances).tolist(), weights.tolist(), strict=True)])
    low, high, base = float(weights.min()), float(weights.max()), lowest(g_min)
    return np.array([[low + (high - low) * (g - base) / (g_max - base) for g in row] for row in conductances.tolist()])


@operation("y", "readout", rounding(lambda inputs, right: {"y": float(np.abs(inputs["weights"]).max())}, 8,
                                    "multiples of a step"))
def readout(*, weights, out_res, out_bound):
    """Weights (in, out) as read with one-hot inputs, without noise: rounded (half to even) to multiples of 2
    out_bound out_res (1 / out_res where that is above 1; not at all where it is 0), at most out_bound; a row beyond
    that is read with half the input, and doubled, until it is not."""
    step = sides() * out_bound * (1 / out_res if out_res > 1 else max(out_res, 0.0))
    rows = []
    for row in weights.tolist():
        scale = 1.0
        while True:
            y = [rounded(w / scale / step) * step if step else w / scale for w in row]
            if is_read(y, out_bound):
                break
            scale *= 2
        rows.append([min(max(v, -out_bound), out_bound) * scale for v in y])
    return np.array(rows)


# ---- examples


def paired(name, weights, converter, f_lst, probes, g_max=25.0, g_min=0.0, g_lst=None, check=None):
    return Example(name, to_conductances, {"weights": weights, "converter": converter, "f_lst": f_lst, "g_max": g_max,
                                           "g_min": g_min, "g_lst": g_lst}, probes, check)


def refused(inputs, right):
    return {"kind": "refused", "bounds": {"conductances": 25e-5, "scale_ratio": 25e-5}}


@family("converters")
def conversions():
    """Weights to conductances and back."""
    weights, small = reals("converter", (3, 4), -1, 1), reals("converter small", (2, 3), -0.25, 0.125)
    for name, converter, f_lst, g_max, g_min, w in (
            ("single", "single", [1.0], 25.0, 0.0, weights), ("single-g-min", "single", [1.0], 25.0, 5.0, weights),
            ("single-small", "single", [1.0], 20.0, 0.0, small),
            ("two-pairs", "n_pair", [1.0, 3.0], 25.0, 0.0, weights),
            ("two-pairs-g-min", "n_pair", [2.0, 0.5], 25.0, 1.0, weights),
            ("three-pairs", "n_pair", [1.0, 2.0, 4.0], 25.0, 0.0, small)):
        yield paired(name, w, converter, f_lst, f"weights over {2 * len(f_lst)} devices, factors {f_lst}, {g_min} to "
                     f"{g_max} uS", g_max, g_min)
        held, scale = filled_pairs(w, f_lst, g_max, g_min)
        noisy = np.abs(held + reals(f"noisy {name}", held.shape, -1, 1))
        yield Example(f"back-{name}", from_conductances,
                      {"conductances": noisy, "f_lst": f_lst, "scale_ratio": scale},
                      f"disturbed conductances back to weights, factors {f_lst}",
                      rounding({"weights": 2 * sum(f_lst) * g_max / scale}))
    yield paired("custom", weights, "custom", [1.0],
                 "curves over five equispaced weights, both devices in use at weight 0",
                 g_lst=[[0.0, 0.0, 5.0, 10.0, 20.0], [20.0, 10.0, 5.0, 0.0, 0.0]])
    yield paired("all-zero", np.zeros((2, 3)), "n_pair", [1.0],
                 "weights that are all 0 stand at g_min; the scale is finite", g_min=5.0)
    for name, wrong in (("near-minus-one", 1), ("near-zero", 6)):      # neither is near -1/2 or 1/2
        total = [5.0 * (i - 5) + 2.5 * (i == wrong) for i in range(11)]
        yield paired(f"not-invertible-{name}", np.linspace(-1.0, 1.0, 9).reshape(3, 3), "custom", [1.0],
                     f"curves that are 2.5 uS off at breakpoint {wrong} of 11 represent other weights",
                     g_lst=[[max(v, 0.0) for v in total], [max(-v, 0.0) for v in total]], check=refused)
    for name, f_lst in (("second", [2.0, -1.0]), ("first", [-1.0, 2.0])):
        yield paired(f"negative-factor-{name}", reals("negative factor", (3, 3), -1, 1), "n_pair", f_lst,
                     f"factors {f_lst}: weights would come back as others", check=refused)
    yield from single_devices()


def single_devices():
    """One device a weight, or for its magnitude, to conductances and back from disturbed ones."""
    weights = reals("unpaired", (3, 4), -1, 1)
    for name, w, g_max, g_min in (("single-device", weights, 88.0, 9.0),
                                  ("single-device-positive", reals("unpaired positive", (2, 3), 0.5, 2), 50.0, 2.0)):
        given = {"weights": w, "converter": "single_device", "g_max": g_max, "g_min": g_min}
        yield Example(name, unpaired_conductances, given, f"the span of the weights on {g_min} to {g_max} uS")
        noisy = unpaired_conductances(**given) + reals(f"noisy {name}", w.shape, -1, 1)
        yield Example(f"back-{name}", unpaired_weights, {"conductances": noisy, **given},
                      "disturbed conductances of single devices back")
    for name, g_max in (("fusion", 40.0), ("fusion-10-uS", 10.0)):
        yield Example(name, unpaired_conductances, {"weights": weights, "converter": "fusion", "g_max": g_max,
                                                    "g_min": 0.0},
                      f"magnitudes, the largest of every row at {g_max} uS")
    column = reals("unpaired column", (4, 1), 0.25, 1) * np.array([[1.0], [-1.0], [1.0], [-1.0]])
    equal = np.where(np.array([[True], [False], [True]]), np.array([[0.5], [0.0], [-0.25]]), weights)
    for name, w, probes in (("", weights, "disturbed conductances back by a regression of every row"),
                            ("-equal-rows", equal, "rows of equal weights: no slope, but a scale"),
                            ("-column", column, "rows of one weight: no slope, but a scale")):
        given = {"weights": w, "converter": "fusion", "g_max": 40.0, "g_min": 0.0}
        g = unpaired_conductances(**given)
        noisy = np.where(np.ptp(g, axis=1, keepdims=True) == 0, g - 8.0, g) if name else np.abs(
            g + reals("noisy fusion", g.shape, -4, 4))
        yield Example(f"back-fusion{name}", unpaired_weights, {"conductances": noisy, **given}, probes,
                      rounding({"weights": 2 * float(np.abs(w).max())}, 64,
                               "sums of a few rounded terms and their quotient"))


@family("readout")
def readouts():
    """Converter levels, the end of their range, and what is done beyond it."""
    for name, weights, out_res, out_bound, probes in (
            ("levels", reals("readout", (3, 4), -1, 1), 0.0625, 1.0, "outputs are multiples of 2 * 1 * 0.0625"),
            ("ties", [[-0.75, -0.25, 0.25], [0.75, 0.5, -0.5]], 0.25, 1.0, "ties go to the even level"),
            ("ties-scaled", [[-5.0, -3.0], [3.0, 1.0]], 0.125, 8.0, "ties of v / 2"),
            ("number-of-levels", reals("readout levels", (2, 5), -1, 1), 32.0, 1.0,
             "a resolution above 1 is a number of levels"),
            ("no-levels", reals("readout none", (2, 3), -1, 1), 0.0, 2.0, "resolution 0 rounds nothing"),
            ("beyond-the-bound", [[0.3125, 2.5, -0.75], [0.3125, 0.5, -0.75], [7.0, 0.0, -1.0]], 0.0625, 1.0,
             "a row beyond the bound is read at half the input, or a quarter; the others as they are"),
            ("beyond-without-levels", [[3.0, -0.5], [0.5, -4.0]], 0.0, 2.0, "nothing is lost without levels")):
        yield Example(name, readout, {"weights": np.array(weights), "out_res": out_res, "out_bound": out_bound}, probes)
