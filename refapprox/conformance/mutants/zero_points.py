"""Wrong zero-point corrections."""
from refapprox.conformance.adapters.composed import Composed, along_outputs, sums_of_codes
from refapprox.conformance.mutants.registry import mutant


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
