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
    for release, names in (("v1.1", SIGNED_V1_1), ("v2022", SIGNED_V2022)):
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
                     "sign-magnitude table": sign * table[np.ix_(magnitudes, magnitudes)]}
            formula = f"{family}({', '.join(map(str, parameters))})"
            yield make(f"circuits/{release}-mul8s_{name}", "circuit", {"release": release, "name": f"mul8s_{name}"},
                       {"lut": table_hash(table)}, probes=f"mul8s_{name} of release {release} is {formula}",
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
