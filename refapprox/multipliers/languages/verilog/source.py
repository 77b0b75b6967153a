"""Structural Verilog in and out: `read` gives the `Netlist` of a text, `write` the text of a `Netlist`.

Reading keeps every gate that the text spells out, so the gate counts are those of the file; ``fold=True`` simplifies
as a synthesis tool would. The standard cells FAX1, HAX1, AND2X1, ... are known with and without the prefix PDKGEN,
whether or not the text defines them; a text that defines one of them otherwise is taken at its word.
"""
from __future__ import annotations

import dataclasses
import re

import numpy as np

from refapprox.multipliers.circuits.graph import Graph, GraphError, netlist_of
from refapprox.multipliers.circuits.netlist import Netlist
from refapprox.multipliers.languages.cells import CELLS, find_cell, outputs_of
from refapprox.multipliers.languages.ports import choose_top, fault_of, words_of
from refapprox.multipliers.languages.verilog.expressions import RESERVED
from refapprox.multipliers.languages.verilog.flatten import flatten, words_of_module
from refapprox.multipliers.languages.verilog.parser import Parser
from refapprox.multipliers.languages.verilog.syntax import Branch, Instance, Loop, Unread
from refapprox.multipliers.languages.verilog.tokens import NotStructural, VerilogError

__all__ = ["NotStructural", "VerilogError", "read", "read_modules", "without_testbenches", "write"]

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
        The module to read; by default as `ports.choose_top` says.
    fold : bool, optional
        Simplify: fold constants, merge equal gates, drop dead ones.

    Returns
    -------
    Netlist
        Operands in the order of the ports; named after the module.

    Raises
    ------
    VerilogError
        A ValueError that names line and token: an undeclared, undriven or twice driven wire, a cycle, an unknown
        cell, not exactly one result. `NotStructural`, one of them, where the text is outside of the subset.

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
    netlist, declared = read_modules([("", text)], top=top, fold=fold, operands=None)
    return dataclasses.replace(netlist, signed=declared if signed is None else signed)


def read_modules(texts, *, top=None, fold=True, library=None, operands=2):
    """(unsigned netlist, whether all its inputs are declared signed) of the texts of one or more files.

    Parameters
    ----------
    texts : sequence of (str, str)
        What begins the messages on a file, such as "mine.v, ", and its text.
    top, fold : as of `read`
    library : dict, optional
        name -> `cells.Cell` of a Liberty file.
    operands : int or None, optional
        How many operands there must be; None takes any number but none.
    """
    modules, unread = modules_of(texts)
    if top in unread:
        raise unread[top].error
    where = texts[0][0]
    if not modules and not unread:
        raise VerilogError(f"{where}line 1: expected a module with ports, got none.")
    cells = [name for name, module in modules.items() if is_known_cell(module, library)]
    modules = {name: module for name, module in modules.items() if name not in cells}
    roots = roots_of(modules, unread) if top is None else []
    try:
        chosen = modules[choose_top(roots, lambda name: words_of_module(modules[name]), top, modules)]
    except VerilogError:
        raise
    except ValueError as error:
        raise VerilogError(f"{where}{'' if top else 'line 1: '}{error}") from None
    modules = {**modules, **unread}
    graph, ports = flatten(modules, chosen, library)
    words = words_of(ports)
    fault = fault_of(words)
    if operands is None and words.operands and "a multiplier has two" in (fault or ""):
        fault = fault_of(words._replace(operands=(words.operands * 2)[:2]))
    if fault:
        raise VerilogError(f"{chosen.where}line {chosen.line}: module {chosen.name} is not read: {fault}.")
    try:
        return netlist_of(graph, words.operands, words.results[0][1], fold=fold), words.signed
    except ValueError as error:
        raise VerilogError(f"{chosen.where}{error}") from None


def modules_of(texts):
    """({name: Module}, {name: Unread}) of the texts of one or more files; testbenches, without ports, do not count."""
    modules, unread = {}, {}
    for where, text in texts:
        for module in Parser(text, where).file():
            known = unread if isinstance(module, Unread) else modules
            before = modules.get(module.name) if known is modules else None
            if before is not None and before.text != module.text:
                raise VerilogError(f"{module.where}line {module.line}: module {module.name} is defined twice.")
            if module.ports:
                known[module.name] = module
    return modules, unread


def without_testbenches(text):
    """The text with blanks for modules without ports that are outside of the subset; lines keep their numbers."""
    try:
        modules = Parser(text).file()
    except VerilogError:
        return text
    for module in modules:
        if isinstance(module, Unread) and not module.ports:
            start, end = module.span
            text = text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
    return text


def roots_of(modules, unread):
    """Names of the modules that no other one instantiates.

    Raises
    ------
    NotStructural
        If one that is not read may be such a root: what it is cannot be told then.
    """
    used, pending = set(), [item for module in modules.values() for item in module.items]
    while pending:
        item = pending.pop()
        if isinstance(item, Instance):
            used.add(item.module)
        elif isinstance(item, Loop):
            pending.extend(item.body)
        elif isinstance(item, Branch):
            pending.extend((*item.yes, *item.no))
    used.update(*(module.names for module in unread.values()))
    for name, module in unread.items():
        if name not in used:
            raise module.error
    return [name for name in modules if name not in used]


def is_known_cell(module, library=None):
    """Whether `module` has the name, ports and function of a standard cell that is one gate."""
    cell = CELLS.get(module.name.removeprefix("PDKGEN"))
    if cell is None or find_cell(module.name, library) is not cell:
        return False
    if set(module.ports) != {*cell.inputs, *cell.outputs}:
        return False
    try:
        graph, ports = flatten({}, module)
    except ValueError:
        return False
    bits = {port.name: port.bits for port in ports}
    if any(len(found) != 1 for found in bits.values()) or {p.name for p in ports if p.is_input} != set(cell.inputs):
        return False
    known = Graph(cell.kind)
    pins = {pin: known.net(pin) for pin in cell.inputs}
    outputs = outputs_of(known, cell, pins)
    try:
        return all(table_of(graph, [(pin, bits[pin]) for pin in cell.inputs], bits[pin][0])
                   == table_of(known, [(pin, [net]) for pin, net in pins.items()], output)
                   for pin, output in zip(cell.outputs, outputs, strict=True))
    except GraphError:
        return False


def table_of(graph, operands, output):
    """One output of a small graph for every pattern of its one-bit operands, as a list."""
    netlist = netlist_of(graph, operands, [output])
    return netlist(*(np.arange(2 ** len(operands)) >> i & 1 for i in range(len(operands)))).tolist()


def write(netlist: Netlist) -> str:
    """Verilog text of a netlist: one module with a port per operand and the result O, and the adder cells it uses.

    Parameters
    ----------
    netlist : Netlist

    Returns
    -------
    str
        Reading it gives the netlist back, gate by gate. The module bears the netlist's name, characters that an
        identifier cannot have replaced by underscores.

    Raises
    ------
    ValueError
        If the name of an operand cannot be one of Verilog's.

    Examples
    --------
    >>> text = write(Netlist([("A", 1), ("B", 1)], [("AND", (2, 3))], [4], name="both"))
    >>> "assign n4 = A[0] & B[0];" in text
    True
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
