"""From parsed modules to one flat list of bit definitions: widths, signs, hierarchy and standard cells resolved.

A *tree* says how one bit is computed: a label (str, with "0" and "1" the constants), ("NOT", tree),
("AND" | "OR" | "XOR", (trees)), or ("word", Word, i), bit i of an arithmetic result. A *definition* is
(labels driven, kind, trees): kind "assign" gives its one label the value of its one tree, a key of `gates.GATES`
drives its labels with that gate. A bit of a bus is labeled ``name[i]``, in an instance ``instance/name[i]``.
"""
from typing import NamedTuple

from refapprox.multipliers.languages.verilog.expressions import evaluate_constant
from refapprox.multipliers.languages.verilog.parser import Assign
from refapprox.multipliers.languages.verilog.tokens import VerilogError

MAX_DEFINITIONS = 100_000
MAX_WIDTH = 4096           # of an expression
MAX_ARITHMETIC_WIDTH = 128


class Word:
    """A sum or product of words, whose bits depend on all bits of its operands (a list of trees each)."""

    def __init__(self, operator, operands):
        self.operator = operator
        self.operands = operands


class Cell(NamedTuple):
    """A standard cell: ports, and either one gate of `gates.GATES` or a tree over its input ports."""

    inputs: tuple
    outputs: tuple
    kind: str
    tree: object = None


CELLS = {
    "INVX1": Cell(("A",), ("Y",), "NOT"),
    "BUFX2": Cell(("A",), ("Y",), "BUF"),
    "FAX1": Cell(("A", "B", "C"), ("YS", "YC"), "FA"),
    "HAX1": Cell(("A", "B"), ("YS", "YC"), "HA"),
    "MUX2X1": Cell(("A", "B", "S"), ("Y",), "assign",
                   ("OR", (("AND", ("A", ("NOT", "S"))), ("AND", ("B", "S"))))),
    "NAND3X1": Cell(("A", "B", "C"), ("Y",), "assign", ("NOT", ("AND", ("A", "B", "C")))),
    "NOR3X1": Cell(("A", "B", "C"), ("Y",), "assign", ("NOT", ("OR", ("A", "B", "C")))),
    "OAI21X1": Cell(("A", "B", "C"), ("Y",), "assign", ("NOT", ("AND", (("OR", ("A", "B")), "C")))),
    "AOI21X1": Cell(("A", "B", "C"), ("Y",), "assign", ("NOT", ("OR", (("AND", ("A", "B")), "C")))),
    **{f"{kind}2X1": Cell(("A", "B"), ("Y",), kind) for kind in ("AND", "OR", "XOR", "NAND", "NOR", "XNOR")},
}


def flatten(modules, top):
    """(operands, outputs, definitions) of `top`: port name -> labels, least significant first, and the flat list."""
    definitions = []
    expand(modules, top, "", definitions, (top.name,))
    scope = Scope(top, "")
    operands, outputs = ({name: scope.labels(name) for name in top.ports
                          if scope.net(name, top.line).direction == direction} for direction in ("input", "output"))
    return operands, outputs, definitions


def expand(modules, module, path, definitions, chain):
    """Append the definitions of `module`, instantiated as `path`, and of everything inside it."""
    scope = Scope(module, path)
    for item in module.items:
        if len(definitions) > MAX_DEFINITIONS:
            raise VerilogError(f"line {item.line}: the circuit has more than {MAX_DEFINITIONS} bit definitions.")
        if isinstance(item, Assign):
            width = max(len(scope.target(item.target, item.line)), scope.width(item.value))
            trees = scope.bits(item.value, width, scope.signed(item.value))
            definitions.extend(((label,), "assign", (tree,)) for label, tree
                               in zip(scope.target(item.target, item.line), trees, strict=False))
        else:
            expand_instance(modules, scope, item, definitions, chain)


def expand_instance(modules, scope, item, definitions, chain):
    """Append the definitions of one instance: a module of the text, or a standard cell."""
    kind, name, connections, line = item
    cell = CELLS.get(kind.removeprefix("PDKGEN"))
    if kind in modules:
        if kind in chain:
            raise VerilogError(f"line {line}: module {kind} instantiates itself.")
        inside = Scope(modules[kind], f"{scope.path}{name}/")
        connect_module(scope, inside, by_port(inside.module.ports, connections, kind, name, line), definitions, line)
        expand(modules, inside.module, inside.path, definitions, (*chain, kind))
    elif cell is not None:
        ports = by_port((*cell.inputs, *cell.outputs), connections, kind, name, line)
        definitions.append(connect_cell(scope, cell, ports, f"{scope.path}{name}", line))
    else:
        raise VerilogError(f"line {line}: cell {kind} of instance {name} is not defined; "
                           f"known cells are {', '.join(CELLS)}.")


def by_port(ports, connections, kind, name, line):
    """Connections with positions replaced by port names."""
    found = {}
    for port, expression in connections.items():
        if isinstance(port, int) and port < len(ports):
            port = ports[port]
        if port not in ports or port in found:
            raise VerilogError(f"line {line}: instance {name} of {kind} has no free port {port}; "
                               f"its ports are {', '.join(ports)}.")
        found[port] = expression
    return found


def connect_cell(scope, cell, ports, instance, line):
    """The definition of one standard cell; unconnected outputs get a label of their own."""
    for port in cell.inputs:
        if ports.get(port) is None:
            raise VerilogError(f"line {line}: input {port} of instance {instance} is not connected.")
    trees = tuple(scope.bits(ports[port], max(1, scope.width(ports[port])), False)[0] for port in cell.inputs)
    drives = []
    for port in cell.outputs:
        target = [f"{instance}/{port}"] if ports.get(port) is None else scope.target(ports[port], line)
        if len(target) != 1:
            raise VerilogError(f"line {line}: output {port} of instance {instance} is 1 bit wide, "
                               f"got {len(target)} wires.")
        drives.append(target[0])
    if cell.tree is None:
        return tuple(drives), cell.kind, trees
    return tuple(drives), "assign", (substituted(cell.tree, dict(zip(cell.inputs, trees, strict=True))),)


def substituted(tree, values):
    """`tree` with port names replaced by the trees connected to them."""
    if isinstance(tree, str):
        return values[tree]
    inner = tree[1]
    if tree[0] == "NOT":
        return "NOT", substituted(inner, values)
    return tree[0], tuple(substituted(part, values) for part in inner)


def connect_module(scope, inside, ports, definitions, line):
    """Definitions that carry values into the inputs of an instance and out of its outputs."""
    for port in inside.module.ports:
        direction, labels, expression = inside.net(port, line).direction, inside.labels(port), ports.get(port)
        if direction == "input":
            if expression is None:
                raise VerilogError(f"line {line}: input {port} of instance {inside.path[:-1]} is not connected.")
            width = max(len(labels), scope.width(expression))
            trees = scope.bits(expression, width, scope.signed(expression))
            definitions.extend(((label,), "assign", (tree,)) for label, tree in zip(labels, trees, strict=False))
        elif expression is not None:
            outer = scope.target(expression, line)
            padded = labels + ["0"] * (len(outer) - len(labels))
            definitions.extend(((label,), "assign", (tree,)) for label, tree in zip(outer, padded, strict=False))


class Scope:
    """The nets of one instance of a module, and the meaning of expressions over them."""

    def __init__(self, module, path):
        self.module = module
        self.path = path

    def net(self, name, line):
        if name not in self.module.nets:
            raise VerilogError(f"line {line}: {name} is not declared in module {self.module.name}.")
        return self.module.nets[name]

    def labels(self, name, line=0):
        """Labels of all bits of a net, least significant first."""
        net = self.net(name, line or self.module.line)
        if net.msb is None:
            return [f"{self.path}{name}"]
        return [f"{self.path}{name}[{i}]" for i in range(net.lsb, net.msb + 1)]

    def select(self, expression):
        """Labels that a name, bit select or part select denotes, least significant first."""
        kind, name, *bounds, line = expression
        if kind == "name":
            return self.labels(name, line)
        net = self.net(name, line)
        indices = [evaluate_constant(bound) for bound in bounds]
        if None in indices:
            raise VerilogError(f"line {line}: the index of {name} must be constant.")
        msb, lsb = indices[0], indices[-1]
        if net.msb is None or not net.lsb <= lsb <= msb <= net.msb:
            declared = "a scalar" if net.msb is None else f"[{net.msb}:{net.lsb}]"
            raise VerilogError(f"line {line}: {name}[{':'.join(map(str, indices))}] is outside {name}, {declared}.")
        return [f"{self.path}{name}[{i}]" for i in range(lsb, msb + 1)]

    def target(self, expression, line):
        """Labels that the left side of an assignment or a connected output drives, least significant first."""
        kind = expression[0]
        if kind == "concat":
            return [label for part in reversed(expression[1]) for label in self.target(part, line)]
        if kind not in ("name", "bit", "part"):
            raise VerilogError(f"line {line}: only nets, selects and concatenations of them can be driven.")
        if self.net(expression[1], line).direction == "input":
            raise VerilogError(f"line {line}: input {expression[1]} of module {self.module.name} must not be driven.")
        return self.select(expression)

    def width(self, expression):
        """Self-determined width of an expression."""
        kind, first, *_, line = expression
        if kind == "number":
            return expression[2]
        if kind in ("name", "bit", "part"):
            return len(self.select(expression))
        if kind in ("NOT", "NEG"):
            return self.width(first)
        if kind == "!":
            return 1
        if kind == "cast":
            return self.width(expression[2])
        if kind == "concat":
            width = sum(self.width(part) for part in first)
        elif kind == "repeat":
            width = max(evaluate_constant(first) or 0, 0) * self.width(expression[2])
        else:
            width = max(self.width(part) for part in first)
        if not 1 <= width <= MAX_WIDTH:
            raise VerilogError(f"line {line}: an expression must be 1 to {MAX_WIDTH} bits wide, got {width}.")
        return width

    def signed(self, expression):
        """Whether an expression is signed: names declared so, decimal numbers, casts, and operators all of whose
        operands are."""
        kind, first, *_, line = expression
        if kind == "number":
            return expression[3]
        if kind == "name":
            return self.net(first, line).signed
        if kind == "cast":
            return first
        if kind in ("NOT", "NEG"):
            return self.signed(first)
        return kind in ("AND", "OR", "XOR", "+", "*") and all(self.signed(part) for part in first)

    def bits(self, expression, width, signed):
        """Trees of an expression in a context of `width` bits, least significant first."""
        kind, first, *_, line = expression
        if kind == "NOT":
            return [("NOT", tree) for tree in self.bits(first, width, signed)]
        if kind in ("AND", "OR", "XOR"):
            columns = [self.bits(part, width, signed) for part in first]
            return [(kind, trees) for trees in zip(*columns, strict=True)]
        if kind in ("+", "*", "NEG"):
            if width > MAX_ARITHMETIC_WIDTH:
                raise VerilogError(f"line {line}: arithmetic must be at most {MAX_ARITHMETIC_WIDTH} bits wide, "
                                   f"got {width}.")
            parts = (first,) if kind == "NEG" else first
            word = Word(kind, [self.bits(part, width, signed) for part in parts])
            return [("word", word, i) for i in range(width)]
        own = self.leaf(expression)
        filler = own[-1] if signed else "0"
        return (own + [filler] * (width - len(own)))[:max(width, 1)]

    def leaf(self, expression):
        """Trees of an expression whose operands are self-determined."""
        kind, first, *_, line = expression
        if kind == "number":
            return [str(first >> i & 1) for i in range(expression[2])]
        if kind in ("name", "bit", "part"):
            return self.select(expression)
        if kind == "!":
            return [("NOT", ("OR", tuple(self.whole(first))))]
        if kind == "cast":
            return self.whole(expression[2])
        if kind == "repeat":
            self.width(expression)
            return self.whole(expression[2]) * evaluate_constant(first)
        self.width(expression)
        return [tree for part in reversed(first) for tree in self.whole(part)]

    def whole(self, expression):
        return self.bits(expression, self.width(expression), self.signed(expression))
