"""Adder cells found in plain gates, as a synthesis tool would map them.

A half adder is an XOR and an AND of the same two wires. A full adder is

    p = a ^ b,  sum = p ^ c,  g = a & b,  t = p & c,  carry = g | t   (or g ^ t, or g + t in any order)

with p, g and t read by nothing else. Published netlists come in both forms; costs are comparable only in one.
"""
from collections import Counter

from refapprox.multipliers.circuits.builder import ONE, ZERO, simplified
from refapprox.multipliers.circuits.gates import GATES
from refapprox.multipliers.circuits.wiring import connected


def mapped(netlist):
    """The same function, simplified, with adder cells in place of the gates that make them up.

    >>> from refapprox.multipliers.languages.verilog import source as verilog
    >>> text = "module m(input A, input B, output [1:0] O); assign O[0] = A ^ B; assign O[1] = A & B; endmodule"
    >>> mapped(verilog.read(text)).gate_counts()
    {'HA': 1}
    """
    netlist = simplified(netlist)
    gates = list(zip(netlist.gates, netlist.gate_wires, strict=True))
    found = {(kind, tuple(sorted(inputs))): wire for (kind, inputs), wire in gates}      # a simplified net has no twins
    ands = {wire: tuple(sorted(inputs)) for (kind, inputs), wire in gates if kind == "AND"}
    readers = Counter(wire for (_, inputs), _ in gates for wire in inputs)
    readers.update(netlist.outputs)
    taken, cells = set(), []
    for (kind, inputs), wire in gates:
        if kind in ("OR", "XOR"):
            cell = full_adder_at(inputs, wire, found, ands, readers, taken)
            if cell:
                operands, total, inner = cell
                taken.update({wire, total, *inner})
                cells.append(("FA", operands, (total, wire)))
    for (kind, inputs), wire in gates:
        carry = found.get(("AND", tuple(sorted(inputs))))
        if kind == "XOR" and carry is not None and not taken & {wire, carry}:
            taken.update({wire, carry})
            cells.append(("HA", tuple(inputs), (wire, carry)))
    cells += [(kind, inputs, tuple(range(wire, wire + GATES[kind].outputs)))
              for (kind, inputs), wire in gates if wire not in taken]
    return renumbered(netlist, cells)


def full_adder_at(inputs, wire, found, ands, readers, taken):
    """(operands, sum wire, inner wires) of the full adder whose carry is `wire`, or None."""
    for g, t in (inputs, inputs[::-1]):
        if g not in ands or t not in ands:
            continue
        p = found.get(("XOR", ands[g]))
        if p not in ands[t] or (readers[g], readers[t], readers[p]) != (1, 1, 2):
            continue
        c = next(i for i in ands[t] if i != p)
        total = found.get(("XOR", tuple(sorted((p, c)))))
        if total is not None and not taken & {wire, total, p, g, t}:
            return (*ands[g], c), total, (p, g, t)
    return None


def renumbered(netlist, cells):
    """The netlist of `cells`, (kind, inputs, outputs) over the wires of `netlist`, in an order of evaluation."""
    operands = [(label, netlist.operand_wires(position)) for position, (label, _) in enumerate(netlist.operands)]
    cells = sorted(cells, key=lambda cell: min(cell[2]))
    return connected(operands, cells, netlist.outputs, {0: ZERO, 1: ONE}, netlist.signed, netlist.name)
