"""What a name of EvoApproxLib says: operation, widths and signedness.

    mul8u_2AC    8x8 bits, unsigned           add8u_0FP    8 + 8 bits -> 9, unsigned
    mul8x2u_015  8x2 bits, unsigned           add8se_7QY   8 + 8 bits -> 9, signed (extended)
    mul8s_1KV8   8x8 bits, signed             add8s_6HF    8 + 8 bits -> 8, signed
"""
import re
from typing import NamedTuple

from refapprox.validation import shown

NAME = re.compile(r"(?P<operation>mul|add)(?P<x>[1-9][0-9]?)(?:x(?P<w>[1-9][0-9]?))?(?P<kind>u|se|s)_[0-9A-Z]+")


class Shape(NamedTuple):
    """Operation ("mul" or "add"), widths of operands and result, signedness."""

    operation: str
    bits_x: int
    bits_w: int
    output_bits: int
    signed: bool


def shape_of(name):
    """The `Shape` that a published name tells, or None for any other name."""
    match = NAME.fullmatch(name)
    if not match:
        return None
    bits_x = int(match["x"])
    bits_w = int(match["w"] or bits_x)
    sum_bits = max(bits_x, bits_w) + (match["kind"] != "s")
    output_bits = bits_x + bits_w if match["operation"] == "mul" else sum_bits
    return Shape(match["operation"], bits_x, bits_w, output_bits, match["kind"] != "u")


def pair(bits):
    """`bits`, one width or two, as a pair."""
    try:
        bits_x, bits_w = bits
    except TypeError:
        return bits, bits
    except ValueError:
        raise ValueError(f"bits must be one width or a pair of them, got {shown(bits)}.") from None
    return bits_x, bits_w


def wanted(shape, signed=None, bits=None, operation=None):
    """Whether a `Shape` (or anything with its attributes) is of the kind asked for; None asks for any."""
    return ((signed is None or shape.signed == bool(signed))
            and (bits is None or (shape.bits_x, shape.bits_w) == tuple(pair(bits)))
            and (operation is None or shape.operation == operation))
