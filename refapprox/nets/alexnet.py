"""AlexNet for 32 x 32 images, with its hyperparameters.

Five convolutions with 1, 3, 6, 4 and 4 times `width` channels, three of them followed by pooling, and three linear
layers. For images a seventh of the original size the first kernel is 3 x 3 with stride 2; there is no dropout.

References
----------
A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv:1404.5997, the widths.
Hyperparameters of the stages: E. Trommer, agnapprox.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from refapprox.nets.approx_net import ApproxNet, check_task, he_normal
from refapprox.network import Conv2D, Flatten, Linear, MaxPool2D, ReLU, Sequential
from refapprox.optimizer import StageSettings
from refapprox.quantization import LayerQuantization
from refapprox.validation import check_integer

STAGES = {
    "baseline": StageSettings(epochs=30, lr=1e-2, weight_decay=1e-4, step=10),
    "quant": StageSettings(epochs=8, lr=5e-4, step=4),
    "gradient": StageSettings(epochs=5, lr=5e-4, step=2),
    "approx": StageSettings(epochs=2, lr=1e-3, step=1),
}
HIDDEN = 64      # outputs of the two hidden linear layers, times `width`


class AlexNet(ApproxNet):
    """AlexNet of eight layers that multiply.

    Parameters
    ----------
    input_shape : tuple (c, h, w), optional
    num_classes : int, optional
    width : int, optional
        Channels of the first convolution.
    rng, stages, quantization, dtype
        As of `LeNet5`.

    Raises
    ------
    TypeError
        If the width is no integer, or rng no Generator.
    ValueError
        If the width is below 1.

    Examples
    --------
    >>> net = AlexNet(width=2, rng=np.random.default_rng(0))
    >>> [(name, layer.fan_in) for name, layer in net.noisy_modules][-3:]
    [('linear1', 32), ('linear2', 128), ('linear3', 128)]
    """

    def __init__(self, input_shape: tuple = (3, 32, 32), num_classes: int = 10, *, width: int = 64,
                 rng: np.random.Generator, stages: dict[str, StageSettings] | None = None,
                 quantization: LayerQuantization | None = None, dtype: DTypeLike = np.float32) -> None:
        width = check_integer("width of AlexNet", width, minimum=1)
        layer = {"rng": rng, "dtype": dtype, "quantization": quantization}
        (channels, *size), num_classes = check_task(input_shape, num_classes)
        pixels = np.prod([-(-side // 16) for side in size])      # of the last map: halved four times
        model = Sequential(
            conv1=Conv2D(channels, width, 3, stride=2, padding="same", **layer), relu1=ReLU(),
            pool1=MaxPool2D(2, padding="same"),
            conv2=Conv2D(width, 3 * width, 3, padding=1, **layer), relu2=ReLU(),
            pool2=MaxPool2D(2, padding="same"),
            conv3=Conv2D(3 * width, 6 * width, 3, padding=1, **layer), relu3=ReLU(),
            conv4=Conv2D(6 * width, 4 * width, 3, padding=1, **layer), relu4=ReLU(),
            conv5=Conv2D(4 * width, 4 * width, 3, padding=1, **layer), relu5=ReLU(),
            pool5=MaxPool2D(2, padding="same"),
            flatten=Flatten(),
            linear1=Linear(int(4 * width * pixels), HIDDEN * width, **layer), relu6=ReLU(),
            linear2=Linear(HIDDEN * width, HIDDEN * width, **layer), relu7=ReLU(),
            linear3=Linear(HIDDEN * width, num_classes, **layer),
        )
        super().__init__(model, input_shape, stages or STAGES, rng=rng, name="AlexNet")
        he_normal(self, rng)
