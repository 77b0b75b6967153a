"""From gates in any order, over named wires, to a netlist: `graph` puts them in order and finds what cannot be."""
from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from numbers import Integral

from refapprox.multipliers.circuits.builder import ONE, ZERO
from refapprox.multipliers.circuits.gates import GATES
from refapprox.multipliers.circuits.graph import Graph, netlist_of
from refapprox.multipliers.circuits.netlist import MAX_OPERAND_BITS, MAX_OUTPUT_BITS, Netlist
from refapprox.validation import WrongKindError, check_choice, check_instance, check_integer, shown

MOST_WIRES = MAX_OUTPUT_BITS + 1      # more is wrong, and need not be held in memory


def from_wires(operands: Iterable[tuple], gates: Iterable[tuple], outputs: Iterable[str], signed: bool = False,
               name: str = "netlist") -> Netlist:
    """A `Netlist` from gates over named wires, in any order.

    Parameters
    ----------
    operands : sequence of (str, int)
        Names and widths; the bits of operand A are the wires "A[0]", "A[1]", ...
    gates : sequence of (kind, inputs, outputs)
        Wire names; "0" and "1" are the constants. What no output depends on need not be complete.
    outputs : sequence of str
        The wires of the output word, least significant bit first.
    signed : bool, optional
        Whether operands and output are two's complement.
    name : str, optional

    Returns
    -------
    Netlist

    Raises
    ------
    ValueError
        Naming an undriven wire, a wire driven twice, a cycle, or a gate with a wrong number of wires.

    Examples
    --------
    >>> half = from_wires([("A", 1), ("B", 1)], [("AND", ["A[0]", "B[0]"], ["c"]), ("NOT", ["c"], ["n"])], ["n"])
    >>> half(1, [0, 1]).tolist()
    [1, 0]
    """
    named = [(label, [f"{label}[{i}]" for i in range(bits)]) for label, bits in map(check_operand, operands)]
    try:
        gates = [(str(kind), wire_names(reads), wire_names(drives)) for kind, reads, drives in gates]
    except Exception:      # of any kind where something else cannot be printed or gone through
        raise WrongKindError("gates must be triples (kind, wires it reads, wires it drives), wires being text or "
                             "integers.") from None
    return connected(named, gates, outputs, {"0": ZERO, "1": ONE}, signed, name)


def connected(operands, gates, outputs, constants, signed, name):
    """`from_wires` for wires of any kind: operands are (label, wires), `constants` are wire -> bit."""
    graph, nets = Graph(name), dict(constants)

    def net(wire):
        if wire not in nets:
            nets[wire] = graph.net(str(wire))
        return nets[wire]

    given = [(label, [net(wire) for wire in wires]) for label, wires in operands]
    for kind, reads, drives in gates:
        cell = GATES[check_choice(f"a gate of {name}", kind, GATES)]
        if (len(reads), len(drives)) != (cell.inputs, cell.outputs):
            raise ValueError(f"gates: {kind} of {name} takes {cell.inputs} wire(s) and drives {cell.outputs}, "
                             f"got {shown(', '.join(map(str, reads)))} and {shown(', '.join(map(str, drives)))}.")
        for wire, bit in zip(drives, graph.cell(kind, *map(net, reads)), strict=True):
            graph.drive(net(wire), bit)
    wanted = [net(wire) for wire in itertools.islice(outputs, MOST_WIRES)]
    return dataclasses.replace(netlist_of(graph, given, wanted, fold=False), signed=signed)


def wire_names(wires):
    return tuple(str(check_instance("a wire", wire, (str, Integral))) for wire in itertools.islice(wires, MOST_WIRES))


def check_operand(operand):
    """(label, bits) of one operand."""
    if not isinstance(operand, (tuple, list)) or len(operand) != 2:
        raise WrongKindError(f"operands must be pairs (label, bits), got {shown(operand)}.")
    label, bits = operand
    label = str(check_instance("operands: label", label, (str, int)))
    return label, check_integer(f"operands: width of {label}", bits, minimum=1, maximum=MAX_OPERAND_BITS)
