"""What other frameworks compute: `refapprox.compat.presets` held against the suite, with their defects or without.

    --adapter refapprox.conformance.adapters.pipelines:Pipeline:tfapprox                     as it is meant
    --adapter refapprox.conformance.adapters.pipelines:Pipeline:tfapprox:all                 with every known defect
    --adapter "refapprox.conformance.adapters.pipelines:Pipeline:tfapprox:patch sums of 1"   with some, comma-separated

so that a framework's developers can bisect: where the preset without defects and the framework agree, nothing of
what is known is left, and a difference names what is.
"""
import numpy as np

from refapprox.compat.pipelines import conv2d_of_codes, layer, linear_of_codes
from refapprox.compat.presets import get_preset
from refapprox.conformance.adapter import Adapter
from refapprox.conformance.adapters.native import table
from refapprox.multipliers.multiplier import code_range
from refapprox.quantization import QuantizationParameters


class Pipeline(Adapter):
    """The preset of a specification "name", "name:all" or "name:defect,defect"."""

    def __init__(self, specification):
        name, _, defects = specification.partition(":")
        self.preset = get_preset(name)
        chosen = [part.strip() for part in defects.split(",") if part.strip()]
        self.defects = self.preset.check_defects("all" if chosen == ["all"] else chosen)
        self.name = f"preset {name}, {', '.join(sorted(self.defects)) or 'no defects'}"

    def quantize(self, *, x, scale, zero_point, qmin, qmax):
        return self.preset.quantize(x, QuantizationParameters(scale, zero_point, qmin, qmax))

    def linear(self, *, x, w, lut, signed, x_zero_point, w_zero_point):
        y = linear_of_codes(self.preset, x, w, *unscaled(x_zero_point, w_zero_point), self.table(lut, signed),
                            self.defects)
        return np.rint(y).astype(np.int64)

    def conv2d(self, *, x, w, lut, signed, x_zero_point, w_zero_point, **geometry):
        y = conv2d_of_codes(self.preset, x, w, *unscaled(x_zero_point, w_zero_point), self.table(lut, signed), geometry,
                            self.defects)
        return np.rint(y).astype(np.int64)

    def linear_layer(self, *, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point, **geometry):
        limits = code_range(8, signed)
        qx, qw = (QuantizationParameters(scale, zero_point, *limits)
                  for scale, zero_point in ((x_scale, x_zero_point), (w_scale, w_zero_point)))
        if np.ndim(w_scale) and self.preset.rounding != "half even":
            raise NotImplementedError(f"{self.preset.name} quantizes weights by the tensor")
        return layer(self.preset, x, w, self.table(lut, signed), geometry or None, self.defects, qx, qw)

    conv2d_layer = linear_layer

    def table(self, lut, signed):
        if signed != self.preset.signed:
            kind = "signed" if self.preset.signed else "unsigned"
            raise NotImplementedError(f"{self.preset.name} takes {kind} tables")
        return table(lut, signed)


def unscaled(x_zero_point, w_zero_point):
    """Parameters under which the real results are the integer accumulators."""
    return QuantizationParameters(1.0, x_zero_point), QuantizationParameters(1.0, w_zero_point)
