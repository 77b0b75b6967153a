"""The alphabet of netlists: what each gate computes, on packed words or on single bits alike.

Every function is written with ``& | ^`` and an XOR with all ones for the inverter, so one definition serves Python
integers (with ``ones=1``), and uint64 arrays that hold 64 operand pairs a word.
"""
from typing import NamedTuple


class GateKind(NamedTuple):
    """One kind of gate: how many wires go in and come out, and its Boolean function."""

    inputs: int
    outputs: int
    function: object          # (ones, *inputs) -> tuple of outputs


def full_adder(ones, a, b, c):
    propagate = a ^ b
    return propagate ^ c, (a & b) | (propagate & c)


GATES = {
    "BUF": GateKind(1, 1, lambda ones, a: (a,)),
    "NOT": GateKind(1, 1, lambda ones, a: (a ^ ones,)),
    "AND": GateKind(2, 1, lambda ones, a, b: (a & b,)),
    "OR": GateKind(2, 1, lambda ones, a, b: (a | b,)),
    "XOR": GateKind(2, 1, lambda ones, a, b: (a ^ b,)),
    "NAND": GateKind(2, 1, lambda ones, a, b: ((a & b) ^ ones,)),
    "NOR": GateKind(2, 1, lambda ones, a, b: ((a | b) ^ ones,)),
    "XNOR": GateKind(2, 1, lambda ones, a, b: (a ^ b ^ ones,)),
    "HA": GateKind(2, 2, lambda ones, a, b: (a ^ b, a & b)),          # (sum, carry)
    "FA": GateKind(3, 2, full_adder),                                 # (sum, carry)
}


def truth_table(kind):
    """Outputs of `kind` for every input pattern, the first input being the least significant bit.

    >>> truth_table("HA")
    ((0, 0), (1, 0), (1, 0), (0, 1))
    """
    arity, _, function = GATES[kind]
    return tuple(function(1, *(pattern >> i & 1 for i in range(arity))) for pattern in range(2 ** arity))
