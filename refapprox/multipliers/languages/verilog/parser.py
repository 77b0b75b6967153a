"""Syntax of structural Verilog: text in, a tuple of `Module` out, nothing of it executed.

The subset is what generated netlists use: ports in either style, wires and buses, ``assign``, instances with named or
positional connections, named constants, and the operators ``~ ! & | ^ ~^ ^~ + - *``, concatenation, replication, bit
and part selects, ``$signed`` and ``$unsigned``. Everything else (always, reg, delays, ...) is refused with its line.
"""
from typing import NamedTuple

from refapprox.multipliers.languages.verilog.expressions import ExpressionParser
from refapprox.multipliers.languages.verilog.tokens import VerilogError


class Net(NamedTuple):
    """A declared port or wire with bits msb down to lsb; scalars have msb = lsb = None."""

    direction: str     # input, output, wire
    msb: int
    lsb: int
    signed: bool
    line: int


class Assign(NamedTuple):
    target: tuple      # expressions, see `ExpressionParser`
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


class Parser(ExpressionParser):
    """Modules of a token list, statement by statement."""

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
