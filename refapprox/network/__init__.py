"""Layers own parameters and a mode; the mathematics is in `refapprox.ops`."""
from refapprox.network.layers import AvgPool2D, BatchNorm, Flatten, MaxPool2D, ReLU, Subsample
from refapprox.network.module import Layer, Parameter, Residual, Sequential
from refapprox.network.multiplying import MODES, Conv2D, Linear, MultiplyingLayer

__all__ = ["AvgPool2D", "BatchNorm", "Conv2D", "Flatten", "Layer", "Linear", "MODES", "MaxPool2D",
           "MultiplyingLayer", "Parameter", "ReLU", "Residual", "Sequential", "Subsample"]
