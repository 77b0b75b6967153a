"""Signed 8-bit tables as the other tools pass them around: bit patterns as indices, `formats.orders` says more."""
import numpy as np

from refapprox.multipliers import Multiplier
from refapprox.multipliers.formats import swap_order

SIDE = 256


def signed_multiplier(lut, name):
    """Multiplier of a signed table in two's-complement order; one that is a Multiplier already is returned as it is.

    Whole numbers in a floating dtype are taken, as the other tools take them.
    """
    if isinstance(lut, Multiplier):
        return lut
    lut = check_side(lut)
    if lut.dtype.kind == "f":
        if not np.array_equal(lut, np.rint(lut)):
            raise ValueError(f"lut of {name} must hold whole numbers.")
        lut = lut.astype(np.int64)
    return Multiplier(name, swap_order(lut))


def check_side(lut):
    """`lut` as an array of shape (256, 256)."""
    lut = np.asarray(lut)
    if lut.shape != (SIDE, SIDE):
        raise ValueError(f"a table in two's-complement order must have shape (256, 256), got {lut.shape}: "
                         f"the other tools know 8x8 bits only.")
    return lut
