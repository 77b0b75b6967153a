"""The package that agnapprox's published tutorial imports its multipliers from."""
from refapprox.compat.agnapprox.libs.approxlib import ApproximateMultiplier
from refapprox.compat.agnapprox.libs.evoapprox import EvoApproxLib

__all__ = ["ApproximateMultiplier", "EvoApproxLib"]
