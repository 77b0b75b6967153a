"""Sign and widths of a C function: what its types declare, what is stated, and what its results say."""
import warnings

from refapprox.multipliers import declaration
from refapprox.multipliers.circuit import MAX_OPERAND_BITS
from refapprox.multipliers.declaration import Claim, Reading, UndeclaredError
from refapprox.multipliers.languages.c.tokens import SourceError
from refapprox.multipliers.languages.c.types import NAMED, UNSIZED, type_of_words
from refapprox.multipliers.languages.compiled import known_words
from refapprox.multipliers.names import shape_of
from refapprox.validation import check_integer


def decided(path, words, signed, bits, operation, about, operator):
    """(`Decision`, widths) for a function whose parameters' types are spelled by `words`.

    `operator` makes the operator of a sign, widths and operation; it is asked for both signs where nothing else tells.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                # what contradicts is told below, once
        stated = declaration.decide(path, bits=bits, operation=operation, about=about, needs=())
    declared_signed, declared_bits = declared_types(path, words)
    if stated.bits is None and declared_bits is None:
        raise UndeclaredError(path, "bits", f": its parameters are {' and '.join(map(' '.join, words))}")
    widths, kind = stated.bits or declared_bits, stated.operation or "mul"
    for width in widths:
        check_integer(f"bits of {path}", width, minimum=1, maximum=MAX_OPERAND_BITS)
    claim = Claim("its parameter types", declared_signed, None if stated.bits else declared_bits)
    decision = declaration.decide(
        path, signed=signed, bits=bits, operation=operation, about=about, declared=claim,
        readings=lambda: [Reading(sign, None, found) for sign in (False, True)
                          if (found := possible(operator, sign, widths, kind)) is not None])
    return decision, widths


def possible(operator, sign, widths, kind):
    """A reading, or None where the source cannot be read so."""
    try:
        return operator(sign, widths, kind)
    except SourceError:
        return None


def declared_types(path, words):
    """(sign, widths) that the types of two parameters declare, None where they do not.

    ``int`` and ``long`` declare nothing; types of 64 bits, and those with the word int or long, declare no widths.
    Under a published name they declare nothing: EvoApproxLib passes signed operands as uint64_t.
    """
    if shape_of(path.stem) or not all(known_words(spelled) for spelled in words):
        return None, None
    types = [NAMED[spelled[0]] if spelled[0] in NAMED else type_of_words(list(spelled)) for spelled in words]
    silent = [set(spelled) <= {"int", "long", "char"} for spelled in words]
    signs = {ctype.signed for ctype, quiet in zip(types, silent, strict=True) if not quiet}
    if len(signs) > 1:
        raise UndeclaredError(path, "signed", ": one parameter is signed and one is not")
    sized = all(ctype.width <= 32 and not (ctype.width == 32 and set(spelled) & set(UNSIZED))
                for ctype, spelled in zip(types, words, strict=True))
    return (signs.pop() if signs else None), (tuple(ctype.width for ctype in types) if sized else None)


def result_bits(path, widths, kind, available):
    """Width of the result: as a published name says, else that of an exact result, at most what is returned."""
    shape = shape_of(path.stem)
    if shape and (shape.operation, shape.bits_x, shape.bits_w) == (kind, *widths):
        return shape.output_bits
    return min(sum(widths) if kind == "mul" else max(widths) + 1, available)
