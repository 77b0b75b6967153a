"""Syntax of structural Verilog: text in, a tuple of `Module` out, nothing of it executed.

The subset: ports in either style, nets and arrays of nets, parameters, ``assign``, gate primitives, instances and
lists and arrays of them, ``generate`` with ``for`` and ``if``, and the expressions of `ExpressionParser`. Delays of
gates and assignments are read over: they do not change what a circuit settles at. Everything else (always, reg,
functions, ...) is `NotStructural`.
"""
from refapprox.multipliers.languages.verilog.expressions import GATE_NAMES, ExpressionParser
from refapprox.multipliers.languages.verilog.syntax import (
    Assign,
    Branch,
    Declaration,
    Instance,
    Loop,
    Module,
    Parameter,
    Unread,
)
from refapprox.multipliers.languages.verilog.tokens import NotStructural, VerilogError

NET_TYPES = ("wire", "tri", "logic", "supply0", "supply1")
DIRECTIONS = ("input", "output", "inout")


class Parser(ExpressionParser):
    """Modules of a token list, statement by statement."""

    def file(self):
        """All modules of the text, as `Module` or `Unread`."""
        modules = []
        while self.token.kind != "end":
            if self.token.kind == "macro":
                raise NotStructural(f"{self.where}line {self.token.line}: directive {self.token.text} is not read "
                                    f"natively.")
            if self.token.text != "module":
                self.fail("'module'")
            start = self.position
            try:
                modules.append(self.module())
            except VerilogError as error:
                modules.append(self.unread(start, error))
        if not modules:
            raise VerilogError(f"{self.where}line 1: expected at least one module, got none.")
        return tuple(modules)

    def unread(self, start, error):
        """Go on behind the module that begins at token `start`."""
        self.depth, self.position = 0, start
        while self.token.text != "endmodule":
            if self.token.kind == "end":
                raise error
            self.position += 1
        tokens = self.tokens[start:self.position + 1]
        self.position += 1
        end = tokens[-1].start + len("endmodule")
        header = [token.text for token in tokens[1:6]]
        ports = "(" in header and header[header.index("(") + 1:][:1] != [")"] or "#" in header
        names = frozenset(token.text for token in tokens[2:] if token.kind == "name")
        return Unread(tokens[1].text, ports, names, (tokens[0].start, end), error)

    def module(self):
        line, start = self.token.line, self.position
        self.expect("module")
        name, items = self.identifier("the name of a module"), []
        if self.accept("#"):
            self.expect("(")
            while True:
                self.accept("parameter", "localparam")
                items.extend(self.parameters("parameter", single=True))
                if not self.accept(","):
                    break
            self.expect(")")
        ports = self.header(items) if self.accept("(") else ()
        self.expect(";")
        while not self.accept("endmodule"):
            items.extend(self.item())
        if self.accept(":"):
            self.identifier("the name of the module")
        text = " ".join(token.text for token in self.tokens[start:self.position])
        return Module(name, ports, tuple(items), self.where, line, text)

    def header(self, items):
        """Port names between the parentheses of a module; declared on the spot in the ANSI style."""
        ports, kind = [], None
        while not self.accept(")"):
            if ports:
                self.expect(",")
            if self.token.text in DIRECTIONS:
                kind = self.net_type()
            elif kind and self.token.text in ("[", "signed"):
                kind = (kind[0], *self.shape())
            line, name = self.token.line, self.identifier("the name of a port")
            ports.append(name)
            if kind:
                items.append(Declaration(kind[0], name, kind[2], self.ranges(), kind[1], line))
        return tuple(ports)

    def net_type(self):
        """(direction or type, signed, packed) up to the first name of a declaration."""
        direction = self.accept(*DIRECTIONS, *NET_TYPES)
        if direction == "inout":
            raise VerilogError(f"{self.where}line {self.token.line}: an inout port is neither operand nor result.")
        if direction in DIRECTIONS:
            self.accept(*NET_TYPES)
        return direction, *self.shape()

    def shape(self):
        """(signed, packed ranges)."""
        signed = self.accept("signed", "unsigned") == "signed"
        return signed, self.ranges()

    def ranges(self):
        """((left, right), ...) of ``[left:right]...``; ``[n]`` is [0:n-1]."""
        found = []
        while self.accept("["):
            left = self.expression()
            if self.accept(":"):
                found.append((left, self.expression()))
            else:
                one = ("number", 1, 32, True, self.token.line)
                found.append((("number", 0, 32, True, one[-1]), ("run", ("-",), (left, one), one[-1])))
            self.expect("]")
        return tuple(found)

    def item(self):
        """The items of one statement of a module or of a generate block, its semicolon included."""
        text = self.token.text
        if self.token.kind != "name":
            if self.accept(";"):
                return []
            self.fail("a declaration, assign, an instance or endmodule")
        if self.accept("generate"):
            items = []
            while not self.accept("endgenerate"):
                items.extend(self.item())
            return items
        if text in ("for", "if", "begin"):
            return [self.loop()] if text == "for" else self.branch() if text == "if" else [self.plain_block()]
        if text in (*DIRECTIONS, *NET_TYPES):
            items = self.declaration()
        elif self.accept("assign"):
            items = self.listed(self.assignment)
        elif self.accept("localparam", "parameter"):
            items = self.parameters(text)
        elif self.accept("genvar"):
            self.listed(lambda: self.identifier("the name of a genvar"))
            items = []
        else:
            items = self.instances()
        self.expect(";")
        return items

    def listed(self, what):
        """What comes once, or more often with commas between."""
        self.delay()
        found = [what()]
        while self.accept(","):
            found.append(what())
        return found

    def declaration(self):
        direction, signed, packed = self.net_type()
        self.delay()
        items = []
        while True:
            line, name = self.token.line, self.identifier("the name of a net")
            items.append(Declaration(direction, name, packed, self.ranges(), signed, line))
            if direction in NET_TYPES and self.accept("="):
                items.append(Assign(("name", name, (), line), self.expression(), line))
            if not self.accept(","):
                return items

    def parameters(self, kind, single=False):
        """Named constants of one declaration; a `single` one in the header of a module."""
        self.accept("integer", "int")
        signed, packed = self.shape()
        items = []
        while True:
            line, name = self.token.line, self.identifier("the name of a constant")
            self.expect("=")
            items.append(Parameter(name, self.expression(), kind == "localparam", packed, signed, line))
            if single or not self.accept(","):
                return items

    def delay(self):
        """Read over ``#5``, ``#name`` and ``#(1, 2)``."""
        if self.accept("#"):
            if self.accept("("):
                self.listed(self.expression)
                self.expect(")")
            else:
                self.primary()

    def assignment(self):
        line, target = self.token.line, self.primary()
        self.expect("=")
        return Assign(target, self.expression(), line)

    def instances(self):
        """Gates or instances of one module, as a list: they differ in whether a name must be there."""
        line, kind, parameters = self.token.line, self.token.text, {}
        if kind in GATE_NAMES:
            self.position += 1
            self.delay()
        else:
            kind = self.identifier("the name of a module")
            if self.accept("#"):
                parameters = self.connections("parameters") if self.accept("(") else {0: self.primary()}
        found = []
        while True:
            name, array = f"{kind}_line_{line}", ()
            if not (kind in GATE_NAMES and self.token.text == "("):
                name = self.identifier("the name of an instance")
                array = self.ranges()
                if len(array) > 1:
                    self.fail("an array of instances of one dimension")
            self.expect("(")
            found.append(Instance(kind, name, array[0] if array else (), parameters, self.connections(name), line))
            if not self.accept(","):
                return found

    def connections(self, name):
        """{port name or position: expression} up to the closing parenthesis."""
        found, line = {}, self.token.line
        while not self.accept(")"):
            if found:
                self.expect(",")
            if self.accept("."):
                port = self.identifier("the name of a port")
                self.expect("(")
                expression = None if self.token.text == ")" else self.expression()
                self.expect(")")
            else:
                port = len(found)
                expression = None if self.token.text in (",", ")") else self.expression()
            if port in found:
                raise VerilogError(f"{self.where}line {line}: port {port} of {name} is connected twice.")
            found[port] = expression
        return found

    def block(self):
        """(name, items) of a statement, or of ``begin [: name] ... end``."""
        self.depth += 1
        if self.depth > 40:
            raise NotStructural(f"{self.where}line {self.token.line}: blocks are nested more than 40 deep.")
        name, items = "", []
        if self.accept("begin"):
            name = self.identifier("the name of a block") if self.accept(":") else ""
            while not self.accept("end"):
                items.extend(self.item())
        else:
            items = self.item()
        self.depth -= 1
        return name, tuple(items)

    def plain_block(self):
        line = self.token.line
        name, items = self.block()
        return Branch(("number", 1, 32, True, line), name, items, (), line)

    def loop(self):
        line = self.token.line
        self.expect("for")
        self.expect("(")
        self.accept("genvar")
        variable = self.identifier("a genvar")
        self.expect("=")
        start = self.expression()
        self.expect(";")
        condition = self.expression()
        self.expect(";")
        step = self.step(variable)
        self.expect(")")
        name, body = self.block()
        return Loop(variable, start, condition, step, name, body, line)

    def step(self, variable):
        """The next value of a genvar: ``i = expression``, ``i += expression`` or ``i++``."""
        line = self.token.line
        if not self.accept(variable):
            self.fail(repr(variable))
        own = ("name", variable, (), line)
        operator = self.accept("=", "+=", "++")
        if operator == "=":
            return self.expression()
        if operator is None:
            self.fail(f"'{variable} = ...'")
        more = ("number", 1, 32, True, line) if operator == "++" else self.expression()
        return ("run", ("+",), (own, more), line)

    def branch(self):
        line = self.token.line
        self.expect("if")
        self.expect("(")
        condition = self.expression()
        self.expect(")")
        name, yes = self.block()
        other, no = self.block() if self.accept("else") else ("", ())
        return [Branch(condition, name or other, yes, no, line)]
