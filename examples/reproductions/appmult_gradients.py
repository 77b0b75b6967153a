"""The gradient tables shipped with AppMult-aware retraining; FOLDER is changmg/AppMult-Aware-Retraining.

Each of 15 files holds two tables of 16 times the gradient, rounded. A table counts as the same where every entry is
within half a unit and the rounding of float32 means.
"""
from pathlib import Path

import numpy as np
from figures import Figure, main, untried

from refapprox.multipliers import Multiplier, difference_gradient

SOURCE = ("C. Meng et al., DATE 2025, equations 4 to 6, and the repository's 15 files *_lutfp+bp_avg_*.txt")
PROTOCOL = "largest difference of any entry, in units of the files (1/16); same within 0.95"
FACTOR, TOLERANCE = 16, 0.95


def tables_of(path):
    """(products, gradients of the first operand, of the second)."""
    tables = []
    for line in path.read_text().splitlines():
        if line.startswith("LUT for"):
            tables.append([])
        elif tables:
            tables[-1].append(float(line.split()[2]))
    side = round(len(tables[0]) ** 0.5)
    return [np.reshape(table, (side, side)) for table in tables]


def figures(folder):
    if folder is None:
        yield untried("15 files of gradients", "", "the authors' repository is not here")
        return
    for path in sorted(Path(folder).rglob("*lutfp+bp_avg_*.txt")):
        products, *shipped = tables_of(path)
        multiplier = Multiplier(path.stem, products.astype(int), signed=False)
        half = int(path.stem.rsplit("_", 1)[1])
        name = path.stem.split("_lutfp")[0].replace("_U_SP_WT_CL_GenMul_vertical_truncation", "")
        for edges, side, table in (("published", "w", shipped[1]), ("published", "x", shipped[0]),
                                   ("appmult", "x", shipped[0])):
            ours = getattr(difference_gradient(multiplier, half, edges=edges), side)
            off = float(np.abs(FACTOR * ours - table).max())
            note = "equation 6" if edges == "published" else "rows for columns, as gen_bp_lut.py has it"
            yield Figure(f"{name[:40]} d/d{side}, H = {half}", "table", off,
                         "same digits" if off <= TOLERANCE else "differs", note)


if __name__ == "__main__":
    main("__main__")
