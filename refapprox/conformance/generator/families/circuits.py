"""Whole tables: error maps and the circuits of EvoApproxLib, by hash."""
import hashlib
from functools import cache

import numpy as np

from refapprox.conformance.generator.building import make
from refapprox.conformance.generator.tables import TABLES, broken_array, product, truncated

# name -> family and parameters, as identified over all 65536 entries of the published circuits
SIGNED_V1_1 = {"1KV8": ("T", 0), "1L2H": ("T", 1), "1L2D": ("T", 2), "1L1G": ("T", 3), "1KVA": ("B", 0, 2),
               "1KVB": ("B", 0, 3), "1KX2": ("B", 0, 4), "1KR8": ("B", 1, 0), "1KR6": ("B", 1, 3),
               "1KRC": ("B", 1, 4), "1KVL": ("B", 2, 5), "1KTY": ("B", 3, 0), "1KR3": ("B", 6, 0)}
SIGNED_V2022 = {"1KV6": ("T", 0), "1L2J": ("T", 1), "1L2L": ("T", 2), "1L2N": ("T", 3), "1KV8": ("B", 0, 2),
                "1KV9": ("B", 0, 3), "1KVA": ("B", 0, 4), "1KVM": ("B", 1, 0), "1KVP": ("B", 1, 3),
                "1KVQ": ("B", 1, 4), "1KX5": ("B", 2, 5), "1KXF": ("B", 3, 0), "1L12": ("B", 6, 0)}


# name -> SHA-256 of the table, of the transposed one, and its entries at SPOTS. Evolved circuits have no formula: these
# are the circuits' C sources, evaluated; TFApprox's published files of them agree. Row: the first C parameter.
UNSIGNED_V1_1 = {
    "2AC": ("a35038a327ce37df35abda2f2dcfaf2205a4162a40b071f0fbd0253f5a9a63aa",
            "2272fa292760f70c6ed49d7a7888e9a1fbe6d9ec364285d8a9ba074bc4581050", [32, 36, 32, 11428, 11424, 64991]),
    "2HH": ("fd634a50e82b8daabb78914e309ebb6073b93206430ec34be3e7c9e2c08f6db6",
            "cd38aecf83807919893289c0f36b247a188f86dd5e02421547c9974333d5ebfd", [64, 64, 84, 11456, 11412, 65046]),
    "2P7": ("71c1d1dfbb236746c9cea95e40e54d1d2b342384b928692e18cad7b583d4cc8b",
            "e1822b5b02f91c982d2ea17a18dd5be0e110c2fa3759c482d3488d0dad290169", [0, 0, 2, 11401, 11402, 65027]),
    "17KS": ("a84ba0b0bebf25620ea160dcc82ea2dd98388293c4cf8612fe944e44173aaaf3",
             "ebaf6334d30b0ff2fe3849e67afa0800b638f4302f15c6a8dd50cf30f6eeb95a", [0, 0, 0, 11473, 11328, 64737]),
    "QJD": ("031977db1c351baa5c0d9aae9443303187e60f0e8dec2d6ab1875f6fde32aa9c",
            "4012c058f64bd330af34b7ca6b53b4179b37263ed30efd57b8f5ee9518ac8d5c", [0, 0, 0, 11392, 11400, 65055]),
    "ZFB": ("b4942f0cdfb84e012a2d912dfcb08ab4c4169c615c616e6f47755b35f1af9baa",
            "09b888310aa72ee8c1fa50c84c988963fec5c88f03e2a9c02f031e6ff5e5fea7", [0, 0, 0, 11464, 11336, 65023]),
}
SPOTS = ((0, 0), (0, 255), (255, 0), (200, 57), (57, 200), (255, 255))


def underdesigned(x, w, bits=8):
    """Blocks of 2x2 bits in which 3 * 3 is 7, added exactly."""
    if bits == 2:
        return 7 if x == w == 3 else x * w
    half, mask = bits // 2, 2 ** (bits // 2) - 1
    low, cross, high = (underdesigned(x & mask, w & mask, half),
                        underdesigned(x >> half, w & mask, half) + underdesigned(x & mask, w >> half, half),
                        underdesigned(x >> half, w >> half, half))
    return low + (cross << half) + (high << bits)


def significance_driven(x, w):
    """Rows 2r and 2r + 1, a bit of x each, share the cells of columns up to 7 + r by OR; the rest is added."""
    total = 0
    for r in range(4):
        even, odd = (w << row if x >> row & 1 else 0 for row in (2 * r, 2 * r + 1))
        shared = even & odd & (1 << 8 + r) - 1      # where both rows have a bit, OR loses one of the two
        total += even + odd - shared
    return total


def tangent_planes(x, w, level):
    """2**level parts an axis; in each the tangent plane at its midpoint, not below 0."""
    side = 256 >> level
    mx, mw = x // side * side + side // 2, w // side * side + side // 2
    return max(mx * w + mw * x - mx * mw, 0)


UNSIGNED = {      # (release, name) -> its formula
    ("v1.1", "mul8u_1JFF"): lambda x, w: x * w, ("ApproxFlow", "accurate"): lambda x, w: x * w,
    ("ApproxFlow", "approximate"): underdesigned, ("ApproxFlow", "LUT_SDLC"): significance_driven,
    ("ApproxFlow", "LUT_OU(L.1)"): lambda x, w: tangent_planes(x, w, 1),
    ("ApproxFlow", "LUT_OU(L.3)"): lambda x, w: tangent_planes(x, w, 3)}


@cache
def published(family, *parameters):
    """Table of T(t) or B(h, v), signed."""
    if family == "T":
        return whole(lambda x, w: truncated(x, w, *parameters), -128)
    return whole(lambda x, w: broken_array(x, w, *parameters, True), -128)


def whole(m, qmin):
    codes = range(qmin, qmin + 256)
    return np.array([[m(x, w) for w in codes] for x in codes], dtype=np.int64)


def table_hash(table):
    return hashlib.sha256(np.ascontiguousarray(table).astype("<i4").tobytes()).hexdigest()


def hashed(table, reason):
    """The check of a whole table: its hash, and a few entries that say where it differs."""
    spots = [(r, c) for r in (0, 1, 7, 100, 128, 129, 255) for c in (0, 3, 127, 128, 200, 255)]
    return {"kind": "sha256", "shape": list(table.shape), "reason": reason,
            "spots": [[[r, c], int(table[r, c])] for r, c in spots]}


def circuits():
    """Published circuits, which the names of two releases denote differently."""
    for release, names, others in (("v1.1", SIGNED_V1_1, SIGNED_V2022), ("v2022", SIGNED_V2022, SIGNED_V1_1)):
        for name, (family, *parameters) in names.items():
            table = published(family, *parameters)
            order = np.r_[128:256, 0:128]                               # bit patterns 0..255 as value-order indices
            magnitudes = np.minimum(np.abs(np.arange(-128, 128)), 127) + 128
            quadrant, in_8_bits = table.copy(), np.r_[0, magnitudes[1:128]]      # of -128 in 8 bits: -128, index 0
            quadrant[:128, :128] = table[np.ix_(in_8_bits, in_8_bits)]
            negative = np.arange(-128, 128) < 0
            sign = np.where(negative[:, None] != negative, -1, 1)
            wrong = {"transposed table": table.T, "two's-complement order": table[np.ix_(order, order)],
                     "negative quadrant from magnitudes": quadrant,
                     "sign-magnitude table": sign * table[np.ix_(magnitudes, magnitudes)],
                     "product not sign-extended": table % 2 ** 16, "32768 left in the table": table + 2 ** 15}
            if name in others:
                wrong["circuit of the other release"] = published(*others[name])
            formula = f"{family}({', '.join(map(str, parameters))})"
            yield make(f"circuits/{release}-mul8s_{name}", "circuit", {"release": release, "name": f"mul8s_{name}"},
                       {"lut": table_hash(table)}, probes=f"mul8s_{name} of release {release} is {formula}",
                       check=hashed(table, "integers"), reference="circuits",
                       mistakes={mistake: {"lut": table_hash(t)} for mistake, t in wrong.items()})


    yield from unsigned_circuits()


def unsigned_circuits():
    """Circuits whose operands do not commute, some not exact at zero; tables that ApproxFlow publishes."""
    for name, (right, transposed, entries) in UNSIGNED_V1_1.items():
        yield make(f"circuits/v1.1-mul8u_{name}", "circuit", {"release": "v1.1", "name": f"mul8u_{name}"},
                   {"lut": right}, probes=f"mul8u_{name} of release v1.1, row = first C parameter; "
                                          f"m(0,0) = {entries[0]}, m(200,57) = {entries[3]}, m(57,200) = {entries[4]}",
                   check={"kind": "sha256", "shape": [256, 256], "reason": "integers",
                          "spots": [[list(at), value] for at, value in zip(SPOTS, entries, strict=True)]},
                   reference="circuits", mistakes={"transposed table": {"lut": transposed}})
    for (release, name), function in UNSIGNED.items():
        table = whole(function, 0)
        repeated = table.copy()
        repeated[255, 255] = table[255, 254]
        magnitudes, negative = np.minimum(np.arange(256), 256 - np.arange(256)), np.arange(256) > 127
        sign = np.where(negative[:, None] != negative, -1, 1)
        wrong = {"transposed table": table.T, "last entry repeated": repeated,
                 "32768 left in the table": table + 2 ** 15, "int16 table": (table + 2 ** 15) % 2 ** 16 - 2 ** 15,
                 "unsigned codes by sign and magnitude": sign * table[np.ix_(magnitudes, magnitudes)]}
        yield make(f"circuits/{release}-{name}", "circuit", {"release": release, "name": name},
                   {"lut": table_hash(table)}, probes=f"what {name} of {release} is meant to be",
                   check=hashed(table, "integers"), reference="circuits",
                   mistakes={mistake: {"lut": table_hash(t)} for mistake, t in wrong.items()})


def error_map():
    """exact - approximate."""
    for name in ("broken_s8", "truncated_s8", "offset_s8", "offset_u8", "broken_u8"):
        m, signed, qmin = product(name)
        errors = whole(lambda x, w, m=m: x * w - m(x, w), qmin)
        order = np.r_[128:256, 0:128]
        wrong = {"error sign": -errors, "transposed table": errors.T, "absolute errors": np.abs(errors)}
        if signed:
            wrong["two's-complement order"] = errors[np.ix_(order, order)]
        yield make(f"error_map/{name}", "error_map", {"lut": {"table": name}, "signed": signed},
                   {"error_map": table_hash(errors)},
                   probes=f"error map of {TABLES[name][2]}: exact - approximate", check=hashed(errors, "integers"),
                   reference="error-maps", mistakes={mistake: {"error_map": table_hash(t)} for mistake,
                                                     t in wrong.items()})
