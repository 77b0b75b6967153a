"""C's operators as gates over words of wires.

A `Word` holds the low bits of a 64-bit two's-complement pattern; `fill` stands for all higher ones. Constant bits
fold away and equal gates are made once, so the garbage that ``~`` leaves in the upper bits of a one-bit signal, and
sign extension, cost nothing, while C's integer widths are kept exactly. 65,536 operand pairs are then evaluated
64 a machine word (`netlist`), which takes a millisecond where NumPy on whole integers takes a second.
"""
from typing import NamedTuple

from refapprox.multipliers.circuits.builder import ONE, ZERO, Builder
from refapprox.multipliers.languages.c.types import INT, common_type, promoted

MAX_WORK = 3_000_000    # bits that operators compute, gates made before included: a few seconds


class Word(NamedTuple):
    """Wires of the low bits, the wire of all higher bits, and the C type."""

    bits: list
    fill: int
    ctype: tuple


class BoundedBuilder(Builder):
    """A folding builder that gives up where a source would take time beyond all measure."""

    work = 0

    def take_on(self, bits):
        self.work += bits + 1
        if self.work > MAX_WORK:
            raise ValueError(f"the function takes more than {MAX_WORK} operations on bits.")


def trimmed(bits, fill, ctype):
    """A `Word` without bits that equal its fill."""
    end = len(bits)
    while end and bits[end - 1] == fill:
        end -= 1
    return Word(bits[:end], fill, ctype)


def extended(word, width):
    """The low `width` wires of a word."""
    return word.bits[:width] + [word.fill] * (width - len(word.bits))


def convert(builder, word, ctype):
    """C's conversion: modulo 2**width, signed types with their sign extended, uint64 as its int64 pattern."""
    bits, fill, _ = word
    width = ctype.width
    if width == 1:
        return trimmed([any_of(builder, word)], ZERO, ctype)
    if ctype.signed or width == 64:
        if len(bits) < width:
            return Word(bits, fill, ctype)
        return trimmed(bits[:width], bits[width - 1], ctype)
    if fill == ZERO and len(bits) <= width:
        return Word(bits, ZERO, ctype)
    return trimmed(extended(word, width), ZERO, ctype)


def any_of(builder, word):
    """The wire that tells whether a word is not zero."""
    builder.take_on(len(word.bits))
    wire = word.fill
    for bit in word.bits:
        wire = builder.gate("OR", wire, bit)
    return wire


def apply(builder, operator, argument, left, right=None):
    """The word of one operator."""
    if operator == "cast":
        return convert(builder, left, argument)
    if operator == "!":
        return trimmed([builder.invert(any_of(builder, left))], ZERO, INT)
    if operator in ("&&", "||"):
        wires = [any_of(builder, word) for word in (left, right)]
        return trimmed([builder.gate("AND" if operator == "&&" else "OR", *wires)], ZERO, INT)
    if operator in ("<<", ">>"):
        return shift(builder, operator, left, right)
    if right is not None:
        return apply_binary(builder, operator, left, right)
    ctype = promoted(left.ctype)
    word = convert(builder, left, ctype)
    builder.take_on(len(word.bits))
    if operator == "unary +":
        return word
    if operator == "unary -":
        return subtract(builder, Word([], ZERO, ctype), word, ctype)
    return convert(builder, Word([builder.invert(bit) for bit in word.bits], builder.invert(word.fill), ctype), ctype)


def shift(builder, operator, left, right):
    """A shift; where the amount is not constant, all its values must be less than the width of the shifted type."""
    ctype = promoted(left.ctype)
    word = convert(builder, left, ctype)
    amount = constant_of(right)
    if not word.bits and word.fill == ZERO and amount is not None and amount >= 0:
        return word            # undefined beyond the width, and zero for every compiler: ArithsGen writes 0 << 32
    if amount is None and (right.fill != ZERO or 2 ** min(len(right.bits), 7) > ctype.width):
        raise ValueError(f"a shift by an amount that may be {ctype.width} or more has no value in C: "
                         f"mask the amount, as in (b & {ctype.width - 1}).")
    if amount is not None and not 0 <= amount < ctype.width:
        raise ValueError(f"a shift by {amount} is as wide as its operand of {ctype.width} bits or wider.")
    if amount is not None:
        return shifted(builder, operator, word, amount)
    for i, bit in enumerate(right.bits):
        word = choose(builder, bit, shifted(builder, operator, word, 1 << i), word, ctype)
    return word


def shifted(builder, operator, word, amount):
    """A shift by a constant."""
    bits, fill, ctype = word
    builder.take_on(len(bits))
    if operator == "<<":
        return convert(builder, Word([ZERO] * amount + bits, fill, ctype), ctype)
    if ctype.width == 64 and not ctype.signed and fill != ZERO:            # a logical shift brings zeros in
        return trimmed(extended(word, 64)[amount:], ZERO, ctype)
    return trimmed(bits[amount:], fill, ctype)


def constant_of(word):
    """The value of a word without variable bits, or None."""
    if any(wire > ONE for wire in (*word.bits, word.fill)):
        return None
    return sum(bit << i for i, bit in enumerate(word.bits)) - (word.fill << len(word.bits))


def apply_binary(builder, operator, left, right):
    """An operator whose operands are brought to one type first."""
    ctype = common_type(left.ctype, right.ctype)
    left, right = convert(builder, left, ctype), convert(builder, right, ctype)
    size = max(len(left.bits), len(right.bits))
    builder.take_on(size)
    if operator in "&|^":
        kind = {"&": "AND", "|": "OR", "^": "XOR"}[operator]
        bits = [builder.gate(kind, a, b) for a, b in zip(extended(left, size), extended(right, size), strict=True)]
        return trimmed(bits, builder.gate(kind, left.fill, right.fill), ctype)
    if operator in ("==", "!=", "<", "<=", ">", ">="):
        return compare(builder, operator, left, right, ctype)
    if operator == "-":
        return subtract(builder, left, right, ctype)
    if operator in ("/", "%"):
        return divide(builder, operator, left, right, ctype)
    if operator == "+":
        width = min(size + 2, ctype.width)                                       # two sign bits hold any sum
        bits = builder.add(extended(left, width), extended(right, width), width=width)
    else:
        width = min(len(left.bits) + len(right.bits) + 2, ctype.width)           # and any product
        builder.take_on(width ** 2)
        bits = builder.multiply(extended(left, width), extended(right, width))
    return convert(builder, trimmed(bits, bits[-1], ctype), ctype)


def subtract(builder, left, right, ctype):
    width = min(max(len(left.bits), len(right.bits)) + 2, ctype.width)
    builder.take_on(width)
    inverted = [builder.invert(wire) for wire in extended(right, width)]
    bits = builder.add(extended(left, width), inverted, carry=ONE, width=width)
    return convert(builder, trimmed(bits, bits[-1], ctype), ctype)


def compare(builder, operator, left, right, ctype):
    """0 or 1 as an int."""
    unlimited = not ctype.signed and (left.fill != ZERO or right.fill != ZERO)      # uint64 numbers of 2**63 and more
    width = ctype.width if unlimited else min(max(len(left.bits), len(right.bits)) + 1, ctype.width)
    a, b = extended(left, width), extended(right, width)
    builder.take_on(2 * width)
    if operator in ("==", "!="):
        wire = ZERO
        for pair in zip(a, b, strict=True):
            wire = builder.gate("OR", wire, builder.gate("XOR", *pair))
        inverted = operator == "=="
    else:
        if ctype.signed:                               # adding 2**(width - 1) to both makes them unsigned
            a, b = ([*word[:-1], builder.invert(word[-1])] for word in (a, b))
        wire = builder.less(a, b) if operator in ("<", ">=") else builder.less(b, a)
        inverted = operator in ("<=", ">=")
    return trimmed([builder.invert(wire) if inverted else wire], ZERO, INT)


def choose(builder, condition, yes, no, ctype):
    """``condition ? yes : no`` of two words of one type."""
    size = max(len(yes.bits), len(no.bits))
    builder.take_on(size)
    bits = [builder.choose(condition, *pair) for pair in zip(extended(yes, size), extended(no, size), strict=True)]
    return trimmed(bits, builder.choose(condition, yes.fill, no.fill), ctype)


def divide(builder, operator, left, right, ctype):
    """Quotient or remainder by a constant, truncated toward zero: digit by digit, on absolute values."""
    divisor = constant_of(right)
    if divisor is not None and not ctype.signed:
        divisor %= 1 << ctype.width
    if not divisor:
        raise ValueError("a division by zero, or by what may be zero, is not read. Compile it: --compile.")
    negative = left.fill if ctype.signed else ZERO
    unlimited = not ctype.signed and left.fill != ZERO
    wires = extended(left, ctype.width if unlimited else len(left.bits) + 1)
    builder.take_on(len(wires) * (divisor.bit_length() + 2))
    wires = negated(builder, wires, negative)
    width = abs(divisor).bit_length() + 1
    subtrahend = [abs(divisor) >> i & 1 for i in range(width)]
    remainder, quotient = [ZERO] * width, []
    for wire in reversed(wires):
        remainder = [wire, *remainder[:-1]]
        smaller = builder.less(remainder, subtrahend)
        difference = builder.add(remainder, [ONE - bit for bit in subtrahend], carry=ONE, width=width)
        remainder = [builder.choose(smaller, *pair) for pair in zip(remainder, difference, strict=True)]
        quotient.insert(0, builder.invert(smaller))
    if operator == "%":
        found, sign = [*remainder, ZERO], negative
    else:
        found, sign = [*quotient, ZERO], builder.invert(negative) if divisor < 0 else negative
    found = negated(builder, found, sign)
    return convert(builder, trimmed(found, found[-1], ctype), ctype)


def negated(builder, wires, condition):
    """A word, or its negative where the wire `condition` is one, modulo two to its width."""
    return builder.add([builder.gate("XOR", wire, condition) for wire in wires], [condition], width=len(wires))
