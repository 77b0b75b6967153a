"""Yosys' JSON netlists: gates as ``abc`` or ``simplemap`` leave them, cells of a Liberty library, and hierarchy."""
from refapprox.multipliers.languages.cells import find_cell
from refapprox.multipliers.languages.hierarchy import Model, Part, Port, Table, read_models
from refapprox.validation import shown

IGNORED = ("$scopeinfo", "$print", "$check")
MAX_LUT = 8


class CoarseCell(ValueError):
    """A word-level cell, which Yosys itself can turn into gates."""


def read_json(tree, where="", *, top=None, library=None, fold=True):
    """(unsigned netlist, whether all its inputs are declared signed) of the object in a JSON file of ``write_json``.

    Parameters
    ----------
    tree : object
        What `json.loads` gives.
    where : str, optional
        Begins every message, such as "mine.json, ".
    top, library, fold : as of `verilog.source.read_modules`

    Raises
    ------
    CoarseCell
        If a cell computes on words, such as "$add".
    ValueError
        If it is no such netlist, or holds a register, a latch or a memory.
    """
    found = tree.get("modules") if isinstance(tree, dict) else None
    if not isinstance(found, dict) or not found:
        raise ValueError(f"{where}expected a JSON object with \"modules\", as Yosys' write_json makes it.")
    marked = [name for name, module in found.items() if isinstance(module, dict) and "top" in attributes(module)]
    models = {name: model_of(name, module, where, library) for name, module in found.items()
              if isinstance(module, dict) and not {"blackbox", "whitebox"} & set(attributes(module))}
    if top is None and len(marked) == 1:
        top = marked[0]
    return read_models(models, where, top=top, library=library, fold=fold)


def attributes(module):
    """Names of the attributes of a module that are set."""
    found = module.get("attributes", {})
    return [name for name, value in found.items() if str(value).strip("0")] if isinstance(found, dict) else []


def model_of(name, module, where, library):
    """The `Model` of one module."""
    place = f"module {name}"
    ports, cells = module.get("ports", {}), module.get("cells", {})
    if not isinstance(ports, dict) or not isinstance(cells, dict):
        raise ValueError(f"{where}{place}: ports and cells must be JSON objects.")
    made = []
    for port, about in ports.items():
        direction = about.get("direction") if isinstance(about, dict) else None
        if direction not in ("input", "output"):
            raise ValueError(f"{where}{place}: port {port} must be input or output, got {shown(direction)}.")
        made.append(Port(port, bits_of(about.get("bits"), f"{where}{place}, port {port}"), direction == "input",
                         bool(about.get("signed"))))
    items = [item for cell, about in cells.items() for item in cell_items(cell, about, f"{where}{place}", library)]
    return Model(name, tuple(made), tuple(items), place)


def bits_of(bits, place):
    """Bits as labels: numbers of nets and the constants "0" and "1"; "x" and "z" are undefined."""
    if not isinstance(bits, list) or not all(bit in ("0", "1", "x", "z") if isinstance(bit, str) else
                                             type(bit) is int for bit in bits):
        raise ValueError(f"{place}: bits must be a list of net numbers and \"0\", \"1\", \"x\".")
    return [bit if isinstance(bit, str) else f"net {bit}" for bit in bits]


def cell_items(name, about, place, library):
    """The items of one cell: a `Part`, a `Table` for a lookup table, nothing for a note of Yosys."""
    kind, found = (about.get("type"), about.get("connections")) if isinstance(about, dict) else (None, None)
    if not isinstance(kind, str) or not isinstance(found, dict):
        raise ValueError(f"{place}: cell {name} must have a type and connections.")
    if kind in IGNORED:
        return []
    pins = {pin: tuple(bits_of(bits, f"{place}, cell {name}")) for pin, bits in found.items()}
    known = find_cell(kind, library)
    if known is not None and known.memory:
        raise ValueError(f"{place}: cell {name} is {kind}, which has memory: only circuits without clock and state are "
                         f"read. An incomplete assignment in an always block makes a latch.")
    where = f"cell {name}"
    if kind == "$lut":
        return [lookup_table(pins, about.get("parameters", {}), where, place)]
    if kind.startswith("$") and known is None and not kind.startswith("$paramod"):
        raise CoarseCell(f"{place}: cell {name} is {kind}: map it to gates (Yosys: techmap; simplemap).")
    return [Part(kind, name, pins, where)]


def lookup_table(pins, parameters, where, place):
    table = parameters.get("LUT") if isinstance(parameters, dict) else None
    inputs, output = pins.get("A", ()), pins.get("Y", ())
    if not isinstance(table, str) or set(table) - {"0", "1"} or len(output) != 1 or \
            not 1 <= len(inputs) <= MAX_LUT or len(table) != 2 ** len(inputs):
        raise ValueError(f"{place}: {where} must be a lookup table of at most {MAX_LUT} inputs with its LUT as a text "
                         f"of 0 and 1.")
    rows = tuple("".join(str(i >> k & 1) for k in range(len(inputs))) for i, bit in enumerate(reversed(table))
                 if bit == "1")
    return Table(inputs, output[0], rows, "1", where)
