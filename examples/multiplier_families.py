"""Every multiplier family at 8x8 bits, unsigned: its errors, and the cost of those made of gates.

    python examples/multiplier_families.py [--figure FILE]
"""
import argparse
from pathlib import Path

import numpy as np

from refapprox.multipliers import families, family_netlist, from_family
from refapprox.multipliers.circuits import cost

CHOICES = [
    "exact", "truncated(k=4)", "truncated(k=6)", "truncated(k=8)", "truncated(k=8,correction=constant)",
    "truncated(k=8,correction=variable)", "broken_array(h=2,v=6)", "broken_array(h=4,v=8)", "perforated(j=0,k=2)",
    "perforated(j=1,k=2)", "operand_truncated(t=2)", "operand_truncated(t=3)", "operand_rounded(t=2)",
    "operand_jammed(t=2)", "udm", "sdlc", "loa(l=6)", "loa(l=9)", "compressor(cell=momeni1)",
    "compressor(cell=momeni1,columns=8)", "compressor(cell=momeni2)", "compressor(cell=momeni2,columns=8)",
    "compressor(cell=venkatachalam-ko)", "compressor(cell=venkatachalam-ko,columns=8)", "drum(k=5)", "drum(k=6)",
    "dsm(k=6)", "letam(t=4)", "ssm(m=6)", "essm(m=4)", "mitchell", "iterative_log", "mbm", "realm(segments=4)",
    "realm(segments=16)", "alm_loa(m=4)", "alm_soa(m=4)", "roba", "tosam(h=2,t=5)", "etm", "ou(level=1)", "ou(level=3)",
]


def rows():
    """(specification, metrics, cost dict or None) of every choice."""
    for specification in CHOICES:
        multiplier = from_family(specification, signed=False)
        circuit = families()[multiplier.info["family"]].kind == "circuit"
        yield (specification, multiplier.metrics(),
               cost.cost(family_netlist(specification, signed=False)) if circuit else None)


def normal(std):
    """Normal distribution over signed 8-bit codes."""
    weights = np.exp(-0.5 * (np.arange(-128, 128) / std) ** 2)
    return weights / weights.sum()


def half_zero(distribution):
    """What a rectifier makes of a symmetric distribution: the negative half becomes zero."""
    rectified = np.where(np.arange(-128, 128) > 0, distribution, 0)
    rectified[128] = 1 - rectified.sum()
    return rectified


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw error against power there")
    arguments = parser.parse_args(argv)
    print("| multiplier | NMED % | MRED % | wrong % | WCE | mean e | area um2 | power mW | delay ns |")
    print("|---|---|---|---|---|---|---|---|---|")
    found = list(rows())
    for name, m, c in found:
        cells = ["", "", ""] if c is None else [f"{c['area']:.0f}", f"{c['power']:.3f}", f"{c['delay']:.2f}"]
        print(f"| {name} | {100 * m['NMED']:.4f} | {m['MRE%']:.3f} | {m['EP%']:.2f} | {m['WCE']:.0f} "
              f"| {m['bias']:.2f} | {' | '.join(cells)} |")
    print("\npower of signed circuits in mW: operands uniform; normal (std 30 and 20); half of the activations zero")
    for name in ("exact", "broken_array(h=2,v=5)", "operand_truncated(t=2)"):
        netlist = family_netlist(name)
        powers = [cost.power(netlist, x_dist, w_dist) for x_dist, w_dist in
                  ((None, None), (normal(30), normal(20)), (half_zero(normal(30)), normal(20)))]
        print(f"{name:24s}", "  ".join(f"{power:.3f}" for power in powers))
    if arguments.figure:
        draw([(name, 100 * m["NMED"], c["power"]) for name, m, c in found if c and m["NMED"] > 0], arguments.figure)
    return found


def draw(points, path):
    """Normalized mean error distance against estimated power, a marker for every family."""
    from refapprox.plotting.style import GREYS, MARKERS, MEANING, new_figure, save
    figure, axis = new_figure(size=(6.6, 5))
    grouped = {}
    for name, error, power in points:
        grouped.setdefault(name.partition("(")[0], []).append((error, power))
    for index, (family, values) in enumerate(grouped.items()):
        axis.plot(*zip(*values, strict=True), linestyle="none", marker=MARKERS[index % len(MARKERS)], markersize=6,
                  markerfacecolor="none", color=GREYS[index % len(GREYS)], label=family)
    full = cost.power(family_netlist("exact", signed=False))
    axis.axhline(full, color=MEANING["exact"], linewidth=1, linestyle="--", label="exact, Dadda tree")
    axis.set(xscale="log", xlabel="NMED, 8x8 unsigned (%)", ylabel="estimated power (mW)", ylim=(0, 1.15 * full))
    figure.legend(loc="outside upper center", ncols=4, fontsize=8, frameon=False)
    save(figure, path)


if __name__ == "__main__":
    main()
