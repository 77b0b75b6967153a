"""Named search spaces: the built-in one, and whatever sources add to it."""
from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Generic, Literal, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from refapprox.multipliers.names import wanted
from refapprox.multipliers.operator import BinaryOperator
from refapprox.validation import UnknownNameError, check_choice, check_flag, check_instance, check_offers, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from typing_extensions import TypeVar  # which type checkers bring: bare, a library is one of any operators

    from refapprox.multipliers.multiplier import Multiplier
    Operator = TypeVar("Operator", bound=BinaryOperator, default=BinaryOperator, covariant=True)
else:
    Operator = TypeVar("Operator", bound=BinaryOperator)

Other = TypeVar("Other")
SHOWN = 4      # names in a repr


class MultiplierLibrary(Generic[Operator]):
    """Multipliers by name: ``library["mul8s_1KV8"]``, ``"drum" in library``, ``library.get(name)``.

    Iterating gives the multipliers themselves, in their order.

    Parameters
    ----------
    multipliers : iterable of Multiplier, Circuit or Netlist
        With distinct names.
    source : object, optional
        Where they come from, for messages.
    costs : mapping of str to float, optional
        Cost of multipliers by name, see `search_space`.

    Raises
    ------
    ValueError
        If two multipliers have the same name.

    Examples
    --------
    >>> from refapprox import exact
    >>> MultiplierLibrary([exact(8), exact(4)], "mine")
    MultiplierLibrary('mine', 2 multipliers: exact8s, exact4s)
    """

    def __init__(self, multipliers: Iterable[Operator], source: object = "builtin",
                 costs: Mapping[str, float] | None = None) -> None:
        self._by_name = {}
        self.source = source if isinstance(source, str) else shown(source)
        for i, multiplier in enumerate(multipliers):
            check_instance(f"multipliers[{i}]", multiplier, BinaryOperator)
            if multiplier.name in self._by_name:
                raise ValueError(f"library {self.source} has two multipliers named {multiplier.name}.")
            self._by_name[multiplier.name] = multiplier
        if costs:
            from refapprox.multipliers.costs import with_stated_costs
            self._by_name = {m.name: m for m in with_stated_costs(self, costs)}

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[Operator]:
        return iter(self._by_name.values())

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Operator:
        if name not in self._by_name:
            raise UnknownNameError(f"multiplier in library {self.source} named", name, self._by_name)
        return self._by_name[name]

    def get(self, name: str, default: Other | None = None) -> Operator | Other | None:
        """The multiplier called `name`, or `default`.

        Parameters
        ----------
        name : str
        default : object, optional
            What is returned where the library has no such multiplier; None by default.
        """
        return self._by_name.get(name, default)

    def __repr__(self) -> str:
        shown = ", ".join([*self.names[:SHOWN], "..."] if len(self) > SHOWN else self.names)
        return f"MultiplierLibrary({self.source!r}, {len(self)} multipliers: {shown})"

    @property
    def names(self) -> list[str]:
        """Names of all multipliers, in order."""
        return list(self._by_name)

    def plot(self, x: str = "power", y: str = "MAE%") -> Figure:
        """Every circuit in the plane of two figures, with the Pareto front.

        Parameters
        ----------
        x, y : str, optional
            Names of figures, such as "power", "bits", or a metric.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            If no circuit has both figures, or one is unknown.

        Examples
        --------
        >>> load_library().plot().axes[0].get_xlabel()
        'power (mW)'
        """
        from refapprox.multipliers.ranking import check_figure, figures_of
        from refapprox.plotting.multipliers import front
        rng = np.random.default_rng(0)      # of operand pairs of circuits that are too wide for all of them
        return front(self.names, [figures_of(m, rng=rng) for m in self], check_figure(x), check_figure(y))[0]

    def _repr_html_(self):
        """Names, costs and main metrics in a table: what a notebook shows."""
        from refapprox.multipliers.ranking import figures_of
        from refapprox.report.page import html_table
        keys = ("power", "MAE%", "WCE%", "MRE%", "EP%", "bias")
        rng = np.random.default_rng(0)
        rows = [(m.name, *(f"{figures_of(m, rng=rng)[key]:.4g}" for key in keys)) for m in self]
        return html_table(("multiplier", *keys), rows, repr(self))

    def load_lut(self, name: str) -> NDArray[np.int32]:
        """Table of the multiplier called `name`, value order: ``lut[x - qmin, w - qmin]``."""
        return self[name].lut

    def search_space(self) -> list[Operator]:
        """The multipliers to choose from: of one sign and one width, every one with a cost.

        A cost that is not known is estimated by `cost.power` where the gates are known; ``info["cost"]`` says which.

        Raises
        ------
        ValueError
            If signs or widths differ, or a cost is not known (`costs.UnknownCostError`): that multiplier is named.
        """
        from refapprox.multipliers.costs import with_estimated_costs
        check_alike(self)
        return check_search_space(with_estimated_costs(self))


def check_alike(multipliers):
    """Refuse a search space of mixed signedness or widths, naming one multiplier of each kind."""
    kinds = {}
    for m in multipliers:
        kinds.setdefault((m.signed, m.bits_x, m.bits_w), m)
    if len(kinds) > 1:
        described = ", ".join(f"{m.name} is {m.bits_x}x{m.bits_w} {'signed' if m.signed else 'unsigned'}"
                              for m in kinds.values())
        raise ValueError(f"multipliers of one search space must have one sign and one width, which operands are "
                         f"quantized to: {described}.")


def check_search_space(multipliers):
    """`multipliers` as a non-empty list in which every cost is known."""
    multipliers = list(multipliers)
    if not multipliers:
        raise ValueError("the search space, multipliers, must hold at least one multiplier, got none.")
    for i, multiplier in enumerate(multipliers):
        check_offers(f"multipliers[{i}]", multiplier, "performance_metric")
        if getattr(multiplier, "operation", "mul") != "mul":      # what another tool's class does not say is a product
            raise ValueError(f"the search space must hold multipliers only, got the adder {multiplier.name}.")
        if math.isnan(multiplier.performance_metric):
            raise ValueError(f"performance_metric of {multiplier.name} must be known to choose by cost, got nan.")
    return multipliers


@overload
def load_library(source: Literal["builtin"] = "builtin", signed: bool | None = None, bits: int | None = None,
                 *, costs: Mapping[str, float] | None = None) -> MultiplierLibrary[Multiplier]: ...
@overload
def load_library(source: str | PathLike | BinaryOperator | Sequence = "builtin", signed: bool | None = None,
                 bits: int | tuple | None = None, operation: str | None = "mul", language: str = "c", *,
                 costs: Mapping[str, float] | None = None, order: str | None = None, top: str | None = None,
                 liberty: str | PathLike | None = None, compiled: bool = False,
                 more: Sequence = ()) -> MultiplierLibrary: ...
def load_library(source: str | PathLike | BinaryOperator | Sequence = "builtin", signed: bool | None = None,
                 bits: int | tuple | None = None, operation: str | None = "mul", language: str = "c", *,
                 costs: Mapping[str, float] | None = None, order: str | None = None, top: str | None = None,
                 liberty: str | PathLike | None = None, compiled: bool = False,
                 more: Sequence = ()) -> MultiplierLibrary:
    """A library of multipliers.

    Parameters
    ----------
    source : str, path, multiplier, or a list of these
        A text may name several, separated by commas, as on the command line: ``builtin,mine.npy,"drum(k=6)"``. Each is

        - "builtin", the search space of the agnapprox tutorial: the 13 signed 8-bit circuits of EvoApproxLib;
        - a checkout of EvoApproxLib, release v1.1 or v2022, whose C sources are parsed (nothing is executed) and
          whose header figures are verified;
        - a file with the source of a circuit (`read_circuit`) or with a table (`read_table`), or a folder of them. A
          file of a folder that cannot be read is left out with a warning;
        - RELEASE:NAME, such as "v2022:mul8s_1L2N", where the circuit has a closed form, or a name of the built-in ones;
        - a member of a family, such as "drum(k=6)";
        - a `Multiplier`, `Circuit` or `Netlist`.
    signed : bool, optional
        Stated of a file and of a family's member; of folders and checkouts it keeps multipliers of that sign, and is
        stated of files that do not tell.
    bits : int or (int, int), optional
        The same of widths. Above 8x8 bits multipliers are `Circuit` objects.
    operation : "mul", "add" or None, optional
        Keep multipliers, adders, or both.
    language : "c" or "verilog", optional
        Which sources of a checkout to read.
    costs : mapping of str to float, optional
        Cost by name, or by the source that holds a multiplier alone, instead of what the file says.
    order, top, liberty, compiled, more : optional
        Stated of files: the order of a table; of a circuit what `read_circuit` takes, and more
        files of it. Of several sources those have them said to whose kind they apply.

    Returns
    -------
    MultiplierLibrary

    Raises
    ------
    ValueError
        If a source has nothing that fits, a file is not valid or does not tell sign or order
        (`declaration.UndeclaredError`), or an option does not apply.
    FileNotFoundError
        If there is no such file or folder.

    Examples
    --------
    >>> load_library(["builtin", "drum(k=6)"]).names[-2:]
    ['mul8s_1L2H', 'drum(k=6)_8s']
    """
    check_choice("operation of load_library", operation, ("mul", "add", None))
    check_choice("language of load_library", language, ("c", "verilog"))
    # parsers and formats, which few programs need
    from refapprox.multipliers.declaration import checked_bits
    from refapprox.multipliers.reading import InapplicableError, operators_of, split_sources, stated_options
    given = [source] if isinstance(source, (str, PathLike, BinaryOperator)) else source
    given = [check_instance("source", one, (str, PathLike, BinaryOperator)) for one in given]
    sources = [part for one in given
               for part in (split_sources(one) if isinstance(one, str) and not os.path.exists(one) else [one])]
    options = stated_options(order, top, liberty, compiled, more)
    checked_bits("load_library", bits)
    signed = None if signed is None else check_flag("signed", signed)
    kept, costs, inapplicable = [], dict(costs or {}), []
    for one in sources:
        stated = {"signed": signed, "bits": bits, "operation": operation, "language": language}
        try:
            found = list(operators_of(one, **stated, **options))
        except InapplicableError as error:
            inapplicable.append(error)
            if len(inapplicable) == len(sources):
                raise
            found = list(operators_of(one, **stated))
        found = [m for m in found if wanted(m, signed, bits, operation)]
        if not found:
            signs = "" if signed is None else "signed " if signed else "unsigned "
            widths = "" if bits is None else f"{bits}-bit "
            noun = {"mul": "multiplier", "add": "adder", None: "circuit"}[operation]
            raise ValueError(f"source {one} holds no {signs}{widths}{noun}.")
        if len(found) == 1 and str(one) in costs and str(one) != found[0].name:
            costs[found[0].name] = costs.pop(str(one))
        kept += found
    if not kept:
        raise ValueError("load_library needs at least one source, got none.")
    label = ",".join(getattr(one, "name", None) or str(one) for one in sources)
    return MultiplierLibrary(kept, label, costs)
