from refapprox.compat.agnapprox.nets import ApproxNet  # noqa: F401
