"""The search space that a text asks for: ``builtin,mine.npy,folder/,drum(k=6)``, every multiplier with its cost.

What a multiplier costs comes, in this order, from the caller, from its file, from its gates by `cost.power`; whoever
has none of these is asked for, by name.
"""
import contextlib
import dataclasses
import math
import re
from pathlib import Path

from refapprox.multipliers import MultiplierLibrary, load_library
from refapprox.multipliers.circuits.cost import power
from refapprox.multipliers.languages.reader import SUFFIXES, read_circuit
from refapprox.multipliers.library import check_search_space
from refapprox.multipliers.lookup import find_multiplier, find_netlist
from refapprox.validation import check_real

BETWEEN_SOURCES = re.compile(r",(?![^(]*\))")      # a comma inside parentheses belongs to a family's parameters


def split_sources(text):
    """The sources in a text, separated by commas outside parentheses.

    >>> split_sources("builtin, mine.npy,broken_array(h=2, v=5)")
    ['builtin', 'mine.npy', 'broken_array(h=2, v=5)']
    """
    sources = [source.strip() for source in BETWEEN_SOURCES.split(text)]
    if not all(sources):
        raise ValueError(f"--multipliers must name sources between its commas, got {text!r}.")
    return sources


def search_space(text, *, costs=None, signed=None, bits=None, **circuit):
    """The `MultiplierLibrary` that a text asks for; all of one signedness and width, and every cost known.

    Parameters are those of `multipliers_of`.

    Raises
    ------
    ValueError
        If a source is not valid, a cost is missing, negative or for nobody, or signedness or widths differ.
    """
    found = [m.to_multiplier() for m in multipliers_of(text, costs=costs, signed=signed, bits=bits, **circuit)]
    for multiplier in found:
        if math.isnan(multiplier.performance_metric):
            raise ValueError(f"what {multiplier.name} costs is not known: neither a file nor its gates tell. Add "
                             f"--cost {multiplier.name}=NUMBER (in mW beside the built-in ones).")
    check_alike(found)
    return MultiplierLibrary(check_search_space(found), text)


def multipliers_of(sources, *, costs=None, signed=None, bits=None, **circuit):
    """The multipliers of one or more sources, one after the other, with what they cost where that is known.

    Parameters
    ----------
    sources : str, Multiplier, Circuit, or a list of these
        Sources, in a text separated by commas. Each is "builtin", a file, a folder, a checkout of EvoApproxLib, or
        what `find_multiplier` takes: a family with parameters, RELEASE:NAME, or a name of the built-in library.
    costs : dict of str to float, optional
        Cost by name of a multiplier, or of the source that holds it alone; not negative.
    signed : bool, optional
        Keep these, where a source holds both; what a table or family is taken for that does not tell.
    bits : int, optional
        Keep those of this width; the width of a circuit that does not tell.
    **circuit
        Further arguments of `read_circuit` (top, liberty, compiled) for the sources that are circuits.

    Returns
    -------
    list of Multiplier or Circuit
        ``info["cost"]`` says where the cost comes from.
    """
    costs = {name: check_real(f"--cost {name}", value, minimum=0.0) for name, value in (costs or {}).items()}
    circuit = {name: value for name, value in circuit.items() if value}
    found, unused, sources = [], set(costs), one_by_one(sources)
    if circuit and not any(is_circuit(source) for source in sources):
        raise ValueError(f"{min(circuit)} of multipliers cannot apply: none of the sources is a circuit in Verilog, C, "
                         f"BLIF, CGP or JSON.")
    for source in sources:
        members = load_source(source, signed, bits, circuit) if isinstance(source, str) else [source]
        for multiplier in members:
            keys = {multiplier.name, str(source)} if len(members) == 1 else {multiplier.name}
            given = [costs[key] for key in sorted(keys) if key in costs]
            unused -= keys
            found.append(with_cost(multiplier, given[0] if given else None, source))
    if unused:
        raise ValueError(f"--cost {min(unused)}: no multiplier of that name; there are "
                         f"{', '.join(m.name for m in found)}.")
    return found


def one_by_one(sources):
    """Every source of a text, a multiplier, or a list of both; paths as text."""
    if isinstance(sources, str):
        return split_sources(sources)
    if isinstance(sources, Path) or hasattr(sources, "bits_x"):
        return [as_text(sources)]
    parts = []
    for source in sources:
        parts += split_sources(source) if isinstance(source, str) else [as_text(source)]
    return parts


def as_text(source):
    return str(source) if isinstance(source, Path) else source


def is_circuit(source):
    """Whether `source` is a file that describes a circuit."""
    return isinstance(source, str) and Path(source).is_file() and Path(source).suffix in SUFFIXES


def load_source(source, signed, bits, circuit):
    """The multipliers of one source, a list."""
    if is_circuit(source):
        return [read_circuit(source, signed=signed, bits=bits, **circuit)]
    if source == "builtin" or Path(source).exists():
        return list(load_library(source, signed=signed, bits=bits))
    if "/" in source:
        raise ValueError(f"there is no file or folder {source}.")
    return [find_multiplier(source, signed=signed is not False, bits=bits or 8)]


def with_cost(multiplier, given, source):
    """`multiplier` with the cost given, else its own, else that of its gates, else without one."""
    if given is not None:
        return costing(multiplier, given, "given")
    if not math.isnan(multiplier.performance_metric):
        return costing(multiplier, multiplier.performance_metric, "its source")
    gates = multiplier.info.get("netlist")
    if gates is None and isinstance(source, str):
        with contextlib.suppress(ValueError):      # a table: nobody knows its gates
            gates = find_netlist(source, bits=multiplier.bits_x, signed=multiplier.signed)
    return multiplier if gates is None else costing(multiplier, power(gates), "its gates")


def costing(multiplier, cost, told_by):
    """`multiplier` with this cost and who told it; a negative one is refused."""
    cost = check_real(f"cost of {multiplier.name}", cost, minimum=0.0)
    return dataclasses.replace(multiplier, performance_metric=cost, info=multiplier.info | {"cost": told_by})


def check_alike(multipliers):
    """Refuse a search space of mixed signedness or widths, naming one multiplier of each kind."""
    kinds = {}
    for m in multipliers:
        kinds.setdefault((m.signed, m.bits_x, m.bits_w), m)
    if len(kinds) > 1:
        described = ", ".join(f"{m.name} is {m.bits_x}x{m.bits_w} {'signed' if m.signed else 'unsigned'}"
                              for m in kinds.values())
        raise ValueError(f"multipliers of one search space must have one sign and one width: {described}. "
                         f"--signed, --unsigned and --bits choose.")
