"""What one multiplication does: multipliers as tables of products, their metrics and their libraries."""
from refapprox.multipliers.circuit import Circuit
from refapprox.multipliers.library import MultiplierLibrary, load_library
from refapprox.multipliers.multiplier import Multiplier, exact

__all__ = ["Circuit", "Multiplier", "MultiplierLibrary", "exact", "load_library"]
