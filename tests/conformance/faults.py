"""Faults injected into refapprox's own code, each with the known mistake that a run should name.

The specification says what a mistake gives by plain definitions; here the fast code is made to make it, as the author
of a framework might: two pieces of code that know nothing of each other.
"""
import numpy as np
from composed import Composed, along_outputs, sums_of_codes

from refapprox.analog import GlobalDriftCompensation
from refapprox.conformance.adapters.native_analog import device, factor_of
from refapprox.ops import conv2d as exact_conv2d

FAULTS = {}      # name of the known mistake -> class of the adapter that makes it


def fault(mistake):
    """Class decorator: `mistake` is what the class does wrong."""
    def register(cls):
        FAULTS[mistake] = cls
        return cls
    return register


def geometry_of(inputs):
    return {key: inputs[key] for key in ("stride", "padding", "dilation", "groups") if key in inputs}


# ---- tables


class OtherTable(Composed):
    """Every product is read from `change(lut, signed)`."""

    def multiply(self, *, lut, signed, **inputs):
        return super().multiply(lut=self.change(lut, signed), signed=signed, **inputs)

    def matmul(self, *, lut, signed, **inputs):
        return super().matmul(lut=self.change(lut, signed), signed=signed, **inputs)

    def linear(self, *, lut, signed, **inputs):
        return super().linear(lut=self.change(lut, signed), signed=signed, **inputs)

    def conv2d(self, *, lut, signed, **inputs):
        return super().conv2d(lut=self.change(lut, signed), signed=signed, **inputs)


@fault("transposed table")
class Transposed(OtherTable):
    def change(self, lut, signed):
        return np.ascontiguousarray(lut.T)


@fault("two's-complement order")
class BitPatterns(OtherTable):
    def change(self, lut, signed):
        return np.roll(lut, (128, 128), axis=(0, 1)) if signed else lut


@fault("columns by bit pattern")
class ColumnsByBitPattern(OtherTable):
    def change(self, lut, signed):
        return np.roll(lut, 128, axis=1) if signed else lut


@fault("negative quadrant from magnitudes")
class MagnitudeQuadrant(OtherTable):
    def change(self, lut, signed):
        if not signed:
            return lut
        lut, in_8_bits = lut.copy(), np.abs(np.arange(-128, 0, dtype=np.int8)).astype(np.intp) + 128
        lut[:128, :128] = lut[np.ix_(in_8_bits, in_8_bits)]
        return lut


# ---- sums and corrections


class OtherSums(Composed):
    """Sums of products, without corrections, end up as `kept(sums, k, lut, signed)`; `inputs` hold a case."""

    def matmul(self, *, w, **inputs):
        return self.kept(super().matmul(w=w, **inputs), w.shape[0], inputs["lut"], inputs["signed"])

    def linear(self, **inputs):
        return self.summed(super().linear, **inputs)

    def conv2d(self, **inputs):
        return self.summed(super().conv2d, **inputs)

    def summed(self, right, *, x, w, x_zero_point, w_zero_point, **inputs):
        x_sums, w_sums, k = sums_of_codes(x, w, x_zero_point, geometry_of(inputs))
        z_w = along_outputs(w_zero_point, geometry_of(inputs))
        true = k * x_zero_point * z_w - x_zero_point * w_sums - z_w * x_sums
        sums = right(x=x, w=w, x_zero_point=x_zero_point, w_zero_point=w_zero_point, **inputs) - true
        groups = inputs.get("groups", 1)
        return (self.kept(sums, k, inputs["lut"], inputs["signed"])
                + self.correction(x_sums, w_sums, k, x_zero_point, z_w, groups))

    def kept(self, sums, k, lut, signed):
        return sums

    def correction(self, x_sums, w_sums, k, z_x, z_w, groups):
        return k * z_x * z_w - z_x * w_sums - z_w * x_sums


@fault("int16 accumulator")
class Int16Sums(OtherSums):
    def kept(self, sums, k, lut, signed):
        return sums.astype(np.int16).astype(np.int64)


@fault("saturating accumulator")
class SaturatingSums(OtherSums):
    def kept(self, sums, k, lut, signed):
        return np.clip(sums, -32768, 32767)


@fault("tile padding looked up")
class TilePadding(OtherSums):
    def kept(self, sums, k, lut, signed):
        return sums + -k % 16 * int(lut[128 * signed, 128 * signed])


@fault("missing zero-point cross term")
class NoCrossTerm(OtherSums):
    def correction(self, x_sums, w_sums, k, z_x, z_w, groups):
        return -z_x * w_sums - z_w * x_sums


@fault("cross term over all channels")
class CrossTermOfAllChannels(OtherSums):
    def correction(self, x_sums, w_sums, k, z_x, z_w, groups):
        return k * groups * z_x * z_w - z_x * w_sums - z_w * x_sums


@fault("x zero-point term with the wrong sign")
class WrongSignOfX(OtherSums):
    def correction(self, x_sums, w_sums, k, z_x, z_w, groups):
        return k * z_x * z_w + z_x * w_sums - z_w * x_sums


# ---- convolutions


@fault("padding without lookup")
class PaddingSkipped(Composed):
    def conv2d(self, *, x, w, lut, signed, x_zero_point, **inputs):
        entries = lut[x_zero_point + 128 * signed, w + 128 * signed].astype(np.float64)
        padded = exact_conv2d.forward(np.zeros(x.shape), entries, **geometry_of(inputs), pad_value=1.0)[0]
        return super().conv2d(x=x, w=w, lut=lut, signed=signed, x_zero_point=x_zero_point, **inputs) - np.rint(
            padded).astype(np.int64)


@fault("padding with code 0")
class PaddingWithZeros(Composed):
    def conv2d(self, *, x, padding, **inputs):
        padded = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
        return super().conv2d(x=padded, padding=[0, 0], **inputs)


@fault("swapped padding")
class SwappedPadding(Composed):
    def conv2d(self, *, padding, **inputs):
        return super().conv2d(padding=padding[::-1], **inputs)

    def float_conv2d(self, *, padding, **inputs):
        return super().float_conv2d(padding=padding[::-1], **inputs)


@fault("swapped stride")
class SwappedStride(Composed):
    def conv2d(self, *, stride, **inputs):
        return super().conv2d(stride=stride[::-1], **inputs)

    def float_conv2d(self, *, stride, **inputs):
        return super().float_conv2d(stride=stride[::-1], **inputs)


@fault("flipped kernel")
class FlippedKernel(Composed):
    def conv2d(self, *, w, **inputs):
        return super().conv2d(w=w[:, :, ::-1, ::-1], **inputs)

    def float_conv2d(self, *, w, **inputs):
        return super().float_conv2d(w=w[:, :, ::-1, ::-1], **inputs)


@fault("weights of groups shifted")
class ShiftedGroups(Composed):
    def conv2d(self, *, w, groups, **inputs):
        return super().conv2d(w=np.roll(w, -(len(w) // groups), axis=0) if groups > 1 else w, groups=groups, **inputs)


@fault("gradient without flip")
class UnflippedGradient(Composed):
    def float_conv2d_gradient(self, *, w, **inputs):
        dx, _ = super().float_conv2d_gradient(w=w[:, :, ::-1, ::-1], **inputs)
        return dx, super().float_conv2d_gradient(w=w, **inputs)[1]


# ---- codes, noise, statistics, devices


@fault("half-up rounding")
class HalfUp(Composed):
    def quantize(self, *, x, scale, zero_point, qmin, qmax):
        return np.clip(np.floor(x / scale + 0.5) + zero_point, qmin, qmax).astype(np.int64)


@fault("wraparound instead of clipping")
class Wraparound(Composed):
    def quantize(self, *, x, scale, zero_point, qmin, qmax):
        return (np.rint(x / scale).astype(np.int64) + zero_point - qmin) % (qmax - qmin + 1) + qmin


@fault("clipping ignored by the gradient")
class ClippingIgnored(Composed):
    def fake_quantize_gradient(self, *, dy, **inputs):
        return dy


@fault("ddof")
class BiasedSpread(Composed):
    def noise_layer(self, *, x, sigma, eps):
        return x + sigma * x.std() * eps


@fault("missing sqrt(fan_in)")
class MissingRoot(Composed):
    def error_prediction(self, *, fan_in, **inputs):
        mean, std = super().error_prediction(fan_in=fan_in, **inputs)
        return mean, std * np.sqrt(fan_in)


@fault("histogram index by wraparound")
class WrappedHistogram(Composed):
    def to_distribution(self, *, codes, min_val, max_val):
        counts = np.zeros(max_val - min_val + 1)
        np.add.at(counts, codes + min_val, 1)      # negative indices wrap, others beyond the end raise
        return counts / codes.size


@fault("strict inequality")
class StrictInequality(Composed):
    def cheapest_within(self, *, allowed, **inputs):
        return super().cheapest_within(allowed=np.nextafter(allowed, -np.inf), **inputs)


@fault("truncated drift exponent")
class TruncatedExponent(Composed):
    def drift_exponent(self, *, model, g_target, z):
        mean, std = device(model).drift_parameters(g_target)
        return np.maximum(mean + std * z, 0)


@fault("compensation inverted")
class InvertedCompensation(Composed):
    def drift_compensation(self, *, baseline, readout):
        return factor_of(GlobalDriftCompensation(), readout, baseline)


def touched(cls):
    """Operations that a fault may change: its own, and the layers that are made of them."""
    changed = {name for base in cls.__mro__ if base not in Composed.__mro__ for name in vars(base)}
    layers = {"linear_layer", "conv2d_layer", "linear_layer_gradient", "conv2d_layer_gradient", "fake_quantize"}
    return changed | (layers if changed & {"quantize", "linear", "conv2d", "fake_quantize_gradient"} else set())
