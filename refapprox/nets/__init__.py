"""Networks with their hyperparameters."""
from refapprox.nets.approx_net import ApproxNet
from refapprox.nets.lenet5 import LeNet5
from refapprox.nets.resnet import ResNet, ResNet8

__all__ = ["ApproxNet", "LeNet5", "ResNet", "ResNet8"]
