"""One multiplier by whatever names it: a file, a family with parameters, a release and a name, a name in a library."""
from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from refapprox.multipliers.circuits.netlist import Netlist
from refapprox.multipliers.costs import known_netlist
from refapprox.multipliers.known import RELEASES, known_circuits
from refapprox.multipliers.library import load_library
from refapprox.multipliers.operator import BinaryOperator
from refapprox.multipliers.reading import InapplicableError, is_family, operators_of, stated_options
from refapprox.validation import UnknownNameError, check_instance


def find_multiplier(which: object, *, library: object = "builtin", signed: bool | None = None,
                    bits: int | tuple | None = None, order: str | None = None, top: str | None = None,
                    liberty: object = None, compiled: bool = False, more: Sequence = ()) -> BinaryOperator:
    """The multiplier that a text names.

    Parameters
    ----------
    which : str, path, Multiplier, Circuit or Netlist
        In this order of attempts: an existing file; ``RELEASE:NAME``, a circuit with a closed form, such as
        "v2022:mul12s_2PQ"; a family, such as "drum(k=6)"; the name of a circuit of `library`. An operator is itself.
    library : source of `load_library`, optional
        Where names are looked up.
    signed, bits : bool and int or (int, int); optional
        Stated of a file; of a family's member, signed and 8 by default. A named circuit knows them itself, and
        refuses others.
    order, top, liberty, compiled, more : optional
        Stated of a file, see `load_library` and `read_circuit`.

    Returns
    -------
    Multiplier, Circuit or Netlist

    Raises
    ------
    KeyError
        If nothing is named so; it suggests.
    ValueError
        If the file is not valid or does not tell what it must, or an option does not apply.

    Examples
    --------
    >>> int(find_multiplier("drum(k=6)", signed=False)(200, 100))
    20808
    """
    options = stated_options(order, top, liberty, compiled, more)
    text = str(check_instance("which", which, (str, PathLike, BinaryOperator)))
    if isinstance(which, BinaryOperator) or Path(text).is_file() or is_family(text):
        found = list(operators_of(which, signed=signed, bits=bits, **options))
        if len(found) != 1:
            raise ValueError(f"{text} holds {len(found)} tables ({', '.join(m.name for m in found)}); name one of them "
                             f"and give the file as the library.")
        (operator,) = found
    else:
        for option in options:
            raise InapplicableError(option, text, "it is no file")
        release, colon, _ = text.partition(":")
        if colon and release in RELEASES:
            (operator,) = operators_of(text)
        elif "/" in text or Path(text).suffix in (".npy", ".npz", ".v", ".c", ".txt", ".csv"):
            raise FileNotFoundError(f"there is no file {text}.")
        else:
            found = load_library(library, operation="mul" if library == "builtin" else None)
            if text not in found and (releases := releases_of(text)):
                raise ElsewhereError(text, releases)
            operator = found[text]
        refuse_other(operator, signed, bits)
    return operator


class ElsewhereError(UnknownNameError):
    """The name of a published circuit that is not in the library looked in."""

    def __init__(self, name, releases):
        super().__init__("multiplier here named", name)
        self.releases = releases

    def __str__(self):
        by_formula = [f"{release}:{self.name}" for release in self.releases
                      if known_circuits()[release][self.name].form]
        how = f"say {' or '.join(by_formula)}" if by_formula else "give a checkout of that release as the library"
        return f"{self.name} is a circuit of EvoApproxLib {' and '.join(self.releases)}, and not built in: {how}."


def releases_of(name):
    """The releases that have a circuit of this name."""
    return [release for release in RELEASES if name in known_circuits()[release]]


def refuse_other(operator, signed, bits):
    """An `InapplicableError` where sign or widths are stated that a known circuit does not have."""
    if signed is not None and bool(signed) != operator.signed:
        raise InapplicableError("signed", operator.name, f"it has {operator.described()}", signed)
    if bits is not None and (bits if isinstance(bits, tuple) else (bits, bits)) != (operator.bits_x, operator.bits_w):
        raise InapplicableError("bits", operator.name, f"it has {operator.described()}")


def find_netlist(which: object, **options: object) -> Netlist:
    """The gates of what `find_multiplier` names.

    Parameters
    ----------
    which, **options
        As of `find_multiplier`.

    Returns
    -------
    Netlist

    Raises
    ------
    ValueError
        If nobody knows them: of a table, or of a rule without gates.

    Examples
    --------
    >>> find_netlist("udm", bits=2, signed=False)
    Netlist('udm_2u', 2x2 bits, unsigned, 5 gates)
    """
    operator = find_multiplier(which, **options)
    netlist = known_netlist(operator)
    if netlist is None:
        raise ValueError(f"the gates of {operator.name} are not known: those of circuits in source files, of closed "
                         f"forms, and of families made of gates are.")
    return netlist
