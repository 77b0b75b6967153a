"""The cheapest multiplier that a layer tolerates, the energy of an assignment, and top-k accuracy."""
import math
from fractions import Fraction

import numpy as np

from refapprox.conformance.spec.base import Part, Refused, family, operation
from refapprox.conformance.spec.examples import Example, absolute, exact, rounding
from refapprox.conformance.spec.noise import share
from refapprox.conformance.spec.statistics import of_population
from refapprox.conformance.spec.tables import entries, tabulated

# ---- parts

fits = Part("Whether a candidate may be taken.", lambda std, allowed: std <= allowed, {
    "strict inequality": ("a candidate that exactly meets the bound is refused", lambda std, allowed: std < allowed)})
price = Part("What is made small.", lambda cost, std: cost, {
    "most accurate instead of cheapest": ("the smallest error wins", lambda cost, std: std)})
among_equals = Part("Which of the candidates of equal price.", lambda indices: indices[-1], {}, {
    "equal costs": {
        "last wins": None, "first wins": lambda indices: indices[0]}})


def raise_refusal():
    raise Refused("the minimum of an empty selection")


nothing = Part("The answer where no candidate fits.", lambda: -1, {
    "empty selection raises": ("an error where no candidate fits (the minimum of an empty selection, agnapprox's "
        "experiments/qos_experiment.py)", raise_refusal)})


def choose(costs, stds, allowed):
    """Index of the cheapest candidate within the bound, or -1."""
    prices = {i: price(cost, std) for i, (cost, std) in enumerate(zip(costs, stds, strict=True)) if fits(std, allowed)}
    return among_equals([i for i, p in prices.items() if p == min(prices.values())]) if prices else nothing()


compressed = Part("A feature for clustering.", lambda ratio: 1 + math.log(ratio) if ratio > 1 else ratio, {
    "logarithm alone": ("ratios above 1 are compressed to log r, so that 1 becomes 0 (qos_experiment.py of agnapprox's "
        "branch research/qos_nets)", lambda ratio: math.log(ratio) if ratio >= 1 else ratio)})
noise_level = Part("The level that a layer was trained with.", lambda sigma: abs(sigma), {
    "sign of the noise level": ("a negative sigma allows nothing", lambda sigma: sigma)})
reference_cost = Part("The cost that energies are relative to.", lambda costs, cost_max: cost_max, {
    "energy relative to the assignment": ("the most expensive multiplier assigned is taken for the reference",
        lambda costs, cost_max: max(costs))})
parts = Part("A share of 1.", lambda value: value, {
    "percent instead of parts": ("100 times too large", lambda value: 100 * value)})
rank = Part("How many logits are above the label's.", lambda row, label: sum(v > row[label] for v in row), {
    "smallest logits": ("the ranking is reversed", lambda row, label: sum(v < row[label] for v in row))})
count_of = Part("How many logits count.", lambda k: k, {
    "k off by one": ("the k + 1 largest logits count", lambda k: k + 1)})


def mean_and_variance(values):
    """Of integers, ddof 0, exact."""
    mean = Fraction(sum(values), len(values))
    return mean, sum((v - mean) ** 2 for v in values) / len(values)


def error_std(lut, features, weights):
    """fan_in * std per operation: errors of each field's codes with all weights, by the law of total variance."""
    m, w, fan_in = entries(lut, True), weights.ravel(), len(weights)
    errors = [field[:, None] * w - m(field[:, None], w) for field in features]
    means, variances = zip(*(mean_and_variance(field.ravel().tolist()) for field in errors), strict=True)
    return fan_in * of_population(means, variances, fan_in)[1]


def output_std(features, weights):
    return math.sqrt(mean_and_variance((features @ weights).ravel().tolist())[1])


# ---- operations


@operation("index", "matching", exact("an index"))
def cheapest_within(*, costs, stds, allowed):
    """Index of the cheapest candidate with std <= allowed; -1 where there is none."""
    return choose(costs.tolist(), stds.tolist(), allowed)


@operation("features", "matching", absolute({"features": 1e-5},
                                            "float32 and the logarithms of different math libraries"))
def cluster_features(*, stds, allowed):
    """Features by which layers are clustered: r = stds / allowed where r <= 1, else 1 + log r."""
    return np.array([compressed(std / allowed) for std in stds.tolist()])


@operation("index", "matching", exact("an index; every ratio lies 4 % or more from the noise level"))
def select_multiplier(*, features, weights, luts, costs, max_noise, num_samples, seed):
    """Published rule: the cheapest with fan_in * std of `population_prediction` <= |max_noise| * std(features @
    weights), ddof 0; features (fields, k), weights (k, m), signed codes, `luts` a list of tables.
    Index, or -1 where there is none."""
    stds = [error_std(lut, features, weights) for lut in luts]
    # a hair of slack keeps the rule's answer where rounding could decide; no example but sigma = 0 stands there
    allowed = noise_level(max_noise) * output_std(features, weights) * (1 + 1e-12)
    return choose(costs.tolist(), stds, allowed)


@operation("energy", "energy", rounding({"energy": 1.0}))
def relative_energy(*, opcounts, costs, cost_max):
    """sum_l opcounts[l] / sum(opcounts) * costs[l] / cost_max."""
    counts, total = opcounts.tolist(), int(opcounts.sum())
    shares = [Fraction(share(Fraction(count), total, Fraction(len(counts)))) for count in counts]
    energy = sum(s * Fraction(cost) for s, cost in zip(shares, costs.tolist(), strict=True))
    return parts(float(energy / Fraction(reference_cost(costs.tolist(), cost_max))))


@operation("accuracies", "top-k", rounding({"accuracies": 1.0}, 2))
def topk_accuracy(*, logits, labels, topk):
    """Part of the samples in [0, 1] whose label is among the k largest logits, for every k in `topk`."""
    ranks = [rank(row, label) for row, label in zip(logits.tolist(), labels.tolist(), strict=True)]
    return np.array([parts(sum(r < count_of(k) for r in ranks) / len(ranks)) for k in topk])


# ---- examples


@family("matching")
def rules():
    """The rule on given spreads, then from feature maps."""
    for name, costs, stds, allowed, probes in (
            ("cheapest", [3.0, 1.0, 2.0], [0.5, 4.0, 1.5], 2.0, "the cheapest that fits, not the cheapest"),
            ("boundary", [3.0, 1.0, 2.0], [0.5, 4.0, 1.5], 1.5, "a spread equal to the bound fits"),
            ("boundary-zero", [3.0, 1.0], [0.0, 4.0], 0.0, "bound 0: the exact multiplier fits"),
            ("nothing-fits", [3.0, 1.0], [0.5, 4.0], 0.25, "nothing fits"),
            ("everything-fits", [3.0, 1.0, 2.0], [0.5, 4.0, 1.5], 5.0, "everything fits"),
            ("one-candidate", [3.0], [0.5], 1.0, "a search space of one"),
            ("empty", [], [], 1.0, "an empty search space has no answer"),
            ("ties", [2.0, 1.0, 1.0], [0.5, 1.5, 1.0], 2.0, "two candidates of equal cost fit"),
            ("three-ties", [1.0, 1.0, 1.0], [0.75, 0.5, 1.5], 1.0, "ties beside one that does not fit")):
        yield Example(f"rule-{name}", cheapest_within,
                      {"costs": np.array(costs), "stds": np.array(stds), "allowed": allowed}, probes)
    for name, stds, allowed in (("below", [0.5, 1.0, 1.5], 2.0), ("at-one", [0.75, 1.5, 3.0], 1.5),
                                ("beyond", [3.0, 4.0, 800.0], 1.0), ("zero", [0.0, 0.25, 2.0], 0.25)):
        yield Example(f"features-{name}", cluster_features, {"stds": np.array(stds), "allowed": allowed},
                      "ratios to what is allowed, compressed above 1: continuous and increasing")
    yield from feature_maps()


def feature_maps():
    """All fields are permutations of one, so that any sample of them has the same histograms."""
    features = np.stack([np.roll(np.array([5, -60, 33]), shift) for shift in (0, 1, 2, 0)])
    weights = np.array([[7, -90], [101, 3], [-44, 58]])
    names, costs = ["exact_s8", "broken_s8", "truncated_s8"], [4.0, 2.0, 1.0]
    ratios = [error_std(tabulated(name), features, weights) / output_std(features, weights) for name in names]
    between = [(a + b) / 2 for a, b in zip(sorted(ratios), sorted(ratios)[1:], strict=False)]
    for name, sigma, order, probes in (
            ("loose", 2 * max(ratios), (0, 1, 2), "a noise level that allows every candidate"),
            ("medium", between[1], (0, 1, 2), "a noise level between the second and the third candidate"),
            ("tight", between[0], (0, 1, 2), "a noise level that allows the exact multiplier only"),
            ("zero", 0.0, (1, 0, 2), "sigma = 0 allows an error of 0"),
            ("negative", -2 * max(ratios), (2, 0, 1), "the sign of sigma is irrelevant"),
            ("negative-medium", -between[1], (2, 1, 0), "the sign of sigma is irrelevant, another order"),
            ("without-exact", between[0] / 4, (1, 2), "nothing fits without the exact multiplier"),
            ("ddof", 1.04 * max(ratios), (0, 2), "just above the largest ratio"),
            ("just-below", 0.96 * max(ratios), (0, 2), "just below the largest ratio")):
        yield Example(f"maps-{name}", select_multiplier,
                      {"features": features, "weights": weights, "luts": [{"table": names[i]} for i in order],
                       "costs": np.array([costs[i] for i in order]), "max_noise": sigma, "num_samples": 64, "seed": 1},
                      probes)


@family("energy")
def energies():
    """Shares of multiplications times relative costs."""
    for name, opcounts, costs, cost_max in (("two-layers", [100, 300], [0.25, 0.5], 1.0),
                                            ("exact", [7, 9], [2.0, 2.0], 2.0),
                                            ("three-layers", [10, 1000, 6], [0.5, 0.125, 0.75], 0.875),
                                            ("one-layer", [5], [0.126], 0.425),
                                            ("free", [10, 30], [0.0, 1.0], 2.0)):
        yield Example(name, relative_energy,
                      {"opcounts": np.array(opcounts), "costs": np.array(costs), "cost_max": cost_max},
                      "energy relative to the most expensive multiplier of the search space")


@family("topk_accuracy")
def rankings():
    """Distinct logits: a tie has no right answer."""
    logits = np.array([[0.5, 0.25, 1.0, -1.0], [3.0, 2.0, 1.0, 0.0], [-1.0, -2.0, -3.0, -0.5], [0.0, 4.0, 8.0, 2.0]])
    for name, labels, topk in (("top-1", [2, 1, 3, 0], [1]), ("top-2", [2, 1, 0, 1], [2]),
                               ("top-1-2-3", [0, 2, 1, 3], [1, 2, 3]), ("all", [3, 3, 2, 0], [4]),
                               ("unordered", [2, 0, 0, 0], [3, 1])):
        yield Example(name, topk_accuracy, {"logits": logits, "labels": np.array(labels), "topk": topk},
                      f"top-k accuracy for k in {topk}")
