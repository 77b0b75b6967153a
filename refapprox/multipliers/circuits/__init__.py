"""Circuits as gates: netlists, what builds and simplifies them, what they cost, and the families made of gates.

`families` of the package above lists the families; each of them adds its circuit to a `builder.Builder` and returns
the product word. `graph` takes bits in any order, from files and from `from_wires`. `cost` estimates area, power and
delay of a `Netlist`, `activity` how often its wires toggle.
"""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = ["Netlist", "area", "delay", "from_wires", "power", "simplified", "toggle_rates"]

if TYPE_CHECKING:
    from refapprox.multipliers.circuits.activity import toggle_rates
    from refapprox.multipliers.circuits.builder import simplified
    from refapprox.multipliers.circuits.cost import area, delay, power
    from refapprox.multipliers.circuits.netlist import Netlist
    from refapprox.multipliers.circuits.wiring import from_wires
else:
    __getattr__, __dir__ = lazy(__name__)
