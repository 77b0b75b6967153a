"""Fit the cell figures of `refapprox.multipliers.circuits.cost` to a checkout of EvoApproxLib, and measure the fit.

    REFAPPROX_EVOAPPROX_DIR=/path/to/v1.1:/path/to/v2022 python tests/tools/fit_cell_figures.py

reads the structural Verilog and the published area, power and delay of every multiplier, fits area, static power,
energy per transition and delay of seven cell classes, and prints the errors, leave-one-out, beside those of fits on
the published area alone. With --write it writes refapprox/multipliers/circuits/cell_figures.json.

For comparison only, activity is also taken as transition densities instead of simulated unit delays (F. N. Najm,
"Transition density: a new measure of activity in digital circuits", IEEE TCAD 12(2), 1993),

    D(y) = sum over inputs i of P(y changes with x_i alone) D(x_i),      D of an operand bit = 2 p (1 - p)

The four plain gates share their power figures: inverters and NANDs are too few in these circuits to be told apart.
Fits are non-negative least squares. Residuals of power are divided by the square root of the published value, a
middle between absolute residuals, which only the largest circuits rule, and relative ones, ruled by circuits of a few
gates whose power is printed with two digits; those of area and delay, printed with more digits, are relative.
"""
import argparse
import hashlib
import os
import re
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import nnls
from scipy.stats import binomtest

from refapprox import files
from refapprox.multipliers.circuits.activity import toggle_rates, zero_delay_rates
from refapprox.multipliers.circuits.cost import CLASS, CLASSES, arrival
from refapprox.multipliers.circuits.gates import GATES, truth_table
from refapprox.multipliers.circuits.mapping import mapped
from refapprox.multipliers.languages.verilog import source as verilog
from refapprox.plotting.style import new_figure, save

AREA_LAW, AREA_AND_ACTIVITY = "published area, power law", "published area and mean activity, power law"
MODEL = "cell counts and activity"
POWER_CLASS = {"INV": 0, "NAND": 0, "AND": 0, "OR": 0, "XOR": 1, "HA": 2, "FA": 3}
ROOT = Path(__file__).resolve().parents[2]
HEADER = {"power": "PDK45_PWR", "area": "PDK45_AREA", "delay": "PDK45_DELAY"}


def circuits(folders):
    """Every distinct multiplier of the checkouts, as a dict of name, width folder, mapped netlist and figures.

    Left out: circuits without gates, and those whose file says ``A * B`` and leaves the structure to the synthesizer.
    """
    found, seen = [], set()
    for folder in folders:
        for path in sorted(Path(folder).glob("mult*/*/*/*.v")):
            text, name = path.read_text(), path.stem
            body = re.sub(rf"\b{name}\b", "", text[text.index("***/", 5):])
            digest = hashlib.sha256(body.encode()).hexdigest()
            if name.endswith("_pdk45") or digest in seen or re.search(r"assign \w+ = [^;]*\*", body):
                continue
            seen.add(digest)
            figures = {key: float(re.search(rf"{header} = ([\d.]+)", text)[1]) for key, header in HEADER.items()}
            if figures["power"] > 0:
                netlist = mapped(verilog.read(text, signed=bool(re.match(r"mul\d+s", name))))
                found.append({"name": name, "widths": path.parts[-3], "netlist": netlist, **figures,
                              "release": Path(folder).name})
    return found


def transition_densities(netlist):
    """Najm's D of every wire, for uniform operands, the inputs of every gate taken as independent."""
    bits = sum(width for _, width in netlist.operands)
    p, density = [0.0, 1.0] + bits * [0.5], [0.0, 0.0] + bits * [0.5]
    for kind, inputs in netlist.gates:
        outputs = np.array(truth_table(kind))                                          # (patterns, outputs)
        pattern = np.arange(len(outputs))[:, None] >> np.arange(len(inputs)) & 1       # (patterns, inputs)
        chance = np.where(pattern, [p[i] for i in inputs], [1 - p[i] for i in inputs])
        p.extend(chance.prod(axis=1) @ outputs)
        moves = [np.delete(chance, i, axis=1).prod(axis=1) @ (outputs != outputs[np.arange(len(outputs)) ^ 1 << i]) / 2
                 for i in range(len(inputs))]                                          # /2: both values of input i
        density.extend(np.array([density[i] for i in inputs]) @ moves)
    return np.array(density)


def features(netlist):
    """(counts, transitions, transitions without glitches, transition densities) of each class, in the order of CLASSES.

    Those without glitches are nan above 8x8 bits, where pairs are too many to enumerate.
    """
    wide = max(netlist.bits_x, netlist.bits_w) > 8
    rates = (toggle_rates(netlist), np.full(netlist.wire_count, np.nan) if wide else zero_delay_rates(netlist),
             transition_densities(netlist))
    counts, toggles = np.zeros(len(CLASSES)), np.zeros((3, len(CLASSES)))
    for (kind, _), first in zip(netlist.gates, netlist.gate_wires, strict=True):
        c = CLASSES.index(CLASS[kind])
        counts[c] += 1
        toggles[:, c] += [rate[first:first + GATES[kind].outputs].sum() for rate in rates]
    return counts, *toggles


def non_negative(exponent):
    """A fit y ~ X b, b >= 0, residuals divided by y**exponent."""
    def fit(X, y):
        weight = y ** -exponent
        coefficients = nnls(X * weight[:, None], y * weight)[0]
        return lambda rows: rows @ coefficients
    return fit


def straight_line(X, y):
    coefficients = np.linalg.lstsq(np.column_stack([X, np.ones(y.size)]), y, rcond=None)[0]
    return lambda rows: np.column_stack([rows, np.ones(len(rows))]) @ coefficients


def power_law(X, y):
    line = straight_line(np.log(X), np.log(y))
    return lambda rows: np.exp(line(np.log(rows)))


def leave_one_out(X, y, fit):
    """Predictions for every row by the fit on all the others."""
    return np.array([fit(np.delete(X, i, 0), np.delete(y, i))(X[i:i + 1])[0] for i in range(y.size)])


def fit_delays(found):
    """Delays of the classes: non-negative least squares over the gates of the longest paths, until the paths stay."""
    published = np.array([c["delay"] for c in found])
    delays, best = dict.fromkeys(CLASSES, 0.05), (np.inf, None)
    for _ in range(20):
        X = np.array([path_counts(c["netlist"], delays) for c in found])
        predicted = X @ np.array([delays[c] for c in CLASSES])
        error = np.median(np.abs(predicted / published - 1))
        if error < best[0]:
            best = error, dict(delays)
        delays = dict(zip(CLASSES, nnls(X / published[:, None], np.ones(published.size))[0], strict=True))
    return best[1]


def path_counts(netlist, delays):
    """How many gates of each class lie on the longest path."""
    times, counts = arrival(netlist, delays), dict.fromkeys(CLASSES, 0)
    driver = {first + i: gate for gate, first in zip(netlist.gates, netlist.gate_wires, strict=True)
              for i in range(GATES[gate.kind].outputs)}
    wire = max(netlist.outputs, key=times.__getitem__)
    while wire in driver:
        kind, inputs = driver[wire]
        counts[CLASS[kind]] += 1
        wire = max(inputs, key=times.__getitem__)
    return list(counts.values())


def relative_error(predicted, published):
    errors = np.abs(predicted / published - 1)
    return f"median {100 * np.median(errors):5.2f} %   90 % within {100 * np.quantile(errors, 0.9):6.1f} %   " \
           f"r {np.corrcoef(predicted, published)[0, 1]:.4f}"


def compare(predicted, baseline, published, name):
    """Print how many circuits a predictor comes closer to than the power law of the published area."""
    wins = int((np.abs(predicted / published - 1) < np.abs(baseline / published - 1)).sum())
    p = binomtest(wins, published.size).pvalue
    print(f"  {name}: closer than the area's power law for {wins} of {published.size}, sign test p = {p:.2g}")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the table into the source tree")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw predicted against published power there")
    arguments = parser.parse_args(argv)
    folders = [f for f in os.environ.get("REFAPPROX_EVOAPPROX_DIR", "").split(os.pathsep) if f]
    if not folders:
        sys.exit("REFAPPROX_EVOAPPROX_DIR must name one checkout of EvoApproxLib, or several with "
                 f"{os.pathsep!r} between them")
    found = circuits(folders)
    columns = zip(*(features(c["netlist"]) for c in found), strict=True)
    counts, toggles, settled, densities = (np.array(column) for column in columns)
    power, area, delay = (np.array([c[key] for c in found]) for key in ("power", "area", "delay"))
    pooling = np.eye(4)[[POWER_CLASS[c] for c in CLASSES]]
    model, still, najm = (np.hstack([counts @ pooling, rates @ pooling]) for rates in (toggles, settled, densities))
    models = {}
    eight = np.array([c["widths"].startswith("8x8") for c in found])
    sets = {"8x8": eight, "8x8 of the first release named": eight & np.array([c["release"] == Path(folders[0]).name
                                                                             for c in found]),
            "all multipliers": np.ones(len(found), bool), "other widths": ~eight}
    areas = nnls(counts / area[:, None], np.ones(area.size))[0]
    density = toggles @ areas / (counts @ areas)              # transitions a cycle, averaged over the cell area
    for label, chosen in sets.items():
        print(f"\npower, leave-one-out, {label}: {chosen.sum()} circuits")
        for name, X, fit in (("published area, straight line", area[:, None], straight_line),
                             (AREA_LAW, area[:, None], power_law),
                             ("cell counts, no activity", counts @ pooling, non_negative(0.5)),
                             ("cell counts, zero-delay activity", still, non_negative(0.5)),
                             ("cell counts, transition densities", najm, non_negative(0.5)),
                             (MODEL, model, non_negative(0.5)),
                             (AREA_AND_ACTIVITY, np.column_stack([area, density]), power_law)):
            if not np.isnan(X[chosen]).any():
                models[label, name] = leave_one_out(X[chosen], power[chosen], fit)
                print(f"  {name:44s} {relative_error(models[label, name], power[chosen])}")
        for name in (MODEL, AREA_AND_ACTIVITY):
            compare(models[label, name], models[label, AREA_LAW], power[chosen], name)
    coefficients = nnls(model / np.sqrt(power)[:, None], np.sqrt(power))[0]
    delays = fit_delays(found)
    longest = np.array([max(arrival(c["netlist"], delays)[w] for w in c["netlist"].outputs) for c in found])
    area_8x8 = leave_one_out(counts[eight], area[eight], non_negative(1))
    print(f"\narea, leave-one-out, 8x8:          {relative_error(area_8x8, area[eight])}")
    print(f"area, fitted to all multipliers:   {relative_error(counts @ areas, area)}")
    print(f"delay, fitted to all multipliers:  {relative_error(longest, delay)}\n")
    cells = {c: {"area": round(float(areas[i]), 4), "static": round(float(coefficients[POWER_CLASS[c]]), 6),
                 "energy": round(float(coefficients[4 + POWER_CLASS[c]]), 6), "delay": round(float(delays[c]), 4)}
             for i, c in enumerate(CLASSES)}
    errors = {label: power_errors(models[label, MODEL], power[sets[label]]) for label in ("8x8", "all multipliers")}
    for name, cell in cells.items():
        print(f"  {name:5s}", "  ".join(f"{key} {value:<9g}" for key, value in cell.items()))
    if arguments.write:
        about = ("Fitted by tests/tools/fit_cell_figures.py to the published 45 nm area (um^2), power (mW) and delay "
                 f"(ns) of {len(found)} distinct multipliers of EvoApproxLib v1.1 and v2022 (MIT); energy in mW "
                 "per transition a cycle.")
        files.write_json(ROOT / "refapprox/multipliers/circuits/cell_figures.json",
                         {"about": about, "power_errors": errors, "cells": cells})
    if arguments.figure:
        draw(power, eight, models, arguments.figure)
    return {"power_errors": errors, "cells": cells}


def power_errors(predicted, published):
    """Median and 90 % quantile of |relative error|, as `cost.power_errors` tells them."""
    errors = np.abs(predicted / published - 1)
    return {"median": round(float(np.median(errors)), 4), "90 %": round(float(np.quantile(errors, 0.9)), 3)}


def draw(power, eight, models, path):
    """Predicted against published power, leave-one-out: area alone beside activity."""
    figure, axes = new_figure(1, 2, size=(9, 4.4), sharex=True, sharey=True)
    limits = np.array([2e-4, 4])
    for axis, name in zip(axes, (AREA_LAW, MODEL), strict=True):
        predicted = models["all multipliers", name]
        for label, chosen, marker, color in (("other widths", ~eight, ".", "#999999"), ("8x8", eight, "x", "black")):
            axis.loglog(power[chosen], np.maximum(predicted[chosen], 1e-4), marker, color=color, markersize=5,
                        label=label)
        axis.plot(limits, limits, color="black", linewidth=0.8)
        for factor in (0.8, 1.25):
            axis.plot(limits, factor * limits, color="black", linestyle=":", linewidth=0.8)
        median = np.median(np.abs(predicted / power - 1))
        axis.set(xlabel="published power (mW)", xlim=limits, ylim=(8e-5, 4))
        axis.set_title(f"{name}: median error {100 * median:.1f} %", fontsize=10)
    axes[0].set_ylabel("predicted, leave-one-out (mW)")
    axes[0].legend(loc="upper left")
    save(figure, path)


if __name__ == "__main__":
    main()
