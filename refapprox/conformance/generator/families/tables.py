"""Which entry is read, in what order codes count, how sums accumulate."""
import numpy as np

from refapprox.conformance.generator import products
from refapprox.conformance.generator.building import exact, make
from refapprox.conformance.generator.draws import integers
from refapprox.conformance.generator.products import ACCUMULATORS, LOOKUPS, UNSIGNED_LOOKUPS
from refapprox.conformance.generator.tables import product


def operands(table, **arrays):
    """Inputs of a table operation."""
    return {**arrays, "lut": {"table": table}, "signed": product(table)[1]}


def reference(table):
    """The mistakes of LOOKUPS that concern a table: some are about signed codes."""
    return LOOKUPS if product(table)[1] else UNSIGNED_LOOKUPS


def elementwise(case_id, table, x, w, probes):
    x, w = np.array(x), np.array(w)
    m, signed, _ = product(table)

    def look(how=None):
        flat = [products.lookup(m, int(a), int(b), signed, how) for a, b in zip(x.flat, w.flat, strict=True)]
        return {"y": np.array(flat, dtype=np.int64).reshape(x.shape)}

    return make(case_id, "multiply", operands(table, x=x, w=w), look(), probes=probes, check=exact(),
                mistakes={how: look(how) for how in reference(table)}, reference="tables")


def table_indexing():
    """One product at a time, on tables whose entries say where they stand."""
    yield elementwise("table_indexing/signed-one", "probe_s8", [3], [-5],
                      "the entry read is 256 * row + column: a wrong one names the wrong axis or order")
    yield elementwise("table_indexing/signed-corners", "probe_s8", [-128, -128, 127, 127], [-128, 127, -128, 127],
                      "the four corners of a signed table")
    yield elementwise("table_indexing/signed-zero", "probe_s8", [0, 0, -1, 1], [0, 1, 0, -1],
                      "zero stands in the middle of a signed table, 1 and -1 beside it")
    yield elementwise("table_indexing/signed-grid", "probe_s8", np.repeat([-100, -7, 0, 7, 100], 5).reshape(5, 5),
                      np.tile([-90, -3, 1, 3, 90], 5).reshape(5, 5), "a grid of signed pairs, two-dimensional operands")
    yield elementwise("table_indexing/unsigned-one", "probe_u8", [3], [250], "row and column of an unsigned table")
    yield elementwise("table_indexing/unsigned-corners", "probe_u8", [0, 0, 255, 255], [0, 255, 0, 255],
                      "the four corners of an unsigned table")
    yield elementwise("table_indexing/unsigned-upper-half", "probe_u8", [127, 128, 129, 200], [128, 127, 200, 129],
                      "unsigned codes above 127 are not negative")
    yield elementwise("table_indexing/unsigned-last-entry", "offset_u8", [255, 255, 254], [255, 254, 255],
                      "the last entry of a table stands for itself (ApproxFlow's exact table has a wrong one)")
    yield elementwise("table_indexing/inexact-at-zero", "offset_s8", [0, 0, 5, -5], [0, 7, 0, 0],
                      "m(0,0), m(0,w) and m(x,0) are read from the table, not assumed to be 0")
    yield elementwise("table_indexing/inexact-at-zero-unsigned", "offset_u8", [0, 0, 5, 9], [0, 7, 0, 1],
                      "m(0,0), m(0,w) and m(x,0) are read from the table, not assumed to be 0")


def signed_codes():
    """Tables that are not symmetric under a change of sign."""
    negative = np.array([-5, -7, -1, -100, -77, -3])
    for table, what in (("broken_s8", "a broken array"), ("truncated_s8", "operands rounded down"),
                        ("offset_s8", "an asymmetric table")):
        name = table.removesuffix("_s8")
        yield elementwise(f"signed_codes/{name}-negative-quadrant", table, negative, negative[::-1],
                          f"negative times negative, {what}: not the product of the magnitudes")
        yield elementwise(f"signed_codes/{name}-mixed-signs", table, np.concatenate([negative, -negative]),
                          np.concatenate([-negative[::-1], negative[::-1]]), f"mixed signs, {what}")
    yield elementwise("signed_codes/lowest-code", "broken_s8", [-128, -128, 1, 127], [-128, 1, -128, -128],
                      "-128 has no positive counterpart")
    x, w = integers("signed_codes", (4, 6), -127, 127), integers("signed_codes w", (6, 3), -127, 127)
    yield matmul_case("signed_codes/sums", "broken_s8", x, w, "sums over all sign combinations")


def matmul_case(case_id, table, x, w, probes):
    def y(**how):
        return {"y": products.matmul(table, x, w, **how)}

    known = {name: y(look=name) for name in reference(table)}
    known.update({"tile padding looked up": y(tile=16), "tile padding of 8 looked up": y(tile=8)})
    known.update({name: y(sum_by=name) for name in ACCUMULATORS})
    if w.shape[0] == w.shape[1]:
        known["transposed operands"] = {"y": products.matmul(table, x, w.T)}
    return make(case_id, "matmul", operands(table, x=x, w=w), y(), probes=probes, check=exact(), mistakes=known,
                reference="matrix-product")


def accumulation():
    """What the sum is kept in."""
    for k in (2, 3, 40):
        yield matmul_case(f"accumulation/int16-{k}", "exact_s8", np.full((1, k), -128), np.full((k, 1), -128),
                          f"{k} times 16384: beyond int16")
    yield matmul_case("accumulation/largest-int32", "edge_s8", np.array([[127] * 16 + [15]]),
                      np.array([[3] * 16 + [127]]).T, "a sum of 17 entries just inside int32")
    yield matmul_case("accumulation/smallest-int32", "edge_s8", np.full((1, 16), -128), np.zeros((16, 1), np.int64),
                      "the sum is -2**31, the smallest int32")
    yield matmul_case("accumulation/float32-loses", "edge_s8", np.array([[127, 127, 1], [100, -100, 1]]),
                      np.array([[1, -3], [2, 5], [1, 7]]), "27-bit entries: float32 keeps 24 bits of them")
    yield matmul_case("accumulation/cancellation", "exact_s8", np.array([[-128, 127, 127, -128]]),
                      np.array([[-128, 127, -128, 127]]).T, "large terms of both signs: only the end must fit")
    x, w = np.full((2, 20), 127), np.array([[1, -1]] * 20)
    x[1] = -128

    def y(**how):
        return {"y": products.matmul("edge_s8", x, w, **how)}

    yield make("accumulation/beyond-int32", "matmul", operands("edge_s8", x=x, w=w),
               {"int64": y(), "int32 wraparound": y(sum_by="int32 wraparound")}, question="accumulator width",
               probes="20 entries of about 2**27: beyond int32, where accumulators are 64 bits wide or wrap",
               check=exact(), mistakes={**{name: y(sum_by=name) for name in ACCUMULATORS},
                                        **{name: y(look=name) for name in LOOKUPS}},
               reference="matrix-product")


def matrix_product():
    """Shapes and orders of a matrix product."""
    one_hot = np.zeros((3, 4), np.int64)
    one_hot[[0, 1, 2], [1, 3, 0]] = [1, 2, 3]
    yield matmul_case("matmul/one-hot-rows", "probe_s8", one_hot, np.arange(8).reshape(4, 2) - 3,
                      "one operand of each row differs from 0: the sum names the column it met")
    yield matmul_case("matmul/inexact-at-zero", "offset_s8", np.zeros((2, 5), np.int64), np.zeros((5, 3), np.int64),
                      "zeros times zeros give k m(0,0)")
    yield matmul_case("matmul/k-17", "offset_s8", integers("k17", (2, 17), -128, 127),
                      integers("k17 w", (17, 2), -128, 127), "k = 17 leaves a tile of 16 nearly empty")
    yield matmul_case("matmul/k-16", "offset_s8", integers("k16", (2, 16), -128, 127),
                      integers("k16 w", (16, 2), -128, 127), "k = 16 fills a tile of 16")
    yield matmul_case("matmul/k-1", "broken_s8", integers("k1", (5, 1), -128, 127),
                      integers("k1 w", (1, 4), -128, 127), "k = 1: an outer product")
    yield matmul_case("matmul/one-row", "broken_s8", integers("row", (1, 9), -128, 127),
                      integers("row w", (9, 5), -128, 127), "a single row")
    yield matmul_case("matmul/one-column", "broken_s8", integers("col", (5, 9), -128, 127),
                      integers("col w", (9, 1), -128, 127), "a single column")
    yield matmul_case("matmul/square", "broken_s8", integers("square", (4, 4), -128, 127),
                      integers("square w", (4, 4), -128, 127),
                      "square operands: a transposed weight goes unnoticed by shape")
    yield matmul_case("matmul/square-probe", "probe_u8", integers("squareu", (3, 3), 0, 255),
                      integers("squareu w", (3, 3), 0, 255), "square operands, unsigned probe table")
    yield matmul_case("matmul/unsigned", "broken_u8", integers("unsigned", (3, 7), 0, 255),
                      integers("unsigned w", (7, 4), 0, 255), "an unsigned broken array")


def linear():
    """The weight of a layer is (outputs, inputs); the activation still indexes axis 0 of the table."""
    for name, table, (n, k, m) in (("wide", "probe_s8", (2, 3, 5)), ("square", "broken_s8", (3, 4, 4)),
                                   ("inexact-at-zero", "offset_s8", (2, 6, 3)), ("unsigned", "probe_u8", (2, 5, 3)),
                                   ("one-output", "broken_s8", (4, 20, 1))):
        _, signed, qmin = product(table)
        x = integers(f"linear {name}", (n, k), qmin, qmin + 255)
        w = integers(f"linear w {name}", (m, k), qmin, qmin + 255)

        def y(x=x, w=w, table=table, **how):
            return {"y": products.linear(table, x, w, **how)}

        mistakes = {how: y(look=how) for how in reference(table)}
        mistakes.update({"tile padding looked up": y(tile=16), "tile padding of 8 looked up": y(tile=8)})
        if k == m:
            mistakes["transposed operands"] = y(w=w.T)
        yield make(f"linear/{name}", "linear", {**operands(table, x=x, w=w), "x_zero_point": 0, "w_zero_point": 0}, y(),
                   probes=f"fully connected layer of {k} inputs and {m} outputs, table {table}", check=exact(),
                   mistakes=mistakes, reference="linear")
