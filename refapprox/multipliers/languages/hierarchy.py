"""Netlists of named bits: models that hold gates, truth tables and instances of each other (BLIF, Yosys' JSON)."""
from typing import NamedTuple

from refapprox.multipliers.circuits.builder import ONE, ZERO
from refapprox.multipliers.circuits.graph import Graph, GraphError, netlist_of
from refapprox.multipliers.languages.cells import connect, find_cell
from refapprox.multipliers.languages.ports import Port, choose_top, fault_of, words_of

MAX_NESTING = 64
MAX_INSTANCES = 300_000
CONSTANTS = {"0": ZERO, "1": ONE}


class Table(NamedTuple):
    """A truth table: rows of 0, 1 and - that make the output `value`, and its complement everywhere else."""

    inputs: tuple
    output: object
    rows: tuple
    value: str
    place: str         # where it stands, for messages, such as "line 7"


class Part(NamedTuple):
    """A cell or an instance of a model: its type, name, and the bits connected to each port."""

    kind: str
    name: str
    pins: dict         # port -> tuple of bits
    place: str


class Model(NamedTuple):
    """One module: ports whose bits are labels, and what is inside; "0" and "1" are the constants."""

    name: str
    ports: tuple       # of `Port`
    items: tuple       # of Table and Part
    place: str


def read_models(models, where, *, top=None, library=None, fold=True):
    """(unsigned netlist, whether all its inputs are declared signed) of `Model`s by name.

    `where` begins every message, such as "mine.blif, "; `library` is of `cells.find_cell`.
    """
    used = {item.kind for model in models.values() for item in model.items if isinstance(item, Part)}
    try:
        roots = [name for name in models if name not in used]
        chosen = models[choose_top(roots, lambda name: words_of(models[name].ports), top, models)]
        graph = Graph(chosen.name)
        nets = declared(graph, chosen, "")
        ports = [port._replace(bits=[nets(bit) for bit in port.bits]) for port in chosen.ports]
        words = words_of(ports)
        fault = fault_of(words)
        if fault:
            raise ValueError(f"{chosen.place}: {chosen.name} is not read: {fault}.")
        expand(models, library, graph, chosen, "", nets, [0])
        return netlist_of(graph, words.operands, words.results[0][1], fold=fold), words.signed
    except ValueError as error:
        raise ValueError(f"{where}{error}") from None


def declared(graph, model, path):
    """A function label -> node of the bits of one instance of a model."""
    nets = {**CONSTANTS}

    def node(label):
        if label not in nets:
            undefined = label in ("x", "z")
            nets[label] = graph.net(f"an undefined bit ({label}) decides an output of {model.name}." if undefined
                                    else f"{path}{label}")
        return nets[label]
    return node


def expand(models, library, graph, model, path, nets, count):
    """Drive the nets of one instance of a model and of everything inside it."""
    for item in model.items:
        graph.place = f"{item.place}: "
        count[0] += 1
        if count[0] > MAX_INSTANCES or path.count("/") > MAX_NESTING:
            raise GraphError(f"{item.place}: the circuit has more than {MAX_INSTANCES} parts, or {model.name} contains "
                             f"itself.")
        if isinstance(item, Table):
            bit = graph.truth_table(item.rows, [nets(label) for label in item.inputs])
            graph.drive(nets(item.output), bit if item.value == "1" else graph.invert(bit))
        elif item.kind in models:
            expand_model(models, library, graph, item, path, nets, count)
        else:
            expand_cell(library, graph, item, nets)


def expand_cell(library, graph, item, nets):
    cell = find_cell(item.kind, library)
    if cell is None:
        raise GraphError(f"{item.place}: {item.kind} of {item.name} is neither a model of the file nor a known cell: "
                         f"give the Liberty file of a standard cell (--liberty).")
    if cell.memory:
        raise GraphError(f"{item.place}: {item.kind} of {item.name} has memory ({cell.memory}): only circuits without "
                         f"clock and state are read.")
    unknown = set(item.pins) - {*cell.inputs, *cell.outputs}
    if unknown or any(len(bits) != 1 for bits in item.pins.values()):
        raise GraphError(f"{item.place}: {item.kind} of {item.name} has the pins {', '.join(cell.inputs)} and "
                         f"{', '.join(cell.outputs)}, each of one bit, got {', '.join(map(str, item.pins))}.")
    connect(graph, cell, {pin: nets(bit) for pin, (bit,) in item.pins.items()},
            lambda pin: f"{item.place}: pin {pin} of {item.name} is not connected.")


def expand_model(models, library, graph, item, path, nets, count):
    model = models[item.kind]
    inside_path = f"{path}{item.name}/"
    inside = declared(graph, model, inside_path)
    ports = {port.name: port for port in model.ports}
    for name, bits in item.pins.items():
        if name not in ports or len(bits) != len(ports[name].bits):
            raise GraphError(f"{item.place}: {item.kind} has no port {name} of {len(bits)} bit(s); it has "
                             f"{', '.join(f'{p.name} of {len(p.bits)}' for p in list(ports.values())[:12])}.")
        if ports[name].is_input:
            for own, outer in zip(ports[name].bits, bits, strict=True):
                graph.drive(inside(own), nets(outer))
    expand(models, library, graph, model, inside_path, inside, count)
    graph.place = f"{item.place}: "
    for name, bits in item.pins.items():
        if not ports[name].is_input:
            for own, outer in zip(ports[name].bits, bits, strict=True):
                graph.drive(nets(outer), inside(own))


__all__ = ["Model", "Part", "Port", "Table", "read_models"]
