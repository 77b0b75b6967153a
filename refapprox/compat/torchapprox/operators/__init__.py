"""Low-level operators."""
from refapprox.compat.torchapprox.operators.backend import approx

__all__ = ["approx"]
