"""Which known circuit is this? By its table, not by its name."""
from typing import NamedTuple

import numpy as np

from refapprox.multipliers.closed_forms import from_form
from refapprox.multipliers.known import fingerprint, known_circuits, names_by_fingerprint
from refapprox.multipliers.multiplier import Multiplier, codes

SCREEN = 4096          # entries on which all forms are tried
FINALISTS = 8          # forms that are then compared in full
GOLDEN = 0x9E3779B97F4A7C15


class Identification(NamedTuple):
    """A published circuit that a table equals: release, name, whether the table is its transpose, closed form."""

    release: str
    name: str
    transposed: bool
    form: str


class Neighbor(NamedTuple):
    """A closed form near a table: the form, whether transposed, its table, and in how many entries it differs."""

    form: str
    transposed: bool
    lut: np.ndarray
    differing: int


def identify(table, signed=None):
    """Every published circuit that a table equals, in either release, transposed or not.

    Parameters
    ----------
    table : Multiplier, Circuit, or integer array in value order
        A `Circuit` is compared on 2**16 fixed operand pairs, a table in full.
    signed : bool, optional
        Of an array; both are tried by default.

    Returns
    -------
    list of Identification
        Untransposed ones first; empty where no published circuit has this table. A symmetric table is its own
        transpose and is reported once.

    Examples
    --------
    >>> from refapprox import load_library
    >>> [(i.release, i.name) for i in identify(load_library()["mul8s_1KVA"])]
    [('v1.1', 'mul8s_1KVA'), ('v2022', 'mul8s_1KV8')]
    """
    if hasattr(table, "bits_x"):
        candidates = [table]
    else:
        kinds = (True, False) if signed is None else (bool(signed),)
        candidates = [Multiplier("table", table, kind) for kind in kinds]
    found = []
    for candidate in candidates:
        for transposed in (False, True):
            if transposed and isinstance(candidate, Multiplier):
                candidate = Multiplier(candidate.name, candidate.lut.T, candidate.signed)
            elif transposed:
                break                                # published wide circuits are compared as they are called
            for release, name in names_by_fingerprint().get(fingerprint(candidate), []):
                if not any((i.release, i.name) == (release, name) for i in found):
                    found.append(Identification(release, name, transposed, known_circuits()[release][name].form))
    return sorted(found, key=lambda i: (i.transposed, i.release, i.name))


def forms(bits_x, bits_w):
    """Every T(t) and B(h, v) of these widths, each function once, spelled with the smallest h and v."""
    yield from (f"T({t})" for t in range(min(bits_x, bits_w)))
    last = bits_x + bits_w - 1 - (bits_x == bits_w)          # T(n - 1) is the one cell of B(0, 2 n - 2)
    yield from (f"B(0, {v})" for v in range(1, last))
    for h in range(1, bits_x):          # v <= h drops nothing more than h does; from h - 1 + bits_w on, row h - 1 is
        yield from (f"B({h}, {v})" for v in [0, *range(h + 1, h - 1 + bits_w)])      # empty: that is B(h - 1, v)


def nearest_form(multiplier):
    """The closed form, or transposed closed form, that differs from a table in the fewest entries.

    All forms are tried on 4096 spread entries, the best eight in full.
    """
    sizes = multiplier.lut.shape
    k = np.arange(1, SCREEN + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    rows, columns = (k >> np.uint64(40)) % np.uint64(sizes[0]), (k >> np.uint64(20)) % np.uint64(sizes[1])
    x, w = rows.astype(np.int64), columns.astype(np.int64)
    entries = multiplier.lut[x, w]
    ranked = []
    for transposed in (False, True):
        bits_x, bits_w = (multiplier.bits_w, multiplier.bits_x) if transposed else (multiplier.bits_x,
                                                                                    multiplier.bits_w)
        operands = [x + multiplier.range_x[0], w + multiplier.range_w[0]]
        for form in forms(bits_x, bits_w):
            if transposed and form.startswith("T"):
                continue
            function = from_form(form, bits_x=bits_x, bits_w=bits_w, signed=multiplier.signed)
            agreeing = int((function(*operands[::-1 if transposed else 1]) == entries).sum())
            ranked.append((-agreeing, len(ranked), form, transposed))
    finalists = []
    for _, _, form, transposed in sorted(ranked)[:FINALISTS]:
        lut = form_table(form, multiplier, transposed)
        finalists.append(Neighbor(form, transposed, lut, int((lut != multiplier.lut).sum())))
    return min(finalists, key=lambda neighbor: neighbor.differing)


def form_table(form, multiplier, transposed=False):
    """The table of a form with the widths and signedness of `multiplier`, int64; transposed: rows are the weight."""
    x, w = codes(multiplier.bits_x, multiplier.signed), codes(multiplier.bits_w, multiplier.signed)
    if transposed:
        x, w = w, x
    bits_x, bits_w = x.size.bit_length() - 1, w.size.bit_length() - 1
    table = from_form(form, bits_x=bits_x, bits_w=bits_w, signed=multiplier.signed)(x[:, None], w[None, :])
    return table.T if transposed else table
