"""Wrong tables, accumulators, patches and zero points."""
import numpy as np

from refapprox.conformance.adapters.composed import Composed, along_outputs, sums_of_codes
from refapprox.conformance.mutants.registry import mutant
from refapprox.ops import conv2d as exact_conv2d


class OtherTable(Composed):
    """Every product is read from `change(lut, signed)`."""

    def multiply(self, **inputs):
        return super().multiply(**self.changed(inputs))

    def matmul(self, **inputs):
        return super().matmul(**self.changed(inputs))

    def linear(self, **inputs):
        return super().linear(**self.changed(inputs))

    def conv2d(self, **inputs):
        return super().conv2d(**self.changed(inputs))

    def circuit(self, **inputs):
        return self.change(super().circuit(**inputs), True)

    def changed(self, inputs):
        return {**inputs, "lut": np.ascontiguousarray(self.change(inputs["lut"], inputs["signed"]))}


def sizes(signed):
    """Indices, in value order, of the magnitudes of all codes; 128 has none and gets 127."""
    return np.minimum(np.abs(np.arange(-128, 128)), 127) + 128 if signed else np.arange(256)


@mutant("transposed table")
class TransposedTable(OtherTable):
    def change(self, lut, signed):
        return lut.T

    def error_map(self, **inputs):
        return super().error_map(**inputs).T

    def error_prediction(self, *, error_map, **inputs):
        square = error_map.shape[0] == error_map.shape[1]
        return super().error_prediction(error_map=error_map.T if square else error_map, **inputs)

    def single_dist_mc(self, *, error_map, **inputs):
        square = error_map.shape[0] == error_map.shape[1]
        return super().single_dist_mc(error_map=error_map.T if square else error_map, **inputs)


@mutant("two's-complement order")
class TwosComplementOrder(OtherTable):
    def change(self, lut, signed):
        return np.roll(lut, (128, 128), axis=(0, 1)) if signed else lut

    def error_map(self, **inputs):
        return self.change(super().error_map(**inputs), inputs["signed"])


@mutant("negative quadrant from magnitudes")
class MagnitudeQuadrant(OtherTable):
    def change(self, lut, signed):
        if not signed:
            return lut
        lut = lut.copy()
        in_8_bits = np.abs(np.arange(-128, 0, dtype=np.int8)).astype(np.intp) + 128
        lut[:128, :128] = lut[np.ix_(in_8_bits, in_8_bits)]
        return lut


@mutant("sign-magnitude table")
class SignMagnitude(OtherTable):
    def change(self, lut, signed):
        negative = np.arange(-128, 128) < 0
        sign = np.where(negative[:, None] != negative, -1, 1)
        return (sign * lut[np.ix_(sizes(True), sizes(True))]).astype(np.int32) if signed else lut


@mutant("unsigned codes by sign and magnitude")
class UnsignedBySign(OtherTable):
    def change(self, lut, signed):
        codes = np.arange(256)
        sizes = np.where(codes > 127, 256 - codes, codes)
        sign = np.where((codes > 127)[:, None] != (codes > 127), -1, 1)
        return lut if signed else (sign * lut[np.ix_(sizes, sizes)]).astype(np.int32)


@mutant("groups ignored in the fan-in")
class FanInOfAllGroups(Composed):
    def conv2d_counts(self, *, groups, **inputs):
        fan_in, opcount = super().conv2d_counts(groups=groups, **inputs)
        return groups * fan_in, opcount


@mutant("exact instead of table")
class ExactTable(OtherTable):
    def change(self, lut, signed):
        codes = np.arange(-128, 128) if signed else np.arange(256)
        return np.multiply.outer(codes, codes).astype(np.int32)

    def circuit(self, **inputs):
        return super(OtherTable, self).circuit(**inputs)


@mutant("int16 table")
class Int16Table(OtherTable):
    def change(self, lut, signed):
        return lut.astype(np.int16).astype(np.int32)


class Accumulator(Composed):
    """Sums of a matrix product end up as `kept(sums)`."""

    def matmul(self, **inputs):
        return self.kept(super().matmul(**inputs))


@mutant("int16 accumulator")
class Int16Accumulator(Accumulator):
    def kept(self, sums):
        return sums.astype(np.int16)


@mutant("saturating accumulator")
class SaturatingAccumulator(Accumulator):
    def kept(self, sums):
        return np.clip(sums, -32768, 32767)


@mutant("float32 accumulator")
class Float32Accumulator(Composed):
    def matmul(self, *, x, w, lut, signed):
        low = -128 if signed else 0
        products = lut[x[:, :, None] - low, w[None] - low]
        return np.cumsum(products, axis=1, dtype=np.float32)[:, -1].astype(np.int64)


@mutant("tile padding looked up")
class TilePadding(Composed):
    tile = 16

    def matmul(self, *, w, **inputs):
        return super().matmul(w=w, **inputs) + self.extra(w.shape[0], **inputs)

    def linear(self, *, w, **inputs):
        return super().linear(w=w, **inputs) + self.extra(w.shape[1], **inputs)

    def conv2d(self, *, w, **inputs):
        return super().conv2d(w=w, **inputs) + self.extra(w[0].size, **inputs)

    def extra(self, k, lut, signed, **_):
        """(-k mod tile) m(0, 0)."""
        zero = 128 if signed else 0
        return -k % self.tile * int(lut[zero, zero])


@mutant("tile padding of 8 looked up")
class TilePaddingOf8(TilePadding):
    tile = 8


@mutant("transposed operands")
class TransposedOperands(Composed):
    def matmul(self, *, w, **inputs):
        return super().matmul(w=w.T if w.shape[0] == w.shape[1] else w, **inputs)

    def linear(self, *, w, **inputs):
        return super().linear(w=w.T if w.shape[0] == w.shape[1] else w, **inputs)


@mutant("padding without lookup")
class PaddingSkipped(Composed):
    def conv2d(self, *, x, w, lut, signed, x_zero_point, w_zero_point, **geometry):
        low = -128 if signed else 0
        entries = lut[x_zero_point - low, w - low].astype(np.float64)
        looked_up = exact_conv2d.forward(np.zeros(x.shape), entries, **geometry, pad_value=1.0)[0]
        return super().conv2d(x=x, w=w, lut=lut, signed=signed, x_zero_point=x_zero_point, w_zero_point=w_zero_point,
                              **geometry) - looked_up.astype(np.int64)


@mutant("padding with code 0")
class PaddingCodeZero(Composed):
    def conv2d(self, *, x, padding, x_zero_point, **inputs):
        (top, left) = padding
        padded = np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)))
        return super().conv2d(x=padded, padding=[0, 0], x_zero_point=x_zero_point, **inputs)


@mutant("flipped kernel")
class FlippedKernel(Composed):
    def conv2d(self, *, w, **inputs):
        return super().conv2d(w=w[:, :, ::-1, ::-1], **inputs)

    def float_conv2d(self, *, w, **inputs):
        return super().float_conv2d(w=w[:, :, ::-1, ::-1], **inputs)


@mutant("swapped image axes")
class SwappedAxes(Composed):
    def conv2d(self, *, stride, padding, dilation, **inputs):
        return super().conv2d(stride=stride[::-1], padding=padding[::-1], dilation=dilation[::-1], **inputs)

    def float_conv2d(self, *, stride, padding, dilation, **inputs):
        return super().float_conv2d(stride=stride[::-1], padding=padding[::-1], dilation=dilation[::-1], **inputs)


@mutant("dilation ignored")
class DilationIgnored(Composed):
    def conv2d(self, *, dilation, **inputs):
        return super().conv2d(dilation=[1, 1], **inputs)


@mutant("floor and ceiling of the output size")
class CeilingMode(Composed):
    def conv2d(self, *, x, w, stride, padding, dilation, x_zero_point, **inputs):
        spans = [s + 2 * p - d * (k - 1) - 1
                 for s, k, p, d in zip(x.shape[2:], w.shape[2:], padding, dilation, strict=True)]
        below, right = (-span % s for span, s in zip(spans, stride, strict=True))
        (top, left) = padding
        padded = np.pad(x, ((0, 0), (0, 0), (top, top + below), (left, left + right)), constant_values=x_zero_point)
        return super().conv2d(x=padded, w=w, stride=stride, padding=[0, 0], dilation=dilation,
                              x_zero_point=x_zero_point, **inputs)


@mutant("groups interleaved")
class GroupsInterleaved(Composed):
    def conv2d(self, *, w, groups, w_zero_point, **inputs):
        order = np.argsort(np.arange(len(w)) % groups, kind="stable")      # outputs of group 0 first, then group 1, ...
        zero_point = w_zero_point[order] if np.ndim(w_zero_point) else w_zero_point
        return super().conv2d(w=w[order], groups=groups, w_zero_point=zero_point, **inputs)[:, np.argsort(order)]


class OtherCorrection(Composed):
    """The zero-point correction is `correction(x_sums, w_sums, k, z_x, z_w)` instead of the right one."""

    def linear(self, **inputs):
        return self.corrected(super().linear, {}, **inputs)

    def conv2d(self, **inputs):
        geometry = {key: inputs[key] for key in ("stride", "padding", "dilation", "groups")}
        return self.corrected(super().conv2d, geometry, **inputs)

    def corrected(self, right, geometry, *, x, w, x_zero_point, w_zero_point, **inputs):
        sums = sums_of_codes(x, w, x_zero_point, geometry)
        zero_points = x_zero_point, along_outputs(w_zero_point, geometry)
        change = self.correction(*sums, *zero_points) - true_correction(*sums, *zero_points)
        return right(x=x, w=w, x_zero_point=x_zero_point, w_zero_point=w_zero_point, **inputs) + change


def true_correction(x_sums, w_sums, k, z_x, z_w):
    return k * z_x * z_w - z_x * w_sums - z_w * x_sums


@mutant("missing zero-point cross term")
class MissingCrossTerm(OtherCorrection):
    def correction(self, x_sums, w_sums, k, z_x, z_w):
        return -z_x * w_sums - z_w * x_sums


@mutant("missing x zero-point term")
class MissingXTerm(OtherCorrection):
    def correction(self, x_sums, w_sums, k, z_x, z_w):
        return k * z_x * z_w - z_w * x_sums


@mutant("missing w zero-point term")
class MissingWTerm(OtherCorrection):
    def correction(self, x_sums, w_sums, k, z_x, z_w):
        return k * z_x * z_w - z_x * w_sums


@mutant("zero-point terms with the wrong sign")
class WrongSignTerms(OtherCorrection):
    def correction(self, *sums):
        return -true_correction(*sums)


@mutant("x zero-point term with the wrong sign")
class WrongSignOfX(OtherCorrection):
    def correction(self, x_sums, w_sums, k, z_x, z_w):
        return true_correction(x_sums, w_sums, k, z_x, z_w) + 2 * z_x * w_sums


@mutant("one zero point for all channels")
class OneZeroPoint(OtherCorrection):
    def correction(self, x_sums, w_sums, k, z_x, z_w):
        return true_correction(x_sums, w_sums, k, z_x, z_w.flat[0] if z_w.ndim else z_w)


@mutant("patch sums of 1")
class PatchSumsOfOne(OtherCorrection):
    def linear(self, **inputs):
        return super(OtherCorrection, self).linear(**inputs)      # fully connected layers are as they were

    def conv2d(self, *, x, w, **inputs):
        if w.shape[2:] in ((1, 1), x.shape[2:]):
            return super().conv2d(x=x, w=w, **inputs)
        return super(OtherCorrection, self).conv2d(x=x, w=w, **inputs)

    def correction(self, x_sums, w_sums, k, z_x, z_w):
        return true_correction(1 + k * z_x, 1 + k * z_w, k, z_x, z_w)
