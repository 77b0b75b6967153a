"""Device models for given draws: programming, drift and reading of phase-change and resistive memory.

Constants are those of the papers named in docs/conformance.md, formulas are evaluated number by number.
"""
import math
from dataclasses import dataclass

import numpy as np

from refapprox.conformance.spec.base import Part, Refused, family, operation, part
from refapprox.conformance.spec.examples import Example, absolute

TOLERANCE = "float32 arithmetic and the logarithms and powers of different math libraries: 1e-5 relative"
LOG_FLOOR = 1e-7
DAY = 86400.0


@dataclass(frozen=True)
class Fit:
    """A clipped logarithm (slope, offset, low, high) below `switch`, ascending powers of x from there on."""

    switch: float
    logarithm: tuple
    polynomial: tuple = ()


@dataclass(frozen=True)
class Device:
    """A model that drifts: x = g / g_max, `sigma` in uS by ascending powers of x, mu, sd and q are fits in x."""

    g_max: float
    t_0: float
    t_read: float
    sigma: tuple
    mu: Fit
    sd: Fit
    q: Fit

    def relative_noise(self, x):
        if self.q.switch < 0:      # phase-change memory: a power law
            return min(0.2, 0.0088 / max(max(x, 0.0) ** 0.65, 1e-3))
        return fitted(x, self.q)

    @property
    def kink(self):
        """x at which the slope of the relative read noise jumps."""
        return (0.0088 / 0.2) ** (1 / 0.65) if self.q.switch < 0 else self.q.switch


def everywhere(*logarithm):
    return Fit(math.inf, logarithm)


def constant(value):
    return Fit(0.0, (), (value,))


MU = Fit(0.0945, (-0.0387, -0.0182, 0.0720, 0.13), (0.0736, -0.0126, -0.0436))
DEVICES = {
    "pcm_like": Device(25.0, 20.0, 250e-9, (0.26348, 1.9650, -1.1731), everywhere(-0.0155, 0.0244, 0.049, 0.1),
                       everywhere(-0.0125, -0.0059, 0.008, 0.045), Fit(-1.0, ())),
    "hermes_1": Device(10.35, 200.0, 512e-9, (0.15781817, 2.32443916, -2.16310839, 0.68841818), MU,
                       Fit(0.3039, (-0.0120, -0.0023, 0.0124, 0.04), (0.0104, 0.0116, -0.0165)),
                       Fit(0.1591, (-0.0078, 0.0038, 0.0179, 0.04), (0.0088, 0.0768, -0.1352, 0.0664))),
    "hermes_2": Device(20.7, 300.0, 512e-9, (0.16603222, 4.71806468, -8.48101252, 4.68961419), MU,
                       Fit(0.3055, (-0.0117, -0.0057, 0.0091, 0.04), (0.0073, 0.0093, -0.0118)),
                       Fit(0.16, (-0.0117, -0.0069, 0.015, 0.04), (0.0123, 0.0211, -0.0280, 0.0069))),
    "state_independent": Device(25.0, 20.0, 250e-9, (0.2,), constant(0.1), constant(0.05), constant(1 / 25.0)),
}
RERAM = {1.0: (0.348, 16.030, -43.853, 45.393, -16.815), DAY: (0.701, 22.086, -50.773, 47.095, -16.458),
         2 * DAY: (0.782, 20.274, -43.507, 37.062, -11.934)}      # seconds -> ascending powers of g / 25
RERAM_RANGE = 25.0
RESCALED = ("pcm_like", "hermes_1", "hermes_2")      # whose polynomials are fits of one range
CMO = {"range": (9.0, 88.199997), "sigma": {0.2: (0.00081107, 0.00106879), 2.0: (0.0112185391, 0.01129027418)},
       "shift": -0.08900206, "spread": (0.41183342, 0.04201137), "read": 0.0277316483, "t_read": 1e-6}

# ---- parts

above_zero = Part("A conductance after noise.", lambda g: max(g, 0.0), {
    "negative conductance": ("noise below zero is not clipped", lambda g: g)})
coefficients = Part("Of a programming polynomial, ascending powers.", lambda powers: powers, {
    "coefficients reversed": ("the programming polynomial is evaluated with its coefficients in the wrong order",
        lambda powers: powers[::-1])})
rescaled = Part(
    "What a polynomial that was fitted in another range is multiplied by.",
    lambda g_max, fitted_range: g_max / fitted_range, {
    "coefficients not rescaled": ("the programming polynomial keeps the range that it was fitted in",
        lambda g_max, fitted_range: 1.0)})
magnitude = Part("A drift exponent.", lambda nu: abs(nu), {
    "truncated drift exponent": ("max(0, nu) instead of |nu|", lambda nu: max(nu, 0.0))})


def logarithm(x, fit):
    slope, offset, low, high = fit.logarithm
    return min(max(slope * math.log(max(x, LOG_FLOOR)) + offset, low), high)


def ascending(powers, x):
    return math.fsum(c * x ** power for power, c in enumerate(powers))


@part({
    "one branch of the fit": ("the logarithm goes on where a polynomial takes over",
        lambda x, fit: logarithm(x, fit) if fit.logarithm else fitted.right(x, fit))})
def fitted(x, fit):
    """A fit at x."""
    if x < fit.switch:
        return logarithm(x, fit)
    return ascending(fit.polynomial, x)


age = Part("What is divided by t_0.", lambda t, t_0: t + t_0, {
    "drift time without t_0": ("t / t_0 instead of (t + t_0) / t_0", lambda t, t_0: t)})
noisy_conductance = Part("Whose relative read noise is taken.", lambda g_prog, drifted: g_prog, {
    "read noise of the drifted conductance": ("the relative read noise is that of the drifted device",
        lambda g_prog, drifted: drifted)})


@part({
    "one fit for all times": ("the noise at the first measured time stands for every time", lambda t: 1.0),
    "nearest measured time": ("a time at which nothing was measured is answered",
        lambda t: min(RERAM, key=lambda key: abs(key - t)))})
def measured(t):
    """The time whose fit is taken."""
    if t not in RERAM:
        raise Refused("a time that was not measured must be refused")
    return t


def on_pieces(v, xs, ys):
    i = min(sum(x <= v for x in xs[1:]), len(xs) - 2)
    return ys[i] + (ys[i + 1] - ys[i]) * (v - xs[i]) / (xs[i + 1] - xs[i])


interpolated = Part(
    "Piecewise linear, the end values beyond the ends.",
    lambda v, xs, ys: on_pieces(min(max(v, xs[0]), xs[-1]), xs, ys), {
    "extrapolated drift list": ("the last piece of the list goes on beyond its end", on_pieces),
    "drift list without interpolation": ("the exponent jumps from entry to entry of the list",
        lambda v, xs, ys: ys[sum(x <= v for x in xs[1:])])})
read_noise = Part("The draw of the read noise.", lambda z: z, {
    "read noise forgotten": ("the conductance is read without noise", lambda z: 0.0)})


def each(function, *columns):
    """`function` of every element of the columns, in the shape of the first."""
    first = np.asarray(columns[0])
    rows = zip(*(np.ravel(column).tolist() for column in columns), strict=True)
    return np.array([function(*row) for row in rows]).reshape(first.shape)


# ---- operations


def of_device(name, parts):
    """A tolerance of `parts` times 1e-5 of the device's range."""
    def bounds(inputs, right):
        g_max = DEVICES[inputs["model"]].g_max if inputs.get("model") in DEVICES else RERAM_RANGE
        return {name: parts * 1e-5 * g_max}
    return absolute(bounds, TOLERANCE)


@operation("g_prog", "devices", of_device("g_prog", 1))
def program(*, model, g_target, z):
    """Conductance after programming `g_target` (uS), for standard normals z; `model` "pcm_like",
    "state_independent", "hermes_1", "hermes_2" (devices a polarity) or "reram_wan2022", all at their own range."""
    reram = model == "reram_wan2022"
    powers, g_max = (RERAM[1.0], RERAM_RANGE) if reram else (DEVICES[model].sigma, DEVICES[model].g_max)
    return each(lambda g, draw: above_zero(g + ascending(coefficients(powers), g / g_max) * draw), g_target, z)


@operation("nu", "devices", absolute({"nu": 1e-6}, TOLERANCE))
def drift_exponent(*, model, g_target, z):
    """Drift exponent of devices programmed to `g_target`, for standard normals z; "reram_wan2022" has none."""
    made = DEVICES[model]
    return each(lambda g, draw: magnitude(fitted(g / made.g_max, made.mu) + fitted(g / made.g_max, made.sd) * draw),
                g_target, z)


@operation("g", "devices", of_device("g", 2))
def read(*, model, g_prog, nu, t, z):
    """Conductance read t seconds after programming, for standard normals z."""
    # max(0, G_d (1 + q sqrt(log((T + t_read) / (2 t_read))) z)), G_d = G_0 (T / t_0)^-nu, T = t + t_0
    made = DEVICES[model]
    growth = math.sqrt(math.log((t + made.t_0 + made.t_read) / (2 * made.t_read)))

    def one(g, exponent, draw):
        drifted = g * (age(t, made.t_0) / made.t_0) ** -exponent
        q = made.relative_noise(noisy_conductance(g, drifted) / made.g_max)
        return above_zero(drifted * (1 + q * growth * draw))
    return each(one, g_prog, nu, z)


@operation("g", "devices", of_device("g", 1))
def read_target(*, model, g_target, t, z):
    """Conductance t seconds after programming `g_target`, of a `model` ("reram_wan2022") that redraws it around
    the target at the times that were measured; another time must be refused."""
    powers = coefficients(RERAM[measured(t)])
    return each(lambda g, draw: above_zero(g + ascending(powers, g / RERAM_RANGE) * draw), g_target, z)


@operation("nu", "devices", absolute({"nu": 1e-6}, TOLERANCE))
def custom_drift_exponent(*, g_lst, nu_mean_lst, nu_std_lst, g_target, z):
    """|mean + std z|, both interpolated linearly in the lists at g_target (uS), the end values beyond them."""
    return each(lambda g, draw: magnitude(interpolated(g, g_lst, nu_mean_lst)
                                          + interpolated(g, g_lst, nu_std_lst) * draw), g_target, z)


@operation("std", "devices", absolute(lambda inputs, right: {"std": inputs["g_max"] * 1e-5}, TOLERANCE))
def programming_std(*, model, g_max, g_target):
    """Standard deviation in uS, before clipping, of programming devices of a range that ends at `g_max`."""
    powers = RERAM[1.0] if model == "reram_wan2022" else DEVICES[model].sigma
    factor = rescaled(g_max, DEVICES[model].g_max) if model in RESCALED else 1.0
    return each(lambda g: factor * ascending(coefficients(powers), g / g_max), g_target)


def of_cmo(name):
    return absolute({name: CMO["range"][1] * 1e-5}, TOLERANCE)


@operation("g_prog", "devices", of_cmo("g_prog"))
def program_verified(*, g_target, acceptance_range, z):
    """Conductance of CMO/HfOx resistive memory after write and verify to `acceptance_range` (0.2 or 2 %)."""
    return each(lambda g, draw: g + ascending(coefficients(CMO["sigma"][acceptance_range]), g) * draw, g_target, z)


@operation("g", "devices", of_cmo("g"))
def read_relaxed(*, g_prog, t, z_relax, z_read):
    """Conductance of such a device t seconds later, within 9 to 88.199997 uS, for standard normals z of either
    noise; at t = 0 what was programmed."""
    # G_d = g + m log t + (s_0 + s_1 log t) z_relax; read with K |log10 G_d| sqrt(log((t + t_read) / (2 t_read)))
    if t == 0:
        return g_prog
    (low, high), (start, growth) = CMO["range"], CMO["spread"]
    since = math.sqrt(math.log((t + CMO["t_read"]) / (2 * CMO["t_read"])))

    def one(g, relax, draw):
        drifted = g + CMO["shift"] * math.log(t) + (start + growth * math.log(t)) * relax
        noise = CMO["read"] * abs(math.log10(drifted)) * since
        return min(max(drifted + noise * read_noise(draw), low), high)
    return each(one, g_prog, z_relax, z_read)


# ---- examples

X = (0.0, 0.05, 0.12, 0.2, 0.4, 0.7, 1.0)      # g / g_max, on either side of every switch of the HERMES fits
Z = {"none": 0.0, "plus": 1.0, "minus": -1.0, "extreme": -8.0}


@family("devices")
def devices():
    """Phase-change memory, the textbook device, HERMES, and resistive memory."""
    g = np.array([0.0, 0.5, 2.0, 8.0, 16.0, 25.0])
    for name, z in Z.items():
        inputs = {"model": "pcm_like", "g_target": g, "z": np.full(6, z)}
        yield Example(f"program-{name}", program, inputs, f"programming noise for z = {z}")
        yield Example(f"drift-{name}", drift_exponent, inputs, f"drift exponents for z = {z}")
    yield Example("drift-very-extreme", drift_exponent, {"model": "pcm_like", "g_target": g, "z": np.full(6, -14.0)},
                  "the exponent's magnitude is taken, for z = -14")
    nu = np.array([0.06, 0.1, 0.05, 0.049, 0.08, 0.049])
    for name, t, z in (("at-once", 0.0, 1.0), ("minute", 60.0, 0.0), ("hour", 3600.0, 1.0), ("month", 2592000.0, -1.0),
                       ("extreme", 60.0, -8.0), ("year", 31536000.0, -8.0)):
        yield Example(f"read-{name}", read, {"model": "pcm_like", "g_prog": g, "nu": nu, "t": t, "z": np.full(6, z)},
                      f"conductance {t:g} s after programming, read noise z = {z}")
    g = np.array([0.0, 0.125, 1.0, 12.5, 25.0])
    for name, z in (("plus", 1.0), ("minus", -1.0), ("extreme", -4.0)):
        inputs = {"model": "state_independent", "g_target": g, "z": np.full(5, z)}
        yield Example(f"state-independent-program-{name}", program, inputs,
                      f"0.2 uS of noise whatever the target, z = {z}")
        yield Example(f"state-independent-drift-{name}", drift_exponent, inputs, f"the exponent's magnitude, z = {z}")
        yield Example(f"state-independent-read-{name}", read,
                      {"model": "state_independent", "g_prog": g, "nu": np.full(5, 0.1), "t": 3600.0,
                       "z": np.full(5, z)}, f"read after an hour, z = {z}")
    for some in (hermes, resistive, custom_drift, ranges, relaxing):
        yield from some()


def hermes():
    """Programming, drift exponent and reading of either unit cell."""
    for model in ("hermes_1", "hermes_2"):
        g_max, t_0 = DEVICES[model].g_max, DEVICES[model].t_0
        g, count = np.array([x * g_max for x in X]), len(X)
        for name in ("plus", "extreme"):
            yield Example(f"{model}-program-{name}", program,
                          {"model": model, "g_target": g, "z": np.full(count, Z[name])},
                          f"programming noise for z = {Z[name]}: a cubic in g / {g_max} uS")
        for name in ("none", "minus", "extreme"):
            yield Example(f"{model}-drift-{name}", drift_exponent,
                          {"model": model, "g_target": g, "z": np.full(count, Z[name])},
                          f"drift exponents for z = {Z[name]}: logarithms at small conductances, polynomials above")
        nu = np.array([0.06, 0.1, 0.05, 0.072, 0.08, 0.049, 0.03])
        for name, t, z in (("at-once", 0.0, 1.0), ("hour", 3600.0, 1.0), ("extreme", 2592000.0, -8.0)):
            yield Example(f"{model}-read-{name}", read,
                          {"model": model, "g_prog": g, "nu": nu, "t": t, "z": np.full(count, z)},
                          f"conductance {t:g} s after programming, t_0 = {t_0:g} s, z = {z}")


def resistive():
    """Resistive memory: noise around the target, measured at three times; no other time has an answer."""
    given = {"model": "reram_wan2022", "g_target": np.array([0.0, 1.0, 6.0, 12.5, 18.0, 25.0])}
    for name in ("plus", "minus"):
        draws = {"z": np.full(6, Z[name])}
        yield Example(f"reram-program-{name}", program, given | draws,
                      f"programming noise is that of 1 s, z = {Z[name]}")
        for when, t in (("second", 1.0), ("day", DAY), ("two-days", 2 * DAY)):
            yield Example(f"reram-read-{when}-{name}", read_target, given | {"t": t} | draws,
                          f"redrawn around the target with the fit of {t:g} s, z = {Z[name]}")
    for name, t in (("an-hour", 3600.0), ("a-month", 30 * DAY)):
        yield Example(f"reram-read-after-{name}", read_target, {**given, "t": t, "z": np.ones(6)},
                      f"nothing was measured at {t:g} s",
                      lambda inputs, right: {"kind": "refused", "bounds": {"g": 25e-5}})


def custom_drift():
    """Mean and spread of the exponent, interpolated between the user's conductances, constant beyond them."""
    for name in ("none", "plus", "extreme"):
        yield Example(f"custom-drift-{name}", custom_drift_exponent,
                      {"g_lst": [0.0, 5.0, 10.0, 25.0], "nu_mean_lst": [0.1, 0.0625, 0.05, 0.03125],
                       "nu_std_lst": [0.03125, 0.0125, 0.01, 0.02],
                       "g_target": np.array([0.0, 1.0, 5.0, 7.5, 20.0, 25.0, 27.5]), "z": np.full(7, Z[name])},
                      f"drift exponents interpolated in lists, the last value beyond their end, z = {Z[name]}")


def ranges():
    """Programming noise of devices whose range ends elsewhere: which polynomials are rescaled, and which are not."""
    for model, g_max in (("pcm_like", 10.0), ("pcm_like", 40.0), ("hermes_1", 5.0), ("hermes_2", 10.0),
                         ("state_independent", 40.0), ("reram_wan2022", 40.0)):
        yield Example(f"range-{model.replace('_', '-')}-{g_max:g}-uS", programming_std,
                      {"model": model, "g_max": g_max, "g_target": np.array([x * g_max for x in X])},
                      f"programming noise in uS where the range ends at {g_max:g} uS; the fit "
                      + (f"is one of {DEVICES[model].g_max:g} uS and rescaled" if model in RESCALED
                         else "is not rescaled"))


def relaxing():
    """Resistive memory with write and verify: scattered around its target, later shifted and spread with log t."""
    g = np.array([CMO["range"][0], 9.25, 20.0, 50.0, 88.0, CMO["range"][1]])
    for acceptance, name in ((0.2, "narrow"), (2.0, "wide")):
        for sign in ("plus", "minus"):
            yield Example(f"reram-cmo-program-{name}-{sign}", program_verified,
                          {"g_target": g, "acceptance_range": acceptance, "z": np.full(6, Z[sign])},
                          f"write and verify to {acceptance:g} %: noise linear in the target, not clipped, "
                          f"z = {Z[sign]}")
    for name, t, z_relax, z_read in (("at-once", 0.0, 1.0, 1.0), ("second", 1.0, 1.0, 1.0), ("hour", 3600.0, 0.0, -1.0),
                                     ("month", 30 * DAY, -1.0, 1.0), ("extreme-high", DAY, 8.0, 8.0),
                                     ("extreme-low", DAY, -6.0, -8.0)):
        yield Example(f"reram-cmo-read-{name}", read_relaxed,
                      {"g_prog": g, "t": t, "z_relax": np.full(6, z_relax), "z_read": np.full(6, z_read)},
                      f"shift and spread {t:g} s after programming, read noise of the relaxed conductance, both "
                      f"ends of the range; z = {z_relax}, {z_read}")
