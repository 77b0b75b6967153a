"""What a test-suite imports: assertions about samples with a false-alarm rate and power, strategies, mutants.

    from refapprox.testing import assert_agrees, samples_needed

`assert_agrees` compares samples with a law, `samples_needed` and `min_detectable` say beforehand what that can find,
`refapprox.testing.pytest_plugin` splits one false-alarm rate over a suite. `strategies` draws multipliers, operands and
laws; it alone needs Hypothesis, and is imported when it is first asked for. `MUTANTS` are wrong variants that a suite
must reject. docs/testing_statistics.md walks through an example.
"""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "MUTANTS", "Detectable", "Mutant", "assert_agrees", "asymmetric_multipliers", "conv_shapes", "correlated_codes",
    "distributions", "error_maps", "layers", "law_of", "laws", "linear_shapes", "min_detectable", "moments",
    "multiplier_families", "multiplier_tables", "multipliers", "operand_codes", "quantization_parameters",
    "samples_needed", "strategies",
]

if TYPE_CHECKING:
    from refapprox.testing import strategies
    from refapprox.testing.assertions import assert_agrees
    from refapprox.testing.known_laws import law_of, moments
    from refapprox.testing.multiplier_strategies import (
        asymmetric_multipliers,
        error_maps,
        multiplier_families,
        multiplier_tables,
        multipliers,
    )
    from refapprox.testing.mutants import MUTANTS, Mutant
    from refapprox.testing.power import Detectable, min_detectable, samples_needed
    from refapprox.testing.strategies import (
        conv_shapes,
        correlated_codes,
        distributions,
        laws,
        layers,
        linear_shapes,
        operand_codes,
        quantization_parameters,
    )
else:
    __getattr__, __dir__ = lazy(__name__)
