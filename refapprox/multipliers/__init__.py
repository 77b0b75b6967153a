"""What one multiplication does: multipliers as tables of products, their metrics and their libraries."""
from refapprox.multipliers.circuit import Circuit
from refapprox.multipliers.families import families, family_netlist, from_family
from refapprox.multipliers.library import MultiplierLibrary, load_library
from refapprox.multipliers.multiplier import Multiplier, exact
from refapprox.multipliers.netlist import Netlist

__all__ = ["Circuit", "Multiplier", "MultiplierLibrary", "Netlist", "exact", "families", "family_netlist",
           "from_family", "load_library"]
