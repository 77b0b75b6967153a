"""Designs, which the linter must not call wrong, and damaged tables, which it must; all by formula.

`python tests/multipliers/lint_corpus.py [CHECKOUT]` prints how many of each are told rightly; with a checkout of
EvoApproxLib its 8x8 multipliers are designs too.
"""
import sys

import numpy as np

from refapprox import from_family
from refapprox.multipliers import family_netlist
from refapprox.multipliers.circuits.gates import GATES
from refapprox.multipliers.circuits.netlist import exhaustive_planes, unpack_words
from refapprox.multipliers.codes import codes
from refapprox.multipliers.lint import check_mistakes, lint_lut, rule_finder
from refapprox.multipliers.multiplier import Multiplier

CELLS = {      # approximate full adders (sum, carry): of the literature, and with one output stuck
    "AMA1": lambda ones, a, b, c: (~((a & b) | (b & c) | (a & c)) & ones, (a & b) | (b & c) | (a & c)),
    "AMA5": lambda ones, a, b, c: (b, a),
    "OR": lambda ones, a, b, c: (a | b | c, (a & b) | (b & c) | (a & c)),
    "no carry": lambda ones, a, b, c: (a ^ b ^ c, a & ~ones),
}
SPECIFICATIONS = ("truncated(k=6)", "truncated(k=8,correction=constant)", "truncated(k=7,correction=variable)",
                  "broken_array(h=2,v=5)", "operand_truncated(t=2)", "operand_rounded(t=2)", "operand_jammed(t=2)",
                  "perforated(j=1,k=2)", "loa(l=6)", "compressor(columns=8)", "compressor(columns=4)", "udm", "sdlc",
                  "drum(k=4)", "drum(k=6)", "dsm(k=4)", "letam(t=4)", "ssm(m=5)", "essm(m=4)", "mitchell",
                  "iterative_log", "mbm", "realm(segments=4)", "alm_soa(m=3)", "roba", "tosam(h=2,t=4)", "etm",
                  "ou(level=3)")
BASES = ("exact", "operand_truncated(t=2)", "broken_array(h=2,v=5)", "truncated(k=6)", "drum(k=4)", "mitchell", "roba")
OWN = {        # no member of any family
    "sum of two truncations": lambda x, w: (x >> 2 << 2) * w + (x & 3) * (w >> 4 << 4),
    "odd squares": lambda x, w: ((x + w) ** 2 >> 4 << 2) - ((x - w) ** 2 >> 4 << 2),
    "half units": lambda x, w: x * w - (x * w) % 6,
}


def with_cell(netlist, position, function):
    """The table of a netlist whose gate number `position` computes `function`."""
    planes = list(exhaustive_planes(netlist.bits_x, netlist.bits_w, netlist.signed))
    ones = np.full_like(planes[0], np.iinfo(np.uint64).max)
    wires = [np.zeros_like(ones), ones, *planes]
    for index, (kind, inputs) in enumerate(netlist.gates):
        wires.extend((function if index == position else GATES[kind].function)(ones, *[wires[i] for i in inputs]))
    words = unpack_words([wires[i] for i in netlist.outputs], 2 ** (netlist.bits_x + netlist.bits_w), netlist.signed)
    return words.reshape(2 ** netlist.bits_x, 2 ** netlist.bits_w)


def designs():
    """(name, Multiplier) of every design."""
    for signed in (False, True):
        for specification in SPECIFICATIONS:
            yield specification, from_family(specification, signed=signed)
        for name, function in OWN.items():
            yield name, Multiplier.from_function(name, function, signed)
        netlist = family_netlist("exact", signed=signed)
        adders = [i for i, (kind, _) in enumerate(netlist.gates) if kind == "FA"]
        for name, cell in CELLS.items():
            for position in adders:
                yield (f"exact with cell {name} at {position}",
                       Multiplier("one cell", with_cell(netlist, position, cell), signed))


def magnitudes(side):
    """Rows of |x| in value order; |qmin| wraps to qmin."""
    values = codes(side.bit_length() - 1, True)
    return np.where(values == values[0], 0, np.abs(values) + side // 2)


def saturated_at(bound):
    return lambda lut, signed: np.clip(lut, -bound - 1 if signed else 0, bound)


def with_entries(count):
    def damage(lut, signed):
        rng = np.random.default_rng(count)
        lut = lut.copy()
        places = rng.choice(lut.size, count, replace=False)
        lut.ravel()[places] += rng.integers(1, 2000, count) * rng.choice([-1, 1], count)
        return lut
    return damage


def edges(lut, count, value=0, axis=0):
    lut = lut.copy()
    np.moveaxis(lut, axis, 0)[lut.shape[axis] - count:] = value
    return lut


def minimum_negated(lut):
    lut = lut.copy()
    lut[0], lut[1:, 0] = -lut[0], -lut[1:, 0]
    return lut


def quadrant_by_magnitudes(lut):
    lut, half = lut.copy(), lut.shape[0] // 2
    rows = magnitudes(lut.shape[0])[:half]
    lut[:half, :half] = lut[np.ix_(rows, rows)]
    return lut


def sign_by(lut, signs):
    """|entries| with the given signs of the quadrants (+ +), (+ -), (- +), (- -)."""
    half = lut.shape[0] // 2
    size = np.abs(lut)
    size[half:, half:] *= signs[0]
    size[half:, :half] *= signs[1]
    size[:half, half:] *= signs[2]
    size[:half, :half] *= signs[3]
    return size


DAMAGES = {    # name -> (the check that must find it, the signs it is for, the damage)
    "negated": ("signs", (True, False), lambda lut, s: -lut),
    "signs by AND": ("signs", (True,), lambda lut, s: sign_by(lut, (1, 1, 1, -1))),
    "signs by OR": ("signs", (True,), lambda lut, s: sign_by(lut, (1, -1, -1, -1))),
    "sign of x lost": ("signs", (True,), lambda lut, s: lut[magnitudes(256)]),
    "sign of w lost": ("signs", (True,), lambda lut, s: lut[:, magnitudes(256)]),
    "both signs lost": ("signs", (True,), lambda lut, s: lut[np.ix_(magnitudes(256), magnitudes(256))]),
    "doubled": ("scale", (True, False), lambda lut, s: 2 * lut),
    "times four": ("scale", (True, False), lambda lut, s: 4 * lut),
    "|-128| = -128": ("minimum", (True,), lambda lut, s: minimum_negated(lut)),
    "last rows cut off": ("cut", (True, False), lambda lut, s: edges(lut, 5)),
    "last column cut off": ("cut", (True, False), lambda lut, s: edges(lut, 1, axis=1)),
    "rows shifted": ("shift", (True, False), lambda lut, s: np.roll(lut, 1, axis=0)),
    "columns shifted": ("shift", (True, False), lambda lut, s: np.roll(lut, -1, axis=1)),
    "halves of rows swapped": ("halves", (True, False), lambda lut, s: np.roll(lut, 128, axis=0)),
    "halves of columns swapped": ("halves", (True, False), lambda lut, s: np.roll(lut, 128, axis=1)),
    "saturated at 8191": ("saturation", (True, False), saturated_at(8191)),
    "saturated at 4095": ("saturation", (True, False), saturated_at(4095)),
    "wrapped in 16 bits": ("wrap", (False,), lambda lut, s: (lut + 2 ** 15) % 2 ** 16 - 2 ** 15),
    "wrapped in 15 bits": ("wrap", (False,), lambda lut, s: lut % 2 ** 15),
    "wrapped in 14 bits": ("wrap", (True,), lambda lut, s: (lut + 2 ** 13) % 2 ** 14 - 2 ** 13),
    "offset": ("offset", (True, False), lambda lut, s: lut + 37),
    "a quadrant by magnitudes": ("quadrant", (True,), lambda lut, s: quadrant_by_magnitudes(lut)),
    "one entry": ("entries", (True, False), with_entries(1)),
    "three entries": ("entries", (True, False), with_entries(3)),
    "a hundred entries": ("entries", (True, False), with_entries(100)),
}


def damaged():
    """(base, damage, check, signed, original, table) of every damaged table that differs from its original."""
    for signed in (False, True):
        originals = [(name, from_family(name, signed=signed)) for name in BASES]
        originals += [(name, Multiplier.from_function(name, function, signed)) for name, function in OWN.items()]
        for base, original in originals:
            for name, (check, signs, damage) in DAMAGES.items():
                table = damage(original.lut.astype(np.int64), signed)
                if signed in signs and not np.array_equal(table, original.lut):
                    yield base, name, check, signed, original, table


def mistakes(table, signed):
    """The findings of level error, by check."""
    return {f.check: f for f in lint_lut(np.asarray(table), signed, "value") if f.level == "error"}


def main(checkout=None):
    own = list(designs())
    wrongly = [name for name, m in own if mistakes(m.lut, m.signed)]
    print(f"designs: {len(own) - len(wrongly)} of {len(own)} have no error; wrongly: {', '.join(wrongly) or 'none'}")
    if checkout:
        from refapprox import load_library
        library = [m for m in load_library(checkout) if m.has_table]
        library = [(m, rule_of) for m in library if (rule_of := rule_finder(m.signed))(m.lut).differing]
        wrongly = [m.name for m, rule_of in library if any(f.level == "error" for f in check_mistakes(m, rule_of))]
        print(f"EvoApproxLib, without what has a rule, as if its circuits were not known: "
              f"{len(library) - len(wrongly)} of {len(library)} have no error; wrongly: {', '.join(wrongly) or 'none'}")
    counts = {}
    for base, name, check, signed, original, table in damaged():
        found = mistakes(table, signed)
        kind = "of a known rule" if base in BASES else "of a design of no family"
        told, fixed, total = counts.get((name, kind), (0, 0, 0))
        right = check in found or (check == "quadrant" and "minimum" in found)     # all that differs in a symmetric one
        fixed += any(f.corrected is not None and np.array_equal(f.corrected, original.lut) for f in found.values())
        counts[name, kind] = (told + right, fixed, total + 1)
        if not right and "-v" in sys.argv:
            print("  not told:", base, name, "signed" if signed else "unsigned", list(found))
    for kind in ("of a known rule", "of a design of no family"):
        rows = {name: count for (name, k), count in counts.items() if k == kind}
        told, fixed, total = map(sum, zip(*rows.values(), strict=True))
        print(f"damaged tables {kind}: {told} of {total} told by their class, {fixed} corrected entry by entry")
        for name, (told, fixed, total) in rows.items():
            print(f"  {name:<28}{told:>3} of {total:<3} corrected {fixed}")


if __name__ == "__main__":
    main(*[argument for argument in sys.argv[1:] if argument != "-v"][:1])
