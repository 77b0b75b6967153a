"""What convolution and linear layers share: products of activations and weights, in four modes.

    float         y = f(x, w)
    quantized     y = s_x s_w f(q(x) - z_x, q(w) - z_w)             the accumulator f(...) is an exact integer
    noise         the same + sigma std(y) eps in training           eps ~ N(0, 1), one draw an element
    approximate   y = s_x s_w (sum of LUT[q(x), q(w)], zero points corrected)   exact in integers as well

with f the bilinear map of the layer, q the codes (`refapprox.quantization`); the bias is added afterwards. The
accumulator is rescaled once. Backward is straight-through: the gradient of the exact product of the
fake-quantized operands, zero where an operand was clipped, whatever the table says; or, in the approximate mode, with
the slopes of a `TableGradient` where the layer has one.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from refapprox.network.module import Layer, Parameter
from refapprox.ops import agn, bands, bias, table_gradient
from refapprox.quantization import RANGES, LayerQuantization, quantize_with_mask
from refapprox.quantization.codes import quantize_into
from refapprox.validation import check_choice, check_numbers, check_rng

MODES = ("float", "quantized", "noise", "approximate")
EXACT_FLOAT32 = 2 ** 24      # below it every integer, and every sum of integers on the way, is a float32


class MultiplyingLayer(Layer):
    """What convolution and linear share: weight, bias, noise level, quantization and mode.

    Parameters
    ----------
    weight_shape : tuple of int
        Outputs first.
    bias : bool
    rng : numpy.random.Generator
        Draws the initial weights.
    dtype : float32 or float64
    quantization : LayerQuantization or None
        Symmetric int8 if None.

    Attributes
    ----------
    fan_in : int
        Multiplications per output.
    opcount : int
        Multiplications per sample; known after the first forward pass.
    stdev : float
        The learned noise level sigma, relative to the std of the outputs.
    multiplier : Multiplier or None
        What the approximate mode multiplies with.
    gradient : TableGradient or None
        Slopes of the table for training in the approximate mode; None is the straight-through estimator.
    recorder : callable or None
        Called with (x_codes, qx, w_codes, qw) of every integer forward pass.
    calibrating : bool
        Whether forward passes widen the range of the activations; see `ApproxNet.calibrate`.

    Examples
    --------
    >>> from refapprox.network import Linear
    >>> layer = Linear(3, 2, rng=np.random.default_rng(0))
    >>> isinstance(layer, MultiplyingLayer), layer.mode, float(layer.stdev)
    (True, 'float', 0.0)
    """

    def __init__(self, weight_shape: tuple, *, bias: bool, rng: np.random.Generator, dtype: DTypeLike,
                 quantization: LayerQuantization | None) -> None:
        super().__init__()
        check_rng(rng)
        self.fan_in = int(np.prod(weight_shape[1:]))
        bound = 1 / np.sqrt(self.fan_in)      # PyTorch's default: Kaiming uniform with a = sqrt(5)
        self.parameters["weight"] = Parameter(rng.uniform(-bound, bound, weight_shape).astype(dtype))
        if bias:
            self.parameters["bias"] = Parameter(rng.uniform(-bound, bound, weight_shape[0]).astype(dtype))
        self.parameters["sigma"] = Parameter(np.zeros((), dtype))
        self.quantization = quantization or LayerQuantization()
        self.observer = RANGES[self.quantization.ranges]()
        self.calibrating = False
        self.buffers["x_range"] = self.observer.range
        self.mode = "float"
        self.opcount = None
        self.multiplier = None
        self.gradient = None
        self.noise_rng = None
        self.detach_std = False
        self.recorder = None

    @property
    def stdev(self) -> np.floating:
        """The noise level sigma."""
        return self.parameters["sigma"].value[()]

    @stdev.setter
    def stdev(self, value: float) -> None:
        self.parameters["sigma"].value[...] = value

    def set_bias(self, values: ArrayLike) -> None:
        """Give the layer the bias `values`, one number per output, whether it had one or not."""
        weight = self.parameters["weight"].value
        values = check_numbers("bias", values, floating=True)
        if values.shape != weight.shape[:1]:
            raise ValueError(f"bias must have shape {weight.shape[:1]}, got {values.shape}.")
        self.parameters["bias"] = Parameter(values.astype(weight.dtype))

    def set_mode(self, mode: str) -> None:
        """Compute in `mode` from now on: "float", "quantized", "noise" or "approximate".

        Parameters
        ----------
        mode : str

        Raises
        ------
        ValueError
            If the mode is unknown, or "approximate" without a multiplier whose operands hold the layer's codes.
        """
        check_choice("mode", mode, MODES)
        if mode == "approximate" and self.multiplier is None:
            raise ValueError("mode 'approximate' needs a multiplier: deploy one first.")
        if mode == "approximate":
            check_code_ranges(self.quantization, self.multiplier)
            if self.gradient is not None and self.gradient.x.shape != self.multiplier.lut.shape:
                raise ValueError(f"gradient must have tables of shape {self.multiplier.lut.shape}, as "
                                 f"{self.multiplier.name}, got {self.gradient.x.shape}.")
        self.mode = mode

    # ---- forward

    def forward(self, x: ArrayLike, *, training: bool = False) -> NDArray:
        x = check_numbers(f"x of {type(self).__name__}", x, floating=True)
        if not x.size:
            raise ValueError(f"x of {type(self).__name__} must hold at least one sample, got shape {x.shape}.")
        if self.calibrating:
            self.observer.observe(x)
        y, products = (self._float_products if self.mode == "float" else self._code_products)(x, training)
        self.opcount = self.fan_in * (y.size // len(y))
        noise = None
        if self.mode == "noise" and training:
            eps = agn.draw(y.shape, self.noise_rng, y.dtype, workers=self.workers)
            y, noise = agn.forward(y, self.stdev, eps=eps, detach_std=self.detach_std, workers=self.workers)
        if "bias" in self.parameters:
            y, _ = bias.forward(y, self.parameters["bias"].value)
        if training:
            self._cache = products, noise
        return y

    def _float_products(self, x, training):
        y, cache = self.exact(x, self.parameters["weight"].value)
        return y, lambda dy, need_dx: self._exact_backward(dy, cache, need_dx)

    def _code_products(self, x, training):
        """Products of codes, rescaled once, and the straight-through gradient as a function."""
        weight = self.parameters["weight"].value
        if self.observer.watches == "every forward pass" or training and self.observer.watches == "training":
            self.observer.observe(bands.extremes(x, self.workers))
        qx = self.quantization.x_parameters(self.observer.bounds())
        qw = self.quantization.w_parameters(weight)
        code_dtype = self._exact_dtype(qx, qw)
        x_codes, x_clipped = codes_in_bands(x, qx, code_dtype, self.workers)
        w_codes, w_inside = quantize_with_mask(weight, qw, code_dtype)
        if self.recorder is not None:
            self.recorder(x_codes, qx, w_codes, qw)
        x_shifted = x_codes - code_dtype(qx.zero_point) if qx.zero_point else x_codes
        w_shifted = w_codes - qw.zero_point_for(w_codes).astype(code_dtype)
        by_table = self.mode == "approximate" and self.gradient is not None
        if self.mode == "approximate":
            sums = self._table_sums(x_codes, w_codes, qx, qw)
            cache = self._exact_cache(x_shifted, w_shifted) if training and not by_table else None
        else:
            sums, cache = self.exact(x_shifted, w_shifted)
        scale_x, scale_w = x.dtype.type(qx.scale), qw.channel_scale(x.dtype)     # scale_w: a scalar, or one per output
        y = rescaled(sums, scale_w * scale_x, x.dtype, self.workers)
        if not training:
            return y, None
        if by_table:
            return y, self._through_slopes(x_codes, w_codes, qx, qw, x_clipped, w_inside, x.dtype)
        # codes of x and the real numbers that codes of w stand for, so that no gradient of y's size is rescaled
        cache = self._reweighted(cache, w_shifted.astype(x.dtype, copy=False) * qw.scale_for(weight))

        def straight_through(dy, need_dx):
            dx, dw = self._exact_backward(dy, cache, need_dx)
            dw *= scale_x
            return without(dx, x_clipped), masked(dw, w_inside)

        return y, straight_through

    def _through_slopes(self, x_codes, w_codes, qx, qw, x_clipped, w_inside, dtype):
        """The gradient with the slopes of a table: as straight through, but for the table's own slopes."""
        (x_low, _), (w_low, _) = self.multiplier.range_x, self.multiplier.range_w
        x_index, w_index = x_codes.astype(np.intp) - x_low, w_codes.astype(np.intp) - w_low

        def product_backward(dy, x_values, w_values, pad_value, need_dx):
            return self._exact_backward(dy, self._exact_cache(x_values, w_values, pad_value), need_dx)

        def through_slopes(dy, need_dx):
            dx, dw = table_gradient.backward(
                dy, x_index, w_index, self.gradient, product_backward, pad_index=qx.zero_point - x_low,
                x_zero_point=qx.zero_point, w_zero_point=qw.zero_point_for(w_codes), w_scale=qw.scale_for(w_codes),
                need_dx=need_dx)
            return without(dx, x_clipped), masked(dw * dtype.type(qx.scale), w_inside)

        return through_slopes

    def _exact_dtype(self, qx, qw):
        """float32 where no partial sum of code products can leave its exact integers, else float64."""
        largest = self.fan_in * qx.largest_shifted_code * qw.largest_shifted_code
        return np.float32 if largest <= EXACT_FLOAT32 else np.float64

    # ---- backward

    def backward(self, dy: ArrayLike, *, need_dx: bool = True) -> NDArray | None:
        products, noise = self.remembered()
        if "bias" in self.parameters:
            dy, self.parameters["bias"].grad = bias.backward(dy)
        if noise is not None:
            dy, self.parameters["sigma"].grad = agn.backward(dy, noise, workers=self.workers)
        dx, self.parameters["weight"].grad = products(dy, need_dx)
        return dx

    # ---- what a layer of its own says

    def exact(self, x: NDArray, w: NDArray) -> tuple[NDArray, Any]:
        """f(x, w) in the dtype of its operands, and the cache that its gradient takes.

        Parameters
        ----------
        x, w : float arrays
            Activations, and a weight of the layer's shape.
        """
        raise NotImplementedError

    def operands(self, x_codes: NDArray, w_codes: NDArray, pad_code: int) -> tuple[NDArray, NDArray]:
        """What each output multiplies: (groups, fields, fan_in) and (groups, fan_in, outputs/groups).

        Parameters
        ----------
        x_codes, w_codes : integer arrays
        pad_code : int
            What padded positions hold, in a convolution.
        """
        raise NotImplementedError

    def _exact_cache(self, x, w, pad_value=0.0):
        """The cache of `exact` alone."""
        raise NotImplementedError

    def _reweighted(self, cache, w):
        """`cache` of another weight, all of it in the dtype of `w`."""
        raise NotImplementedError

    def _exact_backward(self, dy, cache, need_dx):
        """(dx, dw) of `exact`."""
        raise NotImplementedError

    def _table_sums(self, x_codes, w_codes, qx, qw):
        """Integer accumulators of the multiplier's products, zero points corrected."""
        raise NotImplementedError


def check_code_ranges(quantization, multiplier):
    """Refuse a multiplier whose operands do not hold every code of a layer; sub-ranges are fine."""
    for side, scheme, (qmin, qmax) in (("x", quantization.x, multiplier.range_x),
                                       ("w", quantization.w, multiplier.range_w)):
        if scheme.qmin < qmin or scheme.qmax > qmax:
            raise ValueError(f"codes {side} of the layer lie in [{scheme.qmin}, {scheme.qmax}], but {multiplier.name} "
                             f"takes [{qmin}, {qmax}]: quantize to that range, or less, with LayerQuantization.")


def codes_in_bands(x, parameters, dtype, workers):
    """`quantize_with_mask` of activations, band by band: codes, and where in the rows of `bands` one was clipped."""
    rows = bands.rows_of(x)
    codes = np.empty(rows.shape, dtype)

    def work(band, _):
        return np.flatnonzero(quantize_into(codes[band], rows[band], parameters)) + band.start * rows.shape[1]

    clipped = np.concatenate(bands.in_bands(work, rows, workers))
    return bands.from_rows(codes, x.shape), clipped if clipped.size else None


def rescaled(sums, scale, dtype, workers):
    """`sums` times a scale, one or one per output, in `dtype`, in place where that is theirs."""
    rows = bands.rows_of(sums.astype(dtype, copy=False))
    factor = bands.along_rows(scale, rows, sums.shape) if np.ndim(scale) else scale

    def work(band, _):
        rows[band] *= factor

    bands.in_bands(work, rows, workers)
    return bands.from_rows(rows, sums.shape)


def without(gradient, clipped):
    """`gradient`, which nobody else has, with zeros where the activation was clipped: places in the rows of `bands`."""
    if gradient is None or clipped is None:
        return gradient
    rows = bands.rows_of(gradient)
    rows.reshape(-1)[clipped] = 0
    return bands.from_rows(rows, gradient.shape)


def masked(gradient, inside):
    """`gradient` where the operand was not clipped; `inside` None means that nothing was."""
    return gradient if inside is None else gradient * inside
