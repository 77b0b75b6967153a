"""Residual networks for small images, 6 n + 2 layers deep, with their hyperparameters.

A 3x3 convolution, three stages of n blocks with 1, 2 and 4 times `width` channels, the second and third stage halving
the image, global average pooling, and a linear layer. A block is

    y = relu(x' + bn(conv3x3(relu(bn(conv3x3(x))))))

where x' is x, subsampled and padded with empty channels where the block shrinks and widens.

References
----------
K. He, X. Zhang, S. Ren, J. Sun, CVPR 2016, arXiv:1512.03385, section 4.2. Hyperparameters of the stages: E. Trommer,
agnapprox 0.1; of the noise search: E. Trommer et al., "QoS-Nets", arXiv:2410.07762, its code.
"""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from refapprox.datasets import DataModule
from refapprox.nets.approx_net import ApproxNet, check_task, he_normal
from refapprox.network import AvgPool2D, BatchNorm, Conv2D, Flatten, Linear, ReLU, Residual, Sequential, Subsample
from refapprox.optimizer import StageSettings
from refapprox.quantization import LayerQuantization
from refapprox.validation import check_choice, check_integer

STAGES = {
    "baseline": StageSettings(epochs=180, lr=0.1, weight_decay=1e-4, milestones=(90, 135)),
    "quant": StageSettings(epochs=30, lr=1e-2, step=10),
    "gradient": StageSettings(epochs=30, lr=0.1, step=10),
    "approx": StageSettings(epochs=10, lr=1e-3, step=4),
}


class NoiseSearch(NamedTuple):
    """Settings of a noise search: weight of the noise term, cap and start of the noise levels."""

    lmbd: float
    sigma_max: float
    initial_noise: float


NOISE_SEARCH = {      # by depth
    8: NoiseSearch(0.3, 0.3, 0.1),
    14: NoiseSearch(0.3, 0.15, 0.05),
    20: NoiseSearch(0.2, 0.075, 0.01),
    32: NoiseSearch(0.15, 0.075, 0.01),
}
DEPTHS = (*NOISE_SEARCH, 44, 56)      # the last two search as the deepest published one


def noise_search(depth):
    """The published NoiseSearch of `depth`, that of the deepest one beyond it."""
    return NOISE_SEARCH[min(depth, max(NOISE_SEARCH))]


class ResNet(ApproxNet):
    """Residual network of `depth` layers that multiply.

    Parameters
    ----------
    depth : {8, 14, 20, 32, 44, 56}, optional
    input_shape : tuple (c, h, w), optional
    num_classes : int, optional
    width : int, optional
        Channels of the first stage.
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
    >>> net = ResNet(8, rng=np.random.default_rng(0))
    >>> len(net.noisy_modules), net.noisy_modules[-1][0]
    (8, 'linear')
    """

    def __init__(self, depth: int = 8, input_shape: tuple = (3, 32, 32), num_classes: int = 10, *, width: int = 16,
                 rng: np.random.Generator, stages: dict[str, StageSettings] | None = None,
                 quantization: LayerQuantization | None = None, dtype: DTypeLike = np.float32) -> None:
        depth = check_choice("depth of ResNet", depth, DEPTHS)
        width = check_integer("width of ResNet", width, minimum=1)
        options = {"rng": rng, "dtype": dtype, "quantization": quantization}
        (channels, height, image_width), num_classes = check_task(input_shape, num_classes)
        layers = {"conv1": Conv2D(channels, width, 3, padding=1, bias=False, **options),
                  "bn1": BatchNorm(width, dtype=dtype), "relu1": ReLU()}
        c_in = width
        for stage, factor in enumerate((1, 2, 4), start=1):
            blocks = {}
            for index in range((depth - 2) // 6):
                blocks[str(index)] = block(c_in, factor * width, 2 if factor > 1 and index == 0 else 1, options)
                c_in = factor * width
            layers[f"layer{stage}"] = Sequential(**blocks)
        layers |= {"pool": AvgPool2D((-(-height // 4), -(-image_width // 4))), "flatten": Flatten(),
                   "linear": Linear(c_in, num_classes, **options)}
        self.noise_search = noise_search(depth)
        super().__init__(Sequential(**layers), input_shape, stages or STAGES, rng=rng, name=f"ResNet{depth}",
                         sigma_max=self.noise_search.sigma_max)
        he_normal(self, rng)

    def train_gradient(self, datamodule: DataModule, lmbd: float | None = None, initial_noise: float | None = None,
                       epochs: int | None = None, test: bool = False, **options: Any) -> tuple | None:
        """As `ApproxNet.train_gradient`, with the published settings of this depth where they are not given.

        Parameters
        ----------
        datamodule, lmbd, initial_noise, epochs, test, **options
            As there.
        """
        published = self.noise_search
        return super().train_gradient(datamodule, published.lmbd if lmbd is None else lmbd,
                                      published.initial_noise if initial_noise is None else initial_noise,
                                      epochs, test, **options)


def block(c_in, c_out, stride, options):
    """Two convolutions beside a shortcut."""
    dtype = options["dtype"]
    main = Sequential(
        conv1=Conv2D(c_in, c_out, 3, stride=stride, padding=1, bias=False, **options),
        bn1=BatchNorm(c_out, dtype=dtype), relu=ReLU(),
        conv2=Conv2D(c_out, c_out, 3, padding=1, bias=False, **options), bn2=BatchNorm(c_out, dtype=dtype))
    shortcut = None if stride == 1 and c_in == c_out else Subsample(c_out, stride)
    return Sequential(residual=Residual(main, shortcut), relu=ReLU())


def ResNet8(input_shape: tuple = (3, 32, 32), num_classes: int = 10, **options: Any) -> ResNet:
    """`ResNet` of 8 layers.

    Parameters
    ----------
    input_shape, num_classes, **options
        As of `ResNet`.

    Returns
    -------
    ResNet

    Examples
    --------
    >>> ResNet8(width=2, rng=np.random.default_rng(0)).name
    'ResNet8'
    """
    return ResNet(8, input_shape, num_classes, **options)
