"""C's integer types and conversions, for the straight-line sources of EvoApproxLib (ISO C11, 6.3.1 and 6.4.4.1).

`int` has 32 bits and `long` 64, as with gcc on 64-bit Linux, where the published figures come from. A value of any
type is kept as a 64-bit two's-complement pattern, so that only narrowing changes it and uint64 wraps as in C.
"""
from typing import NamedTuple


class CType(NamedTuple):
    """An integer type: width in bits and signedness."""

    width: int
    signed: bool


INT, UINT, LONG, ULONG = CType(32, True), CType(32, False), CType(64, True), CType(64, False)
C_TYPES = {"int": INT, "long": LONG} | {
    f"{'' if signed else 'u'}int{width}_t": CType(width, signed)
    for width in (8, 16, 32, 64) for signed in (True, False)
}


def promoted(ctype):
    """What arithmetic does to one operand: types narrower than int become int (6.3.1.1)."""
    return INT if ctype.width < 32 else ctype


def common_type(left, right):
    """The type in which an operator of two operands computes (usual arithmetic conversions, 6.3.1.8)."""
    left, right = promoted(left), promoted(right)
    if left.width != right.width:
        return max(left, right, key=lambda ctype: ctype.width)
    return left if not left.signed else right


def literal_type(value, hexadecimal, suffix):
    """The first type that holds a literal (6.4.4.1), or None where no 64-bit type does."""
    unsigned = "u" in suffix.lower()
    long = "l" in suffix.lower()
    for ctype in (INT, UINT, LONG, ULONG):
        allowed = not ctype.signed if unsigned else ctype.signed or hexadecimal
        if allowed and ctype.width >= (64 if long else 32) and value < 2 ** (ctype.width - ctype.signed):
            return ctype
    return None
