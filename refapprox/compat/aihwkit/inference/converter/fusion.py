"""The Fusion chip's converter under aihwkit's module name."""
from refapprox.analog.unpaired_converters import FusionConductanceConverter

__all__ = ["FusionConductanceConverter"]
