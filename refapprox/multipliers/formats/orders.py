"""Index orders of other tools' tables, and which one a table is in.

value order   row r is the operand qmin + r: -128, -127, ..., 127. The only order inside of refapprox.
code order    row r is the operand whose two's-complement code is r: 0, 1, ..., 127, -128, ..., -1.

For unsigned operands the two are one.
"""
from typing import NamedTuple

import numpy as np

from refapprox.multipliers.multiplier import codes
from refapprox.validation import check_choice

ORDERS = ("value", "code")
CLEAR = 2.0      # a reading is taken without being asked for if every other one is at least so many times farther off


def swap_order(table):
    """Value order of a table in code order, and the other way round: both axes turned by half their length."""
    table = np.asarray(table)
    return np.roll(table, [side // 2 for side in table.shape], axis=(0, 1))


class Reading(NamedTuple):
    """One way to read a table: signedness, order, the table in value order, and its distance from exact products."""

    signed: bool
    order: str
    lut: np.ndarray
    mae: float


def readings(table, signed=None, order=None):
    """Every reading of an integer table that `signed` and `order` allow, nearest to the exact products first.

    A table of unsigned 16-bit entries may be the pattern of a signed one: such a reading takes them as int16.
    """
    table = np.asarray(table).astype(np.int64)
    bits = [side.bit_length() - 1 for side in table.shape]
    found = []
    for is_signed, its_order in ((False, "value"), (True, "value"), (True, "code")):
        if signed is not None and is_signed != bool(signed):
            continue
        if order is not None and is_signed and its_order != order:
            continue
        lut = swap_order(table) if its_order == "code" else table
        if is_signed and table.min() >= 0 and 2 ** 15 <= table.max() < 2 ** 16:
            lut = lut.astype(np.uint16).view(np.int16).astype(np.int64)
        exact = np.multiply.outer(codes(bits[0], is_signed), codes(bits[1], is_signed))
        found.append(Reading(is_signed, its_order, lut, float(np.abs(exact - lut).mean())))
    return sorted(found, key=lambda reading: reading.mae)


def reading_of(table, name, signed=None, order=None):
    """The one `Reading` that is asked for, or that is clearly the nearest to exact products.

    Raises
    ------
    ValueError
        If two readings are about equally near: then signedness and order must be given.
    """
    if order is not None:
        check_choice("order", order, ORDERS)
    found = readings(table, signed, order)
    if len(found) > 1 and found[1].mae < CLEAR * found[0].mae:
        raise ValueError(f"signedness and order of {name} are not clear from its entries: {described(found[0])} and "
                         f"{described(found[1])} fit alike. Pass signed= and order= ('value' or 'code').")
    return found[0]


def described(reading):
    kind = f"signed in {reading.order} order" if reading.signed else "unsigned"
    return f"{kind} (MAE {reading.mae:.4g})"
