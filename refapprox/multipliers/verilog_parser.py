"""Syntax of structural Verilog: text in, a tuple of `Module` out, nothing of it executed.

The subset is what generated netlists use: ports in either style, wires and buses, ``assign``, instances with named or
positional connections, named constants, and the operators ``~ ! & | ^ ~^ ^~ + - *``, concatenation, replication, bit
and part selects, ``$signed`` and ``$unsigned``. Everything else (always, reg, delays, ...) is refused with its line.
"""
import math
from typing import NamedTuple

from refapprox.multipliers.verilog_tokens import VerilogError, parse_number, tokenize

MAX_DEPTH = 40             # nested parentheses, braces and unary operators; bounds every recursion below
# operator -> (precedence, node); a - b becomes a + NEG b, and a ~^ b becomes NOT of a ^ b
OPERATORS = {"|": (0, "OR"), "^": (1, "XOR"), "~^": (1, "XOR"), "^~": (1, "XOR"), "&": (2, "AND"),
             "+": (3, "+"), "-": (3, "+"), "*": (4, "*")}
RESERVED = {"module", "endmodule", "input", "output", "inout", "wire", "reg", "assign", "always", "initial", "begin",
            "end", "signed", "localparam", "parameter", "generate", "genvar", "function", "task", "if", "else", "case",
            "for", "integer", "defparam", "supply0", "supply1", "tri"}


class Net(NamedTuple):
    """A declared port or wire with bits msb down to lsb; scalars have msb = lsb = None."""

    direction: str     # input, output, wire
    msb: int
    lsb: int
    signed: bool
    line: int


class Assign(NamedTuple):
    target: tuple      # expressions, see `Parser`
    value: tuple
    line: int


class Instance(NamedTuple):
    module: str
    name: str
    connections: dict  # port name or position -> expression, None where left open
    line: int


class Module(NamedTuple):
    name: str
    ports: tuple       # names in header order
    nets: dict         # name -> Net
    items: tuple       # in text order: Assign and Instance
    line: int


class Parser:
    """Recursive descent over one token list. Expressions are nested tuples whose first element says what they are:

    ("number", value, width, signed), ("name", name), ("bit", name, expr), ("part", name, msb expr, lsb expr),
    ("concat", exprs), ("repeat", count expr, expr), ("cast", signed, expr), ("NOT" | "!" | "NEG", expr),
    (OR | XOR | AND | + | *, exprs); every one of them ends with its line.
    """

    def __init__(self, text):
        self.tokens = tokenize(text)
        self.position = 0
        self.depth = 0
        self.constants = {}

    @property
    def token(self):
        return self.tokens[self.position]

    def fail(self, wanted):
        raise VerilogError(f"line {self.token.line}: expected {wanted}, got {self.token.text[:40]!r}.")

    def accept(self, *texts):
        """The next token's text if it is one of `texts`, consumed; else None."""
        token = self.token
        if token.text in texts and token.kind in ("name", "symbol"):
            self.position += 1
            return token.text
        return None

    def expect(self, text):
        return self.accept(text) or self.fail(repr(text))

    def identifier(self, wanted):
        token = self.token
        if token.kind != "name" or token.text[0] == "$" or token.text in RESERVED:
            self.fail(wanted)
        self.position += 1
        return token.text.lstrip("\\")

    def file(self):
        """All modules of the text."""
        modules = []
        while self.token.kind != "end":
            modules.append(self.module())
        if not modules:
            raise VerilogError("line 1: expected at least one module, got none.")
        return tuple(modules)

    def module(self):
        line = self.token.line
        self.expect("module")
        name, nets, items = self.identifier("the name of a module"), {}, []
        self.constants = {}
        ports = self.header(nets) if self.accept("(") else ()
        self.expect(";")
        while not self.accept("endmodule"):
            if self.token.text in ("input", "output", "wire"):
                self.declaration(nets, items)
            elif self.accept("assign"):
                items.append(self.assignment())
                while self.accept(","):
                    items.append(self.assignment())
            elif self.accept("localparam", "parameter"):
                self.parameter()
                while self.accept(","):
                    self.parameter()
            elif self.token.kind == "name":
                items.append(self.instance())
            else:
                self.fail("a declaration, assign, an instance or endmodule")
            self.expect(";")
        return Module(name, ports, nets, tuple(items), line)

    def header(self, nets):
        """Port names between the parentheses of a module; declared on the spot in the ANSI style."""
        ports, kind = [], None
        while not self.accept(")"):
            if ports:
                self.expect(",")
            if self.token.text in ("input", "output"):
                kind = self.net_type()
            ports.append(self.identifier("the name of a port"))
            if kind:
                self.declare(nets, ports[-1], kind)
        return tuple(ports)

    def net_type(self):
        """(direction, signed, msb, lsb) up to the first name of a declaration."""
        direction = self.accept("input", "output", "wire")
        self.accept("wire")
        signed = bool(self.accept("signed"))
        if not self.accept("["):
            return direction, signed, None, None
        msb = self.constant()
        self.expect(":")
        lsb = self.constant()
        self.expect("]")
        if not 0 <= lsb <= msb < 2 ** 16:
            self.fail(f"a range [msb:lsb] with 65535 >= msb >= lsb >= 0 instead of [{msb}:{lsb}]")
        return direction, signed, msb, lsb

    def declare(self, nets, name, kind):
        direction, signed, msb, lsb = kind
        before = nets.get(name)
        if before and not (direction == "wire" and (before.msb, before.lsb) == (msb, lsb)):
            raise VerilogError(f"line {self.token.line}: {name} is declared twice.")
        if not before:
            nets[name] = Net(direction, msb, lsb, signed, self.token.line)

    def declaration(self, nets, items):
        kind = self.net_type()
        while True:
            line, name = self.token.line, self.identifier("the name of a net")
            self.declare(nets, name, kind)
            if kind[0] == "wire" and self.accept("="):
                items.append(Assign(("name", name, line), self.expression(), line))
            if not self.accept(","):
                return

    def parameter(self):
        """One named constant; it stands for its number from here to the end of the module."""
        name = self.identifier("the name of a constant")
        self.expect("=")
        self.constants[name] = self.constant()

    def assignment(self):
        line, target = self.token.line, self.primary()
        self.expect("=")
        return Assign(target, self.expression(), line)

    def instance(self):
        line, module = self.token.line, self.identifier("the name of a module")
        name, connections = self.identifier("the name of an instance"), {}
        self.expect("(")
        while not self.accept(")"):
            if connections:
                self.expect(",")
            if self.accept("."):
                port = self.identifier("the name of a port")
                self.expect("(")
                expression = None if self.token.text == ")" else self.expression()
                self.expect(")")
            else:
                port, expression = len(connections), self.expression()
            if port in connections:
                raise VerilogError(f"line {line}: port {port} of instance {name} is connected twice.")
            connections[port] = expression
        return Instance(module, name, connections, line)

    def constant(self):
        """A constant expression of range bounds and repetitions, as an int."""
        line = self.token.line
        value = evaluate_constant(self.expression())
        if value is None or abs(value) > 2 ** 31:
            raise VerilogError(f"line {line}: expected a constant expression.")
        return value

    def expression(self, level=0):
        """Operators of precedence `level` and above; a run of one precedence becomes one node."""
        line, left = self.token.line, self.unary()
        while self.token.kind == "symbol" and OPERATORS.get(self.token.text, (-1,))[0] >= level:
            precedence, node = OPERATORS[self.token.text]
            operands, inverted = [left], False
            while self.token.kind == "symbol" and OPERATORS.get(self.token.text, (-1,))[0] == precedence:
                operator = self.accept(*OPERATORS)
                operand = self.expression(precedence + 1)
                operands.append(("NEG", operand, line) if operator == "-" else operand)
                inverted ^= operator in ("~^", "^~")
            left = (node, tuple(operands), line)
            if inverted:
                left = ("NOT", left, line)
        return left

    def unary(self):
        line, operator = self.token.line, self.accept("~", "!", "-")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise VerilogError(f"line {line}: an expression is nested more than {MAX_DEPTH} deep.")
        result = (({"~": "NOT", "!": "!", "-": "NEG"}[operator], self.unary(), line) if operator else self.primary())
        self.depth -= 1
        return result

    def primary(self):
        token = self.token
        if token.kind == "number":
            self.position += 1
            return ("number", *parse_number(token.text, token.line), token.line)
        if self.accept("("):
            inner = self.expression()
            self.expect(")")
            return inner
        if self.accept("{"):
            return self.concatenation(token.line)
        if self.accept("$signed", "$unsigned"):
            self.expect("(")
            inner = self.expression()
            self.expect(")")
            return ("cast", token.text == "$signed", inner, token.line)
        name = self.identifier("an operand")
        if name in self.constants:
            return ("number", self.constants[name], 32, True, token.line)
        if not self.accept("["):
            return ("name", name, token.line)
        first = self.expression()
        if self.accept(":"):
            first = ("part", name, first, self.expression(), token.line)
        else:
            first = ("bit", name, first, token.line)
        self.expect("]")
        return first

    def concatenation(self, line):
        parts = [self.expression()]
        if self.accept("{"):
            repeated = self.concatenation(line)
            self.expect("}")
            return ("repeat", parts[0], repeated, line)
        while self.accept(","):
            parts.append(self.expression())
        self.expect("}")
        return ("concat", tuple(parts), line)


def evaluate_constant(expression):
    """Value of an expression of numbers, + - *, or None."""
    kind = expression[0]
    if kind == "number":
        return expression[1]
    if kind == "NEG":
        value = evaluate_constant(expression[1])
        return None if value is None else -value
    if kind not in ("+", "*"):
        return None
    values = [evaluate_constant(part) for part in expression[1]]
    if None in values or len(values) > 8 or max(map(abs, values)) > 2 ** 31:
        return None
    return sum(values) if kind == "+" else math.prod(values)
