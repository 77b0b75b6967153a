"""Which known circuit is this? By its table, not by its name."""
from __future__ import annotations

import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refapprox.multipliers.closed_forms import from_form
from refapprox.multipliers.codes import code_range, codes
from refapprox.multipliers.family import MIN_FAMILY_BITS, families, from_family
from refapprox.multipliers.known import fingerprint, known_circuits, names_by_fingerprint
from refapprox.multipliers.multiplier import Multiplier
from refapprox.multipliers.operator import BinaryOperator

SCREEN = 4096          # entries on which all candidates are tried
FINALISTS = 8          # candidates that are then compared in full
GOLDEN = 0x9E3779B97F4A7C15


class Identification(NamedTuple):
    """A published circuit that a table equals: release, name, whether the table is its transpose, closed form."""

    release: str
    name: str
    transposed: bool
    form: str


class Neighbor(NamedTuple):
    """A known rule near a table: closed form or family, whether transposed, its table, how many entries differ."""

    form: str
    transposed: bool
    lut: np.ndarray
    differing: int


def identify(table: ArrayLike | BinaryOperator, signed: bool | None = None) -> list[Identification]:
    """Every published circuit that a table equals, in either release, transposed or not.

    Parameters
    ----------
    table : Multiplier, Circuit, Netlist, or integer array in value order
        What has no table is compared on 2**16 fixed operand pairs, a table in full.
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
    if isinstance(table, BinaryOperator):
        candidates = [table]
    else:
        kinds = (True, False) if signed is None else (bool(signed),)
        candidates = [Multiplier("table", table, kind) for kind in kinds]
    found = []
    for candidate in candidates:
        for transposed in (False, True):
            if transposed:
                candidate = candidate.transposed()
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


def nearest(multiplier: Multiplier, near_enough: float = 1 / 200) -> Neighbor:
    """The table of a known rule, or its transpose, that differs from a table in the fewest entries.

    The closed forms T(t) and B(h, v) are tried first, then, unless one of them differs in at most the share
    `near_enough` of the entries, all of `families` over their whole parameter ranges. Candidates are compared on
    4096 spread entries, the best eight in full.

    Parameters
    ----------
    multiplier : Multiplier
    near_enough : float, optional

    Returns
    -------
    Neighbor

    Examples
    --------
    >>> from refapprox import from_family
    >>> nearest(from_family("drum(k=4)", bits=6)).form
    'drum(k=4)'
    """
    shape = multiplier.bits_x, multiplier.bits_w, multiplier.signed
    by_form = best_of(multiplier, *form_samples(*shape), form_table)
    square = multiplier.bits_x == multiplier.bits_w and multiplier.bits_x >= MIN_FAMILY_BITS
    if not square or by_form.differing <= near_enough * multiplier.lut.size:
        return by_form
    by_family = best_of(multiplier, *family_samples(multiplier.bits_x, multiplier.signed), family_table)
    return min(by_form, by_family, key=lambda neighbor: neighbor.differing)


def spread_entries(height, width):
    """Rows and columns of 4096 entries spread over a table."""
    k = np.arange(1, SCREEN + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    return tuple((k >> np.uint64(bit) & np.uint64(side - 1)).astype(np.int64)
                 for bit, side in ((40, height), (20, width)))


def best_of(multiplier, candidates, samples, table_of):
    """The nearest of candidates (name, transposed) with their spread entries; `table_of` makes a full table."""
    entries = multiplier.lut[spread_entries(*multiplier.lut.shape)]
    equal = (samples == entries).sum(axis=1)
    finalists = []
    for place in np.argsort(-equal, kind="stable")[:FINALISTS]:
        name, transposed = candidates[place]
        lut = table_of(name, multiplier, transposed)
        finalists.append(Neighbor(name, transposed, lut, int((lut != multiplier.lut).sum())))
    return min(finalists, key=lambda neighbor: neighbor.differing)


@lru_cache(maxsize=4)
def form_samples(bits_x, bits_w, signed):
    """([(form, transposed), ...], their spread entries) of every closed form of these widths."""
    rows, columns = spread_entries(2 ** bits_x, 2 ** bits_w)
    x, w = rows + code_range(bits_x, signed)[0], columns + code_range(bits_w, signed)[0]
    candidates, samples = [], []
    for transposed, width_x, width_w, first, second in ((False, bits_x, bits_w, x, w), (True, bits_w, bits_x, w, x)):
        for form in forms(width_x, width_w):
            if not (transposed and form.startswith("T")):
                candidates.append((form, transposed))
                samples.append(from_form(form, bits_x=width_x, bits_w=width_w, signed=signed)(first, second))
    return candidates, np.array(samples, dtype=np.int32)


def form_table(form, multiplier, transposed=False):
    """The table of a form with the widths and signedness of `multiplier`, int64; transposed: rows are the weight."""
    x, w = codes(multiplier.bits_x, multiplier.signed), codes(multiplier.bits_w, multiplier.signed)
    if transposed:
        x, w = w, x
    bits_x, bits_w = x.size.bit_length() - 1, w.size.bit_length() - 1
    table = from_form(form, bits_x=bits_x, bits_w=bits_w, signed=multiplier.signed)(x[:, None], w[None, :])
    return table.T if transposed else table


def family_specifications(bits):
    """Every family with every choice of its integer and named parameters, such as "drum(k=6)"."""
    for name, family in families().items():
        ranges = [parameter.choices or ([parameter.default] if parameter.real
                                        else range(parameter.minimum, parameter.maximum(bits) + 1))
                  for parameter in family.parameters]
        for values in itertools.product(*ranges):
            settings = zip([parameter.name for parameter in family.parameters], values, strict=True)
            yield f"{name}({', '.join(f'{key}={value}' for key, value in settings)})"


@lru_cache(maxsize=4)
def family_samples(bits, signed):
    """([(specification, transposed), ...], their spread entries) of every member; takes two seconds at 8 bits."""
    rows, columns = spread_entries(2 ** bits, 2 ** bits)
    candidates, samples = [], []
    for specification in family_specifications(bits):
        try:
            lut = from_family(specification, bits=bits, signed=signed).lut
        except ValueError:                           # a choice of parameters that the family excludes
            continue
        candidates += [(specification, False), (specification, True)]
        samples += [lut[rows, columns], lut[columns, rows]]
    return candidates, np.array(samples, dtype=np.int32)


def family_table(specification, multiplier, transposed=False):
    """The table of a family's member with the width and signedness of `multiplier`."""
    lut = family_lut(specification, multiplier.bits_x, multiplier.signed)
    return lut.T if transposed else lut


@lru_cache(maxsize=64)
def family_lut(specification, bits, signed):
    """The table of a family's member, of which a search meets the same few again and again."""
    return from_family(specification, bits=bits, signed=signed).lut
