"""Networks with their hyperparameters."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "ApproxNet", "LeNet5", "ResNet", "ResNet8",
]

if TYPE_CHECKING:
    from refapprox.nets.approx_net import ApproxNet
    from refapprox.nets.lenet5 import LeNet5
    from refapprox.nets.resnet import ResNet, ResNet8
else:
    __getattr__, __dir__ = lazy(__name__)
