"""Index orders of other tools' tables, and every way to read a table of integers.

value order   row r is the operand qmin + r: -128, -127, ..., 127. The only order inside of refapprox.
code order    row r is the operand whose two's-complement code is r: 0, 1, ..., 127, -128, ..., -1.

For unsigned operands the two are one.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.multipliers.declaration import ORDERS, Reading
from refapprox.multipliers.multiplier import Multiplier
from refapprox.validation import check_array

__all__ = ["ORDERS", "fits", "readings", "swap_order"]

NEGATIVE_SHARE = 1 / 8      # no table of unsigned products has more negative entries


def swap_order(table: ArrayLike) -> NDArray:
    """Value order of a table in code order, and the other way round: both axes turned by half their length.

    Parameters
    ----------
    table : array, shape (2**bits_x, 2**bits_w)

    Returns
    -------
    ndarray of the same shape and dtype

    Raises
    ------
    TypeError
        If the table holds no real numbers.
    ValueError
        If it has not two axes.

    Examples
    --------
    >>> swap_order([[0, 1], [2, 3]]).tolist()
    [[3, 2], [1, 0]]
    """
    table = check_array("table", table, ndim=2)
    return np.roll(table, [side // 2 for side in table.shape], axis=(0, 1))


def negative_quadrant_from_magnitudes(table):
    """A signed table, value order, as AdaPT's notebook converts it: m(-a, -b) is read from m(a, b).

    The smallest code is its own magnitude, as in a type that has no larger number.
    """
    table, halves = np.asarray(table), [side // 2 for side in np.shape(table)]
    negative = [np.arange(half) for half in halves]
    magnitude = [np.where(rows == 0, 0, 2 * half - rows) for rows, half in zip(negative, halves, strict=True)]
    wrong = table.copy()
    wrong[np.ix_(*negative)] = table[np.ix_(*magnitude)]
    return wrong


def readings(table, patterns=False):
    """Every way to read an integer table: unsigned, signed in value order, signed in code order; a list of `Reading`.

    With `patterns` the entries are bit patterns, so that signed products are their two's complement.
    """
    table = np.asarray(table).astype(np.int64)
    return [Reading(signed, order, Multiplier("table", entries_as(table, signed, order, patterns), signed))
            for signed, order in ((False, "value"), (True, "value"), (True, "code"))]


def entries_as(table, signed, order, patterns=False):
    """The table in value order, if its entries are read so."""
    if signed and patterns:
        table = from_pattern(table)
    return swap_order(table) if signed and order == "code" else table


def from_pattern(table):
    """Two's-complement values of non-negative entries, as wide as the product or, if longer, in steps of 8 bits.

    >>> from_pattern(np.array([[0, 0], [0, 3]])).tolist()      # 1x1 bits, products of 2 bits
    [[0, 0], [0, -1]]
    """
    if table.min() < 0:
        return table
    product_bits = sum(side.bit_length() - 1 for side in table.shape)
    largest = int(table.max()).bit_length()
    width = product_bits if largest <= product_bits else -(-largest // 8) * 8
    return np.where(table >> width - 1 & 1, table - (1 << width), table)


def fits(table, signed):
    """Whether the entries can be products of such operands.

    Unsigned ones are not negative (a few may be, of designs that correct a mean error), and a table without any
    negative entry whose largest does not fit the signed product word is none of signed operands.
    """
    if not signed:
        return float(np.mean(table < 0)) <= NEGATIVE_SHARE
    product_bits = sum(side.bit_length() - 1 for side in table.shape)
    return table.min() < 0 or table.max() <= 2 ** (product_bits - 1)
