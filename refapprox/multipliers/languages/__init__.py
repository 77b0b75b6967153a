"""Circuits that others wrote: sources read as netlists, and netlists written out.

`read_circuit` and `read_netlist` read every language: C, Verilog, BLIF, chromosomes, Yosys' JSON. Behind them,
`sources` knows the languages, `circuits.graph` makes gates of bits in any order, `ports` finds the two operands and
the result, `hierarchy` expands models of named bits; `verilog/`, `c/`, `blif`, `cgp`, `yosys_json` hold a syntax each.
"""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = ["read_circuit", "read_netlist", "write_blif", "write_verilog"]

if TYPE_CHECKING:
    from refapprox.multipliers.languages.blif import write_blif
    from refapprox.multipliers.languages.reader import read_circuit, read_netlist
    from refapprox.multipliers.languages.verilog.source import write as write_verilog
else:
    __getattr__, __dir__ = lazy(__name__)
