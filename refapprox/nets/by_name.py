"""Networks by the names that commands take."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from refapprox.nets import alexnet, lenet5, mobilenetv2, resnet, vgg
from refapprox.nets.alexnet import AlexNet
from refapprox.nets.approx_net import ApproxNet
from refapprox.nets.lenet5 import LeNet5
from refapprox.nets.mobilenetv2 import MobileNetV2
from refapprox.nets.resnet import DEPTHS, ResNet, noise_search
from refapprox.nets.vgg import CONVOLUTIONS, VGG
from refapprox.validation import check_choice


class Published(NamedTuple):
    """What makes a network, and the settings that it was published with."""

    make: Callable[..., ApproxNet]
    stages: dict
    noise_search: tuple = (0.2, 0.025)      # (lmbd, initial noise): agnapprox's defaults


NETS = {"lenet5": Published(LeNet5, lenet5.STAGES), "alexnet": Published(AlexNet, alexnet.STAGES),
        "mobilenetv2": Published(MobileNetV2, mobilenetv2.STAGES),
        **{f"resnet{depth}": Published(partial(ResNet, depth), resnet.STAGES, noise_search(depth)[::2])
           for depth in DEPTHS},
        **{f"vgg{depth}": Published(partial(VGG, depth), vgg.STAGES) for depth in CONVOLUTIONS}}


def net_names() -> tuple[str, ...]:
    """The names that `make_net` takes.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> net_names()[:4]
    ('lenet5', 'alexnet', 'mobilenetv2', 'resnet8')
    """
    return tuple(NETS)


def make_net(name: str, input_shape: tuple, num_classes: int, **options: Any) -> ApproxNet:
    """The untrained network called `name`.

    Parameters
    ----------
    name : str
        See `net_names`.
    input_shape : tuple (c, h, w)
    num_classes : int
    **options
        What its class takes besides: `rng`, `width`, `stages`, `quantization`, `dtype`.

    Returns
    -------
    ApproxNet

    Raises
    ------
    KeyError
        If there is no network of this name.

    Examples
    --------
    >>> import numpy as np
    >>> make_net("vgg11", (1, 28, 28), 10, width=2, rng=np.random.default_rng(0)).name
    'VGG11'
    """
    return NETS[check_choice("net", name, NETS)].make(input_shape=input_shape, num_classes=num_classes, **options)
