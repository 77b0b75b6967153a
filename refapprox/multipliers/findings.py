"""What the linter says of a table: a `Finding`, with the entries that show it and, where there is one, a correction."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SHOWN = 8                    # entries that a message spells out


@dataclass(frozen=True)
class Finding:
    """One thing that a table is or has.

    Attributes
    ----------
    check : str
        What was asked: "signedness", "order", "row", "symmetry", "zero", "identity", or the class of a mistake:
        "signs", "scale", "halves", "shift", "minimum", "cut", "saturation", "wrap", "offset", "quadrant", "entries".
    level : "info", "warning" or "error"
        An error is a table that is not what it was meant to be; a warning is what may surprise its user.
    message : str
    entries : list of (x, w, product, expected)
        Operands and entries that show it; `expected` is None where nothing else is known.
    correction : str
        What puts the table right, in words; empty where nothing is known that does.
    corrected : int array or None
        The table so corrected, in value order.
    """

    check: str
    level: str
    message: str
    entries: list = field(default_factory=list)
    correction: str = ""
    corrected: NDArray | None = field(default=None, compare=False, repr=False)

    def __str__(self):
        shown = ", ".join(f"m({x}, {w}) = {got}" + ("" if wanted is None else f" (expected {wanted})")
                          for x, w, got, wanted in self.entries[:SHOWN])
        more = f", and {len(self.entries) - SHOWN} more" if len(self.entries) > SHOWN else ""
        fix = f" Correction: {self.correction}." if self.correction else ""
        return f"{self.level:<8}{self.check}: {self.message}" + (f" {shown}{more}." if shown else "") + fix


def entries_at(multiplier, mask, expected=None):
    """(x, w, product, expected) where `mask` is true."""
    (low_x, _), (low_w, _) = multiplier.range_x, multiplier.range_w
    rows, columns = np.nonzero(mask)
    wanted = [None] * rows.size if expected is None else np.asarray(expected)[rows, columns].tolist()
    return list(zip((rows + low_x).tolist(), (columns + low_w).tolist(), multiplier.lut[rows, columns].tolist(), wanted,
                    strict=True))


def corrected(multiplier, check, message, table, correction, level="error"):
    """A `Finding` whose entries are those that `table` changes."""
    table = np.asarray(table)
    return Finding(check, level, message, entries_at(multiplier, table != multiplier.lut, table), correction, table)
