"""The noise layer for a given draw, and what the search pays for noise that a layer tolerates."""
import math
from fractions import Fraction

import numpy as np

from refapprox.conformance.spec.base import Part, family, operation, part
from refapprox.conformance.spec.examples import Example, reals, rounding

# ---- parts


def standard_deviation(x, ddof=1):
    """From exact sums."""
    values = [Fraction(v) for v in x.ravel().tolist()]
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - ddof))


def biased_spread(x):
    s = standard_deviation(x, ddof=0)
    return s, 1 / (x.size * s) if s else 0.0


@part({
    "ddof": ("the other normalization of the spread (N instead of N - 1, or the reverse)", biased_spread),
    "noise not scaled by the spread": ("sigma is taken as an absolute level", lambda x: (1.0, 0.0)),
    "variance instead of standard deviation": ("the spread is not taken the root of",
        lambda x: (standard_deviation(x) ** 2, 2 / (x.size - 1)))})
def spread(x):
    """(what scales the noise, how strongly a deviation of x from its mean changes that)."""
    s = standard_deviation(x)
    return s, 1 / ((x.size - 1) * s) if s else 0.0


through_spread = Part("The slope of the spread as the gradient sees it.", lambda slope: slope, {}, {
    "gradient through std": {
        "std attached": None, "std detached": lambda slope: 0.0}})
share = Part("The weight of a layer.", lambda opcount, total, layers: opcount / total, {
    "opcount ignored": ("all layers count alike", lambda opcount, total, layers: 1 / layers)})
level = Part("(noise level, its slope in sigma).", lambda sigma: (abs(sigma), (sigma > 0) - (sigma < 0)), {
    "sigma without magnitude": ("negative noise levels are punished", lambda sigma: (sigma, 1))})
capped = Part("What a layer earns by a noise level.", lambda value, cap: min(value, cap), {
    "no cap": ("a layer earns beyond sigma_max", lambda value, cap: value)})
slope_of_cap = Part("The slope of `capped`.", lambda value, cap: 1.0 if value < cap else 0.0, {
    "no cap": lambda value, cap: 1.0}, {
    "gradient at sigma_max": {
        "zero at the cap": None,
        "half at the cap": lambda value, cap: 0.5 if value == cap else slope_of_cap.right(value, cap),
        "one at the cap": lambda value, cap: 1.0 if value == cap else slope_of_cap.right(value, cap)}})
price = Part("What a unit of noise adds to the loss.", lambda lmbd: -lmbd, {
    "reward with the wrong sign": ("the noise term raises the loss", lambda lmbd: lmbd)})

# ---- operations


@operation("y", "noise-layer", rounding({"y": 4.0}))
def noise_layer(*, x, sigma, eps):
    """x + sigma * std(x) * eps for a given standard-normal draw; std over the whole tensor, ddof 1."""
    return x + sigma * spread(x)[0] * eps


@operation("dx dsigma", "noise-layer", rounding({"dx": 16.0, "dsigma": 16.0}))
def noise_layer_gradient(*, dy, x, sigma, eps):
    """(dx, dsigma) of `noise_layer`, the draw held fixed."""
    # dsigma = s sum(dy eps), dx = dy + sigma sum(dy eps) (x - mean) / ((N - 1) s)
    along = math.fsum((dy * eps).ravel().tolist())
    s, slope = spread(x)
    center = math.fsum(x.ravel().tolist()) / x.size
    return dy + sigma * along * through_spread(slope) * (x - center), s * along


@operation("value", "noise-loss", rounding({"value": 0.25}))
def noise_loss(*, sigmas, opcounts, lmbd, sigma_max):
    """-lmbd * sum_l opcounts[l] / sum(opcounts) * min(|sigmas[l]|, sigma_max)."""
    total, layers = math.fsum(opcounts), len(opcounts)
    return price(lmbd) * math.fsum(share(count, total, layers) * capped(level(sigma)[0], sigma_max)
                                   for sigma, count in zip(sigmas.tolist(), opcounts.tolist(), strict=True))


@operation("dsigmas", "noise-loss", rounding({"dsigmas": 0.25}))
def noise_loss_gradient(*, sigmas, opcounts, lmbd, sigma_max):
    """Gradient of `noise_loss` for every sigma."""
    total, layers, slopes = math.fsum(opcounts), len(opcounts), []
    for sigma, count in zip(sigmas.tolist(), opcounts.tolist(), strict=True):
        value, direction = level(sigma)
        slopes.append(price(lmbd) * share(count, total, layers) * slope_of_cap(value, sigma_max) * direction)
    return np.array(slopes) + 0.0      # + 0.0: no -0.0


# ---- examples


@family("noise_layer")
def disturbed():
    """Forward, and the gradient with the spread as a function of x, or as a constant."""
    for name, shape, sigma in (("small", (3,), 0.5), ("images", (2, 2, 2, 2), 0.25), ("rows", (4, 3), 0.125),
                               ("negative-sigma", (5,), -0.5), ("pair", (2,), 1.0)):
        x, eps, dy = (reals(f"noise {name} {which}", shape, -2, 2) for which in ("x", "eps", "dy"))
        inputs = {"x": x, "sigma": sigma, "eps": eps}
        yield Example(name, noise_layer, inputs,
                      f"x + sigma std(x) eps, std over all {x.size} elements with ddof 1")
        yield Example(f"gradient-{name}", noise_layer_gradient, {"dy": dy, **inputs},
                      "gradients of x and sigma for a given draw")
    inputs = {"x": np.full(4, 1.5), "sigma": 0.5, "eps": reals("noise constant eps", (4,), -2, 2)}
    yield Example("constant", noise_layer, inputs, "a constant has no spread: it passes unchanged")
    yield Example("gradient-constant", noise_layer_gradient,
                  {"dy": reals("noise constant dy", (4,), -2, 2), **inputs},
                  "a constant has no spread: the gradient is dy, finite, and 0")


@family("noise_loss")
def rewards():
    """Below, at and beyond the cap."""
    for name, sigmas, opcounts in (("below", [0.125, 0.25], [100, 300]), ("beyond", [0.75, 2.0], [100, 300]),
                                   ("mixed", [0.125, 0.75, 0.25], [10, 20, 70]),
                                   ("negative", [-0.125, -0.75], [300, 100]),
                                   ("one-layer", [0.25], [7]), ("at-the-cap", [0.5, 0.25], [100, 300]),
                                   ("at-the-negative-cap", [-0.5, 0.5], [100, 300]),
                                   ("at-zero", [0.0, 0.25], [100, 300])):
        inputs = {"sigmas": np.array(sigmas), "opcounts": np.array(opcounts), "lmbd": 0.25, "sigma_max": 0.5}
        yield Example(name, noise_loss, inputs, f"the reward for noise, {name}")
        yield Example(f"gradient-{name}", noise_loss_gradient, inputs, f"its gradient, {name}")
