"""The bits of expressions over the names of one instance of a module or generate block.

Expressions follow IEEE 1364-2005 section 5: operands of arithmetic, bitwise operators and choices are as wide as the
widest of them and the target; shift amounts, conditions and parts of a concatenation stand for themselves; operands
are sign-extended only where all of them are signed.
"""
from refapprox.multipliers.circuits.builder import ZERO
from refapprox.multipliers.languages.verilog.constants import Constant
from refapprox.multipliers.languages.verilog.nets import Names
from refapprox.multipliers.languages.verilog.tokens import NotStructural

MAX_WIDTH = 4096               # of an expression or a net
MAX_ARITHMETIC_WIDTH = 128
CONTEXT = ("|", "^", "~^", "^~", "&", "+", "-", "*", "/", "%")     # operators whose operands take the context's width
SHIFTS = ("<<", ">>", "<<<", ">>>")
GATES = {"|": "OR", "&": "AND", "^": "XOR", "~^": "XOR", "^~": "XOR"}


class Scope(Names):
    """Names, and the expressions over them."""

    def width(self, expression):
        """Self-determined width of an expression."""
        kind, line = expression[0], expression[-1]
        if kind == "number":
            return expression[2]
        if kind == "name":
            width = len(self.select(expression)[0])
        elif kind == "clog2":
            return 32
        elif kind == "cast" or (kind == "unary" and expression[1] in "~-+"):
            return self.width(expression[2])
        elif kind == "unary":
            return 1
        elif kind == "choice":
            width = max(self.width(expression[2]), self.width(expression[3]))
        elif kind == "concat":
            width = sum(self.width(part) for part in expression[1])
        elif kind == "repeat":
            width = max(self.constant(expression[1]), 0) * self.width(expression[2])
        elif expression[1][0] in CONTEXT:
            width = max(self.width(part) for part in expression[2])
        elif expression[1][0] in (*SHIFTS, "**"):
            width = self.width(expression[2][0])
        else:
            return 1
        if not 1 <= width <= MAX_WIDTH:
            raise self.error(line, f"an expression must be 1 to {MAX_WIDTH} bits wide, got {width}.")
        return width

    def signed(self, expression):
        """Whether an expression is signed: names declared so, decimal numbers, casts, and operators of such."""
        kind = expression[0]
        if kind == "number":
            return expression[3]
        if kind == "name":
            return self.select(expression)[1]
        if kind == "cast":
            return expression[1]
        if kind == "unary":
            return expression[1] in "~-+" and self.signed(expression[2])
        if kind == "choice":
            return self.signed(expression[2]) and self.signed(expression[3])
        if kind == "run":
            operators, operands = expression[1:3]
            if operators[0] in (*SHIFTS, "**"):
                return self.signed(operands[0])
            return operators[0] in CONTEXT and all(self.signed(part) for part in operands)
        return kind == "clog2"

    def bits(self, expression, width, signed):
        """Bits of an expression in a context of `width` bits, least significant first."""
        kind, line = expression[0], expression[-1]
        if kind == "unary" and expression[1] in "~-+":
            inner = self.bits(expression[2], width, signed)
            if expression[1] == "~":
                return [self.graph.invert(bit) for bit in inner]
            return self.arithmetic("NEG", line, inner) if expression[1] == "-" else inner
        if kind == "choice":
            condition = self.graph.gate("OR", *self.whole(expression[1]))
            yes, no = (self.bits(part, width, signed) for part in expression[2:4])
            return [self.graph.choose(condition, *pair) for pair in zip(yes, no, strict=True)]
        if kind == "run" and expression[1][0] in (*CONTEXT, *SHIFTS, "**"):
            return self.run(expression, width, signed)
        own = self.leaf(expression)
        return (own + [own[-1] if signed else ZERO] * (width - len(own)))[:max(width, 1)]

    def run(self, expression, width, signed):
        """Bits of a run of operators that compute in the width of the context."""
        _, operators, operands, line = expression
        if set(operators) & {"/", "%", "**"}:
            value = self.optional_constant(expression)
            if value is None:
                raise self.error(line, f"{operators[0]} of what is not constant is not read natively.", NotStructural)
            return Constant(value, width).bits()
        if operators[0] in GATES:
            columns = zip(*(self.bits(part, width, signed) for part in operands), strict=True)
            result = [self.graph.gate(GATES[operators[0]], *column) for column in columns]
            inverted = sum(operator in ("~^", "^~") for operator in operators) % 2
            return [self.graph.invert(bit) for bit in result] if inverted else result
        total = self.bits(operands[0], width, signed)
        for operator, operand in zip(operators, operands[1:], strict=True):
            if operator in SHIFTS:
                total = self.shift(total, operator, operand, signed)
            else:
                total = self.arithmetic(operator, line, total, self.bits(operand, width, signed))
        return total

    def arithmetic(self, operator, line, *operands):
        if len(operands[0]) > MAX_ARITHMETIC_WIDTH:
            raise self.error(line, f"arithmetic must be at most {MAX_ARITHMETIC_WIDTH} bits wide, "
                                   f"got {len(operands[0])}.")
        return self.graph.word(operator, *operands)

    def shift(self, word, operator, operand, signed):
        fill = word[-1] if operator == ">>>" and signed else ZERO
        amount = self.optional_constant(operand)
        if amount is None:
            return self.graph.shifted(word, self.whole(operand), operator[0] == "<", fill)
        amount = min(amount % 2 ** self.width(operand), len(word))      # it counts as unsigned: -1 is 2**32 - 1
        return [ZERO] * amount + word[:len(word) - amount] if operator[0] == "<" else \
            word[amount:] + [fill] * amount

    def leaf(self, expression):
        """Bits of an expression whose operands stand for themselves."""
        kind, line = expression[0], expression[-1]
        if kind == "number":
            return Constant(*expression[1:4]).bits()
        if kind == "clog2":
            return Constant(self.constant(expression)).bits()
        if kind == "name":
            bits, _, array = self.select(expression)
            if array:
                raise self.error(line, f"{expression[1]} is an array: one of its elements must be selected.")
            return bits
        if kind == "cast":
            return self.whole(expression[2])
        if kind == "repeat":
            return self.whole(expression[2]) * (self.width(expression) and self.constant(expression[1]))
        if kind == "concat":
            self.width(expression)
            return [bit for part in reversed(expression[1]) for bit in self.whole(part)]
        if kind == "unary":
            return [self.reduced(expression[1], self.whole(expression[2]))]
        return [self.comparison(*expression[1:])]

    def reduced(self, operator, bits):
        """One bit of a reduction, or of ``!``."""
        kind = {"&": "AND", "|": "OR", "^": "XOR"}.get(operator.replace("~", ""), "OR")
        bit = self.graph.gate(kind, *bits)
        return self.graph.invert(bit) if "~" in operator or operator == "!" else bit

    def comparison(self, operators, operands, line):
        """One bit of a run of logical operators or comparisons, from left to right."""
        if operators[0] in ("&&", "||"):
            return self.graph.gate("AND" if operators[0] == "&&" else "OR",
                                   *(self.graph.gate("OR", *self.whole(part)) for part in operands))
        total = None
        for operator, right in zip(operators, operands[1:], strict=True):
            width = max(self.width(operands[0]) if total is None else 1, self.width(right))
            signed = total is None and self.signed(operands[0]) and self.signed(right)
            a = self.bits(operands[0], width, signed) if total is None else [total] + [ZERO] * (width - 1)
            b = self.bits(right, width, signed)
            if "=" in operator and operator[0] in "=!":
                bit = self.graph.equal(a, b)
            else:
                if signed:                              # adding 2**(width - 1) to both makes them unsigned
                    a, b = ([*word[:-1], self.graph.invert(word[-1])] for word in (a, b))
                bit = self.graph.less(a, b) if operator in ("<", ">=") else self.graph.less(b, a)
            total = self.graph.invert(bit) if operator in ("!=", "!==", "<=", ">=") else bit
        return total

    def whole(self, expression):
        return self.bits(expression, self.width(expression), self.signed(expression))
