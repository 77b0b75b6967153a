"""Networks by the names that commands take."""
from __future__ import annotations

from functools import partial
from typing import Any

from refapprox.nets import alexnet, lenet5, mobilenetv2, resnet, vgg
from refapprox.nets.alexnet import AlexNet
from refapprox.nets.approx_net import ApproxNet
from refapprox.nets.lenet5 import LeNet5
from refapprox.nets.mobilenetv2 import MobileNetV2
from refapprox.nets.resnet import DEPTHS, ResNet
from refapprox.nets.vgg import CONVOLUTIONS, VGG
from refapprox.validation import check_choice

NETS = {"lenet5": LeNet5, "alexnet": AlexNet, "mobilenetv2": MobileNetV2,
        **{f"resnet{depth}": partial(ResNet, depth) for depth in DEPTHS},
        **{f"vgg{depth}": partial(VGG, depth) for depth in CONVOLUTIONS}}


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
    return NETS[check_choice("net", name, NETS)](input_shape=input_shape, num_classes=num_classes, **options)


def published_stages(name):
    """Published settings of the four stages for the network called `name`."""
    return {"lenet5": lenet5, "alexnet": alexnet, "mobilenetv2": mobilenetv2, "resnet": resnet, "vgg": vgg}[
        name if name in ("lenet5", "mobilenetv2") else name.rstrip("0123456789")].STAGES


def published_noise_search(name):
    """(lmbd, initial noise) published for the network called `name`; agnapprox's defaults where there are none."""
    if name.startswith("resnet"):
        found = resnet.noise_search(int(name.removeprefix("resnet")))
        return found.lmbd, found.initial_noise
    return 0.2, 0.025
