"""MobileNetV2 for small images, with its hyperparameters.

A block widens its input `expansion` times by a 1x1 convolution, convolves every channel for itself (depthwise), and
narrows the result by a 1x1 convolution without an activation, the linear bottleneck:

    y = bn(conv1x1(relu6(bn(depthwise3x3(relu6(bn(conv1x1(x))))))))       + x where the shape allows it

For 32 x 32 images the first convolution and the first two groups of blocks keep the size, as is customary.

References
----------
M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
CVPR 2018, arXiv:1801.04381, table 2. Hyperparameters of the stages: E. Trommer, agnapprox.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from refapprox.nets.approx_net import ApproxNet, check_task, he_normal
from refapprox.network import AvgPool2D, BatchNorm, Clip, Conv2D, Flatten, Linear, Residual, Sequential
from refapprox.optimizer import StageSettings
from refapprox.quantization import LayerQuantization
from refapprox.validation import check_integer, check_sizes

STAGES = {
    "baseline": StageSettings(epochs=30, lr=1e-1, weight_decay=1e-4, step=10),
    "quant": StageSettings(epochs=8, lr=5e-3, step=4),
    "gradient": StageSettings(epochs=5, lr=5e-3, step=2),
    "approx": StageSettings(epochs=2, lr=3e-3, step=1),
}
GROUPS = (      # expansion, channels at width 32, blocks, stride of the first
    (1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)
LAST = 1280     # channels before the linear layer at width 32


class MobileNetV2(ApproxNet):
    """MobileNetV2 of 53 layers that multiply.

    Parameters
    ----------
    input_shape : tuple (c, h, w), optional
    num_classes : int, optional
    width : int, optional
        Channels of the first convolution; all others follow in proportion.
    groups : sequence of (expansion, channels, blocks, stride), optional
        The published seven unless given; channels at width 32.
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
    >>> net = MobileNetV2(width=4, rng=np.random.default_rng(0))
    >>> len(net.noisy_modules), net.noisy_modules[1][1].groups
    (53, 4)
    """

    def __init__(self, input_shape: tuple = (3, 32, 32), num_classes: int = 10, *, width: int = 32,
                 groups: tuple = GROUPS, rng: np.random.Generator, stages: dict[str, StageSettings] | None = None,
                 quantization: LayerQuantization | None = None, dtype: DTypeLike = np.float32) -> None:
        width = check_integer("width of MobileNetV2", width, minimum=1)
        layer = {"rng": rng, "dtype": dtype, "quantization": quantization}
        ((channels, *size), num_classes), c_in = check_task(input_shape, num_classes), width
        groups = [check_sizes(f"groups[{i}]", group, minimum=1, count=4) for i, group in enumerate(groups)]
        layers = {"first": convolution(channels, width, 3, 1, 1, layer)}
        for number, (expansion, c_out, blocks, stride) in enumerate(groups, start=1):
            c_out = max(1, round(c_out * width / 32))
            for index in range(blocks):
                layers[f"block{number}_{index}"] = bottleneck(c_in, c_out, expansion, 1 if index else stride, layer)
                c_in = c_out
            size = [-(-side // stride) for side in size]
        last = max(1, round(LAST * width / 32))
        layers |= {"last": convolution(c_in, last, 1, 1, 1, layer), "average": AvgPool2D(tuple(size)),
                   "flatten": Flatten(), "linear": Linear(last, num_classes, **layer)}
        super().__init__(Sequential(**layers), input_shape, stages or STAGES, rng=rng, name="MobileNetV2")
        he_normal(self, rng)


def convolution(c_in, c_out, kernel, stride, groups, layer):
    """Convolution, batch norm and ReLU6."""
    return Sequential(conv=Conv2D(c_in, c_out, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False,
                                  **layer),
                      bn=BatchNorm(c_out, dtype=layer["dtype"]), relu6=Clip(0, 6))


def bottleneck(c_in, c_out, expansion, stride, layer):
    """A block; its input is added where neither size nor channels change."""
    wide = expansion * c_in
    parts = {} if expansion == 1 else {"expand": convolution(c_in, wide, 1, 1, 1, layer)}
    parts |= {"depthwise": convolution(wide, wide, 3, stride, wide, layer),
              "project": Conv2D(wide, c_out, 1, bias=False, **layer), "bn": BatchNorm(c_out, dtype=layer["dtype"])}
    block = Sequential(**parts)
    return Residual(block) if stride == 1 and c_in == c_out else block
