"""Wrong rounding, clipping, ranges, and gradients of them."""
import numpy as np

from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.mutants.readout import OtherReadout
from refapprox.conformance.mutants.registry import mutant


class OtherRounding(OtherReadout):
    def quantize(self, *, x, scale, zero_point, qmin, qmax):
        return np.clip(self.rounded(x / scale) + zero_point, qmin, qmax).astype(np.int64)

    def level(self, y):
        return self.rounded(y)


@mutant("half-up rounding")
class HalfUp(OtherRounding):
    def rounded(self, v):
        return np.floor(v + 0.5)


@mutant("half away from zero")
class HalfAway(OtherRounding):
    def rounded(self, v):
        return np.copysign(np.floor(np.abs(v) + 0.5), v)


@mutant("truncation")
class Truncation(OtherRounding):
    def rounded(self, v):
        return np.trunc(v)


@mutant("wraparound instead of clipping")
class Wraparound(Composed):
    def quantize(self, *, x, scale, zero_point, qmin, qmax):
        codes = np.rint(x / scale).astype(np.int64) + zero_point
        return (codes - qmin) % (qmax - qmin + 1) + qmin


@mutant("clipping before the zero point")
class EarlyClipping(Composed):
    def quantize(self, *, x, scale, zero_point, qmin, qmax):
        return np.clip(np.rint(x / scale), qmin, qmax).astype(np.int64) + zero_point

    def linear_layer(self, **inputs):      # the codes may leave the table: that is not what this mutant is for
        raise NotImplementedError

    conv2d_layer = linear_layer_gradient = conv2d_layer_gradient = linear_layer


@mutant("zero point subtracted")
class ZeroPointSubtracted(Composed):
    def quantize(self, *, x, scale, zero_point, qmin, qmax):
        return np.clip(np.rint(x / scale) - zero_point, qmin, qmax).astype(np.int64)


@mutant("range without zero")
class RangeWithoutZero(Composed):
    def quantization_parameters(self, *, low, high, scheme, qmin, qmax):
        if scheme == "symmetric":
            return super().quantization_parameters(low=low, high=high, scheme=scheme, qmin=qmin, qmax=qmax)
        scale = (high - low) / (qmax - qmin)
        return scale, int(np.clip(np.rint(qmin - low / scale), qmin, qmax))


@mutant("symmetric range from one side")
class OneSidedRange(Composed):
    def quantization_parameters(self, *, low, **inputs):
        return super().quantization_parameters(low=0.0 if inputs["scheme"] == "symmetric" else low, **inputs)


@mutant("one step too many")
class OneStepTooMany(Composed):
    def quantization_parameters(self, *, low, high, scheme, qmin, qmax):
        if scheme == "symmetric":
            return max(abs(low), abs(high)) / (qmax + 1), 0
        low, high = min(low, 0.0), max(high, 0.0)
        scale = (high - low) / (qmax - qmin + 1)
        return scale, int(np.clip(np.rint(qmin - low / scale), qmin, qmax))


@mutant("clipping ignored by the gradient")
class ClippingIgnored(Composed):
    def fake_quantize_gradient(self, *, dy, **inputs):
        return dy


@mutant("gradient clipped to open range")
class OpenRange(Composed):
    def fake_quantize_gradient(self, *, qmin, qmax, **inputs):
        return super().fake_quantize_gradient(qmin=qmin + 1, qmax=qmax - 1, **inputs)


@mutant("gradient scaled by the scale")
class ScaledGradient(Composed):
    def fake_quantize_gradient(self, *, scale, **inputs):
        return scale * super().fake_quantize_gradient(scale=scale, **inputs)

    def linear_layer_gradient(self, *, x_scale, **inputs):
        dx, dw = Composed().linear_layer_gradient(x_scale=x_scale, **inputs)
        return x_scale * dx, x_scale * dw

    conv2d_layer_gradient = linear_layer_gradient


@mutant("float operands in the gradient")
class FloatOperands(Composed):
    def linear_layer_gradient(self, *, x, w, **inputs):
        keys = ("stride", "padding", "dilation", "groups")
        geometry = {key: inputs[key] for key in keys if key in inputs}
        dx, dw = self.product_gradient(inputs["dy"], x, w, geometry)
        inside = super().linear_layer_gradient(x=x, w=w, **inputs)
        return masked_like(dx, inside[0]), masked_like(dw, inside[1])

    conv2d_layer_gradient = linear_layer_gradient


def masked_like(gradient, other):
    """`gradient` where `other` is not 0: clipped operands have the gradient 0 in both."""
    return np.where(other == 0, 0.0, gradient)


@mutant("gradient of the other operand")
class OtherOperand(Composed):
    def product_gradient(self, dy, x, w, geometry):
        if geometry or not x.shape == w.shape == dy.shape:
            return super().product_gradient(dy, x, w, geometry)
        return super().product_gradient(dy, w, x, geometry)
