"""The convolution through a table, and its straight-through gradient: `approxgemm`'s equations over patches.

The table's rows are the activations, and padding holds the activations' zero point: what is meant. `defects` reproduces
what the published operator does instead, by the names of `refapprox.compat.presets`.
"""
from dataclasses import dataclass

import numpy as np

from refapprox.compat import pipelines
from refapprox.compat.tables import signed_multiplier
from refapprox.compat.torchapprox.operators.approxgemm import PRESET, codes_of, native_parameters
from refapprox.compat.torchapprox.operators.function import Function
from refapprox.ops import conv2d
from refapprox.ops.patches import pair


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
    """The operator of `ApproxConv2d`, with the published static methods; see `function` for how to go back."""

    @staticmethod
    def forward(x, w, quant_params, conv_args, htp_model, out_dims, lut, traced_inputs, *, defects=()):
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
        if htp_model is None:
            multiplier = signed_multiplier(lut, "lut of ApproxConv2dOp")
            y = pipelines.conv2d_of_codes(PRESET, x_codes, w_codes, qx, qw, multiplier, geometry,
                                          PRESET.check_defects(defects))
        else:
            y = modeled(htp_model, x_codes, w_codes, qx, qw, geometry)
        if out_dims is not None and tuple(out_dims) != y.shape[2:]:
            raise ValueError(f"out_dims must be the output's size {y.shape[2:]}, got {tuple(out_dims)}.")
        return y

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Keep x, w and the geometry."""
        ctx.save_for_backward(*(np.asarray(array) for array in inputs[:2]))
        ctx.conf = inputs[3].backward_args()

    @staticmethod
    def backward(ctx, grad):
        """(grad_x, grad_w, None, ...): the gradient of the exact convolution of the real operands."""
        cache = conv2d.prepare(*ctx.saved_tensors, **ctx.conf)
        grad_x, grad_w = conv2d.backward(grad, cache, need_dx=ctx.needs_input_grad[0])
        return grad_x, grad_w if ctx.needs_input_grad[1] else None, None, None, None, None, None, None


def modeled(htp_model, x_codes, w_codes, qx, qw, geometry):
    """The layer with its sums from `htp_model`, zero points corrected."""
    def exact(x, w, **geometry):
        return conv2d.forward(x, w, **geometry, pad_value=float(qx.zero_point))[0]

    sums = htp_model(exact, x_codes.astype(float), w_codes.astype(float), geometry)
    x_sums = pipelines.patch_sums(x_codes, w_codes, geometry, qx.zero_point)
    w_sums = w_codes.reshape(len(w_codes), -1).sum(axis=1)[:, None, None]
    return pipelines.rescaled(PRESET, sums, x_sums, w_sums, w_codes[0].size, qx, qw, (len(w_codes), 1, 1))
