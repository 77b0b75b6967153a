"""Error figures of wide multipliers over all operand pairs, by their structure instead of by enumeration.

A 16-bit multiplier has 2**32 operand pairs. Two kinds of circuits need far fewer steps for the same exact answer, under
uniform operands:

**Dropped cells** (operand truncation T(t), broken arrays B(h, v)): the error is the sum of the dropped cells,
e = sum_{ij in D} W_i W_j x_i w_j, with bit weights W_i = 2**i (the sign bit's is negative). Bits are independent and
fair, E[x_i x_k] = (1 + [i = k]) / 4, so with D as a matrix d_ij = W_i W_j [ij in D]

    E[e]   = sum_ij d_ij / 4                                                                             (1)
    E[e^2] = ((sum_ij d_ij)^2 + sum_i (sum_j d_ij)^2 + sum_j (sum_i d_ij)^2 + sum_ij d_ij^2) / 16        (2)

Unsigned errors never cancel: MAE = E[e], and e = 0 exactly where no dropped cell has both bits set. Row i of D holds
the lowest c_i columns, c_i not increasing, so what matters is the lowest set bit of x:

    P(e = 0) = 2**-n + sum_i 2**-(i+1) 2**-c_i                                                           (3)

Signed errors do cancel. Above row p all c_i are equal; with the low p bits of x and all of w given, e is then an
arithmetic progression in the rest of x, whose sum of magnitudes and number of zeros are closed forms           (4)

**Quarters**: the product is put together from four narrower ones of the halves x = x0 + 2**k x1, w = w0 + 2**k w1,

    e = A(x0, w0) + 2**k (B(x0, w1) + C(x1, w0)) + 4**k D(x1, w1).

With (x0, x1) given, e = u(w0) + v(w1) with independent w0, w1: one sorted list of v a pair gives the sum of |u + v| and
the number of zeros; moments need row and column sums of the tables only                                        (5)

All sums are of integers and exact; only the last division rounds.
"""
from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from refapprox.multipliers.closed_forms import parameters_of
from refapprox.validation import check_array, check_flag, check_integer, largest_magnitude

MAX_LOW_BITS = 10      # of (4): 2**10 steps of 2**16 numbers


def form_figures(form: str, *, bits: int, signed: bool) -> dict[str, Fraction]:
    """Mean, MAE, MSE and error rate of T(t) or B(h, v) over all pairs of uniform operands, exactly.

    Parameters
    ----------
    form : str
        "T(t)" or "B(h, v)", see `closed_forms`.
    bits : int
        Width of both operands, at most 16.
    signed : bool
        Two's-complement operands.

    Returns
    -------
    dict of str to Fraction
        bias (mean of exact - approximate), MAE, MSE, and EP (the probability of an error, not in percent).

    Raises
    ------
    ValueError
        If `form` is none, or a signed form drops cells of so many rows that (4) would be an enumeration.

    Examples
    --------
    >>> figures = form_figures("B(0, 2)", bits=8, signed=True)
    >>> float(figures["MAE"]), float(figures["bias"])
    (1.25, 1.25)
    """
    bits, signed = check_integer("bits", bits, minimum=1, maximum=16), check_flag("signed", signed)
    columns = dropped_columns(form, bits)
    weights = [2 ** i for i in range(bits)]
    if signed:
        weights[-1] = -weights[-1]
    dropped = [[weights[i] * weights[j] if j < columns[i] else 0 for j in range(bits)] for i in range(bits)]
    total = sum(map(sum, dropped))
    figures = {"bias": Fraction(total, 4),                                                                  # (1)
               "MSE": Fraction(total ** 2 + sum(sum(row) ** 2 for row in dropped)
                               + sum(sum(column) ** 2 for column in zip(*dropped, strict=True))
                               + sum(cell ** 2 for row in dropped for cell in row), 16)}                    # (2)
    if signed:
        magnitudes, zeros = signed_sums(columns, bits)
        return figures | {"MAE": Fraction(magnitudes, 4 ** bits), "EP": 1 - Fraction(zeros, 4 ** bits)}
    zero = Fraction(1, 2 ** bits) + sum(Fraction(1, 2 ** (i + 1 + c)) for i, c in enumerate(columns))       # (3)
    return figures | {"MAE": figures["bias"], "EP": 1 - zero}


def dropped_columns(form, bits):
    """For every bit of x, how many of the lowest bits of w its row lacks."""
    h, *rest = parameters_of(form)
    if not rest:                                       # T(t): as many columns as rows
        return [bits if i < h else min(h, bits) for i in range(bits)]
    return [bits if i < h else min(max(rest[0] - i, 0), bits) for i in range(bits)]


def signed_sums(columns, bits):
    """(sum of |e|, number of zeros of e) over all signed operand pairs, by (4)."""
    low = next(i for i in range(bits + 1) if len(set(columns[i:])) <= 1)
    if low > MAX_LOW_BITS:
        raise ValueError(f"the signed errors of rows with {columns} dropped columns take an enumeration over {low} low "
                         f"bits; at most {MAX_LOW_BITS} are done.")
    w = np.arange(-2 ** (bits - 1), 2 ** (bits - 1))
    tails = [w if c == bits else w & (2 ** c - 1) for c in columns]
    step, count = 2 ** low, 2 ** (bits - low)
    slope = step * (tails[-1] if low < bits else np.zeros_like(w))
    first = -(count // 2) * slope                         # the rest of x runs from -count/2 to count/2 - 1, times step
    magnitudes = zeros = 0
    for x in range(2 ** low):
        at_zero = sum((2 ** i * tails[i] for i in range(low) if x >> i & 1), np.zeros_like(w))
        magnitude, zero = progression_sums(first + at_zero, slope, count)
        magnitudes += exact_sum(magnitude)
        zeros += int(zero.sum())
    return magnitudes, zeros


def progression_sums(first, slope, count):
    """(sum of |first + k slope|, number of zeros) over k = 0 .. count - 1, elementwise, int64; slope >= 0 or < 0.

    >>> tuple(int(a[0]) for a in progression_sums(np.array([-3]), np.array([2]), 4))      # 3, 1, 1, 3
    (8, 0)
    """
    first, slope = np.where(slope < 0, -first, first), np.abs(slope)
    safe = np.maximum(slope, 1)
    negative = np.where(slope > 0, np.clip(-(first // safe), 0, count), np.where(first < 0, count, 0))

    def partial(terms):
        return terms * first + terms * (terms - 1) // 2 * slope

    zero = np.where(slope > 0, (first % safe == 0) & (first <= 0) & (first + (count - 1) * slope >= 0),
                    count * (first == 0))
    return partial(np.int64(count)) - 2 * partial(negative), zero


def quarters_figures(low_low: ArrayLike, low_high: ArrayLike, high_low: ArrayLike,
                     high_high: ArrayLike) -> dict[str, Fraction]:
    """Mean, MAE, MSE and error rate of a multiplier put together from four quarter products, exactly, by (5).

    Parameters
    ----------
    low_low, low_high, high_low, high_high : integer arrays, shape (2**k, 2**k)
        *Error* maps (exact - approximate) of the unsigned quarters A(x0, w0), B(x0, w1), C(x1, w0) and D(x1, w1): the
        first name says which half of x, the row, the second which half of w.

    Returns
    -------
    dict of str to Fraction
        As of `form_figures`, for operands of 2 k bits.

    Raises
    ------
    TypeError
        If a map does not hold integers.
    ValueError
        If the maps differ in shape, are wider than 8 bits, or hold errors of 2**16 and more.

    Examples
    --------
    >>> wrong = np.zeros((4, 4), dtype=int)
    >>> wrong[3, 3] = 2                                  # 3 x 3 = 7
    >>> figures = quarters_figures(wrong, wrong, wrong, wrong)
    >>> float(figures["bias"]), float(figures["EP"])      # 2 / 16 * (1 + 4 + 4 + 16), 1 - (1 - 1/16)**2 ...
    (3.125, 0.19140625)
    """
    quarters = {"low_low": low_low, "low_high": low_high, "high_low": high_low, "high_high": high_high}
    tables = [check_array(name, table, kinds="iu", ndim=2, dtype=np.int64) for name, table in quarters.items()]
    side = len(tables[0])
    largest = max(map(largest_magnitude, tables))
    alike = all(table.shape == (side, side) for table in tables)
    if not alike or not side or side & (side - 1) or side > 256 or largest >= 2 ** 16:
        raise ValueError(f"{', '.join(quarters)} must be error maps of one shape (2**k, 2**k), k at most 8, with "
                         f"errors below 2**16, got shapes {[t.shape for t in tables]} and errors up to {largest}.")
    a, b, c, d = tables[0], side * tables[1], side * tables[2], side * side * tables[3]
    rows = [[int(v) for v in table.sum(axis=1)] for table in (a, b, c, d)]
    columns = [[int(v) for v in table.sum(axis=0)] for table in (a, b, c, d)]
    sums = [sum(r) for r in rows]
    squares = [scale * exact_sum(table ** 2) for scale, table in zip((1, side ** 2, side ** 2, side ** 4), tables,
                                                                     strict=True)]
    # sum over (x0, x1, w0, w1) of e^2: squares, then products of two quarters by what they share
    shared = (dot(columns[0], columns[2]) + dot(columns[1], columns[3])          # w0: A with C; w1: B with D
              + dot(rows[0], rows[1]) + dot(rows[2], rows[3]))                   # x0: A with B; x1: C with D
    total = side ** 2 * sum(squares) + 2 * side * shared + 2 * (sums[0] * sums[3] + sums[1] * sums[2])
    pairs = side ** 4
    magnitudes = zeros = 0
    for x0 in range(side):
        magnitude, zero = sum_of_magnitudes(a[x0] + c, b[x0] + d)
        magnitudes += magnitude
        zeros += zero
    return {"bias": Fraction(sum(sums), side ** 2), "MSE": Fraction(total, pairs), "MAE": Fraction(magnitudes, pairs),
            "EP": 1 - Fraction(zeros, pairs)}


def sum_of_magnitudes(u, v):
    """(sum of |u_ri + v_rj| over rows r and all i, j, number of zeros among them) of two int64 matrices."""
    v = np.sort(v, axis=1)
    width = v.shape[1]
    span = int(max(np.abs(u).max(), np.abs(v).max())) + 1
    offset = 2 * span * np.arange(len(v))[:, None]        # rows one behind the other: one search serves all
    start = width * np.arange(len(v))[:, None]
    flat, wanted = (v + offset).ravel(), offset - u
    below = np.searchsorted(flat, wanted.ravel(), side="left").reshape(u.shape) - start
    not_above = np.searchsorted(flat, wanted.ravel(), side="right").reshape(u.shape) - start
    prefix = np.concatenate([np.zeros((len(v), 1), dtype=np.int64), np.cumsum(v, axis=1)], axis=1)
    negative = np.take_along_axis(prefix, below, axis=1)                  # sum of the v with u + v < 0
    magnitude = (prefix[:, -1:] - 2 * negative) + u * (width - 2 * below)
    return exact_sum(magnitude), int((not_above - below).sum())


def exact_sum(array):
    """Sum of an int64 array as a Python integer: by halves of 32 bits, so that nothing wraps."""
    high = array >> 32
    return (int(high.sum()) << 32) + int((array - (high << 32)).sum())


def dot(left, right):
    """Sum of products of two lists of Python integers."""
    return sum(a * b for a, b in zip(left, right, strict=True))
