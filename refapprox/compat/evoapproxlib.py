from refapprox.compat.agnapprox.libs import ApproximateMultiplier, EvoApproxLib  # noqa: F401
