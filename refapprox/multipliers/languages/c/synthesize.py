"""A parsed function as gates: every variable a word of wires, every C operator the logic that computes it.

A `Word` holds the low bits of a 64-bit two's-complement pattern; `fill` stands for all higher ones. Constant bits
fold away and equal gates are made once, so the garbage that ``~`` leaves in the upper bits of a one-bit signal, and
sign extension, cost nothing, while C's integer widths are kept exactly. 65,536 operand pairs are then evaluated
64 a machine word (`netlist`), which takes a millisecond where NumPy on whole integers takes a second.
"""
from functools import lru_cache
from typing import NamedTuple

from refapprox.multipliers.circuits.builder import ZERO, Builder
from refapprox.multipliers.languages.c.composite import Composite
from refapprox.multipliers.languages.c.types import INT, common_type, promoted

MAX_GATES = 50_000      # the largest published circuit has about 2,700
MAX_WORK = 300_000     # bits that operators compute, gates made before included: a few seconds


class Word(NamedTuple):
    """Wires of the low bits, the wire of all higher bits, and the C type."""

    bits: list
    fill: int
    ctype: tuple


class BoundedBuilder(Builder):
    """A folding builder that gives up where a source would grow, or take time, beyond all measure."""

    work = 0

    def take_on(self, bits):
        self.work += bits
        if self.work > MAX_WORK:
            raise ValueError(f"the function takes more than {MAX_WORK} operations on bits.")

    def emit(self, kind, *inputs):
        if len(self.gates) >= MAX_GATES:
            raise ValueError(f"the function takes more than {MAX_GATES} gates.")
        return super().emit(kind, *inputs)


def trimmed(bits, fill, ctype):
    """A `Word` without bits that equal its fill."""
    end = len(bits)
    while end and bits[end - 1] == fill:
        end -= 1
    return Word(bits[:end], fill, ctype)


def extended(word, width):
    """The low `width` wires of a word."""
    return word.bits[:width] + [word.fill] * (width - len(word.bits))


def convert(word, ctype):
    """C's conversion: modulo 2**width, signed types with their sign extended, uint64 as its int64 pattern."""
    bits, fill, _ = word
    width = ctype.width
    if ctype.signed or width == 64:
        if len(bits) < width:
            return Word(bits, fill, ctype)
        return trimmed(bits[:width], bits[width - 1], ctype)
    if fill == 0 and len(bits) <= width:
        return Word(bits, 0, ctype)
    return trimmed(extended(word, width), 0, ctype)


def apply(builder, operator, argument, left, right=None):
    """The word of one operator; the same cases as in `interpret.apply`."""
    if operator == "cast":
        return convert(left, argument)
    if operator == "!":
        builder.take_on(len(left.bits))
        wire = left.fill
        for bit in left.bits:
            wire = builder.gate("OR", wire, bit)
        return trimmed([builder.invert(wire)], 0, INT)
    if right is not None:
        return apply_binary(builder, operator, left, right)
    ctype = promoted(left.ctype)
    word = convert(left, ctype)
    builder.take_on(len(word.bits))
    if operator == "~":
        return convert(Word([builder.invert(bit) for bit in word.bits], builder.invert(word.fill), ctype), ctype)
    if argument >= ctype.width:
        raise ValueError(f"a shift by {argument} is as wide as its operand of {ctype.width} bits or wider.")
    if operator == "<<":
        return convert(Word([0] * argument + word.bits, word.fill, ctype), ctype)
    if ctype.width == 64 and not ctype.signed and word.fill != 0:          # a logical shift brings zeros in
        return trimmed(extended(word, 64)[argument:], 0, ctype)
    return trimmed(word.bits[argument:], word.fill, ctype)


def apply_binary(builder, operator, left, right):
    ctype = common_type(left.ctype, right.ctype)
    left, right = convert(left, ctype), convert(right, ctype)
    if operator in "&|^":
        kind = {"&": "AND", "|": "OR", "^": "XOR"}[operator]
        size = max(len(left.bits), len(right.bits))
        builder.take_on(size)
        bits = [builder.gate(kind, a, b) for a, b in zip(extended(left, size), extended(right, size), strict=True)]
        return trimmed(bits, builder.gate(kind, left.fill, right.fill), ctype)
    if operator == "+":
        width = min(max(len(left.bits), len(right.bits)) + 2, ctype.width)       # two sign bits hold any sum
        builder.take_on(width)
        bits = builder.add(extended(left, width), extended(right, width), width=width)
    else:
        width = ctype.width
        builder.take_on(width ** 2)
        bits = multiply(builder, extended(left, width), extended(right, width))
    return convert(trimmed(bits, bits[-1], ctype), ctype)


def multiply(builder, left, right):
    """Shift and add, modulo 2**width: constant zeros in either factor cost nothing."""
    width = len(left)
    total = [0] * width
    for shift, bit in enumerate(left):
        row = [0] * shift + [builder.gate("AND", bit, b) for b in right[:width - shift]]
        total = builder.add(total, row, width=width)
    return total


def run(builder, program, operands, source):
    """The returned word of a `Function` or `Composite` for two operand words."""
    if isinstance(program, Composite):
        return run_composite(builder, program, operands, source)
    memory = {(name, None): convert(word, ctype)
              for (name, ctype), word in zip(program.parameters, operands, strict=True)}
    position = program.position
    try:
        for assignment in program.assignments:
            position, place = assignment.position, assignment.place
            memory[place] = convert(run_expression(builder, assignment.postfix, memory), program.variables[place[0]])
        return convert(run_expression(builder, program.result, memory), program.result_type)
    except ValueError as error:
        raise source.error(position, str(error)) from None


def run_expression(builder, postfix, memory):
    stack = []
    for operator, argument in postfix:
        if operator == "load":
            stack.append(memory[argument])
        elif operator == "constant":
            stack.append(constant(*argument))
        elif operator in ("|", "^", "&", "+", "*"):
            right = stack.pop()
            stack.append(apply(builder, operator, None, stack.pop(), right))
        else:
            stack.append(apply(builder, operator, argument, stack.pop()))
    (result,) = stack
    return result


@lru_cache(maxsize=256)
def constant(value, ctype):
    """The word of a literal."""
    return trimmed([value >> i & 1 for i in range(64)], value >> 63, ctype)


def run_composite(builder, program, operands, source):
    words = [convert(word, ctype) for (_, ctype), word in zip(program.parameters, operands, strict=True)]
    total = Word([], 0, program.sum_type)
    for term in program.terms:
        halves = [trimmed(extended(word, 16)[8 * byte:8 * byte + 8], 0, INT)
                  for word, byte in zip(words, (term.x_byte, term.w_byte), strict=True)]
        quarter = convert(run(builder, term.function, halves, source), term.stored_type)
        shifted = apply(builder, "<<", term.shift, convert(quarter, program.sum_type))
        total = convert(apply(builder, "+", None, total, shifted), program.sum_type)
    return convert(total, program.result_type)


def synthesize(program, source, *, bits_x, bits_w, output_bits, signed):
    """The `Netlist` of a parsed program for operands and result of the given widths.

    An operand is passed as C would: sign-extended to a signed parameter, by its own bits to an unsigned one; the low
    `output_bits` bits of the returned value are the result.

    Raises
    ------
    SourceError
        If a shift is too wide, the gates are too many, a parameter is narrower than its operand, or an unsigned
        result has bits beyond its width.
    """
    (x_name, x_type), (w_name, w_type) = program.parameters
    builder = BoundedBuilder([(x_name, bits_x), (w_name, bits_w)])
    operands = []
    for ctype, bits, name in zip((x_type, w_type), builder.operands, (x_name, w_name), strict=True):
        if ctype.width < len(bits):
            raise source.error(program.position, f"parameter {name!r} of {ctype.width} bits cannot hold an operand "
                                                 f"of {len(bits)}.")
        operands.append(Word(list(bits), bits[-1] if signed and ctype.signed else ZERO, ctype))
    if program.result_type.width < output_bits:
        raise source.error(program.position, f"{program.name} returns {program.result_type.width} bits, and its "
                                             f"result has {output_bits}.")
    word = run(builder, program, operands, source)
    if not signed and any(wire != ZERO for wire in [*word.bits[output_bits:], word.fill]):
        raise source.error(program.position, f"{program.name} returns bits above the {output_bits} of its result.")
    return builder.netlist(extended(word, output_bits), signed, program.name)
