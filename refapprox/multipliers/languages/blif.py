"""BLIF, the Berkeley logic interchange format, read and written: truth tables over named bits, and models of them."""
from __future__ import annotations

import re

from refapprox.multipliers.circuits.gates import GATES, truth_table
from refapprox.multipliers.circuits.netlist import Netlist
from refapprox.multipliers.languages.hierarchy import Model, Part, Port, Table, read_models

MAX_CHARACTERS = 16 * 2 ** 20
MAX_INPUTS = 16            # of a truth table
IGNORED = (".default_input_arrival", ".default_output_required", ".default_input_drive", ".area", ".delay",
           ".wire_load_slope", ".input_drive", ".output_load", ".attr", ".param", ".cname", ".no_merge")


def read_blif(text, where="", *, top=None, library=None, fold=True):
    """(unsigned netlist, False) of BLIF: its `.model` that no other one contains, or the one called `top`.

    `where` begins every message, such as "mine.blif, "; it goes on with the line.

    >>> text = ".model m\\n.inputs a b\\n.outputs p\\n.names a b p\\n11 1\\n.end\\n"
    >>> read_blif(text)[0](1, [0, 1]).tolist()
    [0, 1]
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"{where}BLIF must have at most {MAX_CHARACTERS} characters, got {len(text)}.")
    models, current, cover = {}, None, None
    for number, line in logical_lines(text):
        words, place = line.split(), f"line {number}"
        if words[0] == ".model":
            name = words[1] if len(words) > 1 else f"model_{len(models)}"
            if name in models:
                raise ValueError(f"{where}{place}: model {name} is defined twice.")
            models[name] = current = {"inputs": [], "outputs": [], "items": [], "place": place}
            cover = None
            continue
        if words[0] == ".exdc":                        # don't-care conditions: not part of the circuit
            break
        if current is None:
            raise ValueError(f"{where}{place}: expected .model, got {words[0][:40]!r}.")
        if not line.startswith("."):
            add_row(cover, words, where, place)
        elif words[0] in (".inputs", ".outputs"):
            current[words[0][1:]].extend(words[1:])
            cover = None
        elif words[0] == ".names":
            if not 2 <= len(words) <= MAX_INPUTS + 2:
                raise ValueError(f"{where}{place}: a table has an output and at most {MAX_INPUTS} inputs, got "
                                 f"{len(words) - 1} names.")
            cover = {"inputs": words[1:-1], "output": words[-1], "rows": [], "value": None, "place": place}
            current["items"].append(cover)
        elif words[0] in (".subckt", ".gate"):
            current["items"].append(part_of(words, where, place))
            cover = None
        elif words[0] in (".latch", ".mlatch"):
            raise ValueError(f"{where}{place}: {words[0]} has memory: only circuits without clock and state are read.")
        elif words[0] == ".end":
            cover = None
        elif words[0] not in IGNORED:
            raise ValueError(f"{where}{place}: {words[0][:40]!r} is not read; what is read is .model, .inputs, "
                             f".outputs, .names, .subckt, .gate and .end.")
    if not models:
        raise ValueError(f"{where}line 1: expected .model, got an empty text.")
    return read_models({name: model_of(name, parts) for name, parts in models.items()}, where, top=top,
                       library=library, fold=fold)


def logical_lines(text):
    """(number, text) of every line without its comment, continued lines put together, empty ones left out."""
    waiting, first = [], 1
    for number, line in enumerate(text.split("\n"), 1):
        line = line.split("#", 1)[0].rstrip()
        first = number if not waiting else first
        if line.endswith("\\"):
            waiting.append(line[:-1])
            continue
        whole = " ".join([*waiting, line]).strip()
        waiting = []
        if whole:
            yield first, whole
    if "".join(waiting).strip():
        yield first, " ".join(waiting).strip()


def add_row(cover, words, where, place):
    """A row of a truth table."""
    if cover is None:
        raise ValueError(f"{where}{place}: a row of a truth table belongs to no .names.")
    inputs, output = ("", words[0]) if len(words) == 1 and not cover["inputs"] else \
        (words[0], words[1]) if len(words) == 2 else ("?", "?")
    if len(inputs) != len(cover["inputs"]) or set(inputs) - set("01-") or output not in ("0", "1"):
        raise ValueError(f"{where}{place}: expected {len(cover['inputs'])} of 0, 1 and -, and the output, got "
                         f"{' '.join(words)[:60]!r}.")
    if cover["value"] not in (None, output):
        raise ValueError(f"{where}{place}: a table lists either its ones or its zeros, not both.")
    cover["value"] = output
    cover["rows"].append(inputs)


def part_of(words, where, place):
    """The `Part` of ``.subckt`` or ``.gate``."""
    pins = {}
    for word in words[2:]:
        formal, equals, actual = word.partition("=")
        if not equals or not formal or pins.get(formal, (actual,)) != (actual,):
            raise ValueError(f"{where}{place}: expected PORT=NET once for every port, got {word[:60]!r}.")
        pins[formal] = (actual,)
    if len(words) < 2:
        raise ValueError(f"{where}{place}: expected the name of a model.")
    return Part(words[1], f"{words[1]}_{place.replace(' ', '_')}", pins, place)


def model_of(name, parts):
    """A `Model` whose labels are the names of nets; a name may not be taken for a constant."""
    def label(net):
        return f"\\{net}" if net in ("0", "1", "x", "z") else net

    items = []
    for item in parts["items"]:
        if isinstance(item, Part):
            items.append(item._replace(pins={pin: (label(net),) for pin, (net,) in item.pins.items()}))
        else:
            items.append(Table(tuple(map(label, item["inputs"])), label(item["output"]), tuple(item["rows"]),
                               item["value"] or "1", item["place"]))
    ports = [Port(net, [label(net)], is_input) for key, is_input in (("inputs", True), ("outputs", False))
             for net in parts[key]]
    return Model(name, tuple(ports), tuple(items), parts["place"])


def write_blif(netlist: Netlist) -> str:
    """BLIF text of a netlist: one model, a table for every gate, two for every adder cell.

    Parameters
    ----------
    netlist : Netlist

    Returns
    -------
    str
        Bits of operand A are named ``A[0]``, ``A[1]``, ...; those of the result ``O[0]``, ...

    Raises
    ------
    ValueError
        If the name of an operand cannot be one of BLIF's.

    Examples
    --------
    >>> text = write_blif(Netlist([("A", 1), ("B", 1)], [("AND", (2, 3))], [4], name="both"))
    >>> text.splitlines()[6:8]
    ['.names A[0] B[0] n4', '11 1']
    """
    names = {0: "zero", 1: "one"}
    for position, (operand, _) in enumerate(netlist.operands):
        if not re.fullmatch(r"[A-Za-z_]\w*", operand) or re.fullmatch(r"O|zero|one|n\d+", operand):
            raise ValueError(f"operand {operand!r} of {netlist.name} must be an identifier other than O, zero, "
                             f"one and n0.")
        names.update({wire: f"{operand}[{i}]" for i, wire in enumerate(netlist.operand_wires(position))})
    inputs = [names[wire] for i in range(len(netlist.operands)) for wire in netlist.operand_wires(i)]
    outputs = [f"O[{i}]" for i in range(netlist.output_bits)]
    lines = [f".model {re.sub(r'[^A-Za-z0-9_]', '_', netlist.name) or 'netlist'}", f".inputs {' '.join(inputs)}",
             f".outputs {' '.join(outputs)}", ".names zero", ".names one", "1"]
    for (kind, wires), first in zip(netlist.gates, netlist.gate_wires, strict=True):
        table = truth_table(kind)
        for output in range(GATES[kind].outputs):
            names[first + output] = f"n{first + output}"
            lines.append(f".names {' '.join(names[wire] for wire in wires)} n{first + output}")
            lines.extend("".join(str(pattern >> i & 1) for i in range(len(wires))) + " 1"
                         for pattern, values in enumerate(table) if values[output])
    for wire, output in zip(netlist.outputs, outputs, strict=True):
        lines.extend([f".names {names[wire]} {output}", "1 1"])
    return "\n".join([*lines, ".end", ""])
