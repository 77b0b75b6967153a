"""The matrix product of a fully connected layer through a table, and its straight-through gradient.

    y[i, o] = s_x s_w (sum_k LUT[q_x[i, k], q_w[o, k]] - z_x sum_k q_w - z_w sum_k q_x + k z_x z_w)        (1)
    q = round(x / s + z)                                                                                   (2)

Gradient, of the exact product of the real operands whatever the table says:

    dx = dy w,    dw = dy^T x                                                                              (3)
"""
import numpy as np

from refapprox.compat import pipelines
from refapprox.compat.presets import get_preset
from refapprox.compat.tables import signed_multiplier
from refapprox.compat.torchapprox.operators.function import Function
from refapprox.ops import linear
from refapprox.quantization import QuantizationParameters
from refapprox.validation import check_codes, check_finite

PRESET = get_preset("torchapprox")
CODES = (-128, 127)


class ApproxGeMM(Function):
    """The operator of `ApproxLinear`, with the published static methods; see `function` for how to go back."""

    @staticmethod
    def forward(x, w, lut, quant_params, htp_model=None, traced_inputs=None):
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
            sums = htp_model(lambda x, w: linear.forward(x, w)[0], x_codes.astype(float), w_codes.astype(float), {})
            return pipelines.rescaled(PRESET, sums, x_codes.sum(axis=1)[:, None], w_codes.sum(axis=1),
                                      x_codes.shape[1], qx, qw, (len(w_codes),))
        return pipelines.linear_of_codes(PRESET, x_codes, w_codes, qx, qw, signed_multiplier(lut, "lut of ApproxGeMM"))

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Keep x and w."""
        ctx.save_for_backward(*(np.asarray(array) for array in inputs[:2]))

    @staticmethod
    def backward(ctx, grad_output):
        """(grad_x, grad_w, None, None, None, None), equations (3)."""
        grad_x, grad_w = linear.backward(grad_output, ctx.saved_tensors, need_dx=ctx.needs_input_grad[0])
        return grad_x, grad_w if ctx.needs_input_grad[1] else None, None, None, None, None


def native_parameters(quant_params):
    """(of x, of w) as `refapprox.quantization.QuantizationParameters`."""
    pairs = []
    for side in "xw":
        scale, zero_point = (np.atleast_1d(np.asarray(getattr(quant_params, f"{side}_{name}"), np.float64))
                             for name in ("scale", "zero_point"))
        zero_point = check_codes(f"{side}_zero_point", zero_point, *CODES).astype(np.int64)
        single = scale.size == zero_point.size == 1
        if side == "x" and not single:
            raise ValueError(f"x_scale and x_zero_point must hold one element, got {scale.size} and "
                             f"{zero_point.size}: only weights are quantized by the channel.")
        pairs.append(QuantizationParameters(scale.item() if single else scale,
                                            zero_point.item() if single else zero_point, *CODES))
    return pairs


def codes_of(name, real, parameters):
    """Equation (2), int64. Adding comes before rounding, as published; of fake-quantized operands it makes no odds."""
    real = check_finite(name, np.asarray(real, np.float64))
    codes = np.rint(real / parameters.scale_for(real) + parameters.zero_point_for(real))
    return check_codes(f"codes of {name}", codes, *CODES).astype(np.int64)
