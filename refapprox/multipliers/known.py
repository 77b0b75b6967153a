"""What is known of EvoApproxLib's circuits without a file of theirs: fingerprint, power, closed form.

A name alone does not tell a circuit: ``mul8s_1KV8`` is exact in release v1.1 and has an MAE of 1.25 in v2022. What
tells it is its table, or, where there is none, its results on a fixed set of operands. ``known.json`` was made from
both releases by ``tests/tools/make_known_circuits.py``.
"""
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from refapprox import files

DATA = Path(__file__).with_name("known.json")
RELEASES = ("v1.1", "v2022")
HASH_DIGITS = 16
SAMPLE = 2 ** 16
STRIDES = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)     # odd, from the golden ratio and sqrt(3): a Weyl sequence each


class KnownCircuit(NamedTuple):
    """One published circuit: fingerprint, power in mW at 45 nm, and closed form such as "B(2, 5)" or ""."""

    fingerprint: str
    power: float
    form: str


@cache
def known_circuits():
    """release -> name -> `KnownCircuit`."""
    return {release: {name: KnownCircuit(*entry) for name, entry in circuits.items()}
            for release, circuits in files.read_json(DATA).items()}


@cache
def names_by_fingerprint():
    """fingerprint -> list of (release, name)."""
    names = {}
    for release, circuits in known_circuits().items():
        for name, circuit in circuits.items():
            names.setdefault(circuit.fingerprint, []).append((release, name))
    return names


def fingerprint(operator):
    """The identity of an operator, 16 digits: of its whole table, or of 2**16 spread operand pairs without one."""
    if operator.has_table:
        return operator.lut_hash[:HASH_DIGITS]
    x, w = spread_operands(operator)
    header = f"{operator.operation}{'s' if operator.signed else 'u'}{operator.bits_x}x{operator.bits_w}:".encode()
    results = operator(x, w)
    results = results.astype("<u8" if results.dtype == np.uint64 else "<i8")
    return hashlib.sha256(header + results.tobytes()).hexdigest()[:HASH_DIGITS]


def spread_operands(operator):
    """2**16 fixed operand pairs that cover the plane of operands evenly: x_k = top bits of k * stride mod 2**64."""
    k = np.arange(1, SAMPLE + 1, dtype=np.uint64)
    return tuple((k * np.uint64(stride) >> np.uint64(64 - bits)).astype(np.int64) + low
                 for stride, bits, (low, _) in ((STRIDES[0], operator.bits_x, operator.range_x),
                                                (STRIDES[1], operator.bits_w, operator.range_w)))
