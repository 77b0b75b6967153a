"""What a table of products is, and what is wrong with it.

Tables travel between tools without a word about signedness, index order or which operand the row is, and several
published ones are wrong. `lint_lut` says what a table is, asks for the classes of mistakes of `damages`, shows the
entries of every suspicion, and gives the corrected table where one correction explains all.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refapprox.multipliers.damages import DAMAGES, mean_distance, rule_name
from refapprox.multipliers.declaration import NEARLY_ALL, product_share, reading_words
from refapprox.multipliers.findings import SHOWN, Finding, entries_at
from refapprox.multipliers.formats.orders import readings
from refapprox.multipliers.identification import identify, nearest
from refapprox.multipliers.multiplier import Multiplier
from refapprox.multipliers.operator import BinaryOperator
from refapprox.multipliers.single_entries import few_entries

CLEAR = 2.0                  # a reading is clear if every other one is at least so many times farther from products
SINGLE_ENTRIES = 1 / 200     # share of entries that may differ from a known rule and still count as single ones
FEWEST = 64                  # entries of a table in which mistakes are looked for


def lint_lut(table: ArrayLike | BinaryOperator, signed: bool | None = None,
             order: str | None = None) -> list[Finding]:
    """Everything that can be said of a table of products.

    Parameters
    ----------
    table : Multiplier, Circuit, Netlist, or integer array of shape (2**bits_x, 2**bits_w)
    signed, order : bool, "value" or "code"; optional
        What an array is meant to be. What is not given is told from the entries; what is given is checked.

    Returns
    -------
    list of Finding
        Errors, warnings and facts, in this order of checks: signedness, index order, which operand the row is,
        symmetry, products with zero, mistakes (`damages`), single entries against the nearest known rule, hash and
        known circuits.

    Raises
    ------
    ValueError
        If `table` is no integer table of a multiplier's shape.

    Examples
    --------
    >>> from refapprox import exact
    >>> table = exact(8, signed=False).lut.copy()
    >>> table[255, 255] = 64770
    >>> [f.message for f in lint_lut(table) if f.level == "error"]
    ['1 of 65536 entries are not those of the exact product.']
    """
    if isinstance(table, BinaryOperator):
        signed, order, table = table.signed, "value", table.lut
    lut = Multiplier("table", table).lut
    ranked = ranked_readings(lut)
    fitting = [reading for _, reading in ranked if (signed is None or reading.signed == signed)
               and (order is None or not reading.signed or reading.order == order)]
    best = fitting[0]
    multiplier = best.operator
    rule_of = rule_finder(best.signed)
    neighbor, known = rule_of(multiplier.lut), identify(multiplier)
    telling = not known and lut.min() != lut.max()       # a published circuit is what it is; a constant fits anything
    checks = [check_signedness(ranked, best, signed) if telling else told_signedness(best),
              check_order(lut, ranked, best, order),
              check_row(multiplier, known, neighbor), check_symmetry(multiplier), *check_zero(multiplier),
              *(check_mistakes(multiplier, rule_of) if telling and neighbor.differing else []),
              check_identity(multiplier, known, neighbor)]
    return [finding for finding in checks if finding is not None]


def rule_finder(signed):
    """A function that finds the nearest known rule of a table, and remembers it."""
    rules = {}

    def rule_of(entries):
        entries = np.asarray(entries, dtype=np.int32)
        key = entries.tobytes()
        if key not in rules:
            rules[key] = nearest(Multiplier("table", entries, signed), SINGLE_ENTRIES)
        return rules[key]
    return rule_of


def ranked_readings(lut):
    """[(mean distance from exact products, reading)], the nearest first."""
    found = [(mean_distance(reading.operator, reading.operator.lut), reading) for reading in readings(lut)]
    return sorted(found, key=lambda entry: entry[0])


def distance_words(distance, reading):
    return f"{reading_words(reading)} (MAE {distance:.4g})"


def check_mistakes(multiplier, rule_of):
    """What explains the table: the mistake whose correction is a known rule, else the first that no design makes."""
    found = [] if multiplier.lut.size < FEWEST else [
        finding for damage in DAMAGES if (finding := damage(multiplier, rule_of)) is not None]
    errors = [finding for finding in found if finding.level == "error"]
    explained = [finding for finding in errors if finding.corrected is not None
                 and rule_of(finding.corrected).differing == 0]
    single = few_entries(multiplier, rule_of, SINGLE_ENTRIES)
    if errors:
        return (explained or errors)[:1]
    return [*found, *([single] if single else [])]


def check_signedness(ranked, best, signed):
    distance = next(d for d, reading in ranked if reading is best)
    other = next(((d, reading) for d, reading in ranked if reading.signed != best.signed), None)
    if other[0] * CLEAR < distance and product_share(other[1].operator) >= NEARLY_ALL:
        return Finding("signedness", "error", f"given as {reading_words(best)}, but {distance_words(*other)} fits far "
                                              f"better than {distance_words(distance, best)}.")
    if signed is None and product_share(best.operator) < NEARLY_ALL and other[0] < CLEAR * distance:
        return Finding("signedness", "warning", f"not clear: {distance_words(distance, best)} and "
                                                f"{distance_words(*other)} fit alike. State it.")
    return told_signedness(best)


def told_signedness(best):
    return Finding("signedness", "info", "signed." if best.signed else "unsigned.")


def check_order(lut, ranked, best, order):
    if not best.signed:
        return Finding("order", "info", "operands from 0 upwards; value and code order are the same.")
    distance = next(d for d, reading in ranked if reading is best)
    other_distance, other = next((d, r) for d, r in ranked if r.signed and r.order != best.order)
    corner = (f"the first entry is that of {'(0, 0)' if best.order == 'code' else 'the two smallest operands'}, "
              f"{int(lut[0, 0])}")
    if other_distance * CLEAR < distance and product_share(other.operator) >= NEARLY_ALL:
        return Finding("order", "error", f"given in {best.order} order, but {distance_words(other_distance, other)} "
                                         f"fits far better than {distance_words(distance, best)}.")
    if order is None and product_share(best.operator) < NEARLY_ALL and other_distance < CLEAR * distance:
        return Finding("order", "warning", f"not clear: {distance_words(distance, best)} and "
                                           f"{distance_words(other_distance, other)} fit alike. State it.")
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


def check_identity(multiplier, known, neighbor):
    names = ", ".join(f"{i.name} ({i.release}{', transposed' if i.transposed else ''})" for i in known)
    form = rule_name(neighbor)
    if neighbor.differing:
        form = f"the nearest known rule, {form}, differs in {neighbor.differing} entries"
    return Finding("identity", "info", f"sha256 {multiplier.lut_hash[:16]}; {names or 'no published circuit'}; {form}.")
