"""C's integer types and conversions (ISO C11, 6.2.5, 6.3.1 and 6.4.4.1).

`int` has 32 bits, `long` 64 and plain `char` a sign, as with gcc on 64-bit Linux, where the published figures come
from. A value of any type is kept as a 64-bit two's-complement pattern, so that only narrowing changes it and uint64
wraps as in C.
"""
from typing import NamedTuple


class CType(NamedTuple):
    """An integer type: width in bits and signedness; width 1 is bool, which turns whatever is not zero into 1."""

    width: int
    signed: bool


BOOL, INT, UINT, LONG, ULONG = CType(1, False), CType(32, True), CType(32, False), CType(64, True), CType(64, False)
NAMED = {f"{'' if signed else 'u'}int{width}_t": CType(width, signed)
         for width in (8, 16, 32, 64) for signed in (True, False)} | {"bool": BOOL, "_Bool": BOOL, "size_t": ULONG}
WORDS = ("unsigned", "signed", "char", "short", "int", "long")       # in any order and number that C allows
QUALIFIERS = ("const", "static", "inline", "volatile", "register", "extern")
C_TYPES = (*NAMED, *WORDS)
UNSIZED = ("int", "long", "signed", "unsigned")      # say how they compute, not how wide or of which sign operands are


def type_of_words(words):
    """The `CType` that a list of `WORDS` spells, such as ["unsigned", "char"], or None where C has none."""
    counts = {word: words.count(word) for word in WORDS}
    if counts["unsigned"] + counts["signed"] > 1 or counts["long"] > 2 or counts["int"] > 1:
        return None
    sizes = [word for word in ("char", "short", "long") if counts[word]]
    if len(sizes) > 1 or (sizes == ["char"] and counts["int"]) or max(counts["char"], counts["short"]) > 1:
        return None
    width = {"char": 8, "short": 16, "long": 64}[sizes[0]] if sizes else 32
    return CType(width, not counts["unsigned"])


def promoted(ctype):
    """What arithmetic does to one operand: types narrower than int become int (6.3.1.1)."""
    return INT if ctype.width < 32 else ctype


def common_type(left, right):
    """The type in which an operator of two operands computes (usual arithmetic conversions, 6.3.1.8)."""
    left, right = promoted(left), promoted(right)
    if left.width != right.width:
        return max(left, right, key=lambda ctype: ctype.width)
    return left if not left.signed else right


def literal_type(value, decimal, suffix):
    """The first type that holds a literal (6.4.4.1), or None where no 64-bit type does."""
    unsigned = "u" in suffix.lower()
    long = "l" in suffix.lower()
    for ctype in (INT, UINT, LONG, ULONG):
        allowed = not ctype.signed if unsigned else ctype.signed or not decimal
        if allowed and ctype.width >= (64 if long else 32) and value < 2 ** (ctype.width - ctype.signed):
            return ctype
    return None
