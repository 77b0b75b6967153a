"""Convolution, in the four modes of `multiplying`."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from refapprox.network.multiplying import MultiplyingLayer
from refapprox.ops import conv2d
from refapprox.ops.lut_conv2d import conv2d_sums
from refapprox.ops.patches import geometry
from refapprox.quantization import LayerQuantization
from refapprox.validation import check_integer


class Conv2D(MultiplyingLayer):
    """Convolution of (n, c_in, h, w) with kernels (c_out, c_in/groups, kh, kw).

    Parameters
    ----------
    c_in, c_out : int
    kernel : int or (vertical, horizontal)
    stride, dilation : int or (vertical, horizontal), optional
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)) or "same", optional
        "same" is TensorFlow's rule, see `refapprox.ops.patches`.
    groups : int, optional
        `groups` = c_in is the depthwise convolution.
    bias : bool, optional
    rng : numpy.random.Generator
        Draws the initial weights.
    dtype : float32 or float64, optional
    quantization : LayerQuantization, optional

    Raises
    ------
    TypeError
        If a number is no integer, or rng no Generator.
    ValueError
        If groups does not divide the channels, or a number is out of range.

    Examples
    --------
    >>> layer = Conv2D(3, 8, 3, stride=2, padding="same", rng=np.random.default_rng(0))
    >>> layer.forward(np.zeros((1, 3, 32, 32))).shape, layer.fan_in, layer.opcount
    ((1, 8, 16, 16), 27, 55296)
    """

    def __init__(self, c_in: int, c_out: int, kernel: int | tuple, *, stride: int | tuple = 1,
                 padding: int | tuple | str = 0, dilation: int | tuple = 1, groups: int = 1, bias: bool = True,
                 rng: np.random.Generator, dtype: DTypeLike = np.float32,
                 quantization: LayerQuantization | None = None):
        c_in, c_out, self.groups = (check_integer(f"{name} of Conv2D", value, minimum=1) for name, value in
                                    (("c_in", c_in), ("c_out", c_out), ("groups", groups)))
        if c_in % self.groups or c_out % self.groups:
            raise ValueError(f"groups of Conv2D must divide c_in and c_out, got {groups} for {c_in} and {c_out}.")
        self.window = geometry("Conv2D", kernel, stride, padding, dilation)
        super().__init__((c_out, c_in // self.groups, *self.window.kernel), bias=bias, rng=rng, dtype=dtype,
                         quantization=quantization)

    @property
    def geometry(self) -> dict:
        """stride, padding, dilation and groups, as `ops.conv2d` and `lut_conv2d` take them."""
        padding = self.window.padding
        if padding != "same" and all(before == after for before, after in padding):
            padding = tuple(before for before, _ in padding)
        return {"stride": self.window.stride, "padding": padding, "dilation": self.window.dilation,
                "groups": self.groups}

    def exact(self, x: NDArray, w: NDArray) -> tuple[NDArray, Any]:
        cache = self._exact_cache(x, w)
        return conv2d.product(cache, self.workers), cache

    def _exact_cache(self, x, w, pad_value=0.0):
        if x.ndim != 4 or x.shape[1] != w.shape[1] * self.groups:
            raise ValueError(f"x of Conv2D must have shape (n, {w.shape[1] * self.groups}, h, w), got {x.shape}.")
        return conv2d.operands(x, w, self.window, self.groups, pad_value)

    def _reweighted(self, cache, w):
        return replace(cache, x=cache.x.astype(w.dtype, copy=False), w=w)

    def _exact_backward(self, dy, cache, need_dx):
        return conv2d.backward(dy, cache, need_dx=need_dx, workers=self.workers)

    def _table_sums(self, x_codes, w_codes, qx, qw):
        return conv2d_sums(x_codes, w_codes, self.multiplier, self.window, groups=self.groups,
                           pad_code=qx.zero_point, x_zero_point=qx.zero_point, w_zero_point=qw.zero_point,
                           workers=self.workers)

    def operands(self, x_codes: NDArray, w_codes: NDArray, pad_code: int) -> tuple[NDArray, NDArray]:
        cache = conv2d.operands(x_codes, w_codes, self.window, self.groups, pad_code)
        fields = conv2d.columns(cache).transpose(0, 2, 1)
        weights = conv2d.per_group(w_codes, cache.groups).transpose(0, 2, 1)
        return fields, weights
