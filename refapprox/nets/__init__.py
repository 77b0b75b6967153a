"""Networks with their hyperparameters."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "VGG", "AlexNet", "ApproxNet", "LeNet5", "MobileNetV2", "ResNet", "ResNet8", "StageSettings", "make_net",
    "net_names",
]

if TYPE_CHECKING:
    from refapprox.nets.alexnet import AlexNet
    from refapprox.nets.approx_net import ApproxNet
    from refapprox.nets.by_name import make_net, net_names
    from refapprox.nets.lenet5 import LeNet5
    from refapprox.nets.mobilenetv2 import MobileNetV2
    from refapprox.nets.resnet import ResNet, ResNet8
    from refapprox.nets.vgg import VGG
    from refapprox.optimizer import StageSettings
else:
    __getattr__, __dir__ = lazy(__name__)
