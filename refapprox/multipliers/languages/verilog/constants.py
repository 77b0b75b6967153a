"""Constant expressions of Verilog: ranges, parameters, conditions of generate blocks.

A value keeps its width and sign. Where arithmetic would leave that width, which the surrounding expression might
widen, the expression is not read at all: a constant is right or refused.
"""
import operator
from typing import NamedTuple

from refapprox.multipliers.languages.verilog.tokens import NotStructural, VerilogError

ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "|": operator.or_, "&": operator.and_,
              "^": operator.xor}
COMPARISONS = {"==": operator.eq, "!=": operator.ne, "===": operator.eq, "!==": operator.ne, "<": operator.lt,
               "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Constant(NamedTuple):
    """A number with its width and signedness."""

    value: int
    width: int = 32
    signed: bool = True

    def bits(self):
        return [self.value >> i & 1 for i in range(self.width)]


def truth(value):
    return Constant(int(value), 1, False)


def evaluate(expression, lookup, where):
    """The `Constant` of an expression; `lookup` gives that of a name, or None.

    A VerilogError if it is not constant; NotStructural if its width decides its value, or an operator is none of
    constants.
    """
    kind, line = expression[0], expression[-1]

    def part(inner):
        return evaluate(inner, lookup, where)

    if kind == "number":
        return Constant(*signed_value(*expression[1:4]))
    if kind == "name":
        found = lookup(expression[1])
        if found is None or expression[2]:
            raise VerilogError(f"{where}line {line}: expected a constant expression, got {expression[1]}.")
        return found
    if kind == "clog2":
        return Constant(max(part(expression[1]).value - 1, 0).bit_length())
    if kind == "choice":
        return part(expression[2] if part(expression[1]).value else expression[3])
    if kind == "cast":
        return Constant(*signed_value(part(expression[2]).value, part(expression[2]).width, expression[1]))
    if kind == "unary" and expression[1] in "+-~!":
        inner = part(expression[2])
        if expression[1] == "!":
            return truth(not inner.value)
        if expression[1] == "~":
            return Constant(*signed_value(~inner.value, *inner[1:]))
        return fitting(-inner.value if expression[1] == "-" else inner.value, inner, inner, where, line)
    if kind == "run":
        operators, operands = expression[1:3]
        total = part(operands[0])
        for symbol, operand in zip(operators, operands[1:], strict=True):
            total = binary(symbol, total, part(operand), where, line)
        return total
    raise VerilogError(f"{where}line {line}: expected a constant expression.")


def signed_value(value, width, signed):
    """(value, width, signed) with the value modulo two to its width, negative where signed and its top bit is set."""
    value %= 1 << width
    return value - (1 << width) if signed and value >> (width - 1) else value, width, signed


def binary(symbol, left, right, where, line):
    if symbol in COMPARISONS:
        if not (left.signed and right.signed) and min(left.value, right.value) < 0:
            raise NotStructural(f"{where}line {line}: a negative constant is compared with an unsigned one.")
        return truth(COMPARISONS[symbol](left.value, right.value))
    if symbol in ("&&", "||"):
        return truth(left.value and right.value if symbol == "&&" else left.value or right.value)
    if symbol in ("<<", ">>", "<<<", "**"):
        if not 0 <= right.value <= 64 or left.value < 0 or abs(left.value) >= 1 << 64:
            raise NotStructural(f"{where}line {line}: {left.value} {symbol} {right.value} is not read as a constant.")
        value = left.value ** right.value if symbol == "**" else (
            left.value >> right.value if symbol == ">>" else left.value << right.value)
        return fitting(value, left, left, where, line)
    if symbol in ("/", "%"):
        if right.value == 0:
            raise VerilogError(f"{where}line {line}: a constant is divided by zero.")
        quotient = abs(left.value) // abs(right.value) * (1 if (left.value < 0) == (right.value < 0) else -1)
        return fitting(quotient if symbol == "/" else left.value - quotient * right.value, left, right, where, line)
    if symbol not in ARITHMETIC:
        raise NotStructural(f"{where}line {line}: {symbol} of constants is not read natively.")
    return fitting(ARITHMETIC[symbol](left.value, right.value), left, right, where, line)


def fitting(value, left, right, where, line):
    """`value` in the type of two operands, if it fits."""
    width, signed = max(left.width, right.width), left.signed and right.signed
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    if not low <= value <= high:
        raise NotStructural(f"{where}line {line}: a constant expression of {width} bits overflows with {value}.")
    return Constant(value, width, signed)
