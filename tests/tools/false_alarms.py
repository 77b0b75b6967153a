"""How often the assertions of `refapprox.testing` lie, and how often they find what they promise to find.

    python -m tests.tools.false_alarms [--repetitions 1000000] [--alpha 1e-3] [--samples 30 300] [--seed 0]

For laws that are rare, skewed, lattice and heavy, known whole or by moments only: so many samples are drawn from the
law, so often, and every check is counted; whole or by moments, a law is held against the same samples. A false-alarm
rate is refuted where the lower confidence bound of the rate (Clopper and Pearson, one-sided 99.99 %) exceeds alpha. The
power of each check is counted in a hundredth of the repetitions (1,000 at least), against samples that are off by
exactly what `min_detectable` names at a power of 0.99: all shifted (mean), stretched about their mean (std), or some of
them replaced by the largest value (distribution function); it is refuted where the upper bound is below 0.99.
`samples_needed` is `min_detectable` turned round, which a test says. Exit code 1 where anything is refuted.
"""
import argparse
import sys
import time
from collections import Counter

import numpy as np
from scipy.stats import beta

from refapprox.error_stats import AliasSampler, Law
from refapprox.testing.known_laws import law_of, moments
from refapprox.testing.limits import acceptance
from refapprox.testing.power import min_detectable

CONFIDENCE, POWER = 0.9999, 0.99
BLOCK_DRAWS = 1 << 21


def power_law(reach=300):
    """Integers with P(s) ~ 1 / (1 + |s|)^3: a few draws decide the variance."""
    values = np.arange(-reach, reach + 1)
    weights = (1.0 + np.abs(values)) ** -3
    return values, weights / weights.sum()


def laws():
    """(name, what is known -> the law, a sampler of a shape) of each law."""
    rare = np.array([0, 100]), np.array([255 / 256, 1 / 256])
    skewed = np.arange(20), 0.5 ** np.arange(1, 21) / (1 - 0.5 ** 20)
    lattice = 64 * np.array([-1, 0, 1, 2]), np.array([0.3, 0.4, 0.2, 0.1])
    for name, (values, p) in {"rare": rare, "skewed": skewed, "lattice": lattice, "heavy": power_law()}.items():
        sampler = AliasSampler(values.astype(float), p)
        mean = p @ values
        second, fourth = p @ (values - mean) ** 2, p @ (values - mean) ** 4
        yield name, {"whole": law_of(values, p),
                     "bounded moments": moments(mean, second ** 0.5, lower=values.min(), upper=values.max()),
                     "fourth moment": moments(mean, second ** 0.5, fourth=fourth)}, \
            lambda shape, rng, sampler=sampler: sampler.draw(shape[0] * shape[1], rng=rng).reshape(shape)
    # Student's t with 5 degrees of freedom: variance 5/3, fourth moment 3 * 5^2 / (3 * 1) = 25, no more than that
    yield "Student t5", {"fourth moment": moments(0.0, (5 / 3) ** 0.5, fourth=25.0)}, \
        lambda shape, rng: rng.standard_t(5, shape)


def lower_bound(hits, trials):
    """One-sided Clopper-Pearson bound of a probability from below."""
    return 0.0 if hits == 0 else float(beta.ppf(1 - CONFIDENCE, hits, trials - hits + 1))


def upper_bound(hits, trials):
    return 1.0 if hits == trials else float(beta.ppf(CONFIDENCE, hits + 1, trials - hits))


def deviations(law, promised):
    """name of a check -> what makes good samples ones that it promises to find, a function of samples and generator."""
    stretch = 1 + promised.std / law.std
    found = {"mean": lambda draws, rng: draws + promised.mean}
    if np.isfinite(stretch):
        found["std"] = lambda draws, rng: law.mean + stretch * (draws - law.mean)
    if isinstance(law, Law):
        values = np.flatnonzero(law.pmf)
        share = promised.distance / (1 - law.pmf[values[-1]])      # replaced, they lift F below the largest value
        largest = law.values[values[-1]]
        if share <= 1:
            found["whole law"] = lambda draws, rng: np.where(rng.random(draws.shape) < share, largest, draws)
    return found


def rejections(accepted, draw, repetitions, samples, rng, change=lambda draws, rng: draws):
    """For each of the acceptances: name of a check -> how many repetitions failed it; "any" among them."""
    counts, block = [Counter() for _ in accepted], max(1, BLOCK_DRAWS // samples)
    for start in range(0, repetitions, block):
        draws = change(draw((min(block, repetitions - start), samples), rng), rng)
        for one, counted in zip(accepted, counts, strict=True):
            failed = one.failures(draws)
            failed["any"] = np.any(list(failed.values()), axis=0)
            counted.update({name: int(np.count_nonzero(fails)) for name, fails in failed.items()})
    return counts


def main(arguments=()):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=1_000_000)
    parser.add_argument("--alpha", type=float, default=1e-3)
    parser.add_argument("--samples", type=int, nargs="+", default=[30, 300])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    started, refuted = time.perf_counter(), 0
    for samples in args.samples:
        print(f"{args.repetitions} repetitions of {samples} samples, alpha {args.alpha:g}, seed {args.seed}: "
              f"rate of false alarms and its {100 * CONFIDENCE:g} % lower bound; power of the deviations promised")
        for name, known, draw in laws():
            rng = np.random.default_rng(args.seed)
            accepted = [acceptance(law, samples, args.alpha) for law in known.values()]
            alarms = rejections(accepted, draw, args.repetitions, samples, rng)
            refuted += sum(refutes(f"{name}, {what}", law, one, counted, draw, samples, args, rng)
                           for (what, law), one, counted in zip(known.items(), accepted, alarms, strict=True))
    print(f"{refuted} refuted, {time.perf_counter() - started:.0f} s")
    return int(refuted > 0)


def refutes(name, law, accepted, alarms, draw, samples, args, rng):
    """Print the rates of one law, count the deviations it finds, and say whether they refute what was promised."""
    bound = lower_bound(alarms["any"], args.repetitions)
    trials = max(min(1000, args.repetitions), args.repetitions // 100)
    promised = min_detectable(law, samples, args.alpha, POWER)
    found = {check: rejections([accepted], draw, trials, samples, rng, change)[0][check]
             for check, change in deviations(law, promised).items()}
    wrong = bound > args.alpha or any(upper_bound(hits, trials) < POWER for hits in found.values())
    each = ", ".join(f"{check} {count / args.repetitions:.2g}" for check, count in alarms.items() if check != "any")
    sizes = {"mean": promised.mean, "std": promised.std, "whole law": promised.distance}
    powers = ", ".join(f"{check} off by {sizes[check]:.3g} in {100 * hits / trials:.2f} %"
                       for check, hits in found.items())
    print(f"{name}: {alarms['any'] / args.repetitions:.3g} (at least {bound:.3g}; {each}); found: {powers}"
          + ("   REFUTED" if wrong else ""), flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
