"""What one multiplication does: multipliers as tables of products, their metrics and their libraries."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "BinaryOperator", "Circuit", "Multiplier", "MultiplierLibrary", "Netlist", "TableGradient", "closed_form",
    "difference_gradient", "exact", "families", "family_netlist", "find_multiplier", "find_netlist", "form_figures",
    "from_family", "identify", "lint_lut", "load_library", "nearest", "quarters_figures", "read_circuit",
    "read_netlist", "read_table", "regression_gradient", "straight_through_gradient", "write_table",
]

if TYPE_CHECKING:
    from refapprox.multipliers.circuit import Circuit
    from refapprox.multipliers.circuits.netlist import Netlist
    from refapprox.multipliers.closed_forms import closed_form
    from refapprox.multipliers.family import families, family_netlist, from_family
    from refapprox.multipliers.formats import read_table, write_table
    from refapprox.multipliers.gradients import (
        TableGradient,
        difference_gradient,
        regression_gradient,
        straight_through_gradient,
    )
    from refapprox.multipliers.identification import identify, nearest
    from refapprox.multipliers.languages.reader import read_circuit, read_netlist
    from refapprox.multipliers.library import MultiplierLibrary, load_library
    from refapprox.multipliers.lint import lint_lut
    from refapprox.multipliers.lookup import find_multiplier, find_netlist
    from refapprox.multipliers.multiplier import Multiplier, exact
    from refapprox.multipliers.operator import BinaryOperator
    from refapprox.multipliers.structure_metrics import form_figures, quarters_figures
else:
    __getattr__, __dir__ = lazy(__name__)
