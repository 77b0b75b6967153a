from refapprox.compat.torchapprox.operators import ApproxGeMM  # noqa: F401
