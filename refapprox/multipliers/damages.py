"""Classes of mistakes in a table of products, asked quadrant by quadrant, row by row and column by column.

Two kinds of evidence make a mistake an error. Some things no usable design does: wrong signs in a whole quadrant,
halves in the wrong place, products that wrap. They are seen in any table. Others a design might do, such as a constant
offset or a product that is off in a few entries; they are errors only where undoing them gives a known rule.

Every function takes the table as a `Multiplier` and `rule_of`, which finds the nearest known rule of a table, and
returns a `Finding` or None.
"""
from collections.abc import Callable

import numpy as np

from refapprox.multipliers.codes import codes
from refapprox.multipliers.declaration import NEARLY_ALL, product_share
from refapprox.multipliers.findings import Finding, corrected, entries_at
from refapprox.multipliers.identification import Neighbor
from refapprox.multipliers.multiplier import Multiplier

FAR = 4                    # a correction is taken without a known rule if it brings the table so many times nearer
PLATEAU = 1.25             # a saturated table stays at its extreme where exact products are at least so much larger
MOST_ROWS = 1 / 4          # of a table may be cut off
SHIFTS = (1, -1, 2, -2, 3, -3)
SIGN_PATTERNS = {          # signs of (x >= 0, w >= 0), (x >= 0, w < 0), (x < 0, w >= 0), (x < 0, w < 0)
    (-1, 1, 1, -1): "every product is negated",
    (1, 1, 1, -1): "a product is negative where both operands are (their signs go through AND instead of XOR)",
    (1, -1, -1, -1): "a product is negative where either operand is (their signs go through OR instead of XOR)",
    (1, -1, 1, -1): "the sign of x is lost: products are those of |x| and w",
    (1, 1, -1, -1): "the sign of w is lost: products are those of x and |w|",
    (1, 1, 1, 1): "both signs are lost: products are those of |x| and |w|",
    (-1, -1, -1, -1): "every product is negative",
}
RuleOf = Callable[[np.ndarray], Neighbor]


def rule_name(neighbor):
    """Such as "the exact product" or "B(2, 5), transposed"."""
    return "the exact product" if neighbor.form == "T(0)" else \
        neighbor.form + (", transposed" if neighbor.transposed else "")


def mean_distance(multiplier, table):
    """Mean distance of a table from exact products, a float."""
    return float(np.abs(multiplier.exact_products - np.asarray(table, dtype=np.int64)).mean())


def quadrants(multiplier):
    """Masks of the four quadrants of a signed table in the order of `SIGN_PATTERNS`; of an unsigned one its whole."""
    if not multiplier.signed:
        return [np.ones(multiplier.lut.shape, dtype=bool)]
    x, w = (codes(bits, True) for bits in (multiplier.bits_x, multiplier.bits_w))
    return [np.outer(a, b) for a in (x >= 0, x < 0) for b in (w >= 0, w < 0)]


def follows_sign(multiplier, mask):
    """Share of the nonzero products in `mask` whose sign is that of x w; 1 where there is none."""
    inside = mask & (multiplier.lut != 0) & (multiplier.exact_products != 0)
    right = np.sign(multiplier.lut[inside]) == np.sign(multiplier.exact_products[inside])
    return float(right.mean()) if right.size else 1.0


def wrong_signs(multiplier: Multiplier, rule_of: RuleOf) -> Finding | None:
    """Most products of a quadrant have the other sign: AND instead of XOR, a lost sign, everything negated."""
    masks = quadrants(multiplier)
    right = [follows_sign(multiplier, mask) >= 1 / 2 for mask in masks]
    if all(right):
        return None
    table = multiplier.lut.astype(np.int64)
    for mask, ok in zip(masks, right, strict=True):
        table[mask & (not ok)] *= -1
    expected = (1, -1, -1, 1) if multiplier.signed else (1,)
    signs = tuple(sign if ok else -sign for sign, ok in zip(expected, right, strict=True))
    what = SIGN_PATTERNS.get(signs, "products of one quadrant have the wrong sign") if multiplier.signed \
        else "every product is negated"
    rule = rule_by_positive_operands(multiplier, rule_of) if multiplier.signed and right[0] else None
    if rule is not None and any(np.array_equal(lost, multiplier.lut) for lost in lost_signs(rule.lut, signs)):
        return corrected(multiplier, "signs", f"{what}.", rule.lut, f"the products of {rule_name(rule)}")
    return corrected(multiplier, "signs", f"{what}.", table, "the products with the sign of x w")


def rule_by_positive_operands(multiplier, rule_of):
    """The rule that has this table's products of two operands that are not negative, or None."""
    table, inside = multiplier.exact_products.copy(), quadrants(multiplier)[0]
    table[inside] = multiplier.lut[inside]
    mirrored = mirrored_from_positive(multiplier)
    for candidate in (mirrored, table):
        rule = rule_of(candidate)
        if np.array_equal(rule.lut[inside], multiplier.lut[inside]):
            return rule
    return None


def lost_signs(lut, signs):
    """Every table that a program makes of `lut` when it loses the signs of x, w or both by taking magnitudes.

    |qmin| is qmax, or again qmin, as in a type that has no larger number.
    """
    places = [np.arange(side) for side in lut.shape]
    for wraps in (True, False):
        magnitudes = [np.where(p == 0, 0 if wraps else p.size - 1, np.abs(p - p.size // 2) + p.size // 2)
                      for p in places]
        taken = {(1, -1, 1, -1): (magnitudes[0], places[1]), (1, 1, -1, -1): (places[0], magnitudes[1]),
                 (1, 1, 1, 1): tuple(magnitudes)}
        if signs in taken:
            yield lut[np.ix_(*taken[signs])]


def mirrored_from_positive(multiplier):
    """The table that has sign(x w) m(|x|, |w|) everywhere, |qmin| taken as qmax."""
    x, w = (codes(bits, True) for bits in (multiplier.bits_x, multiplier.bits_w))
    rows, columns = (np.minimum(np.abs(a), a.max()) + a.size // 2 for a in (x, w))
    return np.sign(np.outer(x, w)) * multiplier.lut[np.ix_(rows, columns)].astype(np.int64)


def wrong_scale(multiplier: Multiplier, rule_of: RuleOf) -> Finding | None:
    """Everything doubled, or times another power of two; halved where that gives a known rule."""
    size = np.abs(multiplier.lut.astype(np.int64)).sum()
    if size == 0:
        return None
    power = int(np.rint(np.log2(size / np.abs(multiplier.exact_products.astype(np.int64)).sum())))
    table = multiplier.lut.astype(np.int64)
    if power > 0 and product_share(Multiplier("scaled", table >> power, multiplier.signed)) >= NEARLY_ALL:
        whole = not (table % 2 ** power).any()
        what = f"products are about {2 ** power} times the exact ones."
        return corrected(multiplier, "scale", what, table >> power, f"all products divided by {2 ** power}") if whole \
            else Finding("scale", "error", what)
    for power in (-1, -2):
        rule = rule_of(table << -power)
        if rule.differing == 0:
            return corrected(multiplier, "scale", f"products are those of {rule_name(rule)} divided by {2 ** -power}.",
                             rule.lut, f"all products times {2 ** -power}")
    return None


def swapped_halves(multiplier: Multiplier, rule_of: RuleOf) -> Finding | None:
    """Rows or columns, or both, whose two halves have changed places: one axis in the other order."""
    half_x, half_w = (side // 2 for side in multiplier.lut.shape)
    best = mean_distance(multiplier, multiplier.lut)
    for shift, what in (((half_x, 0), "rows"), ((0, half_w), "columns"), ((half_x, half_w), "rows and of the columns")):
        table = np.roll(multiplier.lut, shift, axis=(0, 1))
        if mean_distance(multiplier, table) * FAR <= best:
            return corrected(multiplier, "halves", f"the halves of the {what} have changed places.", table,
                             f"the halves of the {what} put back")
    return None


def shifted(multiplier: Multiplier, rule_of: RuleOf) -> Finding | None:
    """Rows or columns that stand one to three places off."""
    for axis, what in ((0, "rows"), (1, "columns")):
        zero = -(multiplier.range_x, multiplier.range_w)[axis][0]
        empty = np.flatnonzero(~multiplier.lut.any(axis=1 - axis))
        for shift in SHIFTS:
            table = np.roll(multiplier.lut, shift, axis=axis)
            if mean_distance(multiplier, table) >= mean_distance(multiplier, multiplier.lut):
                continue
            rule = rule_of(table)
            places = np.arange(multiplier.lut.shape[axis])
            edge = places < shift if shift > 0 else places >= places.size + shift        # what came round the end
            moved = np.broadcast_to(edge[:, None] if axis == 0 else edge, multiplier.lut.shape)
            told = f"{what} stand {abs(shift)} place(s) too {'low' if shift > 0 else 'high'}."
            if not ((rule.lut != table) & ~moved).any():
                return corrected(multiplier, "shift", told, rule.lut, f"{what} moved, which gives {rule_name(rule)}")
            if empty.tolist() == [(zero - shift) % multiplier.lut.shape[axis]]:
                return corrected(multiplier, "shift", told, table, f"{what} moved by {shift}")
    return None


def wrong_minimum(multiplier: Multiplier, rule_of: RuleOf) -> Finding | None:
    """Only the row or column of the smallest operand is wrong: |-128| taken for -128, which 8 bits make of 128."""
    if not multiplier.signed:
        return None
    row, column = np.zeros((2, *multiplier.lut.shape), dtype=bool)
    row[0], column[:, 0] = True, True
    edge = row | column
    low_x, low_w = multiplier.range_x[0], multiplier.range_w[0]
    rule = rule_of(multiplier.lut)
    wrong = rule.lut != multiplier.lut
    what = f"only products with {low_x if low_x == low_w else 'the smallest operand'} are wrong"
    if wrong.any() and not (wrong & ~edge).any():
        return corrected(multiplier, "minimum", f"{what}, as where |{low_x}| is taken for {low_x}.", rule.lut,
                         f"those of {rule_name(rule)}")
    bad = [mask for mask in (row & ~column, column & ~row)
           if follows_sign(multiplier, mask) < 1 / 2 <= follows_sign(multiplier, ~edge)]
    if not bad:
        return None
    table = multiplier.lut.astype(np.int64)
    for mask in bad:
        table[mask] *= -1
    return corrected(multiplier, "minimum", f"{what}: they have the other sign, as where |{low_x}| is taken for "
                                            f"{low_x}.", table, "those products with the sign of x w")


def cut_off(multiplier: Multiplier, rule_of: RuleOf) -> Finding | None:
    """Rows or columns of the largest operands that are zero, although they are multiplied."""
    for axis, what in ((0, "rows"), (1, "columns")):
        empty = ~multiplier.lut.any(axis=1 - axis)
        operands = codes(multiplier.lut.shape[axis].bit_length() - 1, multiplier.signed)
        for end, backwards in ((slice(None), True), (slice(None), False)):
            if not backwards and not multiplier.signed:
                continue                                             # unsigned tables begin with a row of zeros
            run = empty[end][::-1] if backwards else empty[end]
            count = int(np.argmin(run)) if not run.all() else 0
            if not 0 < count <= MOST_ROWS * run.size:
                continue
            gone = operands[-count:] if backwards else operands[:count]
            mask = np.isin(operands, gone)
            mask = np.broadcast_to(mask[:, None] if axis == 0 else mask, multiplier.lut.shape)
            told = f"the {count} {what} from {gone[0]} to {gone[-1]} are zero: cut off."
            rule = rule_outside(multiplier, mask, rule_of)
            if rule is not None:
                return corrected(multiplier, "cut", told, rule.lut, f"those of {rule_name(rule)}")
            return Finding("cut", "error", told, entries_at(multiplier, mask, multiplier.exact_products)[:64])
    return None


def rule_outside(multiplier, mask, rule_of):
    """The rule that this table follows outside of `mask`, or None."""
    filled = np.where(mask, multiplier.exact_products, multiplier.lut)
    for table in (multiplier.lut, filled):
        rule = rule_of(table)
        if not ((rule.lut != multiplier.lut) & ~mask).any():
            return rule
    return None


def saturated(multiplier: Multiplier, rule_of: RuleOf) -> Finding | None:
    """Products that stay at one extreme where the exact ones go on: a mistake at the limits of a type, 2**k - 1."""
    exact, lut = multiplier.exact_products, multiplier.lut
    mask, bounds = np.zeros(lut.shape, dtype=bool), []
    for sign, bound in ((1, int(lut.max())), (-1, int(lut.min()))):
        beyond = sign * exact > max(PLATEAU * sign * bound, 0)
        if sign * bound > 0 and beyond.any() and (lut[beyond] == bound).all():
            mask |= lut == bound
            bounds.append(bound)
    if not bounds or mask.sum() < 4:
        return None
    told = f"products are saturated at {' and '.join(map(str, bounds))}."
    rule = rule_outside(multiplier, mask, rule_of)
    if rule is not None:
        return corrected(multiplier, "saturation", told, rule.lut, f"those of {rule_name(rule)}")
    of_a_type = all(is_power_of_two(bound + 1 if bound > 0 else -bound) for bound in bounds)
    return Finding("saturation", "error" if of_a_type else "warning", told,
                   entries_at(multiplier, mask & (exact != lut), exact)[:64])


def is_power_of_two(number):
    return number > 0 and number & (number - 1) == 0


def wrapped(multiplier: Multiplier, rule_of: RuleOf) -> Finding | None:
    """Products modulo a power of two: all of them are within a small distance of exact ones plus multiples of it."""
    lut = multiplier.lut.astype(np.int64)
    exact = multiplier.exact_products.astype(np.int64)
    span = int(lut.max() - lut.min())
    for bits in range(multiplier.output_bits, max(multiplier.output_bits // 2, 2) - 1, -1):
        turns = np.rint((exact - lut) / 2 ** bits).astype(np.int64)
        unwrapped = lut + turns * 2 ** bits
        near = np.abs(exact - unwrapped) <= 2 ** bits // 8
        if turns.any() and near.mean() >= 7 / 8 and (near | (turns == 0)).all() and (
                span < 2 ** bits or bits == multiplier.output_bits):
            rule = rule_of(unwrapped)
            if bits < multiplier.output_bits - 2 and rule.differing:
                continue                                         # so few bits fit many tables
            return corrected(multiplier, "wrap", f"{int((turns != 0).sum())} products are off by a multiple of "
                                                 f"2**{bits}: they wrap in {bits} bits.", unwrapped,
                             f"multiples of 2**{bits} added")
    return None


def with_offset(multiplier: Multiplier, rule_of: RuleOf) -> Finding | None:
    """The same number added everywhere."""
    zero = int(multiplier.lut[-multiplier.range_x[0], -multiplier.range_w[0]])
    mean = int(np.rint((multiplier.lut.astype(np.int64) - multiplier.exact_products).mean()))
    for offset in dict.fromkeys((zero, mean)):
        if offset:
            table = multiplier.lut.astype(np.int64) - offset
            rule = rule_of(table)
            if rule.differing == 0:
                return corrected(multiplier, "offset", f"{offset} is added to every product of {rule_name(rule)}.",
                                 table, f"{offset} subtracted everywhere")
    return None


def by_magnitudes(multiplier: Multiplier, rule_of: RuleOf) -> Finding | None:
    """Both operands negative, and the product is that of their magnitudes, which elsewhere it is not."""
    if not multiplier.signed or multiplier.bits_x != multiplier.bits_w or multiplier.bits_x < 2:
        return None
    zero, lut = multiplier.lut.shape[0] // 2, multiplier.lut
    magnitudes = lut[zero + 1:, zero + 1:]                        # m(|x|, |w|) for x, w = 1 ... qmax
    both_negative = lut[zero - 1:0:-1, zero - 1:0:-1]             # m(x, w) for x, w = -1 ... -qmax
    one_negative = lut[zero - 1:0:-1, zero + 1:]
    if not np.array_equal(both_negative, magnitudes) or np.array_equal(one_negative, -magnitudes):
        return None
    quadrant = quadrants(multiplier)[3]
    rule = rule_of(lut)
    wrong = rule.lut != lut
    if wrong.any() and not (wrong & ~quadrant).any():
        return corrected(multiplier, "quadrant", f"products of two negative operands are m(|x|, |w|); the table is "
                                                 f"{rule_name(rule)} in every other quadrant, and differs from it in "
                                                 f"{int(wrong.sum())} entries of this one.", rule.lut,
                         f"those of {rule_name(rule)}")
    return Finding("quadrant", "warning", "products of two negative operands are m(|x|, |w|), while products of one "
                                          "negative operand are not -m(|x|, |w|).")


DAMAGES = (swapped_halves, wrong_signs, wrong_scale, shifted, wrong_minimum, cut_off, saturated, wrapped, with_offset,
           by_magnitudes)
