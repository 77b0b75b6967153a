"""The test of the suite: for every known mistake an adapter that makes it, and nothing else wrong.

    refapprox conformance run --adapter "refapprox.conformance.mutants:Mutant:transposed table"

shows what a diagnosis looks like. A mutant changes refapprox's own adapter; the cases' wrong values come from the
generator's plain definitions, so that mistake and diagnosis are two pieces of code.
"""
from refapprox.conformance.mutants import (
    analog,
    convolution,
    devices,
    layers,
    matching,
    quantization,
    readout,
    statistics,
    strategies,
    tables,
    zero_points,
)
from refapprox.conformance.mutants.registry import MUTANTS

__all__ = ["MUTANTS", "Mutant", "analog", "convolution", "devices", "layers", "matching", "quantization", "readout",
           "statistics", "strategies", "tables", "zero_points"]


def Mutant(mistake):
    """The adapter that makes `mistake`."""
    if mistake not in MUTANTS:
        raise ValueError(f"mistake must be one of {', '.join(sorted(MUTANTS))}, got {mistake!r}.")
    adapter = MUTANTS[mistake]()
    adapter.name = f"mutant: {mistake}"
    return adapter
