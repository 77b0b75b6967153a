"""What a netlist costs: area, delay and power from a small table of cell figures.

The netlist is first brought to adder cells and gates (`mapping.mapped`). With c the class of a gate (INV, NAND, AND,
OR, XOR, HA, FA) and alpha the transitions a cycle of its outputs under the unit-delay model (`activity`),

    area  = sum over gates of area_c                                                       (1)
    power = sum over gates of (static_c + energy_c * sum of alpha over its outputs)        (2)
    delay = max over paths of the sum of delay_c                                           (3)

The figures are fitted to what EvoApproxLib publishes for its multipliers, synthesized for a 45 nm library; they
describe how a circuit compares with another one under the same flow, not a chip. The fit, its data and its errors are
in docs/multipliers.md; ``tests/tools/fit_cell_figures.py`` makes ``cell_figures.json`` again from a checkout.
"""
from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from numpy.typing import ArrayLike

from refapprox import files
from refapprox.multipliers.circuits.activity import toggle_rates
from refapprox.multipliers.circuits.gates import GATES
from refapprox.multipliers.circuits.mapping import mapped
from refapprox.multipliers.circuits.netlist import Netlist
from refapprox.validation import check_instance, check_real, shown

CLASS = {"NOT": "INV", "BUF": "INV", "NAND": "NAND", "NOR": "NAND", "AND": "AND", "OR": "OR", "XOR": "XOR",
         "XNOR": "XOR", "HA": "HA", "FA": "FA"}
CLASSES = ("INV", "NAND", "AND", "OR", "XOR", "HA", "FA")


@lru_cache(maxsize=1)
def committed():
    return files.read_json(Path(__file__).with_name("cell_figures.json"))


def cell_figures():
    """The committed table: class -> {"area": um^2, "static": mW, "energy": mW per transition a cycle, "delay": ns}."""
    return committed()["cells"]


def checked_figures(figures, circuit, *names):
    """class -> name -> float for the gates of `circuit`; the committed figures where there are none."""
    figures = cell_figures() if figures is None else check_instance("figures", figures, Mapping)
    found = {}
    for kind in dict.fromkeys(CLASS[kind] for kind, _ in circuit.gates):
        cell = check_instance(f"figures[{kind!r}]", figures.get(kind), Mapping)
        if missing := [name for name in names if name not in cell]:
            raise ValueError(f"figures[{kind!r}] must hold {missing[0]!r}, got {shown(cell)}.")
        found[kind] = {name: check_real(f"figures[{kind!r}][{name!r}]", cell[name]) for name in names}
    return found


def power_errors(bits_x, bits_w):
    """Leave-one-out |relative error| of `power` over circuits of these widths: {"median": ..., "90 %": ...}."""
    errors = committed()["power_errors"]
    return errors.get(f"{bits_x}x{bits_w}", errors["all multipliers"])


def area(netlist: Netlist, figures: Mapping[str, Mapping] | None = None) -> float:
    """Area (1) of a netlist after mapping.

    Parameters
    ----------
    netlist : Netlist
    figures : dict, optional
        class of gates -> its "area", "static", "energy" and "delay"; those of `cell_figures` by default.

    Returns
    -------
    float, um^2
        0 of a netlist without gates.

    Examples
    --------
    >>> from refapprox.multipliers.circuits.builder import Builder
    >>> b = Builder([("A", 1), ("B", 1)])
    >>> area(b.netlist(b.half_adder(2, 3))) == cell_figures()["HA"]["area"]
    True
    """
    circuit = mapped(netlist)
    figures = checked_figures(figures, circuit, "area")
    return float(sum(figures[CLASS[kind]]["area"] for kind, _ in circuit.gates))


def power(netlist: Netlist, x_dist: ArrayLike | None = None, w_dist: ArrayLike | None = None,
          figures: Mapping[str, Mapping] | None = None) -> float:
    """Power (2) of a netlist after mapping, at the operating point of EvoApproxLib's published figures.

    Parameters
    ----------
    netlist : Netlist
        Of two operands.
    x_dist, w_dist : float arrays of length 2**bits, optional
        Operand distributions in value order; uniform by default.
    figures : dict, optional
        class of gates -> its "area", "static", "energy" and "delay"; those of `cell_figures` by default.

    Returns
    -------
    float, mW

    Raises
    ------
    ValueError
        If a distribution does not fit, or the netlist has not two operands.

    Examples
    --------
    >>> from refapprox.multipliers import family_netlist
    >>> power(family_netlist("broken_array(h=2, v=4)")) < power(family_netlist("exact"))
    True
    """
    circuit = mapped(netlist)
    figures = checked_figures(figures, circuit, "static", "energy")
    rates = toggle_rates(circuit, x_dist, w_dist)
    total = 0.0
    for (kind, _), first in zip(circuit.gates, circuit.gate_wires, strict=True):
        cell = figures[CLASS[kind]]
        total += cell["static"] + cell["energy"] * rates[first:first + GATES[kind].outputs].sum()
    return float(total)


def delay(netlist: Netlist, figures: Mapping[str, Mapping] | None = None) -> float:
    """Delay (3) of the longest path from an operand bit to an output bit, after mapping.

    Parameters
    ----------
    netlist : Netlist
    figures : dict, optional
        class of gates -> its "area", "static", "energy" and "delay"; those of `cell_figures` by default.

    Returns
    -------
    float, ns

    Examples
    --------
    >>> from refapprox.multipliers import family_netlist
    >>> delay(family_netlist("exact", bits=4)) < delay(family_netlist("exact", bits=8))
    True
    """
    circuit = mapped(netlist)
    figures = checked_figures(figures, circuit, "delay")
    times = arrival(circuit, {c: figure["delay"] for c, figure in figures.items()})
    return float(max(times[wire] for wire in circuit.outputs))


def arrival(circuit, delays):
    """When every wire of a mapped circuit has settled, given a delay for each class; a list of floats."""
    times = [0.0] * (circuit.wire_count - sum(GATES[kind].outputs for kind, _ in circuit.gates))
    for kind, inputs in circuit.gates:
        settled = max(times[i] for i in inputs) + delays[CLASS[kind]]
        times.extend([settled] * GATES[kind].outputs)
    return times


def cost(netlist, x_dist=None, w_dist=None):
    """All of it in one dict: gates (counts after mapping), area in um^2, delay in ns, power in mW."""
    return {"gates": mapped(netlist).gate_counts(), "area": area(netlist), "delay": delay(netlist),
            "power": power(netlist, x_dist, w_dist)}
