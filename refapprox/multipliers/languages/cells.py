"""Standard cells: those of EvoApproxLib's netlists, Yosys' own gates, and others as a Liberty file describes them.

A *tree* says what one output pin computes: the name of an input pin, "0" or "1", ("NOT", tree), or
("AND" | "OR" | "XOR", trees).
"""
import re
from typing import NamedTuple

MAX_LIBERTY = 64 * 2 ** 20     # characters; a 45 nm library has 5 to 30 million
MAX_DEPTH = 40


class Cell(NamedTuple):
    """A standard cell: its pins, and either one gate of `gates.GATES` or a tree for every output."""

    inputs: tuple
    outputs: tuple
    kind: str = ""
    trees: tuple = ()
    memory: str = ""           # what makes it a register or latch, or ""


def gate(kind, *inputs, outputs=("Y",)):
    return Cell(inputs, outputs, kind)


CHOICE = ("OR", (("AND", ("A", ("NOT", "S"))), ("AND", ("B", "S"))))
CELLS = {
    "INVX1": gate("NOT", "A"), "BUFX2": gate("BUF", "A"),
    "FAX1": gate("FA", "A", "B", "C", outputs=("YS", "YC")), "HAX1": gate("HA", "A", "B", outputs=("YS", "YC")),
    "MUX2X1": Cell(("A", "B", "S"), ("Y",), "", (CHOICE,)),
    "NAND3X1": Cell(("A", "B", "C"), ("Y",), "", (("NOT", ("AND", ("A", "B", "C"))),)),
    "NOR3X1": Cell(("A", "B", "C"), ("Y",), "", (("NOT", ("OR", ("A", "B", "C"))),)),
    "OAI21X1": Cell(("A", "B", "C"), ("Y",), "", (("NOT", ("AND", (("OR", ("A", "B")), "C"))),)),
    "AOI21X1": Cell(("A", "B", "C"), ("Y",), "", (("NOT", ("OR", (("AND", ("A", "B")), "C"))),)),
    **{f"{kind}2X1": gate(kind, "A", "B") for kind in ("AND", "OR", "XOR", "NAND", "NOR", "XNOR")},
}
AB, ABC, ABCD = ("A", "B"), ("A", "B", "C"), ("A", "B", "C", "D")
YOSYS_CELLS = {
    **{f"$_{kind}_": gate(kind, *AB) for kind in ("AND", "OR", "XOR", "NAND", "NOR", "XNOR")},
    "$_NOT_": gate("NOT", "A"), "$_BUF_": gate("BUF", "A"),
    **{f"$_{name}_": Cell(inputs, ("Y",), "", (tree,)) for name, inputs, tree in (
        ("ANDNOT", AB, ("AND", ("A", ("NOT", "B")))), ("ORNOT", AB, ("OR", ("A", ("NOT", "B")))),
        ("MUX", (*AB, "S"), CHOICE), ("NMUX", (*AB, "S"), ("NOT", CHOICE)),
        ("AOI3", ABC, ("NOT", ("OR", (("AND", AB), "C")))), ("OAI3", ABC, ("NOT", ("AND", (("OR", AB), "C")))),
        ("AOI4", ABCD, ("NOT", ("OR", (("AND", AB), ("AND", ("C", "D")))))),
        ("OAI4", ABCD, ("NOT", ("AND", (("OR", AB), ("OR", ("C", "D")))))))},
}
YOSYS_MEMORY = re.compile(r"\$_?(?:S?R?DFF|A?L?DFF|DLATCH|SR|FF|ADFF|SDFF|ALDFF|ADLATCH|MEM)", re.IGNORECASE)


def find_cell(name, library=None):
    """The `Cell` of that name in a Liberty library or among those known, or None; with or without "PDKGEN"."""
    if YOSYS_MEMORY.match(name):
        return Cell((), (), memory=name)
    return (library or {}).get(name) or CELLS.get(name.removeprefix("PDKGEN")) or YOSYS_CELLS.get(name)


def outputs_of(graph, cell, values):
    """Bits of the outputs of one instance, whose input pins carry `values` (pin -> bit)."""
    if cell.kind:
        return graph.cell(cell.kind, *(values[pin] for pin in cell.inputs))
    return [tree_bit(graph, tree, values) for tree in cell.trees]


def connect(graph, cell, pins, label):
    """Drive what one instance drives; `pins` are the bits of its connected pins, `label` names the others."""
    values = {pin: pins[pin] if pin in pins else graph.net(label(pin)) for pin in cell.inputs}
    for pin, bit in zip(cell.outputs, outputs_of(graph, cell, values), strict=True):
        graph.drive(pins[pin] if pin in pins else graph.net(label(pin)), bit)


def tree_bit(graph, tree, values):
    if isinstance(tree, str):
        return int(tree) if tree in ("0", "1") else values[tree]
    kind, inner = tree
    if kind == "NOT":
        return graph.invert(tree_bit(graph, inner, values))
    return graph.gate(kind, *(tree_bit(graph, part, values) for part in inner))


LIBERTY = re.compile(r"""(?P<skip>\s+|\\\r?\n|/\*.*?\*/|//[^\n]*)|(?P<text>"[^"]*")|(?P<symbol>[(){};:,])
                        |(?P<word>[^\s(){};:,"]+)""", re.VERBOSE | re.DOTALL)


def read_liberty(text, name="<text>"):
    """name -> `Cell` of a Liberty library: pins, directions and the attribute ``function`` of every output.

    Cells with an ``ff``, ``latch`` or ``statetable`` group are kept as memory, to be refused by name where they are
    used; outputs without a function make a cell unknown.
    """
    if len(text) > MAX_LIBERTY:
        raise ValueError(f"{name} must have at most {MAX_LIBERTY} characters, got {len(text)}.")
    cells, path, words = {}, [], []                    # path: [kind, argument, attributes] of the open groups
    for match in LIBERTY.finditer(text):
        kind, found = match.lastgroup, match.group()
        if kind == "skip":
            continue
        if found == "{":
            head = [word for word in words if word not in "(),"]
            path.append((head[0] if head else "", head[1].strip('"') if len(head) > 1 else "", {}))
            if path[-1][0] == "pin" and len(path) > 1:
                path[-2][2].setdefault("pins", {})[path[-1][1]] = path[-1][2]
            elif path[-1][0] in ("ff", "latch", "statetable", "ff_bank", "latch_bank") and len(path) > 1:
                path[-2][2]["memory"] = path[-1][0]
            words = []
        elif found in ";}":
            if len(words) >= 3 and words[1] == ":" and path:
                path[-1][2].setdefault(words[0], words[2].strip('"'))
            words = []
            if found == "}":
                if not path:
                    raise ValueError(f"{name}, line {text.count(chr(10), 0, match.start()) + 1}: a group is closed "
                                     f"that was never opened.")
                group, argument, attributes = path.pop()
                if group == "cell":
                    cell = cell_of(attributes)
                    if cell is not None:
                        cells[argument] = cell
        else:
            words.append(found)
    if not cells:
        raise ValueError(f"{name} must be a Liberty file with cells whose pins have a direction and a function.")
    return cells


def cell_of(attributes):
    """The `Cell` of a Liberty group, or None where an output has no function that can be read."""
    pins = attributes.get("pins", {})
    inputs = tuple(pin for pin, about in pins.items() if about.get("direction") == "input")
    outputs = tuple(pin for pin, about in pins.items() if about.get("direction") == "output")
    if "memory" in attributes:
        return Cell(inputs, outputs, memory=attributes["memory"])
    try:
        trees = tuple(parse_function(pins[pin]["function"]) for pin in outputs)
    except (KeyError, ValueError):
        return None
    if not outputs or any(pin not in inputs for tree in trees for pin in pins_of(tree)):
        return None
    return Cell(inputs, outputs, "", trees)


def pins_of(tree):
    if isinstance(tree, str):
        return [] if tree in ("0", "1") else [tree]
    return pins_of(tree[1]) if tree[0] == "NOT" else [pin for part in tree[1] for pin in pins_of(part)]


def parse_function(text):
    """The tree of a Liberty function: ``! '`` for NOT, ``* &`` or a blank for AND, ``+ |`` for OR, ``^`` for XOR.

    >>> parse_function("!(A1 B) + C'")
    ('OR', (('NOT', ('AND', ('A1', 'B'))), ('NOT', 'C')))
    """
    tokens = re.findall(r"[A-Za-z_][\w\[\].]*|[01]|[!'*&+|^()]", text)
    if "".join(tokens) != re.sub(r"\s", "", text) or not tokens:
        raise ValueError(f"function {text!r} is not read.")
    tree, rest = parse_level(tokens, 0, 0)
    if rest != len(tokens):
        raise ValueError(f"function {text!r} has a part that is not read.")
    return tree


def parse_level(tokens, position, depth, level=0):
    """(tree, next position) of OR (level 0), AND (1), XOR (2) or a factor (3)."""
    if depth > MAX_DEPTH:
        raise ValueError("a function is nested too deep.")
    if level == 3:
        return parse_factor(tokens, position, depth)
    symbols, kind = (("+|", "OR"), ("*&", "AND"), ("^", "XOR"))[level]
    tree, position = parse_level(tokens, position, depth, level + 1)
    parts = [tree]
    while position < len(tokens):
        adjacent = level == 1 and re.match(r"[(!01A-Za-z_]", tokens[position])
        if not adjacent and tokens[position] not in symbols:
            break
        tree, position = parse_level(tokens, position if adjacent else position + 1, depth, level + 1)
        parts.append(tree)
    return (parts[0] if len(parts) == 1 else (kind, tuple(parts))), position


def parse_factor(tokens, position, depth):
    if position >= len(tokens):
        raise ValueError("a function ends too early.")
    token = tokens[position]
    if token == "!":
        tree, position = parse_level(tokens, position + 1, depth + 1, 3)
        tree = ("NOT", tree)
    elif token == "(":
        tree, position = parse_level(tokens, position + 1, depth + 1)
        if position >= len(tokens) or tokens[position] != ")":
            raise ValueError("a parenthesis is never closed.")
        position += 1
    elif token in "01" or token[0].isalpha() or token[0] == "_":
        tree, position = token, position + 1
    else:
        raise ValueError(f"a function has {token!r} where a pin should be.")
    while position < len(tokens) and tokens[position] == "'":
        tree, position = ("NOT", tree), position + 1
    return tree, position


