from refapprox.compat.agnapprox.libs import EvoApprox, EvoApproxLib  # noqa: F401
