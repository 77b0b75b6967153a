"""Example inputs, and how answers to them are compared.

Operands are drawn by SHAKE-128 of a key: the same forever, whatever NumPy's generators do.
"""
import hashlib
import math
from dataclasses import dataclass

import numpy as np

from refapprox.conformance.spec.base import Operation


@dataclass(frozen=True)
class Example:
    """Inputs of an operation and what they probe; `check` overrides the operation's."""

    name: str
    operation: Operation
    inputs: dict
    probes: str
    check: dict | None = None


def integers(key, shape, low, high):
    """int64 array of `shape`, values in [low, high]; the modulo's bias of 2**-40 is of no matter here."""
    count = math.prod(shape)
    stream = hashlib.shake_128(key.encode()).digest(8 * max(count, 1))
    values = [int.from_bytes(stream[8 * i:8 * i + 8], "little") % (high - low + 1) + low for i in range(count)]
    return np.array(values, dtype=np.int64).reshape(shape)


def reals(key, shape, low, high, step=2.0 ** -8):
    """float64 array of multiples of `step` (a power of two, so that float32 holds them) in [low, high]."""
    return integers(key, shape, round(low / step), round(high / step)) * step


def distribution(key, size, denominator=256):
    """float64 pmf of `size` entries, multiples of 1/denominator: a power of two, so that the sum is exactly 1."""
    cuts = sorted(integers(key, (size - 1,), 0, denominator).tolist())
    return np.diff(np.array([0, *cuts, denominator])) / denominator


# ---- checks: (inputs, outputs) -> the check of a case

def exact(reason="integers"):
    return lambda inputs, outputs: {"kind": "exact", "reason": reason}


def sized(kind, key, sizes, reason, **more):
    """A check whose `key` holds a number per output: `sizes`, or what that function of (inputs, outputs) gives."""
    def check(inputs, outputs):
        found = sizes(inputs, outputs) if callable(sizes) else sizes
        return {"kind": kind, **more, key: {name: float(size) for name, size in found.items()}, "reason": reason}
    return check


def rounding(scale, roundings=64, reason="sums of a few dozen rounded terms of at most this size"):
    """`scale`: the size of the largest terms of each output."""
    return sized("rounding", "scale", scale, reason, roundings=roundings)


def absolute(bounds, reason):
    """`bounds`: how far each output may be off."""
    return sized("absolute", "bounds", bounds, reason)


# ---- whole tables are kept as their hash

SPOTS = [(r, c) for r in (0, 1, 7, 100, 128, 129, 255) for c in (0, 3, 127, 128, 200, 255)]


def table_hash(table):
    """SHA-256 of a table as little-endian int32, row-major."""
    return hashlib.sha256(np.ascontiguousarray(table).astype("<i4").tobytes()).hexdigest()


def hashed(outputs):
    """Outputs with the hash of every table in its place."""
    return {name: value if isinstance(value, str) else table_hash(value) for name, value in outputs.items()}


def by_hash(inputs, outputs):
    """The check of a whole table: its hash, and a few entries that say where it differs."""
    (table,) = outputs.values()
    return {"kind": "sha256", "shape": list(table.shape), "reason": "integers",
            "spots": [[[r, c], int(table[r, c])] for r, c in SPOTS]}
