"""Layers own parameters and a mode; the mathematics is in `refapprox.ops`."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "MODES", "AvgPool2D", "BatchNorm", "Conv2D", "Flatten", "Layer", "Linear", "MaxPool2D", "MultiplyingLayer",
    "Parameter", "ReLU", "Residual", "Sequential", "Subsample",
]

if TYPE_CHECKING:
    from refapprox.network.layers import AvgPool2D, BatchNorm, Flatten, MaxPool2D, ReLU, Subsample
    from refapprox.network.module import Layer, Parameter, Residual, Sequential
    from refapprox.network.multiplying import MODES, Conv2D, Linear, MultiplyingLayer
else:
    __getattr__, __dir__ = lazy(__name__)
