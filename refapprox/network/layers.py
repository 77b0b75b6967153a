"""Layers that do not multiply activations with weights: normalization, activation, pooling, shape."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

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
from refapprox.quantization import QuantizationParameters
from refapprox.validation import check_array, check_integer


class BatchNorm(Layer):
    """Batch normalization over (n, c) or (n, c, h, w); running statistics as PyTorch defines them.

    Parameters
    ----------
    channels : int
    momentum : float, optional
        Weight of the newest batch in the running statistics.
    eps : float, optional
    dtype : float32 or float64, optional

    Attributes
    ----------
    batches_seen : int or None
        While it is a number, forward passes normalize by the batch and average its statistics over all batches seen:
        see `ApproxNet.recalibrate_batch_norm`.

    Examples
    --------
    >>> BatchNorm(1).forward(np.array([[1.0], [3.0]]), training=True).round(4).tolist()
    [[-1.0], [1.0]]
    """

    def __init__(self, channels: int, *, momentum: float = 0.1, eps: float = 1e-5, dtype: DTypeLike = np.float32
                 ) -> None:
        super().__init__()
        channels = check_integer("channels", channels, minimum=1)
        self.momentum, self.eps, self.batches_seen = momentum, eps, None
        self.parameters = {"gamma": Parameter(np.ones(channels, dtype)), "beta": Parameter(np.zeros(channels, dtype))}
        self.buffers = {"running_mean": np.zeros(channels, dtype), "running_var": np.ones(channels, dtype)}

    def forward(self, x: NDArray, *, training: bool = False) -> NDArray:
        gamma, beta = (self.parameters[key].value for key in ("gamma", "beta"))
        averaging = self.batches_seen is not None
        y, (mean, var), cache = batch_norm.forward(
            x, gamma, beta, self.buffers["running_mean"], self.buffers["running_var"],
            training=training or averaging, momentum=1 / (self.batches_seen + 1) if averaging else self.momentum,
            eps=self.eps, workers=self.workers)
        if training or averaging:
            self.buffers["running_mean"][...], self.buffers["running_var"][...] = mean, var
        if averaging:
            self.batches_seen += 1
        if training:
            self._cache = cache
        return y

    def backward(self, dy: NDArray, *, need_dx: bool = True) -> NDArray | None:
        dx, dgamma, dbeta = batch_norm.backward(dy, self.remembered(), workers=self.workers)
        self.parameters["gamma"].grad, self.parameters["beta"].grad = dgamma, dbeta
        return dx


class PureLayer(Layer):
    """A layer without parameters around one operation of `refapprox.ops`, the class's `op`."""

    op = None
    shared = False      # whether the operation takes workers

    def __init__(self, **options):
        super().__init__()
        self.options = {name: tuple(value) if hasattr(value, "__next__") else value for name, value in options.items()}

    def _workers(self):
        return {"workers": self.workers} if self.shared else {}

    def forward(self, x: NDArray, *, training: bool = False) -> NDArray:
        y, cache = self.op.forward(x, **self.options, **self._workers())
        if training:
            self._cache = cache
        return y

    def backward(self, dy: NDArray, *, need_dx: bool = True) -> NDArray:
        return self.op.backward(dy, self.remembered(), **self._workers())


class ReLU(PureLayer):
    """max(x, 0).

    Examples
    --------
    >>> ReLU().forward(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    op, shared = relu, True

    def __init__(self) -> None:
        super().__init__()


class Flatten(PureLayer):
    """All axes but the batch in one.

    Examples
    --------
    >>> Flatten().forward(np.zeros((2, 3, 4, 4))).shape
    (2, 48)
    """

    op = flatten

    def __init__(self) -> None:
        super().__init__()


class MaxPool2D(PureLayer):
    """Largest value of each window; see `ops.max_pool2d`.

    Parameters
    ----------
    kernel : int or (vertical, horizontal)
    stride : int or (vertical, horizontal), optional
        The kernel unless given.
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)) or "same", optional

    Examples
    --------
    >>> MaxPool2D(2).forward(np.array([[[[0.0, 1.0], [4.0, 5.0]]]])).tolist()
    [[[[5.0]]]]
    """

    op = max_pool2d

    def __init__(self, kernel: int | tuple, stride: int | tuple | None = None, padding: int | tuple | str = 0) -> None:
        super().__init__(kernel=kernel, stride=stride, padding=padding)


class AvgPool2D(PureLayer):
    """Mean of each window; see `ops.avg_pool2d`.

    Parameters
    ----------
    kernel : int or (vertical, horizontal)
    stride : int or (vertical, horizontal), optional
        The kernel unless given.
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)) or "same", optional

    Examples
    --------
    >>> AvgPool2D(2).forward(np.array([[[[0.0, 1.0], [4.0, 5.0]]]])).tolist()
    [[[[2.5]]]]
    """

    op = avg_pool2d

    def __init__(self, kernel: int | tuple, stride: int | tuple | None = None, padding: int | tuple | str = 0) -> None:
        super().__init__(kernel=kernel, stride=stride, padding=padding)


class Subsample(PureLayer):
    """The shortcut of a residual block that shrinks and widens.

    Parameters
    ----------
    channels : int
        Of the result.
    stride : int, optional

    Examples
    --------
    >>> Subsample(4, 2).forward(np.ones((1, 2, 6, 6))).shape
    (1, 4, 3, 3)
    """

    op = subsample

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__(channels=channels, stride=stride)


class Clip(PureLayer):
    """Values held within [low, high]; ReLU6 is ``Clip(0, 6)``.

    Parameters
    ----------
    low, high : float, optional

    Examples
    --------
    >>> Clip(0, 6).forward(np.array([-1.0, 9.0])).tolist()
    [0.0, 6.0]
    """

    op, shared = clip, True

    def __init__(self, low: float = -np.inf, high: float = np.inf) -> None:
        super().__init__(low=low, high=high)


class Pad(PureLayer):
    """A constant around maps and channels.

    Parameters
    ----------
    widths : tuple of (before, after)
        One pair per axis after the batch.
    value : float, optional

    Examples
    --------
    >>> Pad(((1, 0),)).forward(np.ones((1, 2))).tolist()
    [[0.0, 1.0, 1.0]]
    """

    op = pad

    def __init__(self, widths: tuple, value: float = 0.0) -> None:
        super().__init__(widths=check_array("widths of pad", widths, kinds="iu").tolist(), value=value)


class ScaleShift(PureLayer):
    """A fixed factor and summand for every position, neither of them trained.

    Parameters
    ----------
    factor, summand : arrays that broadcast against one sample, optional

    Examples
    --------
    >>> ScaleShift(2.0, 1.0).forward(np.ones((1, 2))).tolist()
    [[3.0, 3.0]]
    """

    op = scale_shift

    def __init__(self, factor: ArrayLike = 1.0, summand: ArrayLike = 0.0) -> None:
        super().__init__(factor=factor, summand=summand)


class FakeQuantize(PureLayer):
    """Real numbers replaced by those that their codes stand for; straight-through backward.

    Parameters
    ----------
    parameters : QuantizationParameters
        Fixed.

    Examples
    --------
    >>> from refapprox.quantization import QuantizationParameters
    >>> FakeQuantize(QuantizationParameters(0.25)).forward(np.array([0.3])).tolist()
    [0.25]
    """

    op = fake_quantize

    def __init__(self, parameters: QuantizationParameters) -> None:
        super().__init__(scale=parameters.scale, zero_point=parameters.zero_point, qmin=parameters.qmin,
                         qmax=parameters.qmax)
        self.quantization_parameters = parameters
