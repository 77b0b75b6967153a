"""Layers put together from their steps, so that a defect in one step shows in every layer that takes it.

Between real numbers and real numbers, as every pipeline of this field:

    codes = quantize(x), quantize(w);   sums = linear or conv2d (codes);   y = x_scale * w_scale * sums

The mutants and the presets of other frameworks' pipelines override single steps.
"""
import numpy as np

from refapprox.conformance.adapters.native import Refapprox
from refapprox.multipliers.multiplier import code_range
from refapprox.ops import conv2d as exact_conv2d
from refapprox.ops import linear as exact_linear


class Composed(Refapprox):
    """refapprox's steps; the layers are compositions of `self.quantize`, `self.linear`, `self.conv2d`, ..."""

    name = "composed"

    def __init__(self):
        super().__init__("index")

    def fake_quantize(self, *, x, scale, zero_point, qmin, qmax):
        codes = self.quantize(x=x, scale=scale, zero_point=zero_point, qmin=qmin, qmax=qmax)
        return scale * (codes - zero_point)

    def linear_layer(self, *, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point, **geometry):
        qmin, qmax = code_range(8, signed)
        x_codes = self.quantize(x=x, scale=x_scale, zero_point=x_zero_point, qmin=qmin, qmax=qmax)
        w_codes = per_channel(self.quantize, w, w_scale, w_zero_point, qmin, qmax)
        sums = (self.conv2d if geometry else self.linear)(
            x=x_codes, w=w_codes, lut=lut, signed=signed, x_zero_point=x_zero_point, w_zero_point=w_zero_point,
            **geometry)
        scale = x_scale * np.asarray(w_scale)
        return sums * (scale.reshape(-1, 1, 1) if geometry else scale)

    def linear_layer_gradient(self, *, dy, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point, **geometry):
        qmin, qmax = code_range(8, signed)
        x_fake = self.fake_quantize(x=x, scale=x_scale, zero_point=x_zero_point, qmin=qmin, qmax=qmax)
        w_fake = per_channel(self.fake_quantize, w, w_scale, w_zero_point, qmin, qmax)
        dx, dw = self.product_gradient(dy, x_fake, w_fake, geometry)
        dx = self.fake_quantize_gradient(dy=dx, x=x, scale=x_scale, zero_point=x_zero_point, qmin=qmin, qmax=qmax)
        passes = per_channel(lambda x, **q: self.fake_quantize_gradient(dy=np.ones_like(x), x=x, **q),
                             w, w_scale, w_zero_point, qmin, qmax)
        return dx, dw * passes

    def product_gradient(self, dy, x, w, geometry):
        """(dx, dw) of the exact product of real operands."""
        if geometry:
            return exact_conv2d.backward(dy, exact_conv2d.forward(x, w, **geometry)[1])
        return exact_linear.backward(dy, (x, w))

    conv2d_layer, conv2d_layer_gradient = linear_layer, linear_layer_gradient


def per_channel(function, w, scale, zero_point, qmin, qmax):
    """`function` of the weights of each output with its own scale and zero point."""
    scales, zero_points = (np.broadcast_to(v, len(w)).tolist() for v in (scale, zero_point))
    return np.stack([function(x=row, scale=s, zero_point=z, qmin=qmin, qmax=qmax)
                     for row, s, z in zip(w, scales, zero_points, strict=True)])


def sums_of_codes(x, w, x_zero_point, geometry):
    """(sum x, sum w, k) behind each output of a linear layer or a convolution, broadcastable against it."""
    if not geometry:
        return x.sum(axis=1)[:, None], w.sum(axis=1), x.shape[1]
    ones = np.ones_like(w)
    x_sums = exact_conv2d.forward(x, ones, **geometry, pad_value=x_zero_point)[0]
    return x_sums, w.sum(axis=(1, 2, 3)).reshape(-1, 1, 1), w[0].size


def along_outputs(zero_point, geometry):
    """A zero point, or one an output, shaped to broadcast against the outputs."""
    zero_point = np.asarray(zero_point)
    return zero_point.reshape(-1, 1, 1) if geometry and zero_point.ndim else zero_point
