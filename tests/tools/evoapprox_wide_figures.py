"""The published error figures of EvoApproxLib's 16-bit circuits, whose 2**32 operand pairs are too many to load with.

  python tests/tools/evoapprox_wide_figures.py CHECKOUT [--pairs N]             a sample of all of them, a minute
  python tests/tools/evoapprox_wide_figures.py CHECKOUT --all-pairs NAME ...    every operand pair: minutes a circuit
  python tests/tools/evoapprox_wide_figures.py CHECKOUT --by-structure       the same exact MAE, MAE%, EP% and MSE of
                         every multiplier by formula or made of four quarters (`multipliers.structure_metrics`): minutes

A sample of N uniform pairs (default 2**20) bounds the true mean mu of X in [0, R] by the empirical Bernstein
inequality, with V the variance of the sample, ddof 1: with probability 1 - alpha

    |mean - mu| <= sqrt(2 V l / N) + 7 R l / (3 (N - 1)),    l = log(4 / alpha)                                (1)

R follows from the published WCE or WCRE. A published mean is refused if it is farther from the sample's than (1) and
half a unit of its last digit, with a false alarm of ALPHA a figure; so it is found for certain if it is off by twice as
much. A published maximum is refused if the sample exceeds it, and is not found if it is too large. An MAE% that was
computed from the printed MAE, which is rounded already, is named and counts as explained (`multiplier_files.md`). The
time for all pairs is projected from the first 256 of 65,536 blocks.

References
----------
A. Maurer, M. Pontil, "Empirical Bernstein bounds and sample variance penalization", COLT 2009, arXiv:0907.3740,
theorem 4 (two-sided here).
"""
import argparse
import collections
import math
import sys
import time
from pathlib import Path

import numpy as np
from c_interpretation import evaluate, narrow

from refapprox.multipliers.known import known_circuits
from refapprox.multipliers.languages.c.composite import Composite
from refapprox.multipliers.languages.c.source import read_program
from refapprox.multipliers.languages.c.tokens import Source
from refapprox.multipliers.languages.evoapprox import header
from refapprox.multipliers.languages.evoapprox.checkout import read_checkout
from refapprox.multipliers.structure_metrics import form_figures, quarters_figures

ALPHA = 1e-6


def errors(circuit, x, w):
    """(|exact - approximate|, |exact|) of operand pairs, int64."""
    exact = circuit.exact(x, w)
    return np.abs(exact - circuit(x, w)), np.abs(exact)


def codes_of_percent(circuit):
    """What MAE% and WCE% are percentages of."""
    return 2.0 ** (circuit.output_bits - (circuit.operation == "add" and circuit.signed))


def samples(circuit, magnitude, exact):
    """figure -> draws whose mean it is, in the figure's own unit."""
    percent = 100 / codes_of_percent(circuit)
    magnitude, nonzero = magnitude.astype(np.float64), exact != 0
    return {"MAE": magnitude, "MAE%": percent * magnitude, "EP%": 100.0 * (magnitude > 0), "MSE": magnitude ** 2,
            "MRE%": 100 * magnitude[nonzero] / exact[nonzero]}


def ranges(circuit, published):
    """figure -> R of (1), from the published maxima."""
    worst, relative = float(published["WCE"]), float(published["WCRE%"])
    return {"MAE": worst, "MAE%": 100 * worst / codes_of_percent(circuit), "EP%": 100.0, "MSE": worst ** 2,
            "MRE%": relative}


def bernstein(draws, reach, alpha):
    """(1)."""
    log_term = math.log(4 / alpha)
    return (math.sqrt(2 * draws.var(ddof=1) * log_term / draws.size)
            + 7 * reach * log_term / (3 * (draws.size - 1)))                                                   # (1)


def check_sample(circuit, pairs, rng):
    """(figure -> what the sample says against it, figure -> (1) relative to the published mean) of one circuit."""
    published = circuit.info["published"]
    magnitude, exact = errors(circuit, *circuit.sample_operands(pairs, rng=rng))
    reach, refused, resolution = ranges(circuit, published), {}, {}
    for key, draws in samples(circuit, magnitude, exact).items():
        bound, mean, printed = bernstein(draws, reach[key], ALPHA), draws.mean(), float(published[key])
        resolution[key] = bound / printed if printed else 0.0
        if abs(mean - printed) > bound + header.unit_of(published[key]) / 2:
            refused[key] = f"{key} = {published[key]}, sample {mean:.6g} +- {bound:.2g}"
    nonzero = exact != 0
    for key, found in (("WCE", magnitude.max()), ("WCE%", 100 * magnitude.max() / codes_of_percent(circuit)),
                       ("WCRE%", 100 * (magnitude[nonzero] / exact[nonzero]).max())):
        if found > float(published[key]) + header.unit_of(published[key]) / 2:
            refused[key] = f"{key} = {published[key]}, sample {found:.6g}"
    from_mae = 100 * float(published["MAE"]) / codes_of_percent(circuit)
    if list(refused) == ["MAE%"] and header.agrees(published["MAE%"], from_mae):
        print(f"{circuit.name}: {refused.pop('MAE%')}; explained: rounded twice, MAE = {published['MAE']}")
    return refused, resolution


def metrics_of_all_pairs(circuit, progress):
    """Every error figure over all operand pairs, by blocks of activations; sums of integers are exact."""
    (x_low, x_high), (w_low, w_high) = circuit.range_x, circuit.range_w
    w = np.arange(w_low, w_high + 1)
    total, squares, wrong, relative, nonzero, worst, worst_relative = 0, 0, 0, 0.0, 0, 0, 0.0
    started = time.perf_counter()
    for done, x in enumerate(range(x_low, x_high + 1), 1):
        magnitude, exact = errors(circuit, np.full_like(w, x), w)
        divided = magnitude[exact != 0] / exact[exact != 0]
        total += int(magnitude.sum())
        high, low = magnitude >> 16, magnitude & 0xFFFF             # squares of 32 bits: by halves, exactly
        squares += (int((high * high).sum()) << 32) + (int((high * low).sum()) << 17) + int((low * low).sum())
        wrong += int(np.count_nonzero(magnitude))
        relative, nonzero = relative + float(divided.sum()), nonzero + divided.size
        worst, worst_relative = max(worst, int(magnitude.max())), max(worst_relative, float(divided.max(initial=0)))
        if done == 256:
            progress(f"{circuit.name}: about {(time.perf_counter() - started) / 256 * (x_high - x_low + 1):.0f} s")
    pairs, percent = (x_high - x_low + 1) * w.size, 100 / codes_of_percent(circuit)
    return {"MAE": total / pairs, "MAE%": percent * total / pairs, "WCE": worst, "WCE%": percent * worst,
            "WCRE%": 100 * worst_relative, "EP%": 100 * wrong / pairs, "MRE%": 100 * relative / nonzero,
            "MSE": squares / pairs}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--pairs", type=int, default=2 ** 20, help="sampled operand pairs of every circuit")
    parser.add_argument("--all-pairs", nargs="+", metavar="NAME", help="take all operand pairs of these circuits")
    parser.add_argument("--by-structure", action="store_true", help="exact figures by structure, no enumeration")
    args = parser.parse_args(argv)
    wide = [c for c in read_checkout(args.checkout, bits=16) if not c.has_table]
    unknown = set(args.all_pairs or ()) - {c.name for c in wide}
    if unknown:
        parser.error(f"--all-pairs must name 16-bit circuits of the checkout, got {', '.join(sorted(unknown))}.")
    if args.by_structure:
        return check_structures([c for c in wide if c.operation == "mul"])
    if args.all_pairs:
        return check_all_pairs([c for c in wide if c.name in args.all_pairs])
    rng, failed, resolutions = np.random.default_rng(0), 0, collections.defaultdict(list)
    for circuit in wide:
        refused, resolution = check_sample(circuit, args.pairs, rng)
        for key, value in resolution.items():
            resolutions[key].append(value)
        failed += bool(refused)
        for text in refused.values():
            print(f"{circuit.name}: {text}")
    print(f"{len(wide)} circuits of 16 bits, {args.pairs} pairs each: {failed} refused")
    for key, values in resolutions.items():
        values = [v for v in values if v]
        print(f"  {key:5} {len(values)} not zero; bound (1) relative to the figure: median {np.median(values):.1e}, "
              f"largest {max(values):.1e}")
    return 1 if failed else 0


def quarters_of(path):
    """The four quarter error maps of a source that is put together from 8x8 multipliers, None where it is not."""
    program = read_program(Source.from_bytes(path.read_bytes(), path))
    if not isinstance(program, Composite):
        return None
    x, w = (a.ravel() for a in np.mgrid[0:256, 0:256])
    tables = {}
    for term in program.terms:
        if term.shift != 8 * (term.x_byte + term.w_byte):
            raise ValueError(f"{path}: quarter ({term.x_byte}, {term.w_byte}) is shifted by {term.shift} bits.")
        products = narrow(evaluate(term.function, x, w), term.stored_type)
        tables[term.x_byte, term.w_byte] = (x * w - products).reshape(256, 256)
    return [tables[key] for key in ((0, 0), (0, 1), (1, 0), (1, 1))]


def figures_by_structure(circuit):
    """bias, MAE, MSE and EP over all pairs as fractions, or None where the circuit is of neither kind."""
    form = known_circuits().get(circuit.release, {}).get(circuit.name)
    if form is not None and form.form:
        return form_figures(form.form, bits=circuit.bits, signed=circuit.signed)
    quarters = quarters_of(Path(circuit.info["file"]))
    return None if quarters is None else quarters_figures(*quarters)


def check_structures(circuits):
    """Print every circuit's exact figures and whether its published ones are these; 1 where one is not."""
    failed, done, others, started = 0, 0, [], time.perf_counter()
    for circuit in circuits:
        figures = figures_by_structure(circuit)
        if figures is None:
            others.append(circuit.name)
            continue
        found = {"MAE": float(figures["MAE"]), "MAE%": float(100 * figures["MAE"]) / codes_of_percent(circuit),
                 "EP%": float(100 * figures["EP"]), "MSE": float(figures["MSE"])}
        published = {key: circuit.info["published"][key] for key in found}
        mismatches = header.compare(published, found)
        done, failed = done + 1, failed + any(not m.rounded_twice for m in mismatches)
        notes = [f"{m.key} = {m.printed} is {m.computed:.8g}{' (rounded twice)' * m.rounded_twice}"
                 for m in mismatches]
        print(f"{circuit.name}: MAE {found['MAE']:.10g}, EP% {found['EP%']:.10g}, MSE {found['MSE']:.10g}, "
              f"bias {float(figures['bias']):.10g}; {'; '.join(notes) or 'as published'}")
    print(f"{done} of {len(circuits)} 16-bit multipliers by structure in {time.perf_counter() - started:.0f} s, "
          f"{failed} with a figure that is not as published; of neither kind: {', '.join(others) or 'none'}")
    return 1 if failed else 0


def check_all_pairs(circuits):
    failed = 0
    for circuit in circuits:
        found = metrics_of_all_pairs(circuit, print)
        mismatches = header.compare(circuit.info["published"], found)
        for key, printed, computed, explained in mismatches:
            print(f"{circuit.name}: {key} = {printed}, computed {computed:.8g}{' (rounded twice)' * explained}")
        failed += any(not m.rounded_twice for m in mismatches)
        print(f"{circuit.name}: {len(header.ERROR_FIGURES) - len(mismatches)} figures agree, {found}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
