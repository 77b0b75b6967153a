"""Networks under agnapprox's names."""
from refapprox.compat.agnapprox.nets.approxnet import ApproxNet
from refapprox.compat.agnapprox.nets.lenet5 import LeNet5
from refapprox.compat.agnapprox.nets.resnet import ResNet

__all__ = ["ApproxNet", "LeNet5", "ResNet"]
