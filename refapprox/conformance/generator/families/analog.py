"""Weights in conductances: converters, the phase-change memory model, compensation and loss."""
import math

import numpy as np

from refapprox.conformance.generator.building import absolute, make, rounding
from refapprox.conformance.generator.draws import reals
from refapprox.conformance.generator.families import aging, device_models
from refapprox.conformance.generator.families.conductances import (
    G_MAX,
    T_0,
    T_READ,
    back,
    exponent,
    fill,
    interpolated,
    magnitudes,
    one_device,
    one_device_back,
    programmed,
    read_out,
    regressed,
)
from refapprox.conformance.generator.families.device_models import TOLERANCE


def converters():
    """Weights to conductances and back."""
    weights = reals("converter", (3, 4), -1, 1)
    small = reals("converter small", (2, 3), -0.25, 0.125)
    for name, converter, f_lst, g_max, g_min, w in (
            ("single", "single", [1.0], 25.0, 0.0, weights), ("single-g-min", "single", [1.0], 25.0, 5.0, weights),
            ("single-small", "single", [1.0], 20.0, 0.0, small),
            ("two-pairs", "n_pair", [1.0, 3.0], 25.0, 0.0, weights),
            ("two-pairs-g-min", "n_pair", [2.0, 0.5], 25.0, 1.0, weights),
            ("three-pairs", "n_pair", [1.0, 2.0, 4.0], 25.0, 0.0, small)):
        right = fill(w, f_lst, g_max, g_min)
        scale = {"conductances": g_max, "scale_ratio": right["scale_ratio"]}
        yield make(f"converters/{name}", "to_conductances",
                   {"weights": w, "converter": converter, "f_lst": f_lst, "g_max": g_max, "g_min": g_min,
                    "g_lst": None}, right,
                   probes=f"weights over {2 * len(f_lst)} devices, factors {f_lst}, {g_min} to {g_max} uS",
                   check=rounding(scale, 64), reference="converters",
                   mistakes={"pairs filled in reverse order": fill(w, f_lst, g_max, g_min, reverse=True),
                             "g_min ignored": fill(w, f_lst, g_max, g_min, floor=False),
                             "devices swapped": fill(w, f_lst, g_max, g_min, swapped=True)})
        noisy = np.abs(right["conductances"] + reals(f"noisy {name}", right["conductances"].shape, -1, 1))
        args = (noisy, f_lst, right["scale_ratio"])
        yield make(f"converters/back-{name}", "from_conductances",
                   {"conductances": noisy, "f_lst": f_lst, "scale_ratio": right["scale_ratio"]}, back(*args),
                   probes=f"disturbed conductances back to weights, factors {f_lst}",
                   check=rounding({"weights": 2 * sum(f_lst) * g_max / right["scale_ratio"]}, 64),
                   reference="converters",
                   mistakes={"significance ignored": back(*args, significance=False),
                             "devices swapped": back(*args, sign=-1)})
    curves = [[0.0, 0.0, 5.0, 10.0, 20.0], [20.0, 10.0, 5.0, 0.0, 0.0]]
    right = interpolated(weights, [1.0], curves)
    yield make("converters/custom", "to_conductances",
               {"weights": weights, "converter": "custom", "f_lst": [1.0], "g_max": 25.0, "g_min": 0.0,
                "g_lst": curves}, right,
               probes="curves over five equispaced weights, both devices in use at weight 0", reference="converters",
               check=rounding({"conductances": 25.0, "scale_ratio": right["scale_ratio"]}, 64),
               mistakes={"devices swapped": {**right, "conductances": right["conductances"][::-1]}})
    zeros = np.zeros((2, 3))
    right = fill(zeros, [1.0], 25.0, 5.0)
    yield make("converters/all-zero", "to_conductances",
               {"weights": zeros, "converter": "n_pair", "f_lst": [1.0], "g_max": 25.0, "g_min": 5.0, "g_lst": None},
               right,
               probes="weights that are all 0 stand at g_min; the scale is finite", reference="converters",
               check=rounding({"conductances": 25.0, "scale_ratio": right["scale_ratio"]}, 64),
               mistakes={"g_min ignored": fill(zeros, [1.0], 25.0, 5.0, floor=False)})
    yield from not_invertible()
    yield from impossible_factors()
    yield from unpaired()


def unpaired():
    """One device a weight, or for its magnitude, to conductances and back from disturbed ones."""
    weights = reals("unpaired", (3, 4), -1, 1)
    for name, w, g_max, g_min in (("single-device", weights, 88.0, 9.0),
                                  ("single-device-positive", reals("unpaired positive", (2, 3), 0.5, 2), 50.0, 2.0)):
        given, right = {"converter": "single_device", "g_max": g_max, "g_min": g_min}, one_device(w, g_max, g_min)
        yield make(f"converters/{name}", "unpaired_conductances", {"weights": w, **given}, right,
                   probes=f"the span of the weights on {g_min} to {g_max} uS", reference="converters",
                   check=rounding({"conductances": g_max}, 64),
                   mistakes={"g_min ignored": one_device(w, g_max, 0.0)})
        noisy = right["conductances"] + reals(f"noisy {name}", w.shape, -1, 1)
        yield make(f"converters/back-{name}", "unpaired_weights", {"conductances": noisy, "weights": w, **given},
                   one_device_back(noisy, w, g_max, g_min), probes="disturbed conductances of single devices back",
                   check=rounding({"weights": 2 * float(np.abs(w).max())}, 64), reference="converters",
                   mistakes={"g_min ignored": one_device_back(noisy, w, g_max, 0.0)})
    for name, g_max in (("fusion", 40.0), ("fusion-10-uS", 10.0)):
        given, right = {"converter": "fusion", "g_max": g_max, "g_min": 0.0}, magnitudes(weights, g_max)
        yield make(f"converters/{name}", "unpaired_conductances", {"weights": weights, **given}, right,
                   probes=f"magnitudes, the largest of every row at {g_max} uS", reference="converters",
                   check=rounding({"conductances": g_max}, 64))
    column = reals("unpaired column", (4, 1), 0.25, 1) * np.array([[1.0], [-1.0], [1.0], [-1.0]])
    equal = np.where(np.array([[True], [False], [True]]), np.array([[0.5], [0.0], [-0.25]]), weights)
    for name, w, probes in (("", weights, "disturbed conductances back by a regression of every row"),
                            ("-equal-rows", equal, "rows of equal weights: no slope, but a scale"),
                            ("-column", column, "rows of one weight: no slope, but a scale")):
        g = magnitudes(w, 40.0)["conductances"]
        noisy = g - 8.0 if name else np.abs(g + reals("noisy fusion", g.shape, -4, 4))
        noisy = np.where((np.ptp(g, axis=1, keepdims=True) == 0) | (not name), noisy, g)
        yield make(f"converters/back-fusion{name}", "unpaired_weights",
                   {"conductances": noisy, "weights": w, "converter": "fusion", "g_max": 40.0, "g_min": 0.0},
                   regressed(noisy, w, 40.0), probes=probes, reference="converters",
                   check=rounding({"weights": 2 * float(np.abs(w).max())}, 64,
                                  "sums of a few rounded terms and their quotient"),
                   mistakes={"constant rows lost": regressed(noisy, w, 40.0, lost=True)})


def impossible_factors():
    """A pair of negative significance cannot be filled in order: the weights would not come back."""
    weights = reals("negative factor", (3, 3), -1, 1)
    for name, f_lst in (("second", [2.0, -1.0]), ("first", [-1.0, 2.0])):
        yield refused(f"negative-factor-{name}", weights, "n_pair", f_lst, None,
                      probes=f"factors {f_lst}: weights would come back as others", reason="factors must be positive",
                      mistake="negative factor accepted", taken=fill(weights, f_lst, 25.0, 0.0))


def not_invertible():
    """Curves that say another weight at one of eleven breakpoints, none of which is near -1/2 or 1/2."""
    for name, wrong in (("near-minus-one", 1), ("near-zero", 6)):
        total = [5.0 * (i - 5) for i in range(11)]
        total[wrong] += 2.5
        curves = [[max(v, 0.0) for v in total], [max(-v, 0.0) for v in total]]
        weights = np.linspace(-1.0, 1.0, 9).reshape(3, 3)
        yield refused(f"not-invertible-{name}", weights, "custom", [1.0], curves,
                      probes=f"curves that are 2.5 uS off at breakpoint {wrong} of 11 represent other weights",
                      reason="a mapping that does not come back must be refused",
                      mistake="invertibility tested at five points", taken=interpolated(weights, [1.0], curves))


def refused(name, weights, converter, f_lst, g_lst, *, probes, reason, mistake, taken):
    """A converter that must not be taken, and what the `mistake` of taking it gives."""
    return make(f"converters/{name}", "to_conductances",
                {"weights": weights, "converter": converter, "f_lst": f_lst, "g_max": 25.0, "g_min": 0.0,
                 "g_lst": g_lst},
                {"conductances": "refused", "scale_ratio": "refused"}, reference="converters", probes=probes,
                check={"kind": "refused", "bounds": {"conductances": 25e-5, "scale_ratio": 25e-5}, "reason": reason},
                mistakes={mistake: taken})


def devices():
    """Programming, drift exponent and reading for given draws: phase-change memory, then the textbook device."""
    g = np.array([0.0, 0.5, 2.0, 8.0, 16.0, 25.0])
    for name, z in (("none", 0.0), ("plus", 1.0), ("minus", -1.0), ("extreme", -8.0)):
        draws = np.full(6, z)
        inputs = {"model": "pcm_like", "g_target": g, "z": draws}
        right = programmed(g, draws)
        yield make(f"devices/program-{name}", "program", inputs, right, probes=f"programming noise for z = {z}",
                   check=absolute({"g_prog": 25e-5}, TOLERANCE), reference="devices",
                   mistakes={"negative conductance": programmed(g, draws, clip=False),
                             "coefficients reversed": programmed(g, draws, reverse=True)})
        yield make(f"devices/drift-{name}", "drift_exponent", inputs, exponent(g, draws),
                   probes=f"drift exponents for z = {z}", check=absolute({"nu": 1e-6}, TOLERANCE), reference="devices",
                   mistakes={"truncated drift exponent": exponent(g, draws, folded=False)})
    yield make("devices/drift-very-extreme", "drift_exponent",
               {"model": "pcm_like", "g_target": g, "z": np.full(6, -14.0)},
               exponent(g, np.full(6, -14.0)), probes="the exponent's magnitude is taken, for z = -14",
               check=absolute({"nu": 1e-6}, TOLERANCE), reference="devices",
               mistakes={"truncated drift exponent": exponent(g, np.full(6, -14.0), folded=False)})
    nu = np.array([0.06, 0.1, 0.05, 0.049, 0.08, 0.049])
    for name, t, z in (("at-once", 0.0, 1.0), ("minute", 60.0, 0.0), ("hour", 3600.0, 1.0), ("month", 2592000.0, -1.0),
                       ("extreme", 60.0, -8.0), ("year", 31536000.0, -8.0)):
        draws = np.full(6, z)
        yield make(f"devices/read-{name}", "read", {"model": "pcm_like", "g_prog": g, "nu": nu, "t": t, "z": draws},
                   read_out(g, nu, t, draws), probes=f"conductance {t:g} s after programming, read noise z = {z}",
                   check=absolute({"g": 50e-5}, TOLERANCE), reference="devices",
                   mistakes={"negative conductance": read_out(g, nu, t, draws, clip=False),
                             "drift time without t_0": read_out(g, nu, t, draws, offset=False) if t else None,
                             "read noise of the drifted conductance": read_out(g, nu, t, draws, of_drifted=True)})
    yield from state_independent()
    yield from device_models.others()


def state_independent():
    """The textbook device: sigma = 0.2 uS, nu = |0.1 + 0.05 z|, relative read noise sqrt(log(...)) / g_max."""
    g = np.array([0.0, 0.125, 1.0, 12.5, 25.0])
    for name, z in (("plus", 1.0), ("minus", -1.0), ("extreme", -4.0)):
        draws, t = np.full(5, z), 3600.0
        noisy, exponents = g + 0.2 * draws, 0.1 + 0.05 * draws
        inputs = {"model": "state_independent", "g_target": g, "z": draws}
        yield make(f"devices/state-independent-program-{name}", "program", inputs, {"g_prog": np.maximum(noisy, 0.0)},
                   probes=f"0.2 uS of noise whatever the target, z = {z}", check=absolute({"g_prog": 25e-5}, TOLERANCE),
                   reference="devices", mistakes={"negative conductance": {"g_prog": noisy}})
        yield make(f"devices/state-independent-drift-{name}", "drift_exponent", inputs, {"nu": np.abs(exponents)},
                   probes=f"the exponent's magnitude, z = {z}", check=absolute({"nu": 1e-6}, TOLERANCE),
                   reference="devices", mistakes={"truncated drift exponent": {"nu": np.maximum(exponents, 0.0)}})
        nu, growth = 0.1, math.sqrt(math.log((t + T_0 + T_READ) / (2 * T_READ)))
        drifted = g * ((t + T_0) / T_0) ** -nu
        yield make(f"devices/state-independent-read-{name}", "read",
                   {"model": "state_independent", "g_prog": g, "nu": np.full(5, nu), "t": t, "z": draws},
                   {"g": np.maximum(drifted * (1 + growth * z / G_MAX), 0.0)}, probes=f"read after an hour, z = {z}",
                   check=absolute({"g": 50e-5}, TOLERANCE), reference="devices",
                   mistakes={"drift time without t_0":
                             {"g": np.maximum(g * (t / T_0) ** -nu * (1 + growth * z / G_MAX), 0.0)}})


def analog_loss():
    """Global drift compensation, and the error that is left."""
    for name, shape in (("small", (2, 3)), ("larger", (4, 5)), ("column", (6, 1))):
        weights = reals(f"loss {name}", shape, -1, 1)
        times = np.stack([weights * factor + reals(f"loss {name} {factor}", shape, -0.125, 0.125)
                          for factor in (1.0, 0.75)])
        baseline, readout = weights, times[1]

        def mean_size(v, signed=False):
            values = v.ravel().tolist()
            return max((abs(math.fsum(values)) if signed else math.fsum(map(abs, values))) / len(values), 1e-4)

        alpha = mean_size(baseline) / mean_size(readout)
        yield make(f"analog_loss/compensation-{name}", "drift_compensation", {"baseline": baseline, "readout": readout},
                   {"alpha": alpha}, probes="one factor per tile, from mean magnitudes",
                   check=rounding({"alpha": alpha}),
                   reference="analog-loss",
                   mistakes={"compensation inverted": {"alpha": 1 / alpha}, "compensation by the signed mean":
                             {"alpha": mean_size(baseline, True) / mean_size(readout, True)}})
        largest = float(np.abs(weights).max())
        squares = math.fsum(((times - weights) ** 2).ravel().tolist())
        loss = squares / largest ** 2 / times.size
        norm = math.fsum((weights ** 2).ravel().tolist()) / weights.size
        yield make(f"analog_loss/{name}", "analog_loss", {"weights": weights, "effective": times},
                   {"no amplification": {"tnmse": loss}, "100 times (aihwkit)": {"tnmse": 100 * loss}},
                   question="amplification of the loss", probes="mean squared error relative to the largest weight",
                   check=rounding({"tnmse": 100 * loss}, 16, "dozens of terms; 100 for those who amplify"),
                   reference="analog-loss",
                   mistakes={"normalized by the norm": {"tnmse": squares / norm / times.size},
                             "sum over times": {"tnmse": 2 * loss}})
    yield from aging.compensations()
