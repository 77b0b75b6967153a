"""For tests of code that multiplies approximately: Hypothesis strategies and wrong variants that a suite must reject.

Importable only where Hypothesis is installed; nothing else in refapprox imports it. The statistical assertion that
goes with it is `refapprox.error_stats.agreement`.
"""
try:
    import hypothesis  # noqa: F401
except ImportError as error:
    raise ImportError("refapprox.testing needs Hypothesis: pip install hypothesis, "
                      "or pip install 'refapprox[test]'.") from error

from refapprox.testing.mutants import MUTANTS, Mutant
from refapprox.testing.strategies import (
    conv_shapes,
    distributions,
    error_maps,
    linear_shapes,
    multiplier_families,
    multiplier_tables,
    multipliers,
    operand_codes,
    quantization_parameters,
)

__all__ = [
    "MUTANTS",
    "Mutant",
    "conv_shapes",
    "distributions",
    "error_maps",
    "linear_shapes",
    "multiplier_families",
    "multiplier_tables",
    "multipliers",
    "operand_codes",
    "quantization_parameters",
]
