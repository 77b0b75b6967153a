"""What becomes of weights in devices: compensation and loss, for given draws, and in expectation."""
import math
from functools import lru_cache

import numpy as np

from refapprox.conformance.spec.base import Part, deviations, family, operation
from refapprox.conformance.spec.converters import filled_pairs, from_conductances
from refapprox.conformance.spec.devices import (
    DEVICES,
    RERAM,
    RERAM_RANGE,
    TOLERANCE,
    age,
    ascending,
    drift_exponent,
    fitted,
    interpolated,
    program,
    read,
    read_noise,
)
from refapprox.conformance.spec.examples import Example, absolute, reals, rounding

# ---- parts

not_below = Part("Mean magnitudes below 1e-4 count as that.", lambda size: max(size, 1e-4), {
    "compensation without floor": ("mean magnitudes below 1e-4 are taken as they are", lambda size: size)})
mean_size = Part("Mean magnitude of a list.", lambda values: math.fsum(map(abs, values)) / len(values), {
    "compensation by the signed mean": ("read-out weights cancel before the magnitude is taken",
        lambda values: abs(math.fsum(values)) / len(values))})
ratio = Part("The factor of a compensation.", lambda baseline, readout: baseline / readout, {
    "compensation inverted": ("readout / baseline", lambda baseline, readout: readout / baseline)})
columns = Part(
    "What gets a factor of its own: the outputs of (in, out) weights.",
    lambda weights: weights.T.tolist(), {
    "one factor for all columns": ("columns share the factor of the array",
        lambda weights: [weights.ravel().tolist()] * weights.shape[1]),
    "factors of the rows": ("means run over the outputs instead of the inputs", lambda weights: weights.tolist())})
unit = Part("What squared errors are divided by.", lambda weights: float(np.abs(weights).max()) ** 2, {
    "normalized by the norm": ("squared errors are divided by the mean square of the weights",
        lambda weights: math.fsum((weights ** 2).ravel().tolist()) / weights.size)})
terms_of = Part("How many squares the mean is over.", lambda effective: effective.size, {
    "sum over times": ("the loss is summed over the read-out times",
        lambda effective: effective.size // len(effective))})
reported = Part("The loss as it is handed out.", lambda loss: loss, {}, {
    "amplification of the loss": {
        "no amplification": None, "100 times (aihwkit)": lambda loss: 100 * loss}})
aging_conductances = Part("What drifts: the programmed conductances.", lambda target, start: start, {
    "programming noise forgotten": ("the targets drift instead of what was programmed", lambda target, start: target)})
conductances_of_exponent = Part("What the drift exponent is drawn for.", lambda target, start: target, {
    "drift exponent of the programmed conductance": ("the exponent is drawn for the noisy conductance, not the target",
        lambda target, start: start)})
starting_devices = Part(
    "(conductances that drift, uS per unit weight).",
    lambda before, start, scale, f_lst, g_max, g_min: (start, scale), {}, {
    "what drifts": {
        "programmed devices drift": None, "weights are converted again (aihwkit)":
            lambda before, start, scale, f_lst, g_max, g_min: filled_pairs(before, f_lst, g_max, g_min)}})
compensated = Part(
    "Read-out weights times the factor of drift compensation.",
    lambda weights, alpha: weights * alpha, {
    "no drift compensation": ("effective weights are the drifted ones", lambda weights, alpha: weights)})
reference = Part("What the compensation compares with.", lambda weights, programmed_weights: programmed_weights, {
    "compensation against the target": ("the reference is the weights without programming noise",
        lambda weights, programmed_weights: weights)})
baseline_of = Part("The strategy that is scored.", lambda baseline, configured: baseline, {
    "baseline of the configuration": ("the loss of the configured strategy, not of the baseline that was passed "
        "(aihwkit's get_loss_baseline)", lambda baseline, configured: configured)})
programming_noise = Part("Spread of programming.", lambda sigma: sigma, {
    "programming noise forgotten": lambda sigma: 0.0})
exponent_spread = Part("Spread of the drift exponent.", lambda sd: sd, {
    "mean drift exponent": ("the factor of the mean exponent stands for the mean factor", lambda sd: 0.0)})

# ---- expectations over the draws


def simpson(function, low, high, pieces=200):
    """Integral of a smooth function with several values, by Simpson's rule."""
    step = (high - low) / pieces
    values = [function(low + i * step) for i in range(pieces + 1)]
    weights = [1.0] + [4.0, 2.0] * (pieces // 2 - 1) + [4.0, 1.0]
    return [step / 3 * math.fsum(w * v[k] for w, v in zip(weights, values, strict=True)) for k in range(len(values[0]))]


def over_normal(function, kinks):
    """E f(z) of a standard normal, in pieces that end where f has a kink."""
    def weighted(z):
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return [density * value for value in function(z)]

    ends = sorted({-9.0, 9.0, *(min(max(z, -9.0), 9.0) for z in kinks)})
    pieces = [simpson(weighted, low, high) for low, high in zip(ends, ends[1:], strict=False)]
    return [math.fsum(column) for column in zip(*pieces, strict=True)]


def clipped_moments(mean, std):
    """E max(0, X) and E max(0, X)^2 of a normal X."""
    if std == 0:
        return max(mean, 0.0), max(mean, 0.0) ** 2
    a = mean / std
    below, density = (1 + math.erf(a / math.sqrt(2))) / 2, math.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    return mean * below + std * density, (mean ** 2 + std ** 2) * below + mean * std * density


def device_moments(model, g, t):
    """Mean and variance of one device's conductance `t` seconds after `g` was asked for."""
    if model == "reram_wan2022":
        mean, square = clipped_moments(g, programming_noise(ascending(RERAM[t], g / RERAM_RANGE)))
        return mean, square - mean ** 2
    made = DEVICES[model]
    x, later = g / made.g_max, (t + made.t_0) / made.t_0
    noise = read_noise(math.sqrt(math.log((t + made.t_0 + made.t_read) / (2 * made.t_read))))
    return drifting_moments(model, g, later, noise, programming_noise(ascending(made.sigma, x)), fitted(x, made.mu),
                            exponent_spread(fitted(x, made.sd)), deviations())


@lru_cache(maxsize=4096)
def drifting_moments(model, g, later, noise, sigma, mu, sd, under):
    """What `device_moments` integrates; `under` the deviations that parts in here may have."""
    made = DEVICES[model]

    def read(g0):
        one, two = clipped_moments(1.0, made.relative_noise(g0 / made.g_max) * noise)
        return g0 * one, g0 * g0 * two

    def factor(exponent):
        return later ** -exponent, later ** (-2 * exponent)

    first, second = read(g)
    if sigma:
        first, second = over_normal(lambda z: read(max(g + sigma * z, 0.0)),
                                    (-g / sigma, (made.kink * made.g_max - g) / sigma))
    one, two = over_normal(lambda z: factor(abs(mu + sd * z)), (-mu / sd,)) if sd else factor(mu)
    return one * first, two * second - (one * first) ** 2


# ---- operations


@operation("alpha", "analog-loss", rounding(lambda inputs, right: right))
def drift_compensation(*, baseline, readout):
    """alpha = max(mean |baseline|, 1e-4) / max(mean |readout|, 1e-4) of read-out weights."""
    return ratio(*(not_below(mean_size(v.ravel().tolist())) for v in (baseline, readout)))


@operation("alphas", "analog-loss", rounding(lambda inputs, right: {"alphas": float(right["alphas"].max())}))
def column_compensation(*, baseline, readout):
    """`drift_compensation` of each column (output) of (in, out) weights -> (out,)."""
    return np.array([ratio(not_below(mean_size(b)), not_below(mean_size(r)))
                     for b, r in zip(columns(baseline), columns(readout), strict=True)])


@operation("tnmse", "analog-loss", rounding(lambda inputs, right: {"tnmse": 100 * right["tnmse"]}, 16,
                                            "dozens of terms; 100 for those who amplify"))
def analog_loss(*, weights, effective):
    """mean_t mean ((effective[t] - weights) / max|weights|)^2."""
    squares = math.fsum(((effective - weights) ** 2).ravel().tolist())
    return reported(squares / unit(weights) / terms_of(effective))


@operation("programmed effective", "aging", absolute({"programmed": 2e-5, "effective": 1e-4}, TOLERANCE))
def aged_weights(*, weights, model, f_lst, g_max, g_min, t, z_program, z_drift, z_read):
    """(programmed, effective) weights: pairs filled in order, programmed, read t seconds later, globally
    compensated against the programmed ones; normals (2P, *weights.shape) for each of the three draws."""
    target, scale = filled_pairs(weights, f_lst, g_max, g_min)
    first = program(model=model, g_target=target, z=z_program)
    nu = drift_exponent(model=model, g_target=conductances_of_exponent(target, first), z=z_drift)
    before = from_conductances(conductances=first, f_lst=f_lst, scale_ratio=scale)
    start, scale = starting_devices(before, aging_conductances(target, first), scale, f_lst, g_max, g_min)
    later = from_conductances(conductances=read(model=model, g_prog=start, nu=nu, t=t, z=z_read), f_lst=f_lst,
                              scale_ratio=scale)
    sizes = [math.fsum(np.abs(v).ravel().tolist()) for v in (reference(weights, before), later)]
    return before, compensated(later, sizes[0] / sizes[1])


def of_unamplified(relative, reason):
    return absolute(lambda inputs, right: {"tnmse": relative * right["tnmse"]}, reason)


@operation("tnmse", "expected-loss", of_unamplified(1e-4, "integrals over the draws, to 1e-4 of their value"))
def expected_loss(*, model, weights, f_lst, g_max, g_min, t_steps):
    """Expectation of `analog_loss` over all draws, pairs filled in order, without compensation."""
    # mean over times and weights of E (x - u)^2, u = w / max|w|
    target = filled_pairs(weights, f_lst, g_max, g_min)[0].reshape(2 * len(f_lst), -1)
    full, largest = math.fsum(f_lst) * (g_max - g_min), float(np.abs(weights).max())
    errors = []
    for t in t_steps:
        for w, column in zip(weights.ravel().tolist(), target.T.tolist(), strict=True):
            found = [device_moments(model, g, t) for g in column]
            mean = math.fsum(f * (found[2 * j][0] - found[2 * j + 1][0]) for j, f in enumerate(f_lst)) / full
            variance = math.fsum(f * f * (found[2 * j][1] + found[2 * j + 1][1]) for j, f in enumerate(f_lst))
            errors.append(variance / full ** 2 + (mean - w / largest) ** 2)
    return reported(math.fsum(errors) / len(errors))


@operation("tnmse", "expected-loss", of_unamplified(1e-5, TOLERANCE))
def loss_baseline(*, weights, baseline, configured, g_lst, nu_lst, t_steps):
    """Loss, without amplification, of the strategy with factors `baseline` (0 to 25 uS), in devices without noise
    whose drift exponent is interpolated in lists; the configuration holds the one with factors `configured`."""
    f_lst, t_0 = baseline_of(baseline, configured), DEVICES["pcm_like"].t_0
    target, scale = filled_pairs(weights, f_lst, 25.0, 0.0)
    squares = []
    for t in t_steps:
        left = [g * (age(t, t_0) / t_0) ** -interpolated(g, g_lst, nu_lst) for g in target.ravel().tolist()]
        found = from_conductances(conductances=np.reshape(left, target.shape), f_lst=f_lst, scale_ratio=scale)
        squares += ((found - weights) ** 2 / float(np.abs(weights).max()) ** 2).ravel().tolist()
    return math.fsum(squares) / len(squares)


# ---- examples


@family("analog_loss")
def losses():
    """Drift compensation, for the array or for each column, and the error that is left."""
    for name, shape in (("small", (2, 3)), ("larger", (4, 5)), ("column", (6, 1))):
        weights = reals(f"loss {name}", shape, -1, 1)
        times = np.stack([weights * factor + reals(f"loss {name} {factor}", shape, -0.125, 0.125)
                          for factor in (1.0, 0.75)])
        yield Example(f"compensation-{name}", drift_compensation, {"baseline": weights, "readout": times[1]},
                      "one factor per tile, from mean magnitudes")
        yield Example(name, analog_loss, {"weights": weights, "effective": times},
                      "mean squared error relative to the largest weight")
    for name, baseline, later in (
            ("square", reals("columns a", (4, 4), -1, 1), reals("columns b", (4, 4), -1, 1)),
            ("tall", reals("columns c", (5, 2), -1, 1), reals("columns d", (5, 2), -1, 1)),
            ("floor", np.array([[1.0, 0.5], [-0.5, 0.25]]), np.array([[2.0 ** -16, 0.25], [-2.0 ** -15, -0.25]]))):
        yield Example(f"columns-{name}", column_compensation, {"baseline": baseline, "readout": later},
                      "one factor a column (output), from mean magnitudes over the inputs")
    for name, size, factor in (("readout-below-floor", 2.0 ** -16, 8), ("both-below-floor", 2.0 ** -14, 0.5)):
        later = np.array([[size, -size], [size / 2, size]])
        yield Example(f"compensation-{name}", drift_compensation, {"baseline": later * factor, "readout": later},
                      "mean magnitudes below 1e-4 count as 1e-4")


@family("aging")
def aging():
    """Weights in phase-change memory after a while, for given draws, with global drift compensation."""
    for name, shape, f_lst, g_min, t in (("one-pair", (3, 4), [1.0], 0.0, 3600.0), ("at-once", (2, 3), [1.0], 0.0, 0.0),
                                         ("two-pairs", (3, 3), [1.0, 3.0], 0.0, 86400.0),
                                         ("g-min", (4, 2), [1.0], 5.0, 3600.0),
                                         ("two-pairs-g-min", (2, 4), [2.0, 1.0], 1.0, 2592000.0)):
        draws = reals(f"aging draws {name}", (3, 2 * len(f_lst), *shape), -2, 2)
        yield Example(name, aged_weights,
                      {"weights": reals(f"aging {name}", shape, -1, 1), "model": "pcm_like", "f_lst": f_lst,
                       "g_max": 25.0, "g_min": g_min, "t": t, "z_program": draws[0], "z_drift": draws[1],
                       "z_read": draws[2]},
                      f"factors {f_lst}, {g_min:g} to 25 uS, {t:g} s: programmed and effective weights")


@family("expected_loss")
def expectations():
    """The loss that a strategy is compared by: its expectation, and the baseline's."""
    for name, model, f_lst, g_max, g_min, times in (
            ("one-pair", "pcm_like", [1.0], 25.0, 0.0, [1.0, 3600.0]),
            ("two-pairs", "pcm_like", [1.0, 2.0], 25.0, 0.0, [86400.0]),
            ("g-min", "pcm_like", [1.0], 25.0, 5.0, [60.0, 2592000.0]),
            ("hermes-1", "hermes_1", [1.0], 10.35, 0.0, [3600.0]),
            ("hermes-2", "hermes_2", [1.0, 1.0], 20.7, 0.0, [1.0, 86400.0]),
            ("state-independent", "state_independent", [1.0], 25.0, 0.0, [3600.0]),
            ("reram", "reram_wan2022", [1.0], 25.0, 0.0, [1.0, 86400.0, 172800.0])):
        yield Example(name, expected_loss, {"model": model, "weights": reals(f"expected {name}", (2, 3), -1, 1),
                                            "f_lst": f_lst, "g_max": g_max, "g_min": g_min, "t_steps": times},
                      f"expected error of weights in {model}, factors {f_lst}, without compensation")
    # devices without noise that drift by their conductance: the loss depends on the strategy, and on nothing else
    for name, asked, configured in (("single-for-dual", [1.0], [1.0, 1.0]), ("dual-for-single", [1.0, 2.0], [1.0]),
                                    ("same", [1.0, 3.0], [1.0, 3.0])):
        yield Example(f"baseline-{name}", loss_baseline,
                      {"weights": reals(f"baseline {name}", (4, 3), -1, 1), "baseline": asked, "configured": configured,
                       "g_lst": [0.0, 12.5, 25.0], "nu_lst": [0.125, 0.0625, 0.03125], "t_steps": [60.0, 86400.0]},
                      f"loss of the baseline {asked} that was passed, while the configuration holds {configured}")
