"""Products through a table, one by one and summed: which entry is read, in what order codes count, what sums are
kept in."""
from functools import cache

import numpy as np

from refapprox.conformance.spec.base import Part, Refused, family, operation
from refapprox.conformance.spec.examples import Example, exact, integers

# ---- the tables of the suite


def truncated(x, w, t):
    """T(t): both operands rounded down to a multiple of 2**t."""
    return (x >> t << t) * (w >> t << t)


def broken_array(x, w, h, v, signed):
    """B(h, v): sum over i >= h, i + j >= v of W_i W_j x_i w_j, W_7 = -128 where signed."""
    weights = [2 ** i for i in range(7)] + [-128 if signed else 128]
    kept = [sum(weights[j] * (w >> j & 1) for j in range(lowest, 8)) for lowest in range(8)]
    return sum(weights[i] * (x >> i & 1) * kept[max(v - i, 0)] for i in range(h, 8))


def inexact_at_zero(x, w):
    """m(0, 0) = 32, m(x, 0) and m(0, w) depend on x and w, and differently."""
    return x * w + 32 + 5 * (x % 4) - 3 * (w % 8)


TABLES = {      # name -> (signed, m(x, w) of integers or integer arrays, what it is for)
    "exact_s8": (True, lambda x, w: x * w, "the exact product"),
    "probe_s8": (True, lambda x, w: 256 * (x + 128) + (w + 128), "each entry names its own row and column"),
    "probe_u8": (False, lambda x, w: 256 * x + w, "each entry names its own row and column"),
    "offset_s8": (True, inexact_at_zero, "m(0,0) = 32, m(x,0) and m(0,w) not 0, not symmetric"),
    "offset_u8": (False, inexact_at_zero, "m(0,0) = 32, m(x,0) and m(0,w) not 0, not symmetric"),
    "broken_s8": (True, lambda x, w: broken_array(x, w, 2, 5, True), "B(2,5): mul8s_1KVL of EvoApproxLib v1.1"),
    "broken_u8": (False, lambda x, w: broken_array(x, w, 2, 6, False), "B(2,6), unsigned"),
    "truncated_s8": (True, lambda x, w: truncated(x, w, 2), "T(2): mul8s_1L2D of EvoApproxLib v1.1"),
    "edge_s8": (True, lambda x, w: 2 ** 20 * x + w, "entries up to 2**27: 16 of them reach the ends of int32"),
}


def codes_of(signed):
    """All 8-bit codes, ascending."""
    return np.arange(-128, 128) if signed else np.arange(256)


@cache
def tabulated(name):
    """A table of the suite, int32 (256, 256), value order, read-only."""
    if name not in TABLES:
        raise ValueError(f"the suite has no table {name!r}.")
    signed, m, _ = TABLES[name]
    codes = codes_of(signed)
    table = m(codes[:, None], codes).astype(np.int32)
    table.flags.writeable = False
    return table


# ---- parts

def entries(lut, signed):
    """m(x, w) of integer arrays by the table `lut`."""
    low = -128 if signed else 0

    def m(x, w):
        x, w = np.asarray(x) - low, np.asarray(w) - low
        if x.size and w.size and not (min(x.min(), w.min()) >= 0 and max(x.max(), w.max()) <= 255):
            raise Refused("a code outside the table")
        return lut[x, w].astype(np.int64)
    return m


def sign(x, w):
    return np.where((x < 0) != (w < 0), -1, 1)


def wrapped(values, bits):
    """`values` as two's complement of `bits` bits holds them."""
    return (values + 2 ** (bits - 1)) % 2 ** bits - 2 ** (bits - 1)


def magnitude(v, signed):
    """|v|, at most the largest code."""
    return np.minimum(np.abs(v), 127 if signed else 255)


def magnitude_quadrant(m, signed, x, w):
    """m(|x|, |w|) where both are negative; -128 is its own magnitude in 8 bits."""
    both = (x < 0) & (w < 0)
    return m(np.where(both, wrapped(np.abs(x), 8), x), np.where(both, wrapped(np.abs(w), 8), w))


def by_pattern(v, signed):
    """The code that stands in value order where the bit pattern of `v` points."""
    return v % 256 - 128 if signed else v


def upper_half_negative(m, signed, x, w):
    """Codes above 127 of an unsigned table by sign and magnitude."""
    if signed:
        return m(x, w)
    a, b = (np.where(v > 127, v - 256, v) for v in (x, w))
    return sign(a, b) * m(np.abs(a), np.abs(b))


look_up = Part("Products of the codes x and w, integer arrays.", lambda m, signed, x, w: m(x, w), {
    "transposed table": ("the weight indexes axis 0, the activation axis 1 (operand order flips between convolution "
        "and linear layers in torchapprox, AdaPT and TransAxx)", lambda m, s, x, w: m(w, x)),
    "two's-complement order": ("bit patterns of signed codes index a table in value order",
        lambda m, s, x, w: m(by_pattern(x, s), by_pattern(w, s))),
    "columns by bit pattern": ("bit patterns of signed weights index the columns of a table in value order",
        lambda m, s, x, w: m(x, by_pattern(w, s))),
    "rows by bit pattern": ("bit patterns of signed activations index the rows of a table in value order",
        lambda m, s, x, w: m(by_pattern(x, s), w)),
    "negative quadrant from magnitudes": ("m(-a, -b) is read from m(a, b) (tables converted by AdaPT's notebook)",
        magnitude_quadrant),
    "sign-magnitude table": ("sign(x w) m(|x|, |w|) stands for m(x, w)",
        lambda m, s, x, w: sign(x, w) * m(magnitude(x, s), magnitude(w, s))),
    "unsigned codes by sign and magnitude": ("codes above 127 are read as negative numbers of magnitude 256 - code "
        "(torchapprox's evo.lut)", upper_half_negative),
    "32768 left in the table": ("entries are stored with 32768 added, which is not undone (the recipe for signed "
        "tables in TFApprox's issue 10)", lambda m, s, x, w: m(x, w) + 2 ** 15),
    "product not sign-extended": ("negative products stand as unsigned 16-bit numbers (sources that declare unsigned "
        "types, EvoApproxLib's issue 4)", lambda m, s, x, w: m(x, w) % 2 ** 16 if s else m(x, w)),
    "last entry repeated": ("entry (255, 255) repeats the one before it (ApproxFlow's accurate.csv)",
        lambda m, s, x, w: m(x, w - ((x == 255) & (w == 255)))),
    "exact instead of table": ("the product x w is used, the table is not", lambda m, s, x, w: x * w),
    "int16 table": ("table entries wrap at 16 bits", lambda m, s, x, w: wrapped(m(x, w), 16))},
    compose=lambda first, second: lambda m, s, x, w: second(lambda a, b: first(m, s, a, b), s, x, w))


def float32_sum(terms):
    kept = np.float32(0)
    for term in terms:
        kept = np.float32(kept + np.float32(term))
    return int(kept)


total = Part("The sum of integers.", lambda terms: sum(terms), {
    "int16 accumulator": ("sums wrap at 16 bits", lambda terms: wrapped(sum(terms), 16)),
    "float32 accumulator": ("sums are rounded to 24 bits", float32_sum),
    "saturating accumulator": ("sums stop at the ends of int16",
        lambda terms: min(max(sum(terms), -2 ** 15), 2 ** 15 - 1))}, {
    "accumulator width": {
        "int64": None, "int32 wraparound": lambda terms: wrapped(sum(terms), 32)}})
padding_of_sums = Part(
    "What is added to a sum of k products because k is no multiple of something: nothing.",
    lambda k, m: 0, {
    "tile padding looked up": ("the summed axis is padded to a multiple of 16 with code 0, and the pairs are looked "
        "up: m(0, 0) is added (CUDA kernels of torchapprox and TransAxx)", lambda k, m: -k % 16 * int(m(0, 0))),
    "tile padding of 8 looked up": ("the same with a multiple of 8 (TFApprox's CUDA kernel)",
        lambda k, m: -k % 8 * int(m(0, 0)))})
weight_matrix = Part("The weight of a matrix product or a fully connected layer.", lambda w: w, {
    "transposed operands": ("rows and columns of the weight matrix are exchanged",
        lambda w: w.T if w.shape[0] == w.shape[1] else w)})


def sum_of_products(m, signed, x, w, k):
    """The sum of m(x_i, w_i) in an accumulator that is made for k products, a Python integer."""
    return int(total(look_up(m, signed, x, w).tolist())) + padding_of_sums(k, m)


# ---- operations


@operation("y", "tables", exact())
def multiply(*, x, w, lut, signed):
    """Elementwise table products of codes `x` and `w` of one shape -> y, integers of that shape."""
    return look_up(entries(lut, signed), signed, x, w)


@operation("y", "matrix-product", exact())
def matmul(*, x, w, lut, signed):
    """y[i, j] = sum_k lut[x[i, k], w[k, j]] for x (n, k), w (k, m) -> y (n, m), integers."""
    m, w = entries(lut, signed), weight_matrix(w)
    return np.array([[sum_of_products(m, signed, row, column, len(w)) for column in w.T] for row in x], dtype=np.int64)


# ---- examples


def elementwise(name, table, x, w, probes):
    return Example(name, multiply, {"x": np.array(x), "w": np.array(w), **operands(table)}, probes)


def product(name, table, x, w, probes):
    return Example(name, matmul, {"x": np.array(x), "w": np.array(w), **operands(table)}, probes)


def operands(table):
    """Inputs that name a table of the suite."""
    return {"lut": {"table": table}, "signed": TABLES[table][0]}


def lowest(table):
    """The smallest code of a table of the suite."""
    return -128 if TABLES[table][0] else 0


@family("table_indexing")
def table_indexing():
    """One product at a time, on tables whose entries say where they stand."""
    for name, table, x, w, probes in (
            ("signed-one", "probe_s8", [3], [-5],
             "the entry read is 256 * row + column: a wrong one names the wrong axis or order"),
            ("signed-corners", "probe_s8", [-128, -128, 127, 127], [-128, 127, -128, 127],
             "the four corners of a signed table"),
            ("signed-zero", "probe_s8", [0, 0, -1, 1], [0, 1, 0, -1],
             "zero stands in the middle of a signed table, 1 and -1 beside it"),
            ("signed-grid", "probe_s8", np.repeat([-100, -7, 0, 7, 100], 5).reshape(5, 5),
             np.tile([-90, -3, 1, 3, 90], 5).reshape(5, 5), "a grid of signed pairs, two-dimensional operands"),
            ("unsigned-one", "probe_u8", [3], [250], "row and column of an unsigned table"),
            ("unsigned-corners", "probe_u8", [0, 0, 255, 255], [0, 255, 0, 255],
             "the four corners of an unsigned table"),
            ("unsigned-upper-half", "probe_u8", [127, 128, 129, 200], [128, 127, 200, 129],
             "unsigned codes above 127 are not negative"),
            ("unsigned-last-entry", "offset_u8", [255, 255, 254], [255, 254, 255],
             "the last entry of a table stands for itself (ApproxFlow's exact table has a wrong one)"),
            ("inexact-at-zero", "offset_s8", [0, 0, 5, -5], [0, 7, 0, 0],
             "m(0,0), m(0,w) and m(x,0) are read from the table, not assumed to be 0"),
            ("inexact-at-zero-unsigned", "offset_u8", [0, 0, 5, 9], [0, 7, 0, 1],
             "m(0,0), m(0,w) and m(x,0) are read from the table, not assumed to be 0")):
        yield elementwise(name, table, x, w, probes)


@family("signed_codes")
def signed_codes():
    """Tables that are not symmetric under a change of sign."""
    negative = np.array([-5, -7, -1, -100, -77, -3])
    for table, what in (("broken_s8", "a broken array"), ("truncated_s8", "operands rounded down"),
                        ("offset_s8", "an asymmetric table")):
        name = table.removesuffix("_s8")
        yield elementwise(f"{name}-negative-quadrant", table, negative, negative[::-1],
                          f"negative times negative, {what}: not the product of the magnitudes")
        yield elementwise(f"{name}-mixed-signs", table, [*negative, *-negative], [*-negative[::-1], *negative[::-1]],
                          f"mixed signs, {what}")
    yield elementwise("lowest-code", "broken_s8", [-128, -128, 1, 127], [-128, 1, -128, -128],
                      "-128 has no positive counterpart")
    yield product("sums", "broken_s8", integers("signed_codes", (4, 6), -127, 127),
                  integers("signed_codes w", (6, 3), -127, 127), "sums over all sign combinations")


@family("accumulation")
def accumulation():
    """What the sum is kept in."""
    for k in (2, 3, 40):
        yield product(f"int16-{k}", "exact_s8", np.full((1, k), -128), np.full((k, 1), -128),
                      f"{k} times 16384: beyond int16")
    yield product("largest-int32", "edge_s8", [[127] * 16 + [15]], np.array([[3] * 16 + [127]]).T,
                  "a sum of 17 entries just inside int32")
    yield product("smallest-int32", "edge_s8", np.full((1, 16), -128), np.zeros((16, 1), np.int64),
                  "the sum is -2**31, the smallest int32")
    yield product("float32-loses", "edge_s8", [[127, 127, 1], [100, -100, 1]], [[1, -3], [2, 5], [1, 7]],
                  "27-bit entries: float32 keeps 24 bits of them")
    yield product("cancellation", "exact_s8", [[-128, 127, 127, -128]], np.array([[-128, 127, -128, 127]]).T,
                  "large terms of both signs: only the end must fit")
    yield product("beyond-int32", "edge_s8", [[127] * 20, [-128] * 20], [[1, -1]] * 20,
                  "20 entries of about 2**27: beyond int32, where accumulators are 64 bits wide or wrap")


@family("matmul")
def shapes():
    """Shapes and orders of a matrix product."""
    one_hot = np.zeros((3, 4), np.int64)
    one_hot[[0, 1, 2], [1, 3, 0]] = [1, 2, 3]
    yield product("one-hot-rows", "probe_s8", one_hot, np.arange(8).reshape(4, 2) - 3,
                  "one operand of each row differs from 0: the sum names the column it met")
    yield product("inexact-at-zero", "offset_s8", np.zeros((2, 5), np.int64), np.zeros((5, 3), np.int64),
                  "zeros times zeros give k m(0,0)")
    for name, key, table, (n, k, m), probes in (
            ("k-17", "k17", "offset_s8", (2, 17, 2), "k = 17 leaves a tile of 16 nearly empty"),
            ("k-16", "k16", "offset_s8", (2, 16, 2), "k = 16 fills a tile of 16"),
            ("k-1", "k1", "broken_s8", (5, 1, 4), "k = 1: an outer product"),
            ("one-row", "row", "broken_s8", (1, 9, 5), "a single row"),
            ("one-column", "col", "broken_s8", (5, 9, 1), "a single column"),
            ("square", "square", "broken_s8", (4, 4, 4),
             "square operands: a transposed weight goes unnoticed by shape"),
            ("square-probe", "squareu", "probe_u8", (3, 3, 3), "square operands, unsigned probe table"),
            ("unsigned", "unsigned", "broken_u8", (3, 7, 4), "an unsigned broken array")):
        low = lowest(table)
        yield product(name, table, integers(key, (n, k), low, low + 255), integers(f"{key} w", (k, m), low, low + 255),
                      probes)


