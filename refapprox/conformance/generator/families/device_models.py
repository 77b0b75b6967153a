"""The other device models: HERMES's phase-change memory, resistive memory, a drift law from the user's lists.

Constants are those of the papers named in docs/conformance.md, formulas are evaluated number by number.
"""
import math

import numpy as np

from refapprox.conformance.generator.building import absolute, make

TOLERANCE = "float32 arithmetic and the logarithms and powers of different math libraries: 1e-5 relative"
LOG_FLOOR = 1e-7
X = (0.0, 0.05, 0.12, 0.2, 0.4, 0.7, 1.0)      # g / g_max, on either side of every switch of the HERMES fits

# switch; slope, offset, low, high of a clipped logarithm below it; ascending powers of x from there on
MU = (0.0945, (-0.0387, -0.0182, 0.0720, 0.13), (0.0736, -0.0126, -0.0436))
HERMES = {
    "hermes_1": {"g_max": 10.35, "t_0": 200.0, "sigma": (0.15781817, 2.32443916, -2.16310839, 0.68841818),
                 "sd": (0.3039, (-0.0120, -0.0023, 0.0124, 0.04), (0.0104, 0.0116, -0.0165)),
                 "q": (0.1591, (-0.0078, 0.0038, 0.0179, 0.04), (0.0088, 0.0768, -0.1352, 0.0664))},
    "hermes_2": {"g_max": 20.7, "t_0": 300.0, "sigma": (0.16603222, 4.71806468, -8.48101252, 4.68961419),
                 "sd": (0.3055, (-0.0117, -0.0057, 0.0091, 0.04), (0.0073, 0.0093, -0.0118)),
                 "q": (0.16, (-0.0117, -0.0069, 0.015, 0.04), (0.0123, 0.0211, -0.0280, 0.0069))},
}
HERMES_T_READ = 512e-9
DAY = 86400.0
RERAM = {1.0: (0.348, 16.030, -43.853, 45.393, -16.815), DAY: (0.701, 22.086, -50.773, 47.095, -16.458),
         2 * DAY: (0.782, 20.274, -43.507, 37.062, -11.934)}
CMO = {"range": (9.0, 88.199997), "sigma": {0.2: (0.00081107, 0.00106879), 2.0: (0.0112185391, 0.01129027418)},
       "shift": -0.08900206, "spread": (0.41183342, 0.04201137), "read": 0.0277316483, "t_read": 1e-6}
PCM_SIGMA = (0.26348, 1.9650, -1.1731)


def ascending(coefficients, x):
    return math.fsum(c * x ** power for power, c in enumerate(coefficients))


def fit(x, switch, logarithm, polynomial, *, one_branch=False):
    """A clipped logarithm below `switch`, a polynomial from there on."""
    if one_branch or x < switch:
        slope, offset, low, high = logarithm
        return min(max(slope * math.log(max(x, LOG_FLOOR)) + offset, low), high)
    return ascending(polynomial, x)


def disturbed(g, sigma, z, *, clip=True):
    """max(0, g + sigma z), device by device."""
    noisy = [value + s * draw for value, s, draw in zip(g, sigma, z, strict=True)]
    return np.array([max(value, 0.0) for value in noisy] if clip else noisy)


def hermes():
    """Programming, drift exponent and reading of either unit cell."""
    for model, constants in HERMES.items():
        g_max = constants["g_max"]
        g = np.array([x * g_max for x in X])
        for name, z in (("plus", 1.0), ("extreme", -8.0)):
            draws = np.full(len(X), z)

            def programmed(step=1, draws=draws, c=constants, g=g, **how):
                return {"g_prog": disturbed(g, [ascending(c["sigma"][::step], x) for x in X], draws, **how)}

            yield make(f"devices/{model}-program-{name}", "program", {"model": model, "g_target": g, "z": draws},
                       programmed(), probes=f"programming noise for z = {z}: a cubic in g / {g_max} uS",
                       check=absolute({"g_prog": g_max * 1e-5}, TOLERANCE), reference="devices",
                       mistakes={"negative conductance": programmed(clip=False),
                                 "coefficients reversed": programmed(step=-1)})
        for name, z in (("none", 0.0), ("minus", -1.0), ("extreme", -8.0)):
            def exponents(z=z, c=constants, folded=abs, **how):
                return {"nu": np.array([folded(fit(x, *MU, **how) + fit(x, *c["sd"], **how) * z) for x in X])}

            yield make(f"devices/{model}-drift-{name}", "drift_exponent",
                       {"model": model, "g_target": g, "z": np.full(len(X), z)}, exponents(),
                       probes=f"drift exponents for z = {z}: logarithms at small conductances, polynomials above",
                       check=absolute({"nu": 1e-6}, TOLERANCE), reference="devices",
                       mistakes={"truncated drift exponent": exponents(folded=lambda nu: max(nu, 0.0)),
                                 "one branch of the fit": exponents(one_branch=True)})
        nu = np.array([0.06, 0.1, 0.05, 0.072, 0.08, 0.049, 0.03])
        for name, t, z in (("at-once", 0.0, 1.0), ("hour", 3600.0, 1.0), ("extreme", 2592000.0, -8.0)):
            yield make(f"devices/{model}-read-{name}", "read",
                       {"model": model, "g_prog": g, "nu": nu, "t": t, "z": np.full(len(X), z)},
                       hermes_read(constants, g, nu, t, z),
                       probes=f"conductance {t:g} s after programming, t_0 = {constants['t_0']:g} s, z = {z}",
                       check=absolute({"g": 2 * g_max * 1e-5}, TOLERANCE), reference="devices",
                       mistakes={"negative conductance": hermes_read(constants, g, nu, t, z, clip=False),
                                 "drift time without t_0": hermes_read(constants, g, nu, t, z, offset=False) if t
                                 else None,
                                 "one branch of the fit": hermes_read(constants, g, nu, t, z, one_branch=True),
                                 "read noise of the drifted conductance":
                                     hermes_read(constants, g, nu, t, z, of_drifted=True)})


def hermes_read(constants, g_prog, nu, t, z, *, clip=True, offset=True, of_drifted=False, **how):
    """max(0, G_d (1 + q sqrt(log((T + t_read) / (2 t_read))) z)), G_d = G_0 (T / t_0)^-nu, T = t + t_0."""
    total = t + constants["t_0"]
    growth = math.sqrt(math.log((total + HERMES_T_READ) / (2 * HERMES_T_READ)))
    read = []
    for g, exponent in zip(g_prog.tolist(), nu.tolist(), strict=True):
        drifted = g * ((total if offset else t) / constants["t_0"]) ** -exponent
        q = fit((drifted if of_drifted else g) / constants["g_max"], *constants["q"], **how)
        value = drifted * (1 + q * growth * z)
        read.append(max(value, 0.0) if clip else value)
    return {"g": np.array(read)}


def resistive():
    """Resistive memory: noise around the target, measured at three times; no other time has an answer."""
    g = np.array([0.0, 1.0, 6.0, 12.5, 18.0, 25.0])

    def drawn(t, z, name="g", step=1, **how):
        return {name: disturbed(g, [ascending(RERAM[t][::step], v / 25.0) for v in g.tolist()], z, **how)}

    for name, z in (("plus", 1.0), ("minus", -1.0)):
        draws = np.full(6, z)
        yield make(f"devices/reram-program-{name}", "program",
                   {"model": "reram_wan2022", "g_target": g, "z": draws}, drawn(1.0, draws, "g_prog"),
                   probes=f"programming noise is that of 1 s, z = {z}", reference="devices",
                   check=absolute({"g_prog": 25e-5}, TOLERANCE),
                   mistakes={"negative conductance": drawn(1.0, draws, "g_prog", clip=False),
                             "coefficients reversed": drawn(1.0, draws, "g_prog", step=-1)})
        for when, t in (("second", 1.0), ("day", DAY), ("two-days", 2 * DAY)):
            yield make(f"devices/reram-read-{when}-{name}", "read_target",
                       {"model": "reram_wan2022", "g_target": g, "t": t, "z": draws}, drawn(t, draws),
                       probes=f"redrawn around the target with the fit of {t:g} s, z = {z}", reference="devices",
                       check=absolute({"g": 25e-5}, TOLERANCE),
                       mistakes={"negative conductance": drawn(t, draws, clip=False),
                                 "coefficients reversed": drawn(t, draws, step=-1),
                                 "one fit for all times": drawn(1.0, draws)})
    for name, t in (("an-hour", 3600.0), ("a-month", 30 * DAY)):
        near = min(RERAM, key=lambda key, t=t: abs(key - t))
        yield make(f"devices/reram-read-after-{name}", "read_target",
                   {"model": "reram_wan2022", "g_target": g, "t": t, "z": np.ones(6)}, {"g": "refused"},
                   probes=f"nothing was measured at {t:g} s", reference="devices",
                   check={"kind": "refused", "bounds": {"g": 25e-5},
                          "reason": "a time that was not measured must be refused"},
                   mistakes={"nearest measured time": drawn(near, np.ones(6)),
                             "one fit for all times": drawn(1.0, np.ones(6))})


def relaxing():
    """Resistive memory with write and verify: scattered around its target, later shifted and spread with log t."""
    low, high = CMO["range"]
    g = np.array([low, 9.25, 20.0, 50.0, 88.0, high])
    for acceptance, name in ((0.2, "narrow"), (2.0, "wide")):
        for sign, z in (("plus", 1.0), ("minus", -1.0)):
            def programmed(step=1, z=z, c=CMO["sigma"][acceptance]):
                return {"g_prog": np.array([v + ascending(c[::step], v) * z for v in g.tolist()])}

            yield make(f"devices/reram-cmo-program-{name}-{sign}", "program_verified",
                       {"g_target": g, "acceptance_range": acceptance, "z": np.full(6, z)}, programmed(),
                       probes=f"write and verify to {acceptance:g} %: noise linear in the target, not clipped, z = {z}",
                       check=absolute({"g_prog": high * 1e-5}, TOLERANCE), reference="devices",
                       mistakes={"coefficients reversed": programmed(-1)})
    for name, t, z_relax, z_read in (("at-once", 0.0, 1.0, 1.0), ("second", 1.0, 1.0, 1.0), ("hour", 3600.0, 0.0, -1.0),
                                     ("month", 30 * DAY, -1.0, 1.0), ("extreme-high", DAY, 8.0, 8.0),
                                     ("extreme-low", DAY, -6.0, -8.0)):
        yield make(f"devices/reram-cmo-read-{name}", "read_relaxed",
                   {"g_prog": g, "t": t, "z_relax": np.full(6, z_relax), "z_read": np.full(6, z_read)},
                   relaxed(g, t, z_relax, z_read),
                   probes=f"shift and spread {t:g} s after programming, read noise of the relaxed conductance, both "
                          f"ends of the range; z = {z_relax}, {z_read}",
                   check=absolute({"g": high * 1e-5}, TOLERANCE), reference="devices",
                   mistakes={"read noise forgotten": relaxed(g, t, z_relax, 0.0)})


def relaxed(g_prog, t, z_relax, z_read):
    """G_d = g + m log t + (s_0 + s_1 log t) z_relax; read with K |log10 G_d| sqrt(log((t + t_read) / (2 t_read)))."""
    if t == 0:
        return {"g": g_prog}
    (low, high), (start, growth) = CMO["range"], CMO["spread"]
    read = []
    for g in g_prog.tolist():
        drifted = g + CMO["shift"] * math.log(t) + (start + growth * math.log(t)) * z_relax
        noise = CMO["read"] * abs(math.log10(drifted)) * math.sqrt(math.log((t + CMO["t_read"]) / (2 * CMO["t_read"])))
        read.append(min(max(drifted + noise * z_read, low), high))
    return {"g": np.array(read)}


def custom_drift():
    """Mean and spread of the exponent, interpolated between the user's conductances, constant beyond them."""
    lists = {"g_lst": [0.0, 5.0, 10.0, 25.0], "nu_mean_lst": [0.1, 0.0625, 0.05, 0.03125],
             "nu_std_lst": [0.03125, 0.0125, 0.01, 0.02]}
    g = np.array([0.0, 1.0, 5.0, 7.5, 20.0, 25.0, 27.5])

    def exponents(z, at=None, folded=abs):
        mean, std = ([(at or interpolated)(value, lists["g_lst"], lists[key]) for value in g.tolist()]
                     for key in ("nu_mean_lst", "nu_std_lst"))
        return {"nu": np.array([folded(mu + sd * z) for mu, sd in zip(mean, std, strict=True)])}

    for name, z in (("none", 0.0), ("plus", 1.0), ("extreme", -8.0)):
        yield make(f"devices/custom-drift-{name}", "custom_drift_exponent",
                   {**lists, "g_target": g, "z": np.full(len(g), z)}, exponents(z),
                   probes=f"drift exponents interpolated in lists, the last value beyond their end, z = {z}",
                   check=absolute({"nu": 1e-6}, TOLERANCE), reference="devices",
                   mistakes={"extrapolated drift list": exponents(z, extrapolated),
                             "drift list without interpolation": exponents(z, step),
                             "truncated drift exponent": exponents(z, folded=lambda nu: max(nu, 0.0))})


def extrapolated(v, xs, ys):
    """Piecewise linear; the first and last pieces go on."""
    i = min(sum(x <= v for x in xs[1:]), len(xs) - 2)
    return ys[i] + (ys[i + 1] - ys[i]) * (v - xs[i]) / (xs[i + 1] - xs[i])


def interpolated(v, xs, ys):
    return extrapolated(min(max(v, xs[0]), xs[-1]), xs, ys)


def step(v, xs, ys):
    """The value at the last breakpoint that is not above v."""
    return ys[sum(x <= v for x in xs[1:])]


def ranges():
    """Programming noise of devices whose range ends elsewhere: which polynomials are rescaled, and which are not."""
    for model, g_max, coefficients, reference in (
            ("pcm_like", 10.0, PCM_SIGMA, 25.0), ("pcm_like", 40.0, PCM_SIGMA, 25.0),
            ("hermes_1", 5.0, HERMES["hermes_1"]["sigma"], 10.35),
            ("hermes_2", 10.0, HERMES["hermes_2"]["sigma"], 20.7),
            ("state_independent", 40.0, (0.2,), 40.0), ("reram_wan2022", 40.0, RERAM[1.0], 40.0)):
        def std(rescale=g_max / reference, g_max=g_max, c=coefficients, power=1):
            return {"std": np.array([rescale * ascending(c[::power], x) for x in X])}

        yield make(f"devices/range-{model.replace('_', '-')}-{g_max:g}-uS", "programming_std",
                   {"model": model, "g_max": g_max, "g_target": np.array([x * g_max for x in X])}, std(),
                   probes=f"programming noise in uS where the range ends at {g_max:g} uS; the fit "
                          + (f"is one of {reference:g} uS and rescaled" if g_max != reference else "is not rescaled"),
                   check=absolute({"std": g_max * 1e-5}, TOLERANCE), reference="devices",
                   mistakes={"coefficients not rescaled": std(1.0), "coefficients reversed": std(power=-1)})


def others():
    for part in (hermes, resistive, custom_drift, ranges, relaxing):
        yield from part()
