"""The cheapest multiplier that a layer stands, the energy of an assignment, and top-k accuracy."""
import math
from fractions import Fraction

import numpy as np

from refapprox.conformance.generator.building import absolute, exact, make, rounding
from refapprox.conformance.generator.tables import product

TIES = "equal costs"


def choose(costs, stds, allowed, *, last=True, strict=False, by="cost"):
    """Index of the cheapest candidate within the bound, or -1."""
    fitting = [i for i, std in enumerate(stds) if (std < allowed if strict else std <= allowed)]
    keys = {i: costs[i] if by == "cost" else stds[i] for i in fitting}
    best = [i for i in fitting if keys[i] == min(keys.values())]
    return (best[-1] if last else best[0]) if best else -1


DEVIATIONS = {"strict inequality": {"strict": True}, "most accurate instead of cheapest": {"by": "std"}}


def by_ties(index):
    """({convention: outputs}, question) where equal costs show, else (outputs, "")."""
    last, first = index(last=True), index(last=False)
    return (last, "") if last == first else ({"last wins": last, "first wins": first}, TIES)


def matching():
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
        def index(costs=costs, stds=stds, allowed=allowed, **how):
            return {"index": choose(costs, stds, allowed, **how)}

        expected, question = by_ties(index)
        nothing = {"index": "refused"} if choose(costs, stds, allowed) < 0 else None
        yield make(f"matching/rule-{name}", "cheapest_within",
                   {"costs": np.array(costs), "stds": np.array(stds), "allowed": allowed}, expected, probes=probes,
                   check=exact("an index"), question=question, reference="matching",
                   mistakes={**{mistake: index(**how) for mistake, how in DEVIATIONS.items()},
                             "empty selection raises": nothing})
    yield from cluster_features()
    yield from from_feature_maps()


def cluster_features():
    """Features by which layers are clustered: r = std / allowed, above 1 compressed to 1 + log r."""
    for name, stds, allowed in (("below", [0.5, 1.0, 1.5], 2.0), ("at-one", [0.75, 1.5, 3.0], 1.5),
                                ("beyond", [3.0, 4.0, 800.0], 1.0), ("zero", [0.0, 0.25, 2.0], 0.25)):
        ratios = [std / allowed for std in stds]

        def features(base=1.0, above=lambda r: r > 1, ratios=ratios):
            return {"features": np.array([base + math.log(r) if above(r) else r for r in ratios])}

        yield make(f"matching/features-{name}", "cluster_features", {"stds": np.array(stds), "allowed": allowed},
                   features(), probes="ratios to what is allowed, compressed above 1: continuous and increasing",
                   check=absolute({"features": 1e-5}, "float32 and the logarithms of different math libraries"),
                   reference="matching", mistakes={"logarithm alone": features(0.0, lambda r: r >= 1)})


def field_std(table, field, weights, n):
    """fan_in * std per operation of one field's error, from the histograms of field and weights."""
    m, _, _ = product(table)
    pairs = [(int(x), int(w)) for x in field for w in weights.ravel()]
    errors = [x * w - m(x, w) for x, w in pairs]
    mean = Fraction(sum(errors), len(errors))
    variance = sum((e - mean) ** 2 for e in errors) / len(errors)
    return n * math.sqrt(variance / n)


def from_feature_maps():
    """All fields are permutations of one, so that any sample of them has the same histograms."""
    field = np.array([5, -60, 33])
    features = np.stack([np.roll(field, shift) for shift in (0, 1, 2, 0)])
    weights = np.array([[7, -90], [101, 3], [-44, 58]])
    tables, costs = ["exact_s8", "broken_s8", "truncated_s8"], [4.0, 2.0, 1.0]
    stds = [field_std(table, field, weights, 3) for table in tables]
    outputs = [Fraction(int(v)) for v in (features @ weights).ravel()]
    mean = sum(outputs) / len(outputs)
    spread = math.sqrt(sum((v - mean) ** 2 for v in outputs) / len(outputs))
    ratios = [std / spread for std in stds]
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
        some_stds, some_costs = [stds[i] for i in order], [costs[i] for i in order]

        def index(sigma=sigma, some_stds=some_stds, some_costs=some_costs, magnitude=abs, factor=1.0, **how):
            # a hair of slack keeps the rule's answer where rounding could decide; no case but sigma = 0 stands there
            allowed = magnitude(sigma) * spread * (1 + 1e-12)
            return {"index": choose(some_costs, [factor * s for s in some_stds], allowed, **how)}

        yield make(f"matching/maps-{name}", "select_multiplier",
                   {"features": features, "weights": weights, "luts": [{"table": tables[i]} for i in order],
                    "costs": np.array(some_costs), "max_noise": sigma, "num_samples": 64, "seed": 1}, index(),
                   probes=probes, check=exact("an index; every ratio lies 4 % or more from the noise level"),
                   reference="matching",
                   mistakes={**{mistake: index(**how) for mistake, how in DEVIATIONS.items()},
                             "sign of the noise level": index(magnitude=float),
                             "missing sqrt(fan_in)": index(factor=math.sqrt(3))})


def energy():
    """Shares of multiplications times relative costs."""
    for name, opcounts, costs, cost_max in (("two-layers", [100, 300], [0.25, 0.5], 1.0),
                                            ("exact", [7, 9], [2.0, 2.0], 2.0),
                                            ("three-layers", [10, 1000, 6], [0.5, 0.125, 0.75], 0.875),
                                            ("one-layer", [5], [0.126], 0.425),
                                            ("free", [10, 30], [0.0, 1.0], 2.0)):
        def relative(opcounts=opcounts, costs=costs, cost_max=cost_max, equal=False):
            weights = [1] * len(opcounts) if equal else opcounts
            total = sum(Fraction(w) * Fraction(c) for w, c in zip(weights, costs, strict=True))
            return {"energy": float(total / sum(weights) / Fraction(cost_max))}

        yield make(f"energy/{name}", "relative_energy",
                   {"opcounts": np.array(opcounts), "costs": np.array(costs), "cost_max": cost_max}, relative(),
                   probes="energy relative to the most expensive multiplier of the search space",
                   check=rounding({"energy": 1.0}), reference="energy",
                   mistakes={"opcount ignored": relative(equal=True), "percent instead of parts":
                             {"energy": 100 * relative()["energy"]},
                             "energy relative to the assignment": relative(cost_max=max(costs))})


def topk_accuracy():
    """Distinct logits: a tie has no right answer."""
    logits = np.array([[0.5, 0.25, 1.0, -1.0], [3.0, 2.0, 1.0, 0.0], [-1.0, -2.0, -3.0, -0.5], [0.0, 4.0, 8.0, 2.0]])
    for name, labels, topk in (("top-1", [2, 1, 3, 0], [1]), ("top-2", [2, 1, 0, 1], [2]),
                               ("top-1-2-3", [0, 2, 1, 3], [1, 2, 3]),
                               ("all", [3, 3, 2, 0], [4]), ("unordered", [2, 0, 0, 0], [3, 1])):
        def parts(labels=labels, topk=topk, more=0, reverse=False, factor=1.0):
            ranks = [sorted(range(4), key=lambda c, row=row: row[c], reverse=not reverse).index(label)
                     for row, label in zip(logits.tolist(), labels, strict=True)]
            return {"accuracies": np.array([factor * sum(rank < k + more for rank in ranks) / 4 for k in topk])}

        yield make(f"topk_accuracy/{name}", "topk_accuracy", {"logits": logits, "labels": np.array(labels),
                                                              "topk": topk},
                   parts(), probes=f"top-k accuracy for k in {topk}", check=rounding({"accuracies": 1.0}, 2),
                   reference="top-k",
                   mistakes={"k off by one": parts(more=1), "smallest logits": parts(reverse=True),
                             "percent instead of parts": parts(factor=100.0)})
