"""The base of the conductance converters under aihwkit's module name."""
from refapprox.analog.converters import ConductanceConverter as BaseConductanceConverter

__all__ = ["BaseConductanceConverter"]
