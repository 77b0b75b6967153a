"""The tables of the suite as plain functions m(x, w) of two integers."""
from functools import cache

import numpy as np


@cache
def kept(w, lowest, signed):
    """Value of the bits of `w` from `lowest` on: sum over j >= lowest of W_j w_j, W_7 = -128 where signed."""
    weights = [2 ** j for j in range(7)] + [-128 if signed else 128]
    return sum(weights[j] for j in range(lowest, 8) if w >> j & 1)


def broken_array(x, w, h, v, signed):
    """B(h, v): sum over i >= h, i + j >= v of W_i W_j x_i w_j."""
    weights = [2 ** i for i in range(7)] + [-128 if signed else 128]
    return sum(weights[i] * kept(w, max(v - i, 0), signed) for i in range(h, 8) if x >> i & 1)


def truncated(x, w, t):
    """T(t): both operands rounded down to a multiple of 2**t."""
    return (x // 2 ** t * 2 ** t) * (w // 2 ** t * 2 ** t)


def offset(x, w):
    """Not exact at zero: m(0, 0) = 32, m(x, 0) and m(0, w) depend on x and w, and differently."""
    return x * w + 32 + 5 * (x % 4) - 3 * (w % 8)


TABLES = {      # name -> (signed, m, what it is for)
    "exact_s8": (True, lambda x, w: x * w, "the exact product"),
    "probe_s8": (True, lambda x, w: 256 * (x + 128) + (w + 128), "each entry names its own row and column"),
    "probe_u8": (False, lambda x, w: 256 * x + w, "each entry names its own row and column"),
    "offset_s8": (True, offset, "m(0,0) = 32, m(x,0) and m(0,w) not 0, not symmetric"),
    "offset_u8": (False, offset, "m(0,0) = 32, m(x,0) and m(0,w) not 0, not symmetric"),
    "broken_s8": (True, lambda x, w: broken_array(x, w, 2, 5, True), "B(2,5): mul8s_1KVL of EvoApproxLib v1.1"),
    "broken_u8": (False, lambda x, w: broken_array(x, w, 2, 6, False), "B(2,6), unsigned"),
    "truncated_s8": (True, lambda x, w: truncated(x, w, 2), "T(2): mul8s_1L2D of EvoApproxLib v1.1"),
    "edge_s8": (True, lambda x, w: 2 ** 20 * x + w, "entries up to 2**27: 16 of them reach the ends of int32"),
}


def product(name):
    """(m, signed, qmin) of a table."""
    signed, function, _ = TABLES[name]
    return function, signed, -128 if signed else 0


def tabulate(name):
    """The table in value order, in the smallest integer dtype that holds it."""
    function, _, qmin = product(name)
    codes = range(qmin, qmin + 256)
    table = np.array([[function(x, w) for w in codes] for x in codes], dtype=np.int64)
    for dtype in (np.int16, np.uint16):
        if np.iinfo(dtype).min <= table.min() and table.max() <= np.iinfo(dtype).max:
            return table.astype(dtype)
    return table.astype(np.int32)
