"""How an array is read out: converter levels, the end of their range, and what is done beyond it."""
import math

import numpy as np

from refapprox.conformance.generator.building import make, rounding
from refapprox.conformance.generator.draws import reals
from refapprox.conformance.generator.families.quantization import half_away, half_up


def read(weights, out_res, out_bound, *, rounded=round, sides=2, halving=True):
    """Rows of clip(rounded(w / step) step); a row with outputs beyond the bound is read at half the input, ..."""
    step = sides * out_bound * (1 / out_res if out_res > 1 else max(out_res, 0.0))
    rows = []
    for row in weights.tolist():
        scale = 1.0
        while True:
            y = [rounded(w / scale / step) * step if step else w / scale for w in row]
            if not halving or max(map(abs, y)) <= out_bound:
                break
            scale *= 2
        rows.append([min(max(v, -out_bound), out_bound) * scale for v in y])
    return np.array(rows)


def readout():
    for name, weights, out_res, out_bound, probes in (
            ("levels", reals("readout", (3, 4), -1, 1), 0.0625, 1.0, "outputs are multiples of 2 * 1 * 0.0625"),
            ("ties", np.array([[-0.75, -0.25, 0.25], [0.75, 0.5, -0.5]]), 0.25, 1.0, "ties go to the even level"),
            ("ties-scaled", np.array([[-5.0, -3.0], [3.0, 1.0]]), 0.125, 8.0, "ties of v / 2"),
            ("number-of-levels", reals("readout levels", (2, 5), -1, 1), 32.0, 1.0,
             "a resolution above 1 is a number of levels"),
            ("no-levels", reals("readout none", (2, 3), -1, 1), 0.0, 2.0, "resolution 0 rounds nothing"),
            ("beyond-the-bound", np.array([[0.3125, 2.5, -0.75], [0.3125, 0.5, -0.75], [7.0, 0.0, -1.0]]), 0.0625, 1.0,
             "a row beyond the bound is read at half the input, or a quarter; the others as they are"),
            ("beyond-without-levels", np.array([[3.0, -0.5], [0.5, -4.0]]), 0.0, 2.0,
             "nothing is lost without levels")):
        def values(weights=weights, args=(out_res, out_bound), **how):
            return {"y": read(weights, *args, **how)}

        yield make(f"readout/{name}", "readout", {"weights": weights, "out_res": out_res, "out_bound": out_bound},
                   values(), probes=probes, reference="readout",
                   check=rounding({"y": float(np.abs(weights).max())}, 8, "multiples of a step"),
                   mistakes={"half-up rounding": values(rounded=half_up), "truncation": values(rounded=math.trunc),
                             "half away from zero": values(rounded=half_away),
                             "one side of the range": values(sides=1),
                             "outputs stop at the bound": values(halving=False)})
