"""Networks under agnapprox's names; `approxnet` has what they share."""
from typing import Any

import numpy as np

from refapprox import nets
from refapprox._lazy import doors
from refapprox.compat.agnapprox.nets.approxnet import ApproxNet
from refapprox.nets.resnet import NOISE_SEARCH
from refapprox.nets.vgg import CONVOLUTIONS
from refapprox.validation import check_choice, generator_or_fresh

__all__ = ["AlexNet", "ApproxNet", "LeNet5", "MobileNetV2", "ResNet", "VGG"]

LAYER_NAMES = {"conv1": "model.conv1.0", "conv2": "model.conv2.0"}      # the linear layers follow the rule


class LeNet5(ApproxNet):
    """`refapprox.nets.LeNet5` with the published names.

    Parameters
    ----------
    rng : numpy.random.Generator, optional
        Initial weights, shuffling and noise; a fresh one where it is None.

    Examples
    --------
    >>> [name for name, _ in LeNet5(rng=np.random.default_rng(0)).noisy_modules]
    ['model.conv1.0', 'model.conv2.0', 'model.linear1', 'model.linear2', 'model.linear3']
    """

    def __init__(self, *, rng: np.random.Generator | None = None) -> None:
        super().__init__(nets.LeNet5(rng=generator_or_fresh(rng)), LAYER_NAMES)


class ResNet(ApproxNet):
    """`refapprox.nets.ResNet` with the published names, for CIFAR-10's shape unless told otherwise.

    Parameters
    ----------
    resnet_size : {"ResNet8", "ResNet14", "ResNet20", "ResNet32"}, optional
    rng : numpy.random.Generator, optional
        A fresh one where it is None.
    **options
        `input_shape`, `num_classes`, `width` of `refapprox.nets.ResNet`.

    Examples
    --------
    >>> net = ResNet("ResNet8", rng=np.random.default_rng(0), input_shape=(1, 8, 8), width=2)
    >>> len(net.noisy_modules), net.sigma_max
    (8, 0.5)
    """

    def __init__(self, resnet_size: str = "ResNet8", *, rng: np.random.Generator | None = None,
                 **options: Any) -> None:
        depths = {f"ResNet{depth}": depth for depth in NOISE_SEARCH}
        depth = depths[check_choice("resnet_size", resnet_size, depths)]
        net = nets.ResNet(depth, rng=generator_or_fresh(rng), **options)
        super().__init__(net, {name: f"model.{name.replace('.residual.main', '')}" for name, _ in net.noisy_modules})
        self.sigma_max = 0.5      # of release 0.1, whose noise search does not depend on the depth


class Pretrained(ApproxNet):
    """Base of the networks that upstream takes from torchvision, with ImageNet's weights unless told otherwise.

    There are no such weights here: `pretrained` is False, and True a ValueError. Networks are those for 32 x 32 images.
    """

    def __init__(self, name, make, num_classes, pretrained, rng, options):
        if pretrained:
            raise ValueError(f"pretrained of {name} must be False: refapprox has no ImageNet weights. Train the "
                             f"baseline, or load weights of your own with net.load_state.")
        super().__init__(make(num_classes=num_classes, rng=generator_or_fresh(rng), **options))
        self.name, self.topk = name, (1, 5)


class VGG(Pretrained):
    """`refapprox.nets.VGG` with the published names.

    Parameters
    ----------
    vgg_size : {"VGG11", "VGG13", "VGG16", "VGG19"}, optional
    num_classes : int, optional
    pretrained : bool, optional
        False only: there are no ImageNet weights here.
    rng : numpy.random.Generator, optional
        A fresh one where it is None.
    **options
        `input_shape`, `width` of `refapprox.nets.VGG`.

    Raises
    ------
    ValueError
        If pretrained is True, or the size another.

    Examples
    --------
    >>> net = VGG("VGG13", num_classes=10, width=2, rng=np.random.default_rng(0))
    >>> net.name, net.topk, len(net.noisy_modules)
    ('VGG13', (1, 5), 11)
    """

    def __init__(self, vgg_size: str = "VGG11", num_classes: int = 200, pretrained: bool = False, *,
                 rng: np.random.Generator | None = None, **options: Any) -> None:
        depths = {f"VGG{depth}": depth for depth in CONVOLUTIONS}
        depth = depths[check_choice("vgg_size", vgg_size, depths)]
        super().__init__(vgg_size, nets.VGG, num_classes, pretrained, rng, {"depth": depth, **options})


class AlexNet(Pretrained):
    """`refapprox.nets.AlexNet` with the published names.

    Parameters
    ----------
    num_classes, pretrained, rng
        As of `VGG`.
    **options
        `input_shape`, `width` of `refapprox.nets.AlexNet`.

    Examples
    --------
    >>> AlexNet(num_classes=10, width=2, rng=np.random.default_rng(0)).epochs["gradient_search"]
    5
    """

    def __init__(self, num_classes: int = 200, pretrained: bool = False, *, rng: np.random.Generator | None = None,
                 **options: Any) -> None:
        super().__init__("AlexNet", nets.AlexNet, num_classes, pretrained, rng, options)


class MobileNetV2(Pretrained):
    """`refapprox.nets.MobileNetV2` with the published names.

    Parameters
    ----------
    num_classes, pretrained, rng
        As of `VGG`.
    **options
        `input_shape`, `width`, `groups` of `refapprox.nets.MobileNetV2`.

    Examples
    --------
    >>> len(MobileNetV2(num_classes=10, width=4, rng=np.random.default_rng(0)).noisy_modules)
    53
    """

    def __init__(self, num_classes: int = 200, pretrained: bool = False, *, rng: np.random.Generator | None = None,
                 **options: Any) -> None:
        super().__init__("MobileNetV2", nets.MobileNetV2, num_classes, pretrained, rng, options)


doors(__name__)
