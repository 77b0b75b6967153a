"""What one multiplication does: multipliers as tables of products, their metrics and their libraries."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "BinaryOperator", "Circuit", "Multiplier", "MultiplierLibrary", "Netlist", "closed_form", "exact", "families",
    "family_netlist", "find_multiplier", "find_netlist", "from_family", "identify", "lint_lut", "load_library",
    "nearest", "read_circuit", "read_netlist", "read_table", "write_table",
]

if TYPE_CHECKING:
    from refapprox.multipliers.circuit import Circuit
    from refapprox.multipliers.circuits.netlist import Netlist
    from refapprox.multipliers.closed_forms import closed_form
    from refapprox.multipliers.family import families, family_netlist, from_family
    from refapprox.multipliers.formats import read_table, write_table
    from refapprox.multipliers.identification import identify, nearest
    from refapprox.multipliers.languages.reader import read_circuit, read_netlist
    from refapprox.multipliers.library import MultiplierLibrary, load_library
    from refapprox.multipliers.lint import lint_lut
    from refapprox.multipliers.lookup import find_multiplier, find_netlist
    from refapprox.multipliers.multiplier import Multiplier, exact
    from refapprox.multipliers.operator import BinaryOperator
else:
    __getattr__, __dir__ = lazy(__name__)
