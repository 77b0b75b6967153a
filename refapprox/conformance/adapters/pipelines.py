"""What other frameworks compute, in NumPy, and their published defects one by one behind a switch.

    --adapter refapprox.conformance.adapters.pipelines:TFApprox                      as it is meant to be
    --adapter refapprox.conformance.adapters.pipelines:TFApprox:all                  with every defect known of it
    --adapter "refapprox.conformance.adapters.pipelines:TFApprox:patch sums of 1"    with some, separated by commas

so that its developers can bisect: the preset without defects and the framework must agree, and a difference names
the defect that is left. Defects are mistakes of `refapprox.conformance.mistakes`, made by their mutants.

References
----------
F. Vaverka et al., "TFApprox: Towards a Fast Emulation of DNN Approximate Hardware Accelerators on GPU", DATE 2020.
D. Danopoulos et al., "AdaPT: Fast Emulation of Approximate DNN Accelerators in PyTorch", TCAD 2022.
E. Trommer, torchapprox, https://github.com/etrommer/torch-approx.
"""
import numpy as np

from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.mutants import MUTANTS
from refapprox.conformance.mutants.tables import OtherCorrection

OPERAND_FLIP = "transposed table in convolutions"
WRONG_SIGN = "x zero-point term with the wrong sign"


class FlippedInConvolution(Composed):
    """The weight is the first operand of the table in convolutions, the activation in fully connected layers."""

    def conv2d(self, *, lut, **inputs):
        return super().conv2d(lut=np.ascontiguousarray(lut.T), **inputs)


class WrongSignInConvolution(MUTANTS[WRONG_SIGN]):
    def linear(self, **inputs):
        return super(OtherCorrection, self).linear(**inputs)      # fully connected layers have it right


class TFApproxSteps(Composed):
    """8-bit tables of convolutions, affine codes, sums in float32; nothing but convolutions."""

    def multiply(self, **inputs):
        raise NotImplementedError("TFApprox has convolutions only")

    matmul = linear = error_map = multiply

    def conv2d(self, **inputs):
        return np.rint(super().conv2d(**inputs).astype(np.float32)).astype(np.int64)

    def linear_layer(self, **inputs):
        if inputs["w"].ndim == 2:
            raise NotImplementedError("TFApprox has convolutions only")
        return super().linear_layer(**inputs)

    conv2d_layer = linear_layer


class AdaPTSteps(Composed):
    """Signed int16 tables, symmetric codes."""

    def multiply(self, **inputs):
        return super().multiply(**applicable(inputs))

    def matmul(self, **inputs):
        return super().matmul(**applicable(inputs))

    def linear(self, **inputs):
        return super().linear(**applicable(inputs))

    def conv2d(self, **inputs):
        return super().conv2d(**applicable(inputs))

    def error_map(self, **inputs):
        raise NotImplementedError("AdaPT has no error maps")


def applicable(inputs):
    """`inputs` of a symmetric pipeline with a table of int16; others are not for it."""
    lut = inputs["lut"]
    if not inputs["signed"] or lut.min() < -2 ** 15 or lut.max() >= 2 ** 15:
        raise NotImplementedError("tables are signed int16")
    if np.any(inputs.get("x_zero_point", 0)) or np.any(inputs.get("w_zero_point", 0)):
        raise NotImplementedError("codes are symmetric")
    return inputs


class TorchApproxSteps(Composed):
    """int8 or uint8 tables by bit pattern, affine codes, int32 sums: what its CPU kernel computes."""

    conventions = {**Composed.conventions, "accumulator width": "int32 wraparound"}

    def matmul(self, **inputs):
        return super().matmul(**inputs).astype(np.int32)


PRESETS = {      # name -> (steps, defects)
    "TFApprox": (TFApproxSteps, ("patch sums of 1", "tile padding looked up")),
    "AdaPT": (AdaPTSteps, ("negative quadrant from magnitudes", OPERAND_FLIP)),
    "TransAxx": (AdaPTSteps, ("negative quadrant from magnitudes", OPERAND_FLIP, "tile padding looked up")),
    "TorchApprox": (TorchApproxSteps, (OPERAND_FLIP, "padding with code 0", WRONG_SIGN,
                                       "groups ignored in the fan-in")),
    "TorchApproxCUDA": (TorchApproxSteps, (OPERAND_FLIP, "padding with code 0", "tile padding looked up",
                                           WRONG_SIGN, "groups ignored in the fan-in")),
}


def preset(name, defects=""):
    """The adapter of a preset; `defects` is "", "all", or names separated by commas.

    Each defect is a mutant, and mutants change one step and leave the rest to the next class in line: any set of them
    can be stacked on the steps of the framework.
    """
    steps, known = PRESETS[name]
    chosen = known if defects == "all" else tuple(part.strip() for part in defects.split(",") if part.strip())
    unknown = [defect for defect in chosen if defect not in known]
    if unknown:
        raise ValueError(f"defects of {name} must be among {', '.join(known)}, got {', '.join(unknown)}.")
    special = {OPERAND_FLIP: FlippedInConvolution, WRONG_SIGN: WrongSignInConvolution}
    layers = [special.get(defect) or MUTANTS[defect] for defect in chosen]
    adapter = type(name, (*layers, steps), {})()
    adapter.name = f"{name} preset, {', '.join(chosen) or 'no defects'}"
    return adapter


def TFApprox(defects=""):
    return preset("TFApprox", defects)


def AdaPT(defects=""):
    return preset("AdaPT", defects)


def TransAxx(defects=""):
    return preset("TransAxx", defects)


def TorchApprox(defects=""):
    return preset("TorchApprox", defects)


def TorchApproxCUDA(defects=""):
    return preset("TorchApproxCUDA", defects)
