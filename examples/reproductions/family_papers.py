"""Figures printed in the papers behind our multiplier families; no data needed.

Relative errors are of unsigned 16-bit products over pairs of uniform operands whose product is not 0: the mean and
maximum of |approximate / exact - 1|, the mean (bias) and std of approximate / exact - 1. Operand pairs are a sample of
PAIRS pairs drawn with seed 0, and what a mean may be off is stated with each: 5 standard errors, a false alarm in two
million. A maximum of a sample can only be too small: it is confirmed where the printed one is not exceeded and reached
within a tenth.
"""
import numpy as np
from figures import Figure, compared, main

from refapprox.multipliers import from_family

SOURCE = ("the papers that introduce DRUM (ICCAD 2015), REALM (DATE 2020), MBM (TCAD 2018), UDM (VLSI Design 2011), "
          "Mitchell (1962), the iterative logarithmic multiplier (2011), RoBA (TVLSI 2017), SSM (TVLSI 2015), "
          "TOSAM (TVLSI 2019)")
PROTOCOL = "16 bits, uniform operands without zeros, 2**21 pairs, seed 0; the papers' operand laws are not all stated"
PAIRS = 2 ** 21
REALM = "the ends of the abstract's range, over variants whose factors are quantized and operands cut; ours are not"
# paper, family at 16 bits, figure -> as printed; "low" and "high" are the ends of a printed range
ROWS = [
    ("DRUM, abstract", "drum(k=5)", {"std": "3.61"}), ("DRUM, abstract", "drum(k=8)", {"std": "0.45"}),
    ("DRUM", "drum(k=6)", {"mean": "1.47", "max": "6.31"}),
    ("REALM, abstract", "realm(segments=16)", {"mean": "0.4", "max": "2.08"}),
    ("REALM, abstract", "realm(segments=4)", {"mean": "1.6", "max": "7.4"}),
    ("REALM's abstract on MBM", "mbm", {"mean": "2.6", "max": "7.8"}),
    ("UDM", "udm", {"mean": "3.32", "max": "22.22"}),
    ("Mitchell", "mitchell", {"mean": "3.85", "max": "11.1"}),
    ("Iterative logarithmic, no correction", "iterative_log(c=0)", {"mean": "9.4"}),
    ("Iterative logarithmic, 1", "iterative_log(c=1)", {"mean": "0.99"}),
    ("Iterative logarithmic, 2", "iterative_log(c=2)", {"mean": "0.11"}),
    ("Iterative logarithmic, 3", "iterative_log(c=3)", {"mean": "0.012"}),
    ("RoBA", "roba", {"mean": "2.9", "max": "11.1"}), ("SSM, 8 of 16 bits", "ssm(m=8)", {"mean": "2.08"}),
    ("TOSAM (0, 2)", "tosam(h=0, t=2)", {"mean": "10.9"}), ("TOSAM (0, 3)", "tosam(h=0, t=3)", {"mean": "7.6"}),
]


def relative_errors(family):
    """approximate / exact - 1 in percent, of the sample."""
    circuit = from_family(family, bits=16, signed=False)
    x, w = (np.random.default_rng(seed).integers(1, 2 ** 16, PAIRS) for seed in (0, 1))
    exact = x * w
    return 100 * (circuit(x, w) / exact - 1)


def figures(folder):
    for paper, family, printed in ROWS:
        try:
            error = relative_errors(family)
        except ValueError as refusal:
            yield Figure(f"{paper}: {family}", ", ".join(printed.values()), None, "cannot be tried", str(refusal))
            continue
        for what, text in printed.items():
            if what == "max":
                found, spread = float(np.abs(error).max()), 0.1 * float(text)
            elif what == "mean":
                found, spread = float(np.abs(error).mean()), 5 * float(np.abs(error).std()) / PAIRS ** 0.5
            else:
                found = float(error.std())
                spread = 5 * float((error - error.mean()).__pow__(2).std()) / (2 * found * PAIRS ** 0.5)
            note = REALM if paper.startswith("REALM, ") else ""
            yield compared(f"{paper}: {family}, {what} relative error %", text, found, spread=spread, note=note)


if __name__ == "__main__":
    main("__main__")
