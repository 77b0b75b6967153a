"""Layers that do not multiply activations with weights: normalization, activation, pooling, shape."""
import numpy as np

from refapprox.network.module import Layer, Parameter
from refapprox.ops import (
    avg_pool2d,
    batch_norm,
    clip,
    fake_quantize,
    flatten,
    max_pool2d,
    pad,
    relu,
    scale_shift,
    subsample,
)


class BatchNorm(Layer):
    """Batch normalization over (n, c) or (n, c, h, w); running statistics as PyTorch defines them."""

    def __init__(self, channels, *, momentum=0.1, eps=1e-5, dtype=np.float32):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.parameters = {"gamma": Parameter(np.ones(channels, dtype)), "beta": Parameter(np.zeros(channels, dtype))}
        self.buffers = {"running_mean": np.zeros(channels, dtype), "running_var": np.ones(channels, dtype)}

    def forward(self, x, *, training=False):
        gamma, beta = (self.parameters[key].value for key in ("gamma", "beta"))
        y, (mean, var), cache = batch_norm.forward(
            x, gamma, beta, self.buffers["running_mean"], self.buffers["running_var"],
            training=training, momentum=self.momentum, eps=self.eps)
        if training:
            self.buffers["running_mean"][...], self.buffers["running_var"][...] = mean, var
            self._cache = cache
        return y

    def backward(self, dy, *, need_dx=True):
        dx, dgamma, dbeta = batch_norm.backward(dy, self.remembered())
        self.parameters["gamma"].grad, self.parameters["beta"].grad = dgamma, dbeta
        return dx


class PureLayer(Layer):
    """A layer without parameters around one operation of `refapprox.ops`."""

    def __init__(self, op, **options):
        super().__init__()
        self.op, self.options = op, options

    def forward(self, x, *, training=False):
        y, cache = self.op.forward(x, **self.options)
        if training:
            self._cache = cache
        return y

    def backward(self, dy, *, need_dx=True):
        return self.op.backward(dy, self.remembered())


class ReLU(PureLayer):
    def __init__(self):
        super().__init__(relu)


class Flatten(PureLayer):
    def __init__(self):
        super().__init__(flatten)


class MaxPool2D(PureLayer):
    def __init__(self, kernel, stride=None, padding=0):
        super().__init__(max_pool2d, kernel=kernel, stride=stride, padding=padding)


class AvgPool2D(PureLayer):
    def __init__(self, kernel, stride=None, padding=0):
        super().__init__(avg_pool2d, kernel=kernel, stride=stride, padding=padding)


class Subsample(PureLayer):
    """The shortcut of a residual block that shrinks and widens."""

    def __init__(self, channels, stride=1):
        super().__init__(subsample, channels=channels, stride=stride)


class Clip(PureLayer):
    """Values held within [low, high]; ReLU6 is ``Clip(0, 6)``."""

    def __init__(self, low=-np.inf, high=np.inf):
        super().__init__(clip, low=low, high=high)


class Pad(PureLayer):
    """A constant around maps and channels: `widths` has one (before, after) for every axis after the batch."""

    def __init__(self, widths, value=0.0):
        super().__init__(pad, widths=widths, value=value)


class ScaleShift(PureLayer):
    """A fixed factor and summand for every position, neither of them trained."""

    def __init__(self, factor=1.0, summand=0.0):
        super().__init__(scale_shift, factor=factor, summand=summand)


class FakeQuantize(PureLayer):
    """Real numbers replaced by those that their codes stand for, with fixed `parameters`; straight-through backward."""

    def __init__(self, parameters):
        super().__init__(fake_quantize, scale=parameters.scale, zero_point=parameters.zero_point,
                         qmin=parameters.qmin, qmax=parameters.qmax)
        self.quantization_parameters = parameters
