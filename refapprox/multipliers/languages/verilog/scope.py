"""The names of one instance of a module or generate block, and the bits of expressions over them.

Expressions follow IEEE 1364-2005 section 5: operands of arithmetic, bitwise operators and choices are as wide as the
widest of them and the target; shift amounts, conditions and parts of a concatenation stand for themselves; operands
are sign-extended only where all of them are signed.
"""
from math import prod

from refapprox.multipliers.circuits.builder import ZERO
from refapprox.multipliers.languages.verilog.constants import Constant, evaluate
from refapprox.multipliers.languages.verilog.tokens import NotStructural, VerilogError

MAX_WIDTH = 4096               # of an expression or a net
MAX_ARITHMETIC_WIDTH = 128
CONTEXT = ("|", "^", "~^", "^~", "&", "+", "-", "*", "/", "%")     # operators whose operands take the context's width
SHIFTS = ("<<", ">>", "<<<", ">>>")
GATES = {"|": "OR", "&": "AND", "^": "XOR", "~^": "XOR", "^~": "XOR"}


class Net:
    """A declared port or net: its dimensions, unpacked before packed, and its bits with the rightmost index first."""

    def __init__(self, direction, unpacked, packed, bits, signed, where, line):
        self.direction, self.dims, self.unpacked = direction, (*unpacked, *packed), len(unpacked)
        self.bits, self.signed, self.where, self.line = bits, signed, where, line

    def shown(self):
        return "".join(f"[{left}:{right}]" for left, right in self.dims) or "a scalar"


class Scope:
    """Names with their meaning, and the expressions over them.

    Parameters
    ----------
    graph : Graph
    module : Module
    path : str
        Of the instance, such as "u1/"; begins the label of every bit.
    parent : Scope, optional
        Where names are looked up that this block does not know.
    """

    def __init__(self, graph, module, path, parent=None):
        self.graph, self.module, self.path, self.parent = graph, module, path, parent
        self.names = {}

    def error(self, line, reason, kind=VerilogError):
        return kind(f"{self.module.where}line {line}: {reason}")

    def find(self, name):
        """The `Net` or `Constant` of a name, or None."""
        scope = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def known(self, name):
        found = self.find(name)
        return found if isinstance(found, Constant) else None

    def constant(self, expression):
        """Value of a constant expression, an int."""
        return evaluate(expression, self.known, self.module.where).value

    def optional_constant(self, expression):
        """The value of an expression, or None where `constants` does not say it."""
        try:
            return self.constant(expression)
        except VerilogError:
            return None

    def declare(self, declaration):
        """A net of a declaration; a port may be declared as a net once more."""
        direction, name, packed, unpacked, signed, line = declaration
        dims = [tuple((self.constant(left), self.constant(right)) for left, right in ranges)
                for ranges in (unpacked, packed)]
        before = self.names.get(name)
        if before is not None:
            again = {direction, getattr(before, "direction", "")} & {"wire", "tri", "logic"}
            if not again or isinstance(before, Constant) or before.dims != (*dims[0], *dims[1]):
                raise self.error(line, f"{name} is declared twice.")
            before.signed |= signed
            if before.direction in ("wire", "tri", "logic"):
                before.direction = direction
            return
        size = prod(abs(left - right) + 1 for left, right in (*dims[0], *dims[1]))
        if not all(0 <= bound < 2 ** 16 for pair in (*dims[0], *dims[1]) for bound in pair) or size > 2 ** 16:
            raise self.error(line, f"{name} must have ranges within [65535:0] and at most 65536 bits.")
        labels = bit_labels(self.path + name, (*dims[0], *dims[1]))
        bits = [self.graph.net(label) for label in labels]
        self.names[name] = Net(direction, *dims, bits, signed, self.module.where, line)
        if direction in ("supply0", "supply1"):
            for bit in bits:
                self.graph.drive(bit, int(direction[-1]))

    def net(self, name, line, implicit=False):
        """The `Net` of a name; an undeclared one becomes a wire of one bit where Verilog allows that."""
        found = self.find(name)
        if found is None and implicit:
            self.names[name] = found = Net("wire", (), (), [self.graph.net(self.path + name)], False,
                                           self.module.where, line)
        if not isinstance(found, Net):
            raise self.error(line, f"{name} is not declared in module {self.module.name}." if found is None else
                             f"{name} is a constant, not a net.")
        return found

    def select(self, expression, implicit=False):
        """(bits, whether they are signed, whether they are an array) of a name with its selects."""
        _, name, selects, line = expression
        found = self.find(name)
        if isinstance(found, Constant):
            net = Net("wire", (), ((found.width - 1, 0),), found.bits(), found.signed, self.module.where, line)
        else:
            net = self.net(name, line, implicit and not selects)
        bits, dims = net.bits, list(net.dims)
        for position, select in enumerate(selects):
            if not dims:
                raise self.error(line, f"{name}{self.spelled(selects)} is outside {name}, {net.shown()}.")
            if select[0] == "index":
                index = self.optional_constant(select[1])
                bits = self.chosen(bits, dims[0], select[1], line) if index is None else \
                    self.part(bits, dims[0], index, index, name, selects, net, line)
            else:
                if position < len(selects) - 1:
                    raise self.error(line, f"{name}{self.spelled(selects)} selects from a range.", NotStructural)
                bits = self.part(bits, dims[0], *self.bounds(select, dims[0], line), name, selects, net, line)
            dims.pop(0)
        return bits, net.signed and len(selects) <= net.unpacked, len(selects) < net.unpacked

    def spelled(self, selects):
        """Selects as a message shows them."""
        texts = []
        for kind, *bounds in selects:
            values = [self.optional_constant(bound) for bound in bounds]
            separator = {"up": "+:", "down": "-:"}.get(kind, ":")
            texts.append(separator.join("..." if value is None else str(value) for value in values))
        return "".join(f"[{text}]" for text in texts)

    def bounds(self, select, dim, line):
        """(left, right) of a range select."""
        kind, first, second = select
        first, second = self.optional_constant(first), self.constant(second)
        if first is None:
            raise self.error(line, "a part select that begins at a variable index is not read natively.", NotStructural)
        if kind == "range":
            return first, second
        if second < 1:
            raise self.error(line, f"a part select must be at least 1 bit wide, got {second}.")
        low, high = (first, first + second - 1) if kind == "up" else (first - second + 1, first)
        return (high, low) if dim[0] >= dim[1] else (low, high)

    def part(self, bits, dim, left, right, name, selects, net, line):
        """The sub-blocks `left` to `right` of one dimension."""
        low, high = min(dim), max(dim)
        reversed_range = (left > right) != (dim[0] > dim[1]) and left != right and dim[0] != dim[1]
        if not (low <= left <= high and low <= right <= high) or reversed_range:
            raise self.error(line, f"{name}{self.spelled(selects)} is outside {name}, {net.shown()}.")
        block = len(bits) // (high - low + 1)
        return bits[abs(right - dim[1]) * block:(abs(left - dim[1]) + 1) * block]

    def chosen(self, bits, dim, expression, line):
        """The sub-block that a variable index chooses; every value of the index must be one of the dimension."""
        index = self.whole(expression)
        if dim[1] != 0 or dim[0] < 0 or 2 ** min(len(index), 20) > dim[0] + 1:
            raise self.error(line, f"an index may lie outside [{dim[0]}:{dim[1]}], which gives x.", NotStructural)
        block = len(bits) // (dim[0] + 1)
        blocks = [bits[i * block:(i + 1) * block] for i in range(2 ** len(index))]
        for bit in index:
            blocks = [[self.graph.choose(bit, odd, even) for even, odd in zip(*pair, strict=True)]
                      for pair in zip(blocks[::2], blocks[1::2], strict=True)]
        return blocks[0]

    def target(self, expression, line, arrays=False):
        """Bits that the left side of an assignment or a connected output drives, least significant first."""
        kind = expression[0]
        if kind == "concat":
            return [bit for part in reversed(expression[1]) for bit in self.target(part, line)]
        if kind != "name":
            raise self.error(line, "only nets, selects and concatenations of them can be driven.")
        bits, _, array = self.select(expression, implicit=True)
        if array != arrays:
            raise self.error(line, f"an array and a word are connected at {expression[1]}.", NotStructural)
        if self.net(expression[1], line).direction == "input":
            raise self.error(line, f"input {expression[1]} of module {self.module.name} must not be driven.")
        return bits

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


def bit_labels(name, dims):
    """The label of every bit of a net, the rightmost index first."""
    labels = [name]
    for left, right in dims:
        indices = range(right, left + 1) if left >= right else range(right, left - 1, -1)
        labels = [f"{label}[{i}]" for label in labels for i in indices]
    return labels
