"""Wrong tables and accumulators."""
import numpy as np

from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.mutants.registry import mutant
from refapprox.multipliers.closed_forms import closed_form_names


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

    def circuit(self, *, release, name):
        return self.change(super().circuit(release=release, name=name), name.startswith("mul8s"))

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


@mutant("32768 left in the table")
class OffsetTable(OtherTable):
    def change(self, lut, signed):
        return lut + 2 ** 15


@mutant("product not sign-extended")
class NotSignExtended(OtherTable):
    def change(self, lut, signed):
        return lut % 2 ** 16 if signed else lut


@mutant("last entry repeated")
class LastEntryRepeated(OtherTable):
    def change(self, lut, signed):
        if signed:
            return lut
        lut = lut.copy()
        lut[-1, -1] = lut[-1, -2]
        return lut


@mutant("circuit of the other release")
class OtherRelease(Composed):
    def circuit(self, *, release, name):
        other = {"v1.1": "v2022", "v2022": "v1.1"}.get(release)
        return super().circuit(release=other if other and name in closed_form_names(other) else release, name=name)


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
