"""One multiplier by whatever names it: a file, a family with parameters, a release and a name, a name in a library."""
import re
from pathlib import Path

from refapprox.multipliers.closed_forms import FORM, closed_form
from refapprox.multipliers.families import families, family_netlist, from_family
from refapprox.multipliers.known import RELEASES
from refapprox.multipliers.library import load_library
from refapprox.multipliers.reading import read_file

SPECIFICATION = re.compile(r"([\w-]+)(?:\(.*\))?")


def find_multiplier(text, *, library="builtin", bits=8, signed=True):
    """The `Multiplier` or `Circuit` that a text names.

    Parameters
    ----------
    text : str
        In this order of attempts: an existing file; ``RELEASE:NAME``, a circuit with a closed form, such as
        "v2022:mul12s_2PQ"; a family, such as "drum(k=6)"; the name of a circuit of `library`.
    library : "builtin" or path, optional
        Where names are looked up.
    bits, signed : int and bool, optional
        Of a family's member, and what is read from a library; `signed` of files that do not tell.

    Raises
    ------
    ValueError
        If nothing is named so, or the file is not valid.
    """
    path = Path(text)
    if path.is_file():
        found = list(read_file(path, signed))
        if len(found) != 1:
            raise ValueError(f"{path} holds {len(found)} tables ({', '.join(m.name for m in found)}); name one of them "
                             f"and give the file as the library.")
        return found[0]
    release, colon, name = text.partition(":")
    if colon and release in RELEASES:
        return closed_form(release, name)
    match = SPECIFICATION.fullmatch(text)
    if match and match[1] in families():
        return from_family(text, bits=bits, signed=signed)
    if path.suffix and not colon and "/" in text:
        raise ValueError(f"there is no file {text}.")
    from_builtin = library == "builtin"
    found = load_library(library, signed=True if from_builtin else None, bits=8 if from_builtin else None,
                         operation="mul" if from_builtin else None)
    return found[text]


def find_netlist(text, *, library="builtin", bits=8, signed=True):
    """The gates of what `find_multiplier` names; a ValueError for a table, whose gates nobody knows."""
    operator = find_multiplier(text, library=library, bits=bits, signed=signed)
    info = operator.info
    if info.get("netlist") is not None:
        return info["netlist"]
    family = info.get("family", "")
    form = FORM.fullmatch(family)
    if form:
        name = f"operand_truncated({form[2]})" if form[1] == "T" else f"broken_array({form[2]}, {form[3]})"
        return family_netlist(name, bits=operator.bits, signed=operator.signed)
    if family in families():
        return family_netlist(family, bits=operator.bits, signed=operator.signed, extension=info["extension"],
                              **info["parameters"])
    raise ValueError(f"{operator.name} is a table, and what gates make it is not known: Verilog can be written of C or "
                     f"Verilog sources, of closed forms, and of families made of gates.")
