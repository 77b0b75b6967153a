"""Low-level operators, forward and backward."""
from refapprox.compat.torchapprox.operators.approxgemm import ApproxGeMM
from refapprox.compat.torchapprox.operators.backend import approx, dwconv2d
from refapprox.compat.torchapprox.operators.conv2d import ApproxConv2dOp

__all__ = ["ApproxConv2dOp", "ApproxGeMM", "approx", "dwconv2d"]
