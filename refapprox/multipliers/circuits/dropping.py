"""Families that drop partial products or operand bits: smaller arrays, errors with closed moments.

Every function takes a builder and the wires of x and w and returns the product word, n + m wires. For cells x_i w_j of
weights W_i W_j (`partial_products`), each keeps

    exact                       all cells
    column truncation (k)       i + j >= k, and a correction, see `truncated`
    broken array B(h, v)        i >= h and i + j >= v, i being the bit of x
    perforation (j, k)          rows of w outside j .. j + k - 1
    operand truncation T(t)     i >= t and j >= t: floor of both operands to multiples of 2**t

so the error exact - approximate is the sum of W_i W_j x_i w_j over the dropped cells.

References
----------
M. J. Schulte, E. E. Swartzlander, "Truncated multiplication with correction constant", VLSI Signal Processing VI,
1993, doi:10.1109/VLSISP.1993.404467. E. J. King, E. E. Swartzlander, "Data-dependent truncation scheme for parallel
multipliers", 31st Asilomar Conference on Signals, Systems and Computers, 1997, 1178. H. R. Mahdiani et al.,
"Bio-inspired imprecise computational blocks for efficient VLSI implementation of soft-computing applications", IEEE
TCAS-I 57(4), 2010, doi:10.1109/TCSI.2009.2027626 (broken array). G. Zervakis et al., "Design-efficient approximate
multiplication circuits through partial product perforation", IEEE TVLSI 24(10), 2016, doi:10.1109/TVLSI.2016.2535398.
"""
from fractions import Fraction

from refapprox.multipliers.circuits.builder import ONE, ZERO
from refapprox.multipliers.circuits.partial_products import add_constant, expected_dropped, partial_products
from refapprox.multipliers.circuits.reduction import column_sum


def exact(builder, x, w, signed, tree="dadda"):
    """All cells; `tree` is "dadda", "wallace" or "array"."""
    return column_sum(builder, partial_products(builder, x, w, signed), tree)


def truncated(builder, x, w, signed, k, correction="none"):
    """Column truncation: columns below `k` are dropped.

    correction "constant" adds the mean of what is dropped under uniform operands, rounded half to even, and
    "variable" adds the cells of the first dropped column, k - 1, once more to column k: twice their own weight, which
    stands for them and for all columns below.
    """
    def keep(i, j):
        return i + j >= k

    if correction == "variable" and k > 0:
        columns = partial_products(builder, x, w, signed, lambda i, j: i + j >= k - 1, lambda i, j: i + j == k - 1)
    else:
        columns = partial_products(builder, x, w, signed, keep)
    if correction == "constant":
        columns = add_constant(columns, correction_constant(len(x), signed, k))
    return column_sum(builder, columns)


def correction_constant(bits, signed, k):
    """Mean of the dropped columns, a whole number, half to even.

    >>> correction_constant(8, False, 8)       # 1793 / 4 = 448.25
    448
    """
    return round(Fraction(expected_dropped(bits, signed, lambda i, j: i + j >= k), 4))


def broken_array(builder, x, w, signed, h, v):
    """B(h, v): cells with i >= h and i + j >= v."""
    return column_sum(builder, partial_products(builder, x, w, signed, lambda i, j: i >= h and i + j >= v))


def perforated(builder, x, w, signed, j, k):
    """Rows j .. j + k - 1 of w are left out: x * (w with those bits cleared)."""
    return column_sum(builder, partial_products(builder, x, w, signed, lambda _, row: not j <= row < j + k))


def operand_truncated(builder, x, w, signed, t):
    """T(t): both operands rounded toward minus infinity to multiples of 2**t."""
    return column_sum(builder, partial_products(builder, x, w, signed, lambda i, j: i >= t and j >= t))


def operand_jammed(builder, x, w, signed, t):
    """Both operands with their low t bits replaced by 10...0, the middle of what they may be; t = 0 changes nothing."""
    x, w = ([ZERO] * (t - 1) + [ONE] + list(word[t:]) if t else word for word in (x, w))
    return column_sum(builder, partial_products(builder, x, w, signed))


def operand_rounded(builder, x, w, signed, t):
    """Both operands rounded to the nearest multiple of 2**t, halves up, held at the largest multiple in range."""
    x, w = (rounded_word(builder, word, signed, t) for word in (x, w))
    return column_sum(builder, partial_products(builder, x, w, signed))


def rounded_word(builder, word, signed, t):
    """Wires of a word rounded to a multiple of 2**t; the increment is blocked where the high part is at its largest."""
    if t == 0:
        return word
    high = word[t:]
    largest = builder.invert(high[-1]) if signed else high[-1]
    for wire in high[:-1]:
        largest = builder.gate("AND", largest, wire)
    increment = builder.gate("AND", word[t - 1], builder.invert(largest))
    return [ZERO] * t + builder.add(high, [], increment, width=len(high))


def lower_part_or(builder, x, w, signed, l):
    """All cells, with a lower-part-OR adder for the low `l` bits of the last addition of a Dadda tree."""
    return column_sum(builder, partial_products(builder, x, w, signed), low_part=l)
