"""Times of the error statistics against the published way of computing them.

    python -m tests.benchmarks.error_statistics [--run DIR] [--samples 512] [--draws 20000]

The operands are those of a matched run, or synthetic ones of LeNet-5's shapes: sparse, correlated activations. The
published way is, if AGNAPPROX_ERROR_STATS names agnapprox's `utils/error_stats.py`, that file itself, imported from
where it is; else a plain restatement of the same steps. Processor time, so that other work on the machine matters
little; one thread: set OPENBLAS_NUM_THREADS=1.
"""
import argparse
import importlib.util
import os
import sys
import time
from pathlib import Path

import numpy as np

from refapprox import load_library
from refapprox.error_stats import (
    RUNGS,
    LayerOperands,
    get_sample_population,
    simulation,
    single_dist_mc,
    to_distribution,
)
from refapprox.main_job.error_report import read_run
from refapprox.matching import (
    AssignmentProblem,
    MatchingInfo,
    budget_assignment,
    kmeans_assignment,
    lagrangian_assignment,
    limited_assignment,
    predicted_stds,
    threshold_assignment,
)

SHAPES = {"conv1": (25, 6), "conv2": (150, 16), "linear1": (400, 120), "linear2": (120, 84), "linear3": (84, 10)}


class PlainPublished:
    """The published functions restated: one field at a time; one choice among all operand pairs per draw."""

    @staticmethod
    def population_prediction(emap, x_multidist, w_dist, fan_in):
        means, variances = [], []
        for x_dist in x_multidist:
            p, q = np.meshgrid(x_dist, w_dist, indexing="ij")
            mean = np.sum(emap * p * q)
            means.append(mean)
            variances.append(np.sum((emap - mean) ** 2 * p * q) / fan_in)
        return np.mean(means), np.sqrt(np.mean(np.square(means) + variances) - np.mean(means) ** 2)

    @staticmethod
    def single_dist_mc(emap, x_dist, w_dist, fan_in, num_samples):
        pairs = np.outer(x_dist, w_dist).ravel()
        sums = np.random.choice(emap.ravel(), size=(num_samples, fan_in), p=pairs).sum(axis=1)  # noqa: NPY002
        return sums.mean() / fan_in, sums.std() / fan_in


def published():
    """(name, module or class with the published functions)."""
    path = os.environ.get("AGNAPPROX_ERROR_STATS")
    if not path:
        return "plain restatement", PlainPublished
    spec = importlib.util.spec_from_file_location("agnapprox_error_stats", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return "agnapprox", module


def synthetic_layers(rng):
    """name -> (fields, weights) with LeNet-5's shapes."""
    layers = {}
    for name, (k, m) in SHAPES.items():
        common, own = rng.normal(size=(4000, 1)), rng.normal(size=(4000, k))
        fields = np.clip(np.rint(40 * (0.6 * common + own - 0.3)), 0, 127).astype(np.int64)
        layers[name] = fields, np.clip(np.rint(rng.normal(scale=30, size=(k, m))), -128, 127).astype(np.int64)
    return layers


def recorded_layers(path):
    return {name: (results.features, results.weights) for name, results in read_run(path).layers.items()}


def seconds(function, least=0.3):
    """(result, processor time of one call), the best of as many calls as fit into `least` seconds, at least one."""
    best, total = np.inf, 0.0
    while True:
        started = time.process_time()
        result = function()
        took = time.process_time() - started
        best, total = min(best, took), total + took
        if total >= least:
            return result, best


def bench_matching(layers, multipliers, samples, rng):
    """Every layer with every multiplier by the population estimate, histograms included on both sides."""
    sampled = {name: get_sample_population(fields, samples, rng=rng) for name, (fields, _) in layers.items()}
    emaps = [m.error_map for m in multipliers]

    def ours():
        return {name: RUNGS["population"].estimate(multipliers, LayerOperands.from_codes(fields, layers[name][1]))
                for name, fields in sampled.items()}

    name, peer = published()

    def theirs():
        found = {}
        for layer, fields in sampled.items():
            x = np.array([to_distribution(field, -128, 127)[1] for field in fields])
            w = to_distribution(layers[layer][1], -128, 127)[1]
            found[layer] = np.array([peer.population_prediction(emap, x, w, fields.shape[1])
                                     for emap in emaps]).T
        return found

    mine, fast = seconds(ours)
    reference, slow = seconds(theirs, least=0)
    worst = max(np.abs(mine[layer].per_operation_std[k] / reference[layer][1][k] - 1)
                for layer in layers for k in range(len(emaps)) if reference[layer][1][k] > 0)
    print(f"matching, {len(layers)} layers x {len(emaps)} multipliers, {samples} fields: refapprox {fast:.4f} s, "
          f"{name} {slow:.2f} s, ratio {slow / fast:.0f}; stds agree within {worst:.1e}")

    def exact():
        return [RUNGS["exact_data"].estimate(multipliers, LayerOperands.from_codes(fields, layers[layer][1]))
                for layer, fields in sampled.items()]

    found, took = seconds(exact)
    truth = [simulation(multipliers, LayerOperands.from_codes(fields, layers[layer][1]))
             for layer, fields in sampled.items()]
    worst = max(np.abs(f.accumulated_std - t.accumulated_std).max() / t.accumulated_std.max()
                for f, t in zip(found, truth, strict=True))
    print(f"rung 6 on the same fields: {took:.3f} s; stds equal the simulated ones within {worst:.1e}")


def bench_monte_carlo(layers, multipliers, draws, rng):
    name, peer = published()
    multiplier = next(m for m in multipliers if m.name.endswith("1L2H"))
    for layer, (fields, weights) in layers.items():
        x, w = to_distribution(fields, -128, 127)[1], to_distribution(weights, -128, 127)[1]
        n = fields.shape[1]
        mine, fast = seconds(lambda x=x, w=w, n=n: single_dist_mc(multiplier, x, w, n, draws, rng=rng))
        reference, slow = seconds(lambda x=x, w=w, n=n: peer.single_dist_mc(multiplier.error_map, x, w, n, draws), 0)
        print(f"Monte Carlo, {layer}, {draws} sums of {n}: refapprox {fast:.3f} s, {name} {slow:.2f} s, "
              f"ratio {slow / fast:.1f}; stds {mine[1]:.4g} and {reference[1]:.4g}")


def bench_assignments(layers, multipliers, rng):
    """Least energy under the threshold rule's own budget; sigmas drawn at random, 20 problems."""
    stds, outputs = [], []
    for fields, weights in layers.values():
        operands = LayerOperands.from_codes(fields[:500], weights)
        stds.append(RUNGS["population"].estimate(multipliers, operands).accumulated_std)
        outputs.append((fields[:500] @ weights).std())
    opcounts = np.array([117600, 240000, 48000, 10080, 840])[:len(stds)]
    costs = np.array([m.performance_metric for m in multipliers])
    rows = []
    for _ in range(20):
        problem = AssignmentProblem(np.array(stds), rng.uniform(0.005, 0.1, len(stds)) * outputs, opcounts, costs)
        threshold = threshold_assignment(problem)
        budget, took = seconds(lambda p=problem, t=threshold: budget_assignment(p, t.used), 0)
        few, means = limited_assignment(problem, 2), kmeans_assignment(problem, 2, rng=rng)
        sweep = lagrangian_assignment(problem, threshold.used)
        rows.append((threshold.energy, budget.energy, sweep.energy, few.energy, means.energy, budget.gap, sweep.gap,
                     means.gap, took))
    t, b, s, f, k, gap_b, gap_s, gap_k, took = np.array(rows).T
    print(f"assignment, 20 drawn problems: energy threshold {t.mean():.4f}, budget {b.mean():.4f}, "
          f"Lagrangian {s.mean():.4f}; at most 2 multipliers: exact {f.mean():.4f}, k-means {k.mean():.4f}")
    print(f"  budget never dearer at equal D: {bool((b <= t).all())}, largest gap {gap_b.max():.1e}, "
          f"{took.mean():.3f} s each; Lagrangian gap up to {gap_s.max():.3f}; k-means gap up to {gap_k.max():.3f}")


def bench_run(path):
    """The assignment of a matched run again, by the published and by the exact estimate, by threshold and budget."""
    run, info = read_run(path), MatchingInfo.load(Path(path) / "matching.json")
    for estimator in ("population", "exact_data"):
        stds = [predicted_stds(run.layers[layer.name], run.multipliers, None, rng=np.random.default_rng(0),
                               estimator=estimator) for layer in info.layers]
        problem = AssignmentProblem(np.array(stds), np.array([layer.allowed_std for layer in info.layers]),
                          np.array([layer.opcount for layer in info.layers]),
                          np.array([m.performance_metric for m in run.multipliers]))
        threshold = threshold_assignment(problem)
        rules = {"threshold": threshold, "budget": budget_assignment(problem, threshold.used),
                 "budget, 2 multipliers": budget_assignment(problem, threshold.used, 2)}
        for rule, found in rules.items():
            names = " ".join(run.multipliers[m].name.removeprefix("mul8s_") for m in found.choice)
            print(f"{Path(path).name}, {estimator}, {rule}: energy {found.energy:.4f}, sum of r {found.used:.3f}, "
                  f"gap {found.gap:.1e}: {names}")


def main(arguments=()):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", help="folder of a matched run; default: synthetic operands")
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--draws", type=int, default=20_000)
    args = parser.parse_args(arguments)
    rng, multipliers = np.random.default_rng(0), load_library().search_space()
    layers = recorded_layers(args.run) if args.run else synthetic_layers(rng)
    bench_matching(layers, multipliers, args.samples, rng)
    bench_monte_carlo(layers, multipliers, args.draws, rng)
    # a generator of its own: how often the functions above are timed decides how much of the other one is left
    bench_assignments(layers, multipliers, np.random.default_rng(1))
    if args.run:
        bench_run(args.run)


if __name__ == "__main__":
    main(sys.argv[1:])
