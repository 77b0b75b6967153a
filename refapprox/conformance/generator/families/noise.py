"""The noise layer for a given draw, and what the search pays for standing noise."""
import math
from fractions import Fraction

import numpy as np

from refapprox.conformance.generator.building import make, rounding
from refapprox.conformance.generator.draws import reals


def spread(x, ddof=1, root=True):
    """Standard deviation, from exact sums."""
    values = [Fraction(v) for v in x.ravel().tolist()]
    mean = sum(values) / len(values)
    variance = sum((v - mean) ** 2 for v in values) / (len(values) - ddof)
    return math.sqrt(variance) if root else float(variance)


def disturbed(x, sigma, eps, *, scaled=True, **how):
    return {"y": x + sigma * (spread(x, **how) if scaled else 1.0) * eps}


def gradient(dy, x, sigma, eps, *, detached=False, ddof=1, scaled=True, root=True):
    """dsigma = s sum(dy eps), dx = dy + sigma sum(dy eps) (x - mean) / ((N - ddof) s)."""
    along = math.fsum((dy * eps).ravel().tolist())
    s = spread(x, ddof, root) if scaled else 1.0
    dx = dy
    if not detached and scaled:
        center = math.fsum(x.ravel().tolist()) / x.size
        slope = 1 / ((x.size - ddof) * s) if root else 2 / (x.size - ddof)
        dx = dy + sigma * along * slope * (x - center)
    return {"dx": dx, "dsigma": s * along}


def noise_layer():
    """Forward, and the gradient with the spread as a function of x, or as a constant."""
    deviations = {"ddof": {"ddof": 0}, "noise not scaled by the spread": {"scaled": False},
                  "variance instead of standard deviation": {"root": False}}
    for name, shape, sigma in (("small", (3,), 0.5), ("images", (2, 2, 2, 2), 0.25), ("rows", (4, 3), 0.125),
                               ("negative-sigma", (5,), -0.5), ("pair", (2,), 1.0)):
        x, eps, dy = (reals(f"noise {name} {which}", shape, -2, 2) for which in ("x", "eps", "dy"))
        inputs = {"x": x, "sigma": sigma, "eps": eps}
        yield make(f"noise_layer/{name}", "noise_layer", inputs, disturbed(x, sigma, eps),
                   probes=f"x + sigma std(x) eps, std over all {x.size} elements with ddof 1",
                   check=rounding({"y": 4.0}), reference="noise-layer",
                   mistakes={mistake: disturbed(x, sigma, eps, **how) for mistake, how in deviations.items()})
        yield make(f"noise_layer/gradient-{name}", "noise_layer_gradient", {"dy": dy, **inputs},
                   {"std attached": gradient(dy, x, sigma, eps),
                    "std detached": gradient(dy, x, sigma, eps, detached=True)},
                   question="gradient through std", probes="gradients of x and sigma for a given draw",
                   check=rounding({"dx": 16.0, "dsigma": 16.0}), reference="noise-layer",
                   mistakes={mistake: gradient(dy, x, sigma, eps, **how) for mistake, how in deviations.items()})


    x, eps, dy = np.full(4, 1.5), reals("noise constant eps", (4,), -2, 2), reals("noise constant dy", (4,), -2, 2)
    inputs = {"x": x, "sigma": 0.5, "eps": eps}
    yield make("noise_layer/constant", "noise_layer", inputs, {"y": x}, reference="noise-layer",
               probes="a constant has no spread: it passes unchanged", check=rounding({"y": 4.0}),
               mistakes={"noise not scaled by the spread": {"y": x + 0.5 * eps}})
    yield make("noise_layer/gradient-constant", "noise_layer_gradient", {"dy": dy, **inputs}, {"dx": dy, "dsigma": 0.0},
               reference="noise-layer", probes="a constant has no spread: the gradient is dy, finite, and 0",
               check=rounding({"dx": 16.0, "dsigma": 16.0}),
               mistakes={"noise not scaled by the spread": {"dx": dy, "dsigma": float((dy * eps).sum())}})


def reward(sigmas, opcounts, lmbd, sigma_max, *, sign=-1, magnitude=abs, equal=False, cap=True):
    """sign lmbd sum share min(|sigma|, sigma_max)."""
    total = math.fsum(opcounts)
    shares = [1 / len(opcounts) if equal else count / total for count in opcounts]
    levels = [min(magnitude(s), sigma_max) if cap else magnitude(s) for s in sigmas]
    return {"value": sign * lmbd * math.fsum(share * level for share, level in zip(shares, levels, strict=True))}


def reward_gradient(sigmas, opcounts, lmbd, sigma_max, *, at_cap=0.0, sign=-1, magnitude=abs, equal=False, cap=True):
    """sign lmbd share d min(|sigma|, sigma_max) / d sigma; `at_cap` is its value at the kink."""
    total = math.fsum(opcounts)
    slopes = []
    for sigma, count in zip(sigmas, opcounts, strict=True):
        level = magnitude(sigma)
        inside = 1.0 if level < sigma_max or not cap else (at_cap if level == sigma_max else 0.0)
        direction = 1.0 if magnitude is not abs else (sigma > 0) - (sigma < 0)
        share = 1 / len(opcounts) if equal else count / total
        slopes.append(sign * lmbd * share * inside * direction + 0.0)      # + 0.0: no -0.0
    return {"dsigmas": np.array(slopes, dtype=np.float64)}


def noise_loss():
    """Below, at and beyond the cap."""
    deviations = {"reward with the wrong sign": {"sign": 1}, "sigma without magnitude": {"magnitude": float},
                  "opcount ignored": {"equal": True}, "no cap": {"cap": False}}
    for name, sigmas, opcounts in (("below", [0.125, 0.25], [100, 300]), ("beyond", [0.75, 2.0], [100, 300]),
                                   ("mixed", [0.125, 0.75, 0.25], [10, 20, 70]),
                                   ("negative", [-0.125, -0.75], [300, 100]),
                                   ("one-layer", [0.25], [7]), ("at-the-cap", [0.5, 0.25], [100, 300]),
                                   ("at-the-negative-cap", [-0.5, 0.5], [100, 300]),
                                   ("at-zero", [0.0, 0.25], [100, 300])):
        inputs = {"sigmas": np.array(sigmas), "opcounts": np.array(opcounts), "lmbd": 0.25, "sigma_max": 0.5}
        args = (sigmas, opcounts, 0.25, 0.5)
        yield make(f"noise_loss/{name}", "noise_loss", inputs, reward(*args), probes=f"the reward for noise, {name}",
                   check=rounding({"value": 0.25}), reference="noise-loss",
                   mistakes={mistake: reward(*args, **how) for mistake, how in deviations.items()})
        at_cap = {"zero at the cap": reward_gradient(*args), "half at the cap": reward_gradient(*args, at_cap=0.5),
                  "one at the cap": reward_gradient(*args, at_cap=1.0)}
        shows = "cap" in name
        yield make(f"noise_loss/gradient-{name}", "noise_loss_gradient", inputs,
                   at_cap if shows else at_cap["zero at the cap"], probes=f"its gradient, {name}",
                   question="gradient at sigma_max" if shows else "", check=rounding({"dsigmas": 0.25}),
                   reference="noise-loss",
                   mistakes={mistake: reward_gradient(*args, **how) for mistake, how in deviations.items()})
