"""Tables as text."""
from __future__ import annotations

from collections.abc import Sequence

from refapprox.validation import shown


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned with spaces: the first to the left, the others to the right.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequences of str
        Each as long as the header.

    Returns
    -------
    str
        Lines without a line break behind the last one.

    Raises
    ------
    ValueError
        If a row is not as long as the header, or holds anything but text.

    Examples
    --------
    >>> print(text_table(("layer", "std"), [("conv1", "3"), ("fc", "12")]))
    layer  std
    -----  ---
    conv1    3
    fc      12
    """
    for row in (header, *rows):
        cells = isinstance(row, (tuple, list)) and all(isinstance(cell, str) for cell in row)
        if not cells or len(row) != len(header):
            raise ValueError(f"header and rows must have {len(header)} cells of text each, got {shown(row)}.")
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells):
        first, *others = (cell.ljust(w) if i == 0 else cell.rjust(w)
                          for i, (cell, w) in enumerate(zip(cells, widths, strict=True)))
        return "  ".join((first, *others)).rstrip()

    return "\n".join([line(header), "  ".join("-" * w for w in widths), *map(line, rows)])
