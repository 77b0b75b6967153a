"""What becomes of weights in devices: for given draws, and in expectation."""
import math
from functools import cache

import numpy as np

from refapprox.conformance.generator.building import absolute, make, rounding
from refapprox.conformance.generator.draws import reals
from refapprox.conformance.generator.families import device_models as models
from refapprox.conformance.generator.families.conductances import back, exponent, fill, programmed, read_out

KEPT, RECONVERTED = "programmed devices drift", "weights are converted again (aihwkit)"
AMPLIFIED = {"no amplification": 1.0, "100 times (aihwkit)": 100.0}


def aged(weights, f_lst, g_max, g_min, t, draws, *, reconverted=False, noisy=True, nu_of_programmed=False,
         compensated=True, exact_reference=False):
    """Program, drift, read, compensate; `draws` (3, devices, ...) for programming, drift exponent and reading."""
    def flat(function, *args):
        """`function` of flattened arrays, its one output in the shape of the first."""
        (values,) = function(*[arg.ravel() if isinstance(arg, np.ndarray) else arg for arg in args]).values()
        return values.reshape(args[0].shape)

    target = fill(weights, f_lst, g_max, g_min)
    scale = target["scale_ratio"]
    first = flat(programmed, target["conductances"], draws[0])
    nu = flat(exponent, first if nu_of_programmed else target["conductances"], draws[1])
    before = back(first, f_lst, scale)["weights"]
    start = first if noisy else target["conductances"]
    if reconverted:
        again = fill(before, f_lst, g_max, g_min)
        start, scale = again["conductances"], again["scale_ratio"]
    drifted = back(flat(read_out, start, nu, t, draws[2]), f_lst, scale)["weights"]
    sizes = [math.fsum(np.abs(v).ravel().tolist()) for v in (weights if exact_reference else before, drifted)]
    return {"programmed": before, "effective": drifted * (sizes[0] / sizes[1] if compensated else 1.0)}


def aging():
    """Weights in phase-change memory after a while, for given draws, with global drift compensation."""
    for name, shape, f_lst, g_min, t in (("one-pair", (3, 4), [1.0], 0.0, 3600.0), ("at-once", (2, 3), [1.0], 0.0, 0.0),
                                         ("two-pairs", (3, 3), [1.0, 3.0], 0.0, 86400.0),
                                         ("g-min", (4, 2), [1.0], 5.0, 3600.0),
                                         ("two-pairs-g-min", (2, 4), [2.0, 1.0], 1.0, 2592000.0)):
        weights = reals(f"aging {name}", shape, -1, 1)
        draws = reals(f"aging draws {name}", (3, 2 * len(f_lst), *shape), -2, 2)
        args = (weights, f_lst, 25.0, g_min, t, draws)
        yield make(f"aging/{name}", "aged_weights",
                   {"weights": weights, "model": "pcm_like", "f_lst": f_lst, "g_max": 25.0, "g_min": g_min, "t": t,
                    "z_program": draws[0], "z_drift": draws[1], "z_read": draws[2]},
                   {KEPT: aged(*args), RECONVERTED: aged(*args, reconverted=True)}, question="what drifts",
                   probes=f"factors {f_lst}, {g_min:g} to 25 uS, {t:g} s: programmed and effective weights",
                   check=absolute({"programmed": 2e-5, "effective": 1e-4}, models.TOLERANCE), reference="aging",
                   mistakes={"programming noise forgotten": aged(*args, noisy=False),
                             "drift exponent of the programmed conductance": aged(*args, nu_of_programmed=True),
                             "no drift compensation": aged(*args, compensated=False),
                             "compensation against the target": aged(*args, exact_reference=True)})


def simpson(function, low, high, pieces=1000):
    """Integral of a smooth function with several values, by Simpson's rule."""
    step = (high - low) / pieces
    values = [function(low + i * step) for i in range(pieces + 1)]
    weights = [1.0] + [4.0, 2.0] * (pieces // 2 - 1) + [4.0, 1.0]
    return [step / 3 * math.fsum(w * v[k] for w, v in zip(weights, values, strict=True)) for k in range(len(values[0]))]


def density(z):
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def clipped_moments(mean, std):
    """E max(0, X) and E max(0, X)^2 of a normal X."""
    if std == 0:
        return max(mean, 0.0), max(mean, 0.0) ** 2
    a = mean / std
    below = (1 + math.erf(a / math.sqrt(2))) / 2
    return mean * below + std * density(a), (mean ** 2 + std ** 2) * below + mean * std * density(a)


def pcm_model():
    """x -> sigma (uS), (mu, sd), q of phase-change memory, with its range and times."""
    def q(x):
        return min(0.2, 0.0088 / max(x ** 0.65, 1e-3))

    def drift(x):
        log = math.log(max(x, models.LOG_FLOOR))
        return min(max(-0.0155 * log + 0.0244, 0.049), 0.1), min(max(-0.0125 * log - 0.0059, 0.008), 0.045)

    return {"g_max": 25.0, "t_0": 20.0, "t_read": 250e-9, "sigma": models.PCM_SIGMA, "drift": drift, "q": q,
            "kink": (0.0088 / 0.2) ** (1 / 0.65)}


def hermes_model(name):
    constants = models.HERMES[name]
    return {"g_max": constants["g_max"], "t_0": constants["t_0"], "t_read": models.HERMES_T_READ,
            "sigma": constants["sigma"], "drift": lambda x: (models.fit(x, *models.MU),
                                                             models.fit(x, *constants["sd"])),
            "q": lambda x: models.fit(x, *constants["q"]), "kink": constants["q"][0]}


MODELS = {"pcm_like": pcm_model(), "hermes_1": hermes_model("hermes_1"), "hermes_2": hermes_model("hermes_2"),
          "state_independent": {"g_max": 25.0, "t_0": 20.0, "t_read": 250e-9, "sigma": (0.2,),
                                "drift": lambda x: (0.1, 0.05), "q": lambda x: 1 / 25.0, "kink": 0.5}}


@cache
def device_moments(model, g, t, *, noisy=True, spread=True, read_noise=True):
    """Mean and variance of one device's conductance `t` seconds after `g` was asked for."""
    if model == "reram_wan2022":
        mean, square = clipped_moments(g, models.ascending(models.RERAM[t], g / 25.0) if noisy else 0.0)
        return mean, square - mean ** 2
    m = MODELS[model]
    total, g_max = t + m["t_0"], m["g_max"]
    growth = math.sqrt(math.log((total + m["t_read"]) / (2 * m["t_read"])))
    sigma, (mu, sd) = models.ascending(m["sigma"], g / g_max), m["drift"](g / g_max)

    def read(g0):
        one, two = clipped_moments(1.0, m["q"](g0 / g_max) * growth if read_noise else 0.0)
        return g0 * one, g0 * g0 * two

    def at(z):
        return [density(z) * value for value in read(max(g + sigma * z, 0.0))]

    def factor(z):
        d = (total / m["t_0"]) ** -abs(mu + sd * z)
        return density(z) * d, density(z) * d * d

    first, second = read(g)
    if noisy:       # nothing is left below 0; pieces end where the read noise has a kink
        ends = sorted({-9.0, 9.0, *(min(max(z, -9.0), 9.0) for z in (-g / sigma, (m["kink"] * g_max - g) / sigma))})
        pieces = [simpson(at, low, high) for low, high in zip(ends, ends[1:], strict=False)]
        first, second = (math.fsum(column) for column in zip(*pieces, strict=True))
    d1 = (total / m["t_0"]) ** -mu
    d2 = d1 * d1
    if spread:
        folds = sorted({-9.0, 9.0, min(max(-mu / sd, -9.0), 9.0)})
        d1, d2 = (math.fsum(c) for c in zip(*[simpson(factor, a, b) for a, b in zip(folds, folds[1:], strict=False)],
                                           strict=True))
    return d1 * first, d2 * second - (d1 * first) ** 2


def expected(model, weights, f_lst, g_max, g_min, t_steps, **how):
    """Mean over times and weights of E (x - u)^2, u = w / max|w|, without compensation."""
    target = fill(weights, f_lst, g_max, g_min)["conductances"].reshape(2 * len(f_lst), -1)
    full, largest = math.fsum(f_lst) * (g_max - g_min), float(np.abs(weights).max())
    errors = []
    for t in t_steps:
        for w, column in zip(weights.ravel().tolist(), target.T.tolist(), strict=True):
            found = [device_moments(model, g, t, **how) for g in column]
            mean = math.fsum(f * (found[2 * j][0] - found[2 * j + 1][0]) for j, f in enumerate(f_lst)) / full
            variance = math.fsum(f * f * (found[2 * j][1] + found[2 * j + 1][1]) for j, f in enumerate(f_lst))
            errors.append(variance / full ** 2 + (mean - w / largest) ** 2)
    return math.fsum(errors) / len(errors)


def amplified(loss):
    return {convention: {"tnmse": factor * loss} for convention, factor in AMPLIFIED.items()}


def expected_loss():
    """The loss that a strategy is compared by: its expectation, and the baseline's."""
    for name, model, f_lst, g_max, g_min, times in (
            ("one-pair", "pcm_like", [1.0], 25.0, 0.0, [1.0, 3600.0]),
            ("two-pairs", "pcm_like", [1.0, 2.0], 25.0, 0.0, [86400.0]),
            ("g-min", "pcm_like", [1.0], 25.0, 5.0, [60.0, 2592000.0]),
            ("hermes-1", "hermes_1", [1.0], 10.35, 0.0, [3600.0]),
            ("hermes-2", "hermes_2", [1.0, 1.0], 20.7, 0.0, [1.0, 86400.0]),
            ("state-independent", "state_independent", [1.0], 25.0, 0.0, [3600.0]),
            ("reram", "reram_wan2022", [1.0], 25.0, 0.0, [1.0, 86400.0, 172800.0])):
        weights = reals(f"expected {name}", (2, 3), -1, 1)
        args = (model, weights, f_lst, g_max, g_min, times)
        loss = expected(*args)
        drifts = model != "reram_wan2022"
        yield make(f"expected_loss/{name}", "expected_loss",
                   {"model": model, "weights": weights, "f_lst": f_lst, "g_max": g_max, "g_min": g_min,
                    "t_steps": times}, amplified(loss), question="amplification of the loss",
                   probes=f"expected error of weights in {model}, factors {f_lst}, without compensation",
                   check=absolute({"tnmse": 1e-4 * loss}, "integrals over the draws, to 1e-4 of their value"),
                   reference="expected-loss",
                   mistakes={"programming noise forgotten": {"tnmse": expected(*args, noisy=False)},
                             "mean drift exponent": {"tnmse": expected(*args, spread=False)} if drifts else None,
                             "read noise forgotten": {"tnmse": expected(*args, read_noise=False)} if drifts else None})
    yield from baselines()


def baselines():
    """Devices without noise that drift by their conductance: the loss depends on the strategy, and on nothing else."""
    lists = {"g_lst": [0.0, 12.5, 25.0], "nu_lst": [0.125, 0.0625, 0.03125]}
    for name, asked, configured in (("single-for-dual", [1.0], [1.0, 1.0]), ("dual-for-single", [1.0, 2.0], [1.0]),
                                    ("same", [1.0, 3.0], [1.0, 3.0])):
        weights = reals(f"baseline {name}", (4, 3), -1, 1)

        def loss(f_lst, weights=weights, times=(60.0, 86400.0)):
            target = fill(weights, f_lst, 25.0, 0.0)
            largest, squares = float(np.abs(weights).max()), []
            for t in times:
                left = [g * ((t + 20.0) / 20.0) ** -models.interpolated(g, lists["g_lst"], lists["nu_lst"])
                        for g in target["conductances"].ravel().tolist()]
                found = back(np.reshape(left, target["conductances"].shape), f_lst, target["scale_ratio"])["weights"]
                squares += (((found - weights) / largest) ** 2).ravel().tolist()
            return math.fsum(squares) / len(squares)

        yield make(f"expected_loss/baseline-{name}", "loss_baseline",
                   {"weights": weights, "baseline": asked, "configured": configured, **lists,
                    "t_steps": [60.0, 86400.0]},
                   {"tnmse": loss(asked)}, reference="expected-loss",
                   probes=f"loss of the baseline {asked} that was passed, while the configuration holds {configured}",
                   check=absolute({"tnmse": 1e-5 * loss(asked)}, models.TOLERANCE),
                   mistakes={"baseline of the configuration": {"tnmse": loss(configured)}})


def compensations():
    """One factor a column, and the floor below which nothing is compensated."""
    for name, baseline, readout in (
            ("square", reals("columns a", (4, 4), -1, 1), reals("columns b", (4, 4), -1, 1)),
            ("tall", reals("columns c", (5, 2), -1, 1), reals("columns d", (5, 2), -1, 1)),
            ("floor", np.array([[1.0, 0.5], [-0.5, 0.25]]), np.array([[2.0 ** -16, 0.25], [-2.0 ** -15, -0.25]]))):
        def alphas(axis=0, floor=1e-4, baseline=baseline, readout=readout):
            means = [[math.fsum(line) / len(line) for line in np.abs(v if axis else v.T).tolist()]
                     for v in (baseline, readout)]
            return {"alphas": np.array([max(b, floor) / max(r, floor) for b, r in zip(*means, strict=True)])}

        one = np.abs(baseline).mean() / np.abs(readout).mean()
        yield make(f"analog_loss/columns-{name}", "column_compensation", {"baseline": baseline, "readout": readout},
                   alphas(), probes="one factor a column (output), from mean magnitudes over the inputs",
                   check=rounding({"alphas": float(alphas()["alphas"].max())}), reference="analog-loss",
                   mistakes={"one factor for all columns": {"alphas": np.full(baseline.shape[1], one)},
                             "factors of the rows": alphas(axis=1),
                             "compensation without floor": alphas(floor=0.0)})
    for name, size in (("readout-below-floor", 2.0 ** -16), ("both-below-floor", 2.0 ** -14)):
        readout = np.array([[size, -size], [size / 2, size]])
        baseline = readout * (8 if "both" not in name else 0.5)

        def alpha(floor=1e-4, values=(baseline, readout), signed=False):
            b, r = (max(abs(float((v if signed else np.abs(v)).mean())), floor) for v in values)
            return {"alpha": b / r}

        yield make(f"analog_loss/compensation-{name}", "drift_compensation", {"baseline": baseline, "readout": readout},
                   alpha(), probes="mean magnitudes below 1e-4 count as 1e-4", check=rounding(alpha()),
                   reference="analog-loss",
                   mistakes={"compensation without floor": alpha(floor=0.0), "compensation by the signed mean":
                             alpha(signed=True), "compensation inverted": alpha(values=(readout, baseline))})
