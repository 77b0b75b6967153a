"""From parsed modules to one graph of bits: parameters, hierarchy, generate blocks and standard cells resolved.

A bit of a net is labeled ``name[i]``, in an instance ``instance/name[i]``, in a generate block ``block[k].name[i]``.
"""
from refapprox.multipliers.circuits.graph import Graph
from refapprox.multipliers.languages import cells
from refapprox.multipliers.languages.ports import Port, words_of
from refapprox.multipliers.languages.verilog.constants import Constant, evaluate, signed_value
from refapprox.multipliers.languages.verilog.expressions import GATE_NAMES
from refapprox.multipliers.languages.verilog.scope import Scope
from refapprox.multipliers.languages.verilog.syntax import (
    Assign,
    Branch,
    Declaration,
    Instance,
    Loop,
    Parameter,
    Unread,
)
from refapprox.multipliers.languages.verilog.tokens import NotStructural, UndefinedModule

MAX_NESTING = 64           # instances within instances
MAX_ROUNDS = 65_536        # of one loop
MAX_INSTANCES = 100_000
TWO_STATE = ("and", "nand", "or", "nor", "xor", "xnor")


class Design:
    """Modules by name (`Module` or `Unread`), a Liberty library, and the graph that they are expanded into."""

    def __init__(self, modules, name, library=None):
        self.modules, self.library, self.graph = modules, library, Graph(name)
        self.instances = 0


def flatten(modules, top, library=None):
    """(graph, ports) of the module `top`: the graph filled, and its `Port`s, whose bits are nodes of the graph."""
    design = Design(modules, top.name, library)
    scope = Scope(design.graph, top, "")
    declare(scope, top.items, {})
    ports = ports_of(scope)
    expand(design, scope, top.items, 0)
    return design.graph, ports


def words_of_module(module):
    """The `Words` of a module's ports."""
    scope = Scope(Graph(module.name), module, "")
    declare(scope, module.items, {})
    return words_of(ports_of(scope))


def ports_of(scope):
    """The `Port`s of a module whose names are declared."""
    module, found = scope.module, []
    for name in module.ports:
        net = scope.net(name, module.line)
        if net.direction not in ("input", "output"):
            raise scope.error(module.line, f"port {name} of module {module.name} is neither input nor output.")
        if net.unpacked:
            raise scope.error(module.line, f"port {name} of module {module.name} is an array, not a word.")
        found.append(Port(name, net.bits, net.direction == "input", net.signed))
    return found


def declare(scope, items, overrides):
    """Constants and nets of one module or block; `overrides` are the values of parameters, by name."""
    for item in items:
        if isinstance(item, Parameter):
            value = overrides.get(item.name) if not item.local else None
            if value is None:
                value = evaluate(item.value, scope.known, scope.module.where)
            if item.packed:
                (left, right), *more = [tuple(map(scope.constant, pair)) for pair in item.packed]
                if more or right != 0 or not 0 <= left < 1024:
                    raise scope.error(item.line, f"parameter {item.name} must be one word [n:0].", NotStructural)
                value = Constant(*signed_value(value.value, left + 1, item.signed))
            if item.name in scope.names:
                raise scope.error(item.line, f"{item.name} is declared twice.")
            scope.names[item.name] = value
        elif isinstance(item, Declaration):
            scope.declare(item)


def expand(design, scope, items, depth):
    """Drive the nets of everything in `items`, one after the other."""
    for item in items:
        scope.graph.place = f"line {getattr(item, 'line', 0)}: "
        expand_item(design, scope, item, depth)


def expand_item(design, scope, item, depth):
    if isinstance(item, Assign):
        connect(scope, scope.target(item.target, item.line), item.value)
    elif isinstance(item, Instance):
        expand_instance(design, scope, item, depth)
    elif isinstance(item, Loop):
        expand_loop(design, scope, item, depth)
    elif isinstance(item, Branch):
        chosen = item.yes if scope.constant(item.condition) else item.no
        block(design, scope, chosen, f"{item.name}." if item.name else "", depth)


def connect(scope, target, expression):
    """Drive the bits of `target` with the value of an expression, as an assignment does."""
    width = max(len(target), scope.width(expression))
    for net, bit in zip(target, scope.bits(expression, width, scope.signed(expression)), strict=False):
        scope.graph.drive(net, bit)


def block(design, scope, items, prefix, depth, constants=None):
    """Expand the items of a generate block in a scope of their own."""
    inside = Scope(scope.graph, scope.module, scope.path + prefix, scope)
    inside.names.update(constants or {})
    declare(inside, items, {})
    expand(design, inside, items, depth)


def expand_loop(design, scope, loop, depth):
    """Every round of a generate loop, as a block that knows its genvar."""
    value = evaluate(loop.start, scope.known, scope.module.where)
    for _ in range(MAX_ROUNDS):
        def lookup(name, value=value):
            return value if name == loop.variable else scope.known(name)

        if not evaluate(loop.condition, lookup, scope.module.where).value:
            return
        prefix = f"{loop.name or f'loop_line_{loop.line}'}[{value.value}]."
        block(design, scope, loop.body, prefix, depth, {loop.variable: value})
        value = evaluate(loop.step, lookup, scope.module.where)
    raise scope.error(loop.line, f"a loop takes more than {MAX_ROUNDS} rounds.")


def expand_instance(design, scope, item, depth):
    """Drive what the instances of an item drive: gates, modules of the text, or standard cells."""
    design.instances += 1
    if design.instances > MAX_INSTANCES:
        raise scope.error(item.line, f"the circuit has more than {MAX_INSTANCES} instances.")
    for expression in item.connections.values():
        if expression is not None and expression[0] == "name" and not expression[2]:
            scope.find(expression[1]) or scope.net(expression[1], item.line, implicit=True)
    copies = [(item.name, 0, 1)]
    if item.array:
        left, right = (scope.constant(bound) for bound in item.array)
        count = abs(left - right) + 1
        if count > 4096:
            raise scope.error(item.line, f"an array of instances must have at most 4096 of them, got {count}.")
        step = 1 if left >= right else -1
        copies = [(f"{item.name}[{right + step * i}]", i, count) for i in range(count)]
    for copy in copies:
        if item.module in GATE_NAMES:
            expand_gate(scope, item, copy)
        elif isinstance(design.modules.get(item.module), Unread):
            raise design.modules[item.module].error
        elif item.module in design.modules:
            expand_module(design, scope, item, copy, depth)
        else:
            expand_cell(design, scope, item, copy)


def by_port(scope, ports, item):
    """Connections with positions replaced by port names."""
    found = {}
    for port, expression in item.connections.items():
        if isinstance(port, int) and port < len(ports):
            port = ports[port]
        if port not in ports or port in found:
            raise scope.error(item.line, f"instance {item.name} of {item.module} has no free port {port}; "
                                         f"its ports are {', '.join(ports)}.")
        found[port] = expression
    return found


def share(scope, bits, width, copy, item):
    """The bits of a connection that one instance of an array takes: its own part, or all of them."""
    _, position, count = copy
    if count == 1 or len(bits) == width:
        return bits
    if len(bits) != count * width:
        raise scope.error(item.line, f"a port of {width} bit(s) in an array of {count} instances takes {width} or "
                                     f"{count * width} bits, got {len(bits)}.")
    return bits[position * width:(position + 1) * width]


def terminal(scope, expression, copy, item, drives):
    """The one bit of a gate's terminal or a cell's pin."""
    bits = scope.target(expression, item.line) if drives else scope.whole(expression)
    if copy[2] > 1:
        bits = share(scope, bits, 1, copy, item)
    if len(bits) != 1 and (drives or expression[0] != "number"):
        raise scope.error(item.line, f"a terminal of {item.module} {item.name} is 1 bit wide, got {len(bits)} bits.")
    return bits[0]


def expand_gate(scope, item, copy):
    """One gate primitive: its outputs come first; ``buf`` and ``not`` may have several."""
    terminals = [item.connections.get(i) for i in range(len(item.connections))]
    if len(terminals) < 2 or None in terminals or item.parameters:
        raise scope.error(item.line, f"gate {item.module} takes an output and at least one input, by position.")
    outputs = terminals[:1] if item.module in TWO_STATE else terminals[:-1]
    bits = [terminal(scope, expression, copy, item, False) for expression in terminals[len(outputs):]]
    source = bits[0] if item.module == "buf" else scope.graph.invert(bits[0]) if item.module == "not" else \
        scope.graph.gate(item.module.upper(), *bits)
    for expression in outputs:
        scope.graph.drive(terminal(scope, expression, copy, item, True), source)


def expand_cell(design, scope, item, copy):
    """One standard cell."""
    cell = cells.find_cell(item.module, design.library)
    if cell is None:
        error = scope.error(item.line, f"module {item.module} of instance {item.name} is not defined: give the file "
                                       f"that defines it, too (--with FILE), or the Liberty file of a standard cell "
                                       f"(--liberty FILE).", UndefinedModule)
        error.module = item.module
        raise error
    if cell.memory:
        raise scope.error(item.line, f"cell {item.module} of instance {item.name} has memory ({cell.memory}): only "
                                     f"circuits without clock and state are read.")
    ports = by_port(scope, (*cell.inputs, *cell.outputs), item)
    pins = {pin: terminal(scope, expression, copy, item, pin in cell.outputs)
            for pin, expression in ports.items() if expression is not None}
    cells.connect(scope.graph, cell, pins, lambda pin: f"input {pin} of instance {scope.path}{copy[0]} (line "
                                                       f"{item.line}) is not connected.")


def expand_module(design, scope, item, copy, depth):
    """One instance of a module of the text: values carried in, its own items, results carried out."""
    module = design.modules[item.module]
    if depth >= MAX_NESTING:
        raise scope.error(item.line, f"module {item.module} instantiates itself, or nests {MAX_NESTING} deep.")
    inside = Scope(scope.graph, module, f"{scope.path}{copy[0]}/")
    declare(inside, module.items, override(scope, module, item))
    ports = by_port(scope, module.ports, item)
    for port in module.ports:
        net = inside.net(port, module.line)
        expression = ports.get(port)
        if net.direction == "input":
            carry_in(scope, net, port, expression, copy, item, inside)
    expand(design, inside, module.items, depth + 1)
    scope.graph.place = f"line {item.line}: "
    for port in module.ports:
        net = inside.net(port, module.line)
        if net.direction != "input" and ports.get(port) is not None:
            outer = scope.target(ports[port], item.line, arrays=bool(net.unpacked))
            outer = share(scope, outer, len(net.bits), copy, item)
            for bit, source in zip(outer, net.bits, strict=False):
                scope.graph.drive(bit, source)


def override(scope, module, item):
    """Values of parameters that an instance sets, by name."""
    names = [p.name for p in module.items if isinstance(p, Parameter) and not p.local]
    values = {}
    for key, expression in item.parameters.items():
        name = names[key] if isinstance(key, int) and key < len(names) else key
        if name not in names or expression is None:
            raise scope.error(item.line, f"module {module.name} has no parameter {key}; it has "
                                         f"{', '.join(names) or 'none'}.")
        values[name] = evaluate(expression, scope.known, scope.module.where)
    return values


def carry_in(scope, net, port, expression, copy, item, inside):
    """Drive an input port of an instance."""
    if expression is None:
        label = f"input {port} of instance {inside.path[:-1]} (line {item.line}) is not connected."
        for bit in net.bits:
            scope.graph.labels[bit] = label
        return
    if net.unpacked:
        bits, _, array = scope.select(expression) if expression[0] == "name" else ((), False, False)
        if not array or len(bits) != len(net.bits):
            raise scope.error(item.line, f"port {port} of {item.module} is an array of {len(net.bits)} bits and takes "
                                         f"an array like it.", NotStructural)
    elif copy[2] > 1:
        bits = share(scope, scope.whole(expression), len(net.bits), copy, item)
    else:
        connect(scope, net.bits, expression)
        return
    for target, bit in zip(net.bits, bits, strict=False):
        scope.graph.drive(target, bit)


