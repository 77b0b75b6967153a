from refapprox.compat.torchapprox.layers import ApproxLinear  # noqa: F401
