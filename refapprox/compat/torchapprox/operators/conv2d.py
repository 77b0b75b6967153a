from refapprox.compat.torchapprox.operators import ApproxConv2dOp, Conv2dArgs  # noqa: F401
