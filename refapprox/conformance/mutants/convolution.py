"""Wrong patches, geometry and counts of convolutions."""
import numpy as np

from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.mutants.registry import mutant
from refapprox.ops import conv2d as exact_conv2d


@mutant("groups ignored in the fan-in")
class FanInOfAllGroups(Composed):
    def conv2d_counts(self, *, groups, **inputs):
        fan_in, opcount = super().conv2d_counts(groups=groups, **inputs)
        return groups * fan_in, opcount


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
