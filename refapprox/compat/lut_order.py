"""Tables in two's-complement order, as the other tools index them, and back.

    other[x & 255, w & 255] = lut[x + 128, w + 128]            rows and columns 0, 1, ..., 127, -128, ..., -1
"""
import numpy as np

from refapprox.multipliers.multiplier import Multiplier

SIDE = 256


def to_twos_complement(lut):
    """A signed 8-bit table in value order, reordered: int32, row and column = code modulo 256."""
    return np.roll(check_side(lut), SIDE // 2, axis=(0, 1))


def from_twos_complement(lut):
    """The inverse of `to_twos_complement`; a half turn is its own inverse."""
    return np.roll(check_side(lut), SIDE // 2, axis=(0, 1))


def signed_multiplier(lut, name):
    """Multiplier of a signed table in two's-complement order.

    Whole numbers in a floating dtype are taken, as the other tools take them.
    """
    lut = check_side(lut)
    if lut.dtype.kind == "f":
        if not np.array_equal(lut, np.rint(lut)):
            raise ValueError(f"lut of {name} must hold whole numbers.")
        lut = lut.astype(np.int64)
    return Multiplier(name, from_twos_complement(lut))


def check_side(lut):
    lut = np.asarray(lut)
    if lut.shape != (SIDE, SIDE):
        raise ValueError(f"a table in two's-complement order must have shape (256, 256), got {lut.shape}: "
                         f"the other tools know 8x8 bits only.")
    return lut
