"""What one multiplication does: multipliers as tables of products, their metrics and their libraries."""
import importlib

from refapprox.multipliers.circuit import Circuit
from refapprox.multipliers.circuits.netlist import Netlist
from refapprox.multipliers.closed_forms import closed_form
from refapprox.multipliers.families import families, family_netlist, from_family
from refapprox.multipliers.library import MultiplierLibrary, load_library
from refapprox.multipliers.multiplier import Multiplier, exact

# imported when first asked for: parsers and file formats, which a program that trains does not need
LATER = {
    "TableGradient": "gradients", "difference_gradient": "gradients", "regression_gradient": "gradients",
    "straight_through_gradient": "gradients",
    "identify": "identification", "lint_lut": "lint", "nearest": "identification", "read_circuit": "languages.reader",
    "read_netlist": "languages.reader", "read_table": "formats", "find_multiplier": "lookup", "write_table": "formats",
}

__all__ = ["Circuit", "Multiplier", "MultiplierLibrary", "Netlist", "closed_form", "exact", "families",
           "family_netlist", "from_family", "load_library", *sorted(LATER)]


def __getattr__(name):
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{LATER[name]}"), name)
