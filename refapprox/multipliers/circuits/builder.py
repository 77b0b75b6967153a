"""Netlists put together gate by gate, simplified on the way as a synthesis tool would.

A builder that folds never emits a gate with a constant input, with two equal inputs, a second copy of a gate, or a
gate that no output depends on. So dropping a partial product from an array costs nothing and removes its adders.
"""
from __future__ import annotations

from refapprox.multipliers.circuits.gates import GATES
from refapprox.multipliers.circuits.netlist import FIRST_OPERAND_WIRE, Gate, Netlist

ZERO, ONE = 0, 1
INVERSE = {"AND": "NAND", "OR": "NOR", "XOR": "XNOR", "NAND": "AND", "NOR": "OR", "XNOR": "XOR"}


class Builder:
    """Collects gates over numbered wires of operands (name, width); `netlist` closes the circuit.

    With `fold` they are simplified on the way; more than `limit` are a ValueError.

    >>> b = Builder([("A", 1), ("B", 1)])
    >>> (x,), (w,) = b.operands
    >>> b.gate("AND", x, 0), b.gate("OR", x, x) == x
    (0, True)
    """

    def __init__(self, operands, fold=True, limit=None):
        self.declared = tuple(operands)
        self.limit = limit
        self.fold = fold
        self.gates = []
        self.driver = {}          # wire -> index of its gate
        self.known = {}           # (kind, sorted inputs) -> outputs, so that equal gates are built once
        self.next_wire = FIRST_OPERAND_WIRE
        self.operands = [self._fresh(bits) for _, bits in self.declared]

    def _fresh(self, count):
        wires = tuple(range(self.next_wire, self.next_wire + count))
        self.next_wire += count
        return wires

    def emit(self, kind, *inputs):
        """Add the gate as it is, unless folding finds its twin; a tuple of its output wires."""
        key = (kind, tuple(sorted(inputs)))      # every kind is symmetric in its inputs
        if self.fold and key in self.known:
            return self.known[key]
        if self.limit is not None and len(self.gates) >= self.limit:
            raise ValueError(f"the circuit takes more than {self.limit} gates.")
        outputs = self._fresh(GATES[kind].outputs)
        self.driver.update(dict.fromkeys(outputs, len(self.gates)))
        self.gates.append(Gate(kind, inputs))
        self.known[key] = outputs
        return outputs

    def gate(self, kind, *inputs):
        """The output wire of a gate with one output, simplified when folding."""
        if not self.fold:
            return self.emit(kind, *inputs)[0]
        if kind == "BUF":
            return inputs[0]
        if kind == "NOT":
            return self.invert(inputs[0])
        a, b = sorted(inputs)
        if a == b or a <= ONE:
            return self._fold_two(kind, a, b)
        return self.emit(kind, a, b)[0]

    def _fold_two(self, kind, a, b):
        """A two-input gate whose inputs are equal, or whose first one, `a`, is a constant."""
        if kind in ("NAND", "NOR", "XNOR"):
            return self.invert(self._fold_two(INVERSE[kind], a, b))
        if kind == "XOR":
            if a == b:
                return ZERO
            return b if a == ZERO else self.invert(b)
        if a == b:
            return a
        if kind == "AND":
            return ZERO if a == ZERO else b
        return b if a == ZERO else ONE                     # OR

    def invert(self, wire):
        """NOT of a wire: constants and double inversions vanish."""
        if not self.fold:
            return self.emit("NOT", wire)[0]
        if wire <= ONE:
            return ONE - wire
        kind, inputs = self.gates[self.driver[wire]] if wire in self.driver else ("", ())
        if kind == "NOT":
            return inputs[0]
        return self.emit("NOT", wire)[0]

    def choose(self, condition, yes, no):
        """The wire of ``condition ? yes : no``."""
        if self.fold and (yes == no or condition <= ONE):
            return no if condition == ZERO else yes
        return self.gate("OR", self.gate("AND", yes, condition), self.gate("AND", no, self.invert(condition)))

    def less(self, left, right):
        """Whether one word is less than another, both unsigned and of one width, least significant bit first."""
        below = ZERO
        for a, b in zip(left, right, strict=True):
            below = self.choose(self.gate("XOR", a, b), b, below)
        return below

    def half_adder(self, a, b):
        """(sum, carry) of two bits."""
        if not self.fold:
            return self.emit("HA", a, b)
        if a == b or min(a, b) <= ONE:
            return self.gate("XOR", a, b), self.gate("AND", a, b)
        return self.emit("HA", *sorted((a, b)))

    def full_adder(self, a, b, c):
        """(sum, carry) of three bits."""
        if not self.fold:
            return self.emit("FA", a, b, c)
        a, b, c = sorted((a, b, c))
        if a == ZERO:
            return self.half_adder(b, c)
        if a == ONE:                                       # 1 + b + c
            return self.gate("XNOR", b, c), self.gate("OR", b, c)
        if a == b or b == c:                               # 2 b + the odd one out
            return (c, a) if a == b else (a, b)
        return self.emit("FA", a, b, c)

    def cell(self, kind, *inputs):
        """All output wires of a gate of any kind."""
        adders = {"HA": self.half_adder, "FA": self.full_adder}
        return adders[kind](*inputs) if kind in adders else (self.gate(kind, *inputs),)

    def add(self, a, b, carry=ZERO, width=None):
        """Ripple-carry sum of two words, least significant bit first, of `width` bits (default: with its carry)."""
        full = max(len(a), len(b)) + 1
        width = full if width is None else width
        total = []
        for i in range(width):
            bit_a = a[i] if i < len(a) else ZERO
            bit_b = b[i] if i < len(b) else ZERO
            bit, carry = self.full_adder(bit_a, bit_b, carry)
            total.append(bit)
        return total

    def multiply(self, left, right):
        """Product modulo two to the width of `left`: a row of AND gates and a ripple adder for each of its bits."""
        total = [ZERO] * len(left)
        for position, bit in enumerate(left):
            row = [ZERO] * position + [self.gate("AND", bit, other) for other in right[:len(left) - position]]
            total = self.add(total, row, width=len(left))
        return total

    def netlist(self, outputs, signed=False, name="netlist"):
        """The finished circuit; when folding, without gates that no output depends on."""
        if self.fold:
            return without_dead_gates(self.declared, self.gates, outputs, signed, name)
        return Netlist(self.declared, self.gates, outputs, signed, name)


def without_dead_gates(operands, gates, outputs, signed, name):
    """The netlist of those gates that the outputs depend on; adders of which one output is read become gates."""
    first = FIRST_OPERAND_WIRE + sum(bits for _, bits in operands)
    starts, wire = [], first
    for kind, _ in gates:
        starts.append(wire)
        wire += GATES[kind].outputs
    live = set(outputs)
    kept = []
    for (kind, inputs), start in zip(reversed(gates), reversed(starts), strict=True):
        used = [start + i in live for i in range(GATES[kind].outputs)]
        if any(used):
            live.update(inputs)
            kept.append((kind, inputs, start, used))
    new, renumbered, wire = {w: w for w in range(first)}, [], first
    for kind, inputs, start, used in reversed(kept):
        inputs = [new[i] for i in inputs]
        for step_kind, step_inputs, drives in narrowed(kind, inputs, used, wire):
            renumbered.append(Gate(step_kind, tuple(step_inputs)))
            if drives is not None:
                new.update({start + output: wire + i for i, output in enumerate(drives)})
            wire += GATES[step_kind].outputs
    return Netlist(operands, renumbered, [new[w] for w in outputs], signed, name)


def narrowed(kind, inputs, used, wire):
    """(kind, inputs, outputs driven) of the gates that replace an adder of which one output is read."""
    if kind == "HA" and not all(used):
        return [("XOR" if used[0] else "AND", inputs, [0 if used[0] else 1])]
    if kind == "FA" and used == [True, False]:             # the last bit of a sum that cannot overflow
        return [("XOR", inputs[:2], None), ("XOR", [inputs[2], wire], [0])]
    return [(kind, inputs, list(range(len(used))))]


def simplified(netlist: Netlist) -> Netlist:
    """The same function with constants folded, equal gates merged and dead gates removed.

    Parameters
    ----------
    netlist : Netlist

    Returns
    -------
    Netlist
        With at most as many gates.

    Examples
    --------
    >>> twice = Netlist([("A", 1), ("B", 1)], [("AND", (2, 3)), ("AND", (3, 2)), ("OR", (4, 5))], [6])
    >>> simplified(twice).gate_counts()
    {'AND': 1}
    """
    builder = Builder(netlist.operands)
    wires = [ZERO, ONE, *(wire for operand in builder.operands for wire in operand)]
    for kind, inputs in netlist.gates:
        wires.extend(builder.cell(kind, *(wires[i] for i in inputs)))
    return builder.netlist([wires[i] for i in netlist.outputs], netlist.signed, netlist.name)
