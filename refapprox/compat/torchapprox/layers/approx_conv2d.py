from refapprox.compat.torchapprox.layers import ApproxConv2d  # noqa: F401
