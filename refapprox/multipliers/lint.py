"""What a table of products is, and what is wrong with it.

Tables travel between tools without a word about signedness, index order or which operand the row is, and several
published ones are wrong. `lint_lut` says what a table is and shows the entries of every suspicion.
"""
from dataclasses import dataclass, field

import numpy as np

from refapprox.multipliers.formats.orders import CLEAR, described, readings
from refapprox.multipliers.identification import identify, nearest
from refapprox.multipliers.multiplier import Multiplier

SHOWN = 8                    # entries that a message spells out
SINGLE_ENTRIES = 1 / 200     # share of entries that may differ from a known rule and still count as mistakes in it
WRAP = 2 ** 16


@dataclass(frozen=True)
class Finding:
    """One thing that a table is or has.

    Attributes
    ----------
    check : str
        "signedness", "order", "row", "symmetry", "zero", "wrap", "quadrant", "entries", or "identity".
    level : "info", "warning" or "error"
        An error is a table that is not what it was meant to be; a warning is what may surprise its user.
    message : str
    entries : list of (x, w, product, expected)
        Operands and entries that show it; `expected` is None where nothing else is known.
    """

    check: str
    level: str
    message: str
    entries: list = field(default_factory=list)

    def __str__(self):
        shown = ", ".join(f"m({x}, {w}) = {got}" + ("" if wanted is None else f" (expected {wanted})")
                          for x, w, got, wanted in self.entries[:SHOWN])
        more = f", and {len(self.entries) - SHOWN} more" if len(self.entries) > SHOWN else ""
        return f"{self.level:<8}{self.check}: {self.message}" + (f" {shown}{more}." if shown else "")


def lint_lut(table, signed=None, order=None):
    """Everything that can be said of a table of products.

    Parameters
    ----------
    table : Multiplier, or integer array of shape (2**bits_x, 2**bits_w)
    signed, order : bool, "value" or "code"; optional
        What an array is meant to be. What is not given is told from the entries; what is given is checked.

    Returns
    -------
    list of Finding
        Errors, warnings and facts, in this order of checks: signedness, index order, which operand the row is,
        symmetry, products with zero, wrapped 16-bit entries, a quadrant filled by magnitudes, single wrong entries
        against the nearest known rule, hash and known circuits.

    Raises
    ------
    ValueError
        If `table` is no integer table of a multiplier's shape.

    Examples
    --------
    >>> from refapprox import exact
    >>> table = exact(8, signed=False).lut.copy()
    >>> table[255, 255] = 64770
    >>> [str(f) for f in lint_lut(table) if f.level == "error"]
    ['error   entries: 1 of 65536 entries are not those of the exact product. m(255, 255) = 64770 (expected 65025).']
    """
    if isinstance(table, Multiplier):
        signed, order, table = table.signed, "value", table.lut
    lut = Multiplier("table", table).lut
    best = readings(lut, signed, order)[0]
    multiplier = Multiplier("table", best.lut, best.signed)
    neighbor = nearest(multiplier, SINGLE_ENTRIES)
    known = identify(multiplier)
    telling = not known and lut.min() != lut.max()       # a published circuit is what it is; a constant fits anything
    checks = [check_signedness(lut, best, signed) if telling else told_signedness(best),
              check_order(lut, best, order),
              check_row(multiplier, known, neighbor), check_symmetry(multiplier), *check_zero(multiplier),
              check_wrap(multiplier) if telling else None, check_quadrant(multiplier, neighbor),
              check_entries(multiplier, neighbor, known),
              check_identity(multiplier, known, neighbor)]
    return [finding for finding in checks if finding is not None]


def entries_at(multiplier, mask, expected=None):
    """(x, w, product, expected) where `mask` is true."""
    (low_x, _), (low_w, _) = multiplier.range_x, multiplier.range_w
    return [(int(i) + low_x, int(j) + low_w, int(multiplier.lut[i, j]),
             None if expected is None else int(expected[i, j])) for i, j in np.argwhere(mask)]


def check_signedness(lut, best, signed):
    others = [reading for reading in readings(lut) if reading.signed != best.signed]
    if others and others[0].mae * CLEAR < best.mae:
        return Finding("signedness", "error", f"given as {sign_of(best)}, but {described(others[0])} fits far better "
                                              f"than {described(best)}.")
    if signed is None and others and others[0].mae < CLEAR * best.mae:
        return Finding("signedness", "warning", f"not clear: {described(best)} and {described(others[0])} fit alike.")
    return told_signedness(best)


def told_signedness(best):
    return Finding("signedness", "info", f"{sign_of(best)}.")


def sign_of(reading):
    return "signed" if reading.signed else "unsigned"


def check_order(lut, best, order):
    if not best.signed:
        return Finding("order", "info", "operands from 0 upwards; value and code order are the same.")
    other = next(r for r in readings(lut, signed=True) if r.order != best.order)
    corner = (f"the first entry is that of {'(0, 0)' if best.order == 'code' else 'the two smallest operands'}, "
              f"{int(lut[0, 0])}")
    if other.mae * CLEAR < best.mae:
        return Finding("order", "error", f"given in {best.order} order, but {described(other)} fits far better than "
                                         f"{described(best)}.")
    if order is None and other.mae < CLEAR * best.mae:
        return Finding("order", "warning", f"not clear: {described(best)} and {described(other)} fit alike.")
    if order is None and best.order == "code":
        return Finding("order", "warning", f"two's-complement code order: {corner}. refapprox wants value order: "
                                           f"import it, or swap_order(table).")
    return Finding("order", "info", f"{best.order} order: {corner}.")


def check_row(multiplier, known, neighbor):
    if multiplier.lut.shape[0] == multiplier.lut.shape[1] and np.array_equal(multiplier.lut, multiplier.lut.T):
        return None
    if any(not i.transposed for i in known):
        return Finding("row", "info", "the row is the first operand of the published circuit.")
    if known:
        first = known[0]
        return Finding("row", "error", f"transposed: the row is the second operand of {first.name} ({first.release})."
                                       f" Its first asymmetric entries:",
                       entries_at(multiplier, multiplier.lut != multiplier.lut.T, multiplier.lut.T)[:SHOWN])
    if neighbor.differing == 0:
        whose = "second" if neighbor.transposed else "first"
        return Finding("row", "warning" if neighbor.transposed else "info",
                       f"the row is the {whose} operand of {neighbor.form}.")
    return Finding("row", "info", "the operands do not commute, and no known circuit tells which one the row is.")


def check_symmetry(multiplier):
    if multiplier.bits_x != multiplier.bits_w:
        return Finding("symmetry", "info", f"{multiplier.bits_x}x{multiplier.bits_w} bits: no symmetry to look for.")
    wrong = np.triu(multiplier.lut != multiplier.lut.T)
    if not wrong.any():
        return Finding("symmetry", "info", "symmetric: the operands commute.")
    return Finding("symmetry", "warning", f"not symmetric: {int(wrong.sum())} pairs of operands do not commute, so "
                                          f"which one is the row matters. For instance",
                   entries_at(multiplier, wrong, multiplier.lut.T)[:3])


def check_zero(multiplier):
    """Products with zero that are not zero: padding and sparsity are not free then."""
    x0, w0 = -multiplier.range_x[0], -multiplier.range_w[0]
    row, column = np.zeros((2, *multiplier.lut.shape), dtype=bool)
    row[x0], column[:, w0] = True, True
    wrong = (multiplier.lut != 0) & (row | column)
    if not wrong.any():
        return [Finding("zero", "info", "products with zero are zero.")]
    found = []
    for mask, what in ((wrong & row & column, "m(0, 0): padded positions add to every sum"),
                       (wrong & row & ~column, "m(0, w): zero activations, as after ReLU, are not free"),
                       (wrong & column & ~row, "m(x, 0): zero weights, as after pruning, are not free")):
        if mask.any():
            found.append(Finding("zero", "warning", f"{int(mask.sum())} nonzero {what}.",
                                 entries_at(multiplier, mask, np.zeros_like(multiplier.lut))))
    return found


def check_wrap(multiplier):
    """Entries that are nearer to the exact product after adding or subtracting 2**16."""
    error = multiplier.error_map.astype(np.int64)
    turns = np.rint(error / WRAP).astype(np.int64)
    wrong = turns != 0
    unwrapped = multiplier.lut + turns * WRAP
    wrong &= np.abs(multiplier.exact_products - unwrapped) < WRAP // 8
    if not wrong.any():
        return None
    return Finding("wrap", "error", f"{int(wrong.sum())} entries are off by about a multiple of 2**16, as products "
                                    f"are that wrap in 16 bits.", entries_at(multiplier, wrong, unwrapped))


def check_quadrant(multiplier, neighbor):
    """Both operands negative, and the product is that of their magnitudes, which elsewhere it is not."""
    if not multiplier.signed or multiplier.bits_x != multiplier.bits_w or multiplier.bits_x < 2:
        return None
    zero = multiplier.lut.shape[0] // 2
    lut = multiplier.lut
    magnitudes = lut[zero + 1:, zero + 1:]                        # m(|x|, |w|) for x, w = 1 ... qmax
    both_negative = lut[zero - 1:0:-1, zero - 1:0:-1]             # m(x, w) for x, w = -1 ... -qmax
    one_negative = lut[zero - 1:0:-1, zero + 1:]
    if not np.array_equal(both_negative, magnitudes) or np.array_equal(one_negative, -magnitudes):
        return None
    quadrant = np.zeros(lut.shape, dtype=bool)
    quadrant[:zero, :zero] = True
    differing = lut != neighbor.lut
    inside = int((differing & quadrant).sum())
    if inside and not (differing & ~quadrant).any():
        form = f"{neighbor.form} in every other quadrant, and differs from it in {inside} entries of this one"
        return Finding("quadrant", "error", f"products of two negative operands are m(|x|, |w|); the table is {form}.",
                       entries_at(multiplier, differing, neighbor.lut))
    return Finding("quadrant", "warning", "products of two negative operands are m(|x|, |w|), while products of one "
                                          "negative operand are not -m(|x|, |w|).")


def check_entries(multiplier, neighbor, known):
    """Single entries that differ from the nearest known rule."""
    if known or not 0 < neighbor.differing <= SINGLE_ENTRIES * multiplier.lut.size:
        return None
    turned = ", transposed" if neighbor.transposed else ""
    what = "the exact product" if neighbor.form == "T(0)" else neighbor.form + turned
    count = f"{neighbor.differing} of {multiplier.lut.size}"
    return Finding("entries", "error", f"{count} entries are not those of {what}.",
                   entries_at(multiplier, multiplier.lut != neighbor.lut, neighbor.lut))


def check_identity(multiplier, known, neighbor):
    names = ", ".join(f"{i.name} ({i.release}{', transposed' if i.transposed else ''})" for i in known)
    form = "the exact product" if neighbor.form == "T(0)" else neighbor.form
    if neighbor.differing:
        form = f"the nearest known rule, {form}, differs in {neighbor.differing} entries"
    return Finding("identity", "info", f"sha256 {multiplier.lut_hash[:16]}; {names or 'no published circuit'}; {form}.")
