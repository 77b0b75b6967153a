"""Low-level operators, forward and backward.

The matrix product of a fully connected layer through a table, and its straight-through gradient:

    y[i, o] = s_x s_w (sum_k LUT[q_x[i, k], q_w[o, k]] - z_x sum_k q_w - z_w sum_k q_x + k z_x z_w)        (1)
    q = round(x / s + z)                                                                                   (2)

Gradient, of the exact product of the real operands whatever the table says:

    dx = dy w,    dw = dy^T x                                                                              (3)

The convolution has the same equations over patches. The table's rows are the activations, and padding holds the
activations' zero point: what is meant. `defects` reproduces what the published operator does instead, by the names of
`refapprox.compat.presets`.

What is left of ``torch.autograd.Function`` without a graph: the context is handed out instead of hidden.

    y = ApproxGeMM.apply(x, w, lut, quant_params, None, None)              # as published
    y, ctx = ApproxGeMM.record(x, w, lut, quant_params, None, None)        # what autograd would remember, in `ctx`
    grad_x, grad_w, *_ = ApproxGeMM.backward(ctx, grad_output)             # as published
"""
from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.compat import pipelines
from refapprox.compat.pipelines import signed_multiplier
from refapprox.compat.presets import get_preset
from refapprox.compat.torchapprox.operators.backend import approx, dwconv2d
from refapprox.ops import conv2d as exact_conv2d  # conv2d is a module here
from refapprox.ops import linear
from refapprox.ops.patches import pair
from refapprox.quantization import QuantizationParameters
from refapprox.validation import check_codes, check_finite, check_numbers, check_offers

__all__ = ["ApproxConv2dOp", "ApproxGeMM", "approx", "dwconv2d"]

PRESET = get_preset("torchapprox")
CODES = (-128, 127)


class Context:
    """The context of one call, with the published attributes.

    Attributes
    ----------
    saved_tensors : tuple of ndarray
    needs_input_grad : list of bool
        For every input, True unless changed; `backward` leaves the gradient of others out (None).
    """

    def __init__(self, count):
        self.saved_tensors, self.needs_input_grad = (), [True] * count

    def save_for_backward(self, *arrays):
        """Keep `arrays` as `saved_tensors`."""
        self.saved_tensors = arrays


class Function:
    """Base of operators with the static methods `forward`, `setup_context` and `backward`."""

    @staticmethod
    def setup_context(ctx: Context, inputs: Sequence[Any], output: Any) -> None:
        """Keep x and w.

        Parameters
        ----------
        ctx : Context
        inputs : sequence
            Those of `forward`, in order.
        output : float array
        """
        ctx.save_for_backward(*(np.asarray(array) for array in inputs[:2]))

    @classmethod
    def apply(cls, *inputs, **options):
        """The output alone."""
        return cls.forward(*inputs, **options)

    @classmethod
    def record(cls, *inputs, **options):
        """(output, Context): what `backward` wants first, then."""
        output, ctx = cls.forward(*inputs, **options), Context(len(inputs))
        cls.setup_context(ctx, inputs, output)
        return output, ctx


class ApproxGeMM(Function):
    """The operator of `ApproxLinear`, with the published static methods.

    Examples
    --------
    >>> from refapprox.compat.torchapprox.layers.approx_layer import ApproxLayer, QuantizationParameters
    >>> unit = QuantizationParameters([1.0], [0.0], [1.0], [0.0])
    >>> x, w = np.array([[2.0, 3.0]]), np.array([[5.0, 7.0]])
    >>> y, ctx = ApproxGeMM.record(x, w, ApproxLayer.accurate_lut(), unit)
    >>> y.tolist(), [gradient.tolist() for gradient in ApproxGeMM.backward(ctx, np.ones((1, 1)))[:2]]
    ([[31.0]], [[[5.0, 7.0]], [[2.0, 3.0]]])
    """

    @staticmethod
    def forward(x: ArrayLike, w: ArrayLike, lut: Any, quant_params: Any, htp_model: Callable[..., Any] | None = None,
                traced_inputs: Any = None) -> NDArray[np.float64]:
        """Equation (1).

        Parameters
        ----------
        x : float array, shape (n, k)
            Fake-quantized activations, whose codes (2) index the rows of the table.
        w : float array, shape (m, k)
            Fake-quantized weights.
        lut : int32 array, shape (256, 256), or Multiplier
            Two's-complement order.
        quant_params : object with x_scale, x_zero_point, w_scale, w_zero_point
            Arrays of one element, those of w also of m; see `layers.approx_layer.QuantizationParameters`.
        htp_model : callable, optional
            Computes the sums instead of the table: ``htp_model(op, x_codes, w_codes, {})``, op the exact product.
        traced_inputs : TracedGeMMInputs, optional
            Records the codes.

        Returns
        -------
        float64 array, shape (n, m)

        Raises
        ------
        ValueError
            If shapes do not match, or a code leaves [-128, 127], where the published operator lets it wrap.

        Examples
        --------
        >>> from refapprox.compat.torchapprox.layers.approx_layer import QuantizationParameters
        >>> unit = QuantizationParameters([1.0], [0.0], [1.0], [0.0])
        >>> lut = np.zeros((256, 256), np.int32)
        >>> lut[127, 0] = 42
        >>> ApproxGeMM.apply(np.array([[127.0]]), np.array([[0.0]]), lut, unit, None, None).tolist()
        [[42.0]]
        """
        qx, qw = native_parameters(quant_params)
        x_codes, w_codes = codes_of("x", x, qx), codes_of("w", w, qw)
        if x_codes.ndim != 2 or w_codes.ndim != 2 or x_codes.shape[1] != w_codes.shape[1]:
            raise ValueError(f"ApproxGeMM needs x of shape (n, k) and w of shape (m, k), got {x_codes.shape} and "
                             f"{w_codes.shape}.")
        if traced_inputs is not None:
            traced_inputs.trace(x_codes[:, None, :], w_codes.T)
        if htp_model is not None:
            sums = modeled(htp_model, lambda x, w: linear.forward(x, w)[0], x_codes, w_codes, {},
                           (len(x_codes), len(w_codes)))
            return pipelines.rescaled(PRESET, sums, x_codes.sum(axis=1)[:, None], w_codes.sum(axis=1),
                                      x_codes.shape[1], qx, qw, (len(w_codes),))
        return pipelines.linear_of_codes(PRESET, x_codes, w_codes, qx, qw, signed_multiplier(lut, "lut of ApproxGeMM"))

    @staticmethod
    def backward(ctx: Context, grad_output: ArrayLike) -> tuple[Any, ...]:
        """(grad_x, grad_w, None, None, None, None), equations (3).

        Parameters
        ----------
        ctx : Context
            What `record` returned beside the output.
        grad_output : float array (n, m)
        """
        grad_x, grad_w = linear.backward(grad_output, ctx.saved_tensors, need_dx=ctx.needs_input_grad[0])
        return grad_x, grad_w if ctx.needs_input_grad[1] else None, None, None, None, None


def native_parameters(quant_params):
    """(of x, of w) as `refapprox.quantization.QuantizationParameters`."""
    pairs = []
    for side in "xw":
        names = f"{side}_scale", f"{side}_zero_point"
        scale, zero_point = (np.atleast_1d(np.asarray(getattr(check_offers("quant_params", quant_params, name), name),
                                                      np.float64)) for name in names)
        zero_point = check_codes(f"{side}_zero_point", zero_point, *CODES).astype(np.int64)
        single = scale.size == zero_point.size == 1
        if side == "x" and not single:
            raise ValueError(f"x_scale and x_zero_point must hold one element, got {scale.size} and "
                             f"{zero_point.size}: only weights are quantized by the channel.")
        pairs.append(QuantizationParameters(scale.item() if single else scale,
                                            zero_point.item() if single else zero_point, *CODES))
    return pairs


def codes_of(name, real, parameters):
    """Equation (2), int64. As published the zero point is added before rounding; fake-quantized operands never tell."""
    real = check_finite(name, real, dtype=np.float64)
    codes = np.rint(real / parameters.scale_for(real) + parameters.zero_point_for(real))
    return check_codes(f"codes of {name}", codes, *CODES).astype(np.int64)


@dataclass
class Conv2dArgs:
    """A convolution's settings; ints, or (vertical, horizontal)."""

    in_channels: int
    out_channels: int
    kernel_size: int | tuple
    stride: int | tuple
    padding: int | tuple
    dilation: int | tuple
    groups: int

    def backward_args(self):
        """What the exact convolution and its gradient take."""
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}

    def use_fast_dwconv(self):
        """Whether it is a depthwise one that `dwconv2d` computes."""
        undilated = max(pair("dilation", self.dilation, 1)) == 1
        return undilated and self.groups == self.in_channels == self.out_channels


class ApproxConv2dOp(Function):
    """The operator of `ApproxConv2d`, with the published static methods.

    Examples
    --------
    >>> from refapprox.compat.torchapprox.layers.approx_layer import ApproxLayer, QuantizationParameters
    >>> unit = QuantizationParameters([1.0], [0.0], [1.0], [0.0])
    >>> x, w = np.arange(4.0).reshape(1, 1, 2, 2), np.full((1, 1, 2, 2), 2.0)
    >>> settings = Conv2dArgs(1, 1, 2, 1, 0, 1, 1)
    >>> ApproxConv2dOp.apply(x, w, unit, settings, None, None, ApproxLayer.accurate_lut(), None).tolist()
    [[[[12.0]]]]
    """

    @staticmethod
    def forward(x: ArrayLike, w: ArrayLike, quant_params: Any, conv_args: Conv2dArgs,
                htp_model: Callable[..., Any] | None, out_dims: Sequence[int] | None, lut: Any, traced_inputs: None, *,
                defects: Collection[str] | str = ()) -> NDArray[np.float64]:
        """Convolution of fake-quantized x (n, c, h, w) with w (m, c / groups, kh, kw), float64 (n, m, oh, ow).

        Parameters
        ----------
        x, w : float arrays
        quant_params, htp_model, lut
            As of `ApproxGeMM.forward`.
        conv_args : Conv2dArgs
        out_dims : (oh, ow), or None
            Held against what the shapes give.
        traced_inputs : None
            Use ``layer.traced_inputs`` of `ApproxLinear`; patches are not recorded.
        defects : collection of str, or "all", optional

        Raises
        ------
        ValueError
            As of `ApproxGeMM.forward`; if `out_dims` is not the output's size.
        """
        if traced_inputs is not None:
            raise ValueError("traced_inputs of ApproxConv2dOp must be None: patches are not recorded, "
                             "refapprox.matching.get_feature_maps does it.")
        qx, qw = native_parameters(quant_params)
        x_codes, w_codes, geometry = codes_of("x", x, qx), codes_of("w", w, qw), conv_args.backward_args()
        if x_codes.ndim != 4 or w_codes.ndim != 4 or not w_codes.size:
            raise ValueError(f"ApproxConv2dOp needs x of shape (n, c, h, w) and w of shape (m, c / groups, kh, kw), "
                             f"got {x_codes.shape} and {w_codes.shape}.")
        if htp_model is None:
            multiplier = signed_multiplier(lut, "lut of ApproxConv2dOp")
            y = pipelines.conv2d_of_codes(PRESET, x_codes, w_codes, qx, qw, multiplier, geometry,
                                          PRESET.check_defects(defects))
        else:
            y = modeled_conv2d(htp_model, x_codes, w_codes, qx, qw, geometry)
        if out_dims is not None and tuple(out_dims) != y.shape[2:]:
            raise ValueError(f"out_dims must be the output's size {y.shape[2:]}, got {tuple(out_dims)}.")
        return y

    @staticmethod
    def setup_context(ctx: Context, inputs: Sequence[Any], output: Any) -> None:
        """Keep x, w and the geometry.

        Parameters
        ----------
        ctx, inputs, output
            As of `Function.setup_context`.
        """
        Function.setup_context(ctx, inputs, output)
        ctx.conf = inputs[3].backward_args()

    @staticmethod
    def backward(ctx: Context, grad: ArrayLike) -> tuple[Any, ...]:
        """(grad_x, grad_w, None, ...): the gradient of the exact convolution of the real operands.

        Parameters
        ----------
        ctx : Context
            What `record` returned beside the output.
        grad : float array (n, m, oh, ow)
        """
        cache = exact_conv2d.prepare(*ctx.saved_tensors, **ctx.conf)
        grad_x, grad_w = exact_conv2d.backward(grad, cache, need_dx=ctx.needs_input_grad[0])
        return grad_x, grad_w if ctx.needs_input_grad[1] else None, None, None, None, None, None, None


def modeled(htp_model, exact, x_codes, w_codes, settings, shape):
    """The sums that `htp_model` gives, of that shape."""
    sums = htp_model(exact, x_codes.astype(float), w_codes.astype(float), settings)
    return check_numbers("what htp_model returned", sums, shape=shape)


def modeled_conv2d(htp_model, x_codes, w_codes, qx, qw, geometry):
    """The layer with its sums from `htp_model`, zero points corrected."""
    def exact(x, w, **geometry):
        return exact_conv2d.forward(x, w, **geometry, pad_value=float(qx.zero_point))[0]

    x_sums = pipelines.patch_sums(x_codes, w_codes, geometry, qx.zero_point)
    shape = (len(x_codes), len(w_codes), *x_sums.shape[2:])
    sums = modeled(htp_model, exact, x_codes, w_codes, geometry, shape)
    w_sums = w_codes.reshape(len(w_codes), -1).sum(axis=1)[:, None, None]
    return pipelines.rescaled(PRESET, sums, x_sums, w_sums, w_codes[0].size, qx, qw, (len(w_codes), 1, 1))


doors(__name__)
