"""VGG with batch norm, 11 to 19 layers deep, for small images, with its hyperparameters.

Five groups of 3x3 convolutions with 1, 2, 4, 8 and 8 times `width` channels, each followed by pooling that halves the
image; one linear layer instead of three, for the last map of a 32 x 32 image has a single pixel.

References
----------
K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
arXiv:1409.1556, table 1, columns A, B, D, E. Hyperparameters of the stages: E. Trommer, agnapprox; its learning rate
that drops when the accuracy stagnates is a drop to a fifth every ten epochs here.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from refapprox.nets.approx_net import ApproxNet, check_task, he_normal
from refapprox.network import AvgPool2D, BatchNorm, Conv2D, Flatten, Linear, MaxPool2D, ReLU, Sequential
from refapprox.optimizer import StageSettings
from refapprox.quantization import LayerQuantization
from refapprox.validation import check_choice, check_integer

STAGES = {
    "baseline": StageSettings(epochs=30, lr=5e-2, weight_decay=5e-4, step=10, gamma=0.2),
    "quant": StageSettings(epochs=8, lr=1e-3, step=4),
    "gradient": StageSettings(epochs=3, lr=5e-4, step=2),
    "approx": StageSettings(epochs=2, lr=1e-3, step=1),
}
CONVOLUTIONS = {      # by depth: in each of the five groups
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}
WIDTHS = (1, 2, 4, 8, 8)


class VGG(ApproxNet):
    """VGG; the depth counts the three linear layers of the original, here it is two layers fewer.

    Parameters
    ----------
    depth : {11, 13, 16, 19}, optional
    input_shape : tuple (c, h, w), optional
    num_classes : int, optional
    width : int, optional
        Channels of the first group.
    rng, stages, quantization, dtype
        As of `LeNet5`.

    Raises
    ------
    TypeError
        If the width is no integer, or rng no Generator.
    ValueError
        If the depth is another, or the width below 1.

    Examples
    --------
    >>> net = VGG(11, width=2, rng=np.random.default_rng(0))
    >>> [name for name, _ in net.noisy_modules]
    ['conv1', 'conv2', 'conv3', 'conv4', 'conv5', 'conv6', 'conv7', 'conv8', 'linear']
    """

    def __init__(self, depth: int = 11, input_shape: tuple = (3, 32, 32), num_classes: int = 10, *, width: int = 64,
                 rng: np.random.Generator, stages: dict[str, StageSettings] | None = None,
                 quantization: LayerQuantization | None = None, dtype: DTypeLike = np.float32) -> None:
        depth = check_choice("depth of VGG", depth, CONVOLUTIONS)
        width = check_integer("width of VGG", width, minimum=1)
        layer = {"rng": rng, "dtype": dtype, "quantization": quantization}
        (channels, *size), num_classes = check_task(input_shape, num_classes)
        layers, index = {}, 0
        for group, (factor, count) in enumerate(zip(WIDTHS, CONVOLUTIONS[depth], strict=True), start=1):
            for _ in range(count):
                index += 1
                layers |= {f"conv{index}": Conv2D(channels, factor * width, 3, padding=1, bias=False, **layer),
                           f"bn{index}": BatchNorm(factor * width, dtype=dtype), f"relu{index}": ReLU()}
                channels = factor * width
            layers[f"pool{group}"] = MaxPool2D(2, padding="same")
            size = [-(-side // 2) for side in size]
        layers |= {"average": AvgPool2D(tuple(size)), "flatten": Flatten(),
                   "linear": Linear(channels, num_classes, **layer)}
        super().__init__(Sequential(**layers), input_shape, stages or STAGES, rng=rng, name=f"VGG{depth}")
        he_normal(self, rng)
