"""Networks under agnapprox's names."""
from refapprox.compat.agnapprox.nets.approxnet import ApproxNet
from refapprox.compat.agnapprox.nets.lenet5 import LeNet5

__all__ = ["ApproxNet", "LeNet5"]
