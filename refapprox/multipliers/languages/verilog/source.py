"""Structural Verilog in and out: `read` gives the `Netlist` of a text, `write` the text of a `Netlist`.

Reading keeps every gate that the text spells out, so the gate counts are those of the file; ``fold=True`` simplifies
as a synthesis tool would. The standard cells FAX1, HAX1, AND2X1, ... are known with and without the prefix PDKGEN,
whether or not the text defines them; a text that defines one of them otherwise is taken at its word.

Expressions follow IEEE 1364-2005 section 5: the width of ``+``, ``*`` and of bitwise operators is the larger of the
target's and the operands' widths, and operands are sign-extended only where all of them are signed.
"""
import re

import numpy as np

from refapprox.multipliers.circuits.builder import Builder
from refapprox.multipliers.circuits.netlist import MAX_OPERAND_BITS
from refapprox.multipliers.languages.verilog.emit import emit_all
from refapprox.multipliers.languages.verilog.expressions import RESERVED
from refapprox.multipliers.languages.verilog.flatten import CELLS, flatten
from refapprox.multipliers.languages.verilog.parser import Instance, Parser
from refapprox.multipliers.languages.verilog.tokens import VerilogError

__all__ = ["VerilogError", "read", "write"]

TEMPLATES = {"NOT": "~{}", "AND": "{} & {}", "OR": "{} | {}", "XOR": "{} ^ {}",
             "NAND": "~({} & {})", "NOR": "~({} | {})", "XNOR": "~({} ^ {})"}
INSTANCES = {"BUF": ("BUFX2", ".A({}), .Y({})"), "HA": ("HAX1", ".A({}), .B({}), .YS({}), .YC({})"),
             "FA": ("FAX1", ".A({}), .B({}), .C({}), .YS({}), .YC({})")}
DEFINITIONS = {
    "BUF": "module BUFX2(input A, output Y);\n  assign Y = A;\nendmodule\n",
    "HA": "module HAX1(input A, input B, output YS, output YC);\n"
          "  assign YS = A ^ B;\n  assign YC = A & B;\nendmodule\n",
    "FA": "module FAX1(input A, input B, input C, output YS, output YC);\n  assign YS = (A ^ B) ^ C;\n"
          "  assign YC = (A & B) | (B & C) | (A & C);\nendmodule\n",
}


def read(text, *, signed=None, top=None, fold=False):
    """The netlist of structural Verilog.

    Parameters
    ----------
    text : str or UTF-8 bytes
    signed : bool, optional
        Whether operands and output are two's complement; by default, whether every input port is declared signed.
    top : str, optional
        The module to read; by default the one that no other module instantiates.
    fold : bool, optional
        Simplify: fold constants, merge equal gates, drop dead ones.

    Returns
    -------
    Netlist
        Operands in the order of the ports; named after the module.

    Raises
    ------
    VerilogError
        A ValueError that names line and token: outside the subset, an undeclared, undriven or twice driven wire, a
        cycle, a module that instantiates itself, an unknown cell, or not exactly one output port.

    Examples
    --------
    >>> n = read("module m(input [1:0] A, input [1:0] B, output [3:0] O); assign O = A * B; endmodule")
    >>> n(3, [0, 1, 2, 3]).tolist()
    [0, 3, 6, 9]
    """
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            raise VerilogError(f"Verilog text must be UTF-8: {error}.") from None
    modules = {}
    for module in Parser(text).file():
        if module.name in modules:
            raise VerilogError(f"line {module.line}: module {module.name} is defined twice.")
        modules[module.name] = module
    modules = {name: module for name, module in modules.items() if not is_known_cell(module)}
    chosen = find_top(modules, top)
    operands, outputs, definitions = flatten(modules, chosen)
    if len(outputs) != 1:
        raise VerilogError(f"line {chosen.line}: module {chosen.name} must have one output port, the result word, "
                           f"got {', '.join(outputs) or 'none'}.")
    for name, labels in [*operands.items(), *outputs.items()]:
        if len(labels) > MAX_OPERAND_BITS:
            raise VerilogError(f"line {chosen.line}: port {name} must be at most {MAX_OPERAND_BITS} bits wide, "
                               f"got {len(labels)}.")
    if not operands:
        raise VerilogError(f"line {chosen.line}: module {chosen.name} must have at least one input port, got none.")
    builder = Builder([(name, len(labels)) for name, labels in operands.items()], fold)
    wires = emit_all(builder, operands, definitions, chosen.name)
    (name, labels), = outputs.items()
    for label in labels:
        if label not in wires:
            raise VerilogError(f"wire {label} of {chosen.name}, an output, is driven by nothing.")
    if signed is None:
        signed = all(chosen.nets[port].signed for port in operands)
    return builder.netlist([wires[label] for label in labels], signed, chosen.name)


def is_known_cell(module):
    """Whether `module` has the name, ports and function of a standard cell that is one gate."""
    cell = CELLS.get(module.name.removeprefix("PDKGEN"))
    if cell is None:
        return False
    inputs, outputs, kind, tree = cell
    directions = {name: net.direction for name, net in module.nets.items()}
    if any(directions.get(p) != "input" for p in inputs) or any(directions.get(p) != "output" for p in outputs):
        return False
    operands, results, definitions = flatten({}, module)
    if any(len(bits) != 1 for bits in [*operands.values(), *results.values()]) or set(operands) != set(inputs):
        return False
    defined = word_of(definitions, operands, [bits[0] for bits in map(results.get, outputs)], module.name)
    known = [(outputs, kind, inputs if tree is None else (tree,))]
    return defined == word_of(known, {port: [port] for port in inputs}, outputs, module.name)


def word_of(definitions, operands, labels, name):
    """The word of the bits `labels` for every pattern of one-bit operands, as a list."""
    ports = sorted(operands)
    builder = Builder([(port, 1) for port in ports])
    wires = emit_all(builder, {port: operands[port] for port in ports}, definitions, name)
    netlist = builder.netlist([wires[label] for label in labels])
    return netlist(*(np.arange(2 ** len(ports)) >> i & 1 for i in range(len(ports)))).tolist()


def find_top(modules, top):
    """The module called `top`, or the one that no other module instantiates."""
    if top is not None:
        if top not in modules:
            raise VerilogError(f"top must be one of {', '.join(modules)}, got {top!r}.")
        return modules[top]
    used = {item.module for module in modules.values() for item in module.items if isinstance(item, Instance)}
    roots = [module for name, module in modules.items() if name not in used]
    if len(roots) != 1:
        raise VerilogError(f"line 1: expected one module that no other instantiates, got "
                           f"{', '.join(module.name for module in roots) or 'none'}; name it with top=.")
    return roots[0]


def write(netlist):
    """Verilog text of a netlist: one module with a port per operand and the result O, and the adder cells it uses.

    Reading the text gives the netlist back, gate by gate. The module bears the netlist's name, characters that an
    identifier cannot have replaced by underscores.
    """
    labels, module = {0: "1'b0", 1: "1'b1"}, re.sub(r"\W", "_", netlist.name)
    if not re.match(r"[A-Za-z_]", module) or module in RESERVED:
        module = f"m_{module}"
    for name, _ in netlist.operands:
        if not re.fullmatch(r"[A-Za-z_]\w*", name) or re.fullmatch(r"O|[nu]\d+", name) or name in RESERVED:
            raise ValueError(f"operand {name!r} of {netlist.name} must be a Verilog identifier other than O and n0.")
    for position, (name, _) in enumerate(netlist.operands):
        labels.update({wire: f"{name}[{i}]" for i, wire in enumerate(netlist.operand_wires(position))})
    qualifier = "signed " if netlist.signed else ""
    ports = [f"  input {qualifier}[{bits - 1}:0] {name}" for name, bits in netlist.operands]
    lines = [f"module {module}(", ",\n".join([*ports, f"  output {qualifier}[{netlist.output_bits - 1}:0] O"]),
             ");"]
    body = []
    for (kind, inputs), first in zip(netlist.gates, netlist.gate_wires, strict=True):
        sources = [labels[i] for i in inputs]
        drives = [f"n{first + i}" for i in range(2 if kind in ("HA", "FA") else 1)]
        labels.update({first + i: drive for i, drive in enumerate(drives)})
        lines.append(f"  wire {', '.join(drives)};")
        if kind in TEMPLATES:
            body.append(f"  assign {drives[0]} = {TEMPLATES[kind].format(*sources)};")
        else:
            cell, connections = INSTANCES[kind]
            body.append(f"  {cell} u{first} ({connections.format(*sources, *drives)});")
    body.extend(f"  assign O[{i}] = {labels[wire]};" for i, wire in enumerate(netlist.outputs))
    used = netlist.gate_counts()
    return "\n".join([*lines, *body, "endmodule\n", *(DEFINITIONS[k] for k in DEFINITIONS if k in used)])
