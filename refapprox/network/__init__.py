"""Layers own parameters and a mode; the mathematics is in `refapprox.ops`."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "MODES", "Add", "AvgPool2D", "BatchNorm", "Clip", "Concat", "Conv2D", "FakeQuantize", "Flatten", "Graph", "Layer",
    "Linear", "MaxPool2D", "MultiplyingLayer", "Node", "Pad", "Parameter", "ReLU", "Residual", "ScaleShift",
    "Sequential", "Subsample",
]

if TYPE_CHECKING:
    from refapprox.network.convolution import Conv2D
    from refapprox.network.fully_connected import Linear
    from refapprox.network.graph import Add, Concat, Graph, Node
    from refapprox.network.layers import (
        AvgPool2D,
        BatchNorm,
        Clip,
        FakeQuantize,
        Flatten,
        MaxPool2D,
        Pad,
        ReLU,
        ScaleShift,
        Subsample,
    )
    from refapprox.network.module import Layer, Parameter, Residual, Sequential
    from refapprox.network.multiplying import MODES, MultiplyingLayer
else:
    __getattr__, __dir__ = lazy(__name__)
