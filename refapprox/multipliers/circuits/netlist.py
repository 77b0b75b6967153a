"""A combinational circuit as gates: immutable, evaluated for 64 operand pairs a word.

Wires are numbered: 0 and 1 are the constants, then come the bits of every operand, least significant first, then the
outputs of every gate in order. A gate may read only wires with smaller numbers than its own, so the order of the
gates is an order of evaluation, and a `Netlist` has neither cycles nor undriven wires. `wiring.from_wires` sorts gates
that come in any order and names the cycle or the undriven wire where there is one.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from refapprox.multipliers.circuit import Circuit
from refapprox.multipliers.circuits.gates import GATES
from refapprox.multipliers.codes import code_range, codes
from refapprox.multipliers.multiplier import Multiplier, tabulated
from refapprox.multipliers.operator import BinaryOperator
from refapprox.validation import (
    WrongKindError,
    check_array,
    check_broadcast,
    check_choice,
    check_codes,
    check_flag,
    check_instance,
    check_integer,
    shown,
)

FIRST_OPERAND_WIRE = 2
MAX_OPERAND_BITS = 62      # operands travel as int64
MAX_OUTPUT_BITS = 64       # results as int64, or as uint64 where they need 64 unsigned bits
BLOCK = 2 ** 16            # operand pairs evaluated at a time: 8 KiB a wire, which stays in cache


class Gate(NamedTuple):
    """One gate: its kind (a key of `gates.GATES`) and the wires it reads."""

    kind: str
    inputs: tuple


@dataclass(frozen=True, eq=True, repr=False)
class Netlist(BinaryOperator):
    """A combinational circuit.

    Parameters
    ----------
    operands : sequence of (str, int)
        Name and width of every operand, in order; for a multiplier the activation x, then the weight w.
    gates : sequence of (str, sequence of int)
        Kind and input wires of every gate, in an order of evaluation.
    outputs : sequence of int
        The wires of the output word, least significant bit first.
    signed : bool, optional
        Whether operands and output are two's-complement numbers.
    name : str, optional
    operation : "mul" or "add", optional
        What it approximates, where that is asked (`lut`, `metrics`).

    Raises
    ------
    ValueError
        If a gate is of an unknown kind, has a wrong number of inputs, or reads a wire that is not yet driven.

    Examples
    --------
    >>> majority = Netlist([("A", 2), ("B", 1)], [("FA", (2, 3, 4))], [6])
    >>> majority([0, 1, 2, 3], 1).tolist()
    [0, 1, 1, 1]
    """

    operands: tuple
    gates: tuple
    outputs: tuple
    signed: bool = False
    name: str = "netlist"
    operation: str = "mul"

    def __post_init__(self):
        for field in ("operands", "gates", "outputs"):      # read more than once, and an iterator is read once
            if isinstance(getattr(self, field), Iterator):
                object.__setattr__(self, field, tuple(getattr(self, field)))
        if not all(isinstance(operand, (tuple, list)) and len(operand) == 2 for operand in self.operands):
            raise WrongKindError(f"operands must be pairs (label, bits), got {shown(self.operands)}.")
        operands = tuple((str(label), check_integer(f"operands: width of {label}", bits, minimum=1,
                                                    maximum=MAX_OPERAND_BITS)) for label, bits in self.operands)
        if not operands:
            raise ValueError(f"operands of {self.name} must name at least one operand, got none.")
        if not all(isinstance(gate, (tuple, list)) and len(gate) == 2 for gate in self.gates):
            raise WrongKindError("gates must be pairs (kind, wires it reads).")
        gates = []
        driven = FIRST_OPERAND_WIRE + sum(bits for _, bits in operands)
        for position, (kind, inputs) in enumerate(self.gates):
            if not isinstance(kind, str) or kind not in GATES:
                raise ValueError(f"gate {position} of {self.name} must be one of {', '.join(GATES)}, "
                                 f"got {shown(kind)}.")
            inputs = check_instance(f"gates: wires of gate {position} ({kind}) of {self.name}", inputs, (tuple, list))
            if len(inputs) != GATES[kind].inputs:
                raise ValueError(f"gate {position} of {self.name}, {kind}, takes {GATES[kind].inputs} input(s), "
                                 f"got {len(inputs)}.")
            inputs = tuple(check_integer(f"gates: input wire of gate {position} ({kind}) of {self.name}", wire,
                                         minimum=0, maximum=driven - 1) for wire in inputs)
            gates.append(Gate(kind, inputs))
            driven += GATES[kind].outputs
        if not 1 <= len(self.outputs) <= MAX_OUTPUT_BITS:
            raise ValueError(f"outputs of {self.name} must be 1 to {MAX_OUTPUT_BITS} wires, got {len(self.outputs)}.")
        outputs = tuple(check_integer(f"outputs: output wire of {self.name}", wire, minimum=0, maximum=driven - 1)
                        for wire in self.outputs)
        for field, value in (("operands", operands), ("gates", tuple(gates)), ("outputs", outputs),
                             ("signed", check_flag(f"signed of {self.name}", self.signed)), ("name", str(self.name)),
                             ("operation", check_choice(f"operation of {self.name}", self.operation, ("mul", "add")))):
            object.__setattr__(self, field, value)

    @cached_property
    def gate_wires(self) -> tuple[int, ...]:
        """Number of the first output wire of every gate."""
        wire, first = FIRST_OPERAND_WIRE + sum(bits for _, bits in self.operands), []
        for kind, _ in self.gates:
            first.append(wire)
            wire += GATES[kind].outputs
        return tuple(first)

    @property
    def wire_count(self) -> int:
        """How many wires there are, constants and operand bits included."""
        return (FIRST_OPERAND_WIRE + sum(bits for _, bits in self.operands)
                + sum(GATES[kind].outputs for kind, _ in self.gates))

    @property
    def netlist(self) -> Netlist:
        """Itself: gates are all that it is."""
        return self

    @property
    def bits_x(self) -> int:
        """Width of the first of two operands."""
        return self.check_two_operands()[0][1]

    @property
    def bits_w(self) -> int:
        """Width of the second of two operands."""
        return self.check_two_operands()[1][1]

    @property
    def output_bits(self) -> int:
        """Width of the output word."""
        return len(self.outputs)

    def check_two_operands(self) -> tuple[tuple[str, int], ...]:
        """The operands, a ValueError where they are not two."""
        if len(self.operands) != 2:
            raise ValueError(f"{self.name} must have two operands to be a multiplier or an adder, "
                             f"got {len(self.operands)}.")
        return self.operands

    def operand_wires(self, position: int) -> tuple[int, ...]:
        """The wires of operand number `position`, least significant bit first."""
        position = check_integer("position", position, minimum=0, maximum=len(self.operands) - 1)
        start = FIRST_OPERAND_WIRE + sum(bits for _, bits in self.operands[:position])
        return tuple(range(start, start + self.operands[position][1]))

    def gate_counts(self) -> dict[str, int]:
        """How many gates there are of each kind, as a dict without zeros."""
        kinds = [kind for kind, _ in self.gates]
        return {kind: kinds.count(kind) for kind in GATES if kind in kinds}

    def simulate(self, planes: Sequence[NDArray[np.uint64]]) -> list[NDArray[np.uint64]]:
        """The bit-planes of all wires.

        Parameters
        ----------
        planes : sequence of uint64 ndarrays of one shape
            A plane for every operand bit, in the order of the wires.

        Returns
        -------
        list of uint64 ndarrays, one for every wire
        """
        if len(planes) != sum(bits for _, bits in self.operands):
            raise ValueError(f"planes must be one for each of the {sum(bits for _, bits in self.operands)} bits of the "
                             f"operands, got {len(planes)}.")
        planes = [check_array(f"planes[{i}]", plane, kinds="iu").astype(np.uint64, copy=False)
                  for i, plane in enumerate(planes)]
        ones = np.full_like(planes[0], np.iinfo(np.uint64).max)
        wires = [np.zeros_like(planes[0]), ones, *planes]
        for kind, inputs in self.gates:
            wires.extend(GATES[kind].function(ones, *[wires[i] for i in inputs]))
        return wires

    def __call__(self, *operands):
        """The output word for integer operands; arrays broadcast; int64, or uint64 where 64 unsigned bits need it."""
        if len(operands) != len(self.operands):
            raise ValueError(f"{self.name} takes {len(self.operands)} operands, got {len(operands)}.")
        named = ((f"{label} of {self.name}", bits, values)
                 for (label, bits), values in zip(self.operands, operands, strict=True))
        checked = {name: check_codes(name, values, *code_range(bits, self.signed)) for name, bits, values in named}
        check_broadcast(**checked)
        arrays = np.broadcast_arrays(*checked.values())
        flat = [array.ravel() for array in arrays]
        result = np.empty(flat[0].size, np.uint64 if not self.signed and self.output_bits == 64 else np.int64)
        for start in range(0, result.size, BLOCK):
            block = [values[start:start + BLOCK] for values in flat]
            result[start:start + BLOCK] = self.words(block)
        return result.reshape(arrays[0].shape)

    def words(self, operands: Sequence[NDArray[np.int64]]) -> NDArray[np.integer]:
        """Output words of one block of equally long int64 operand arrays in range."""
        planes = [plane for (_, bits), values in zip(self.operands, operands, strict=True)
                  for plane in pack_bits(values, bits)]
        wires = self.simulate(planes)
        return unpack_words([wires[i] for i in self.outputs], len(operands[0]), self.signed)

    def tabulate(self) -> NDArray[np.integer]:
        """All products, all pairs at once in bit-planes: ``table[x - qmin, w - qmin]``."""
        wires = self.simulate(exhaustive_planes(self.bits_x, self.bits_w, self.signed))
        words = unpack_words([wires[i] for i in self.outputs], 2 ** (self.bits_x + self.bits_w), self.signed)
        return words.reshape(2 ** self.bits_x, 2 ** self.bits_w)

    def to_multiplier(self, name: str | None = None, **changes: object) -> Multiplier:
        return tabulated(self, name, **changes)

    def to_circuit(self, name: str | None = None, performance_metric: float = float("nan"),
                   **kwargs: object) -> Circuit:
        """The `Circuit` that evaluates these gates: for operands too wide for a table, at any width.

        Parameters
        ----------
        name : str, optional
            By default its own.
        performance_metric : float, optional
            Its cost.
        **kwargs
            release, info and operation.

        Returns
        -------
        Circuit

        Raises
        ------
        ValueError
            If it has not two operands.
        """
        self.check_two_operands()
        return Circuit(name or self.name, self, self.bits_x, self.bits_w, self.signed, performance_metric,
                       output_bits=self.output_bits, **{"operation": self.operation} | kwargs)

    def transposed(self) -> Netlist:
        """The same circuit with its two operands the other way round."""
        return self.reordered(*(label for label, _ in reversed(self.check_two_operands())))

    def reordered(self, *names: str) -> Netlist:
        """The same circuit with its operands in the order of `names`.

        EvoApproxLib's unsigned 8x8 C functions take (B, A) where the Verilog module has ports A and B.
        """
        labels = [label for label, _ in self.operands]
        if sorted(names) != sorted(labels):
            raise ValueError(f"operands of {self.name} are {', '.join(labels)}, got {', '.join(map(str, names))}.")
        order = [labels.index(label) for label in names]
        moved = [0, 1] + [wire for position in order for wire in self.operand_wires(position)]
        new = {old: wire for wire, old in enumerate(moved)}
        gates = [(kind, [new.get(i, i) for i in inputs]) for kind, inputs in self.gates]
        return Netlist([self.operands[p] for p in order], gates, [new.get(i, i) for i in self.outputs],
                       self.signed, self.name, self.operation)

    def __repr__(self):
        widths = "x".join(str(bits) for _, bits in self.operands)
        return f"Netlist({self.name!r}, {widths} bits, {'signed' if self.signed else 'unsigned'}, " \
               f"{len(self.gates)} gates)"


def pack_bits(values, bits):
    """Planes of the low bits of int64 `values`, (bits, ceil(len / 64)) uint64: bit k of word j is value 64 j + k.

    The last word is padded with zeros.
    """
    padded = np.zeros(-(-len(values) // 64) * 64, dtype=np.int64)
    padded[:len(values)] = values
    rows = (padded >> np.arange(bits)[:, None] & 1).astype(np.uint8)
    return np.packbits(rows, axis=1, bitorder="little").view("<u8").astype(np.uint64, copy=False)


def unpack_bits(plane, count):
    """The first `count` bits of one plane as uint8 zeros and ones."""
    return np.unpackbits(plane.astype("<u8", copy=False).view(np.uint8), count=count, bitorder="little")


def unpack_words(planes, count, signed):
    """The numbers whose bits are `planes`, as int32, int64 or uint64; the last has negative weight where `signed`."""
    dtype = np.int32 if len(planes) < 32 else np.int64          # half the memory traffic where it suffices
    if len(planes) == 64:
        dtype, signed = (np.int64 if signed else np.uint64), False      # the weight of the last bit wraps by itself
    words = np.zeros(count, dtype)
    for i, plane in enumerate(planes):
        bit = unpack_bits(plane, count).astype(dtype) << dtype(i)
        words += -bit if signed and i == len(planes) - 1 else bit
    return words


def popcount(plane):
    """How many bits of a plane are one."""
    if hasattr(np, "bitwise_count"):                             # NumPy 2.0 and later
        return int(np.bitwise_count(plane).sum())
    return int(np.unpackbits(plane.view(np.uint8)).sum())


@lru_cache(maxsize=16)
def exhaustive_planes(bits_x, bits_w, signed):
    """The bit-planes of all operand pairs in value order (x varies slowly), read-only."""
    x, w = codes(bits_x, signed), codes(bits_w, signed)
    planes = np.concatenate([pack_bits(np.repeat(x, w.size), bits_x), pack_bits(np.tile(w, x.size), bits_w)])
    planes.flags.writeable = False
    return planes
