"""The figures in the header of a published source, and whether a computed circuit has them.

    // MAE% = 0.037 %
    // MSE = 72829.102e2
    // PDK45_PWR = 0.311 mW

A figure is verified to its printed digits: it may differ by half a unit of the last one. Where it does not agree,
it may still be a figure that was rounded twice: every exception in both releases is the true one first rounded to
one decimal, half to even, and then rounded again (the MAE 36.535 -> 36.5 -> 36), or is an MAE% computed from an MAE
so rounded (1.25 -> 1.2, of 2**16: 0.0018 %). Such exceptions are known and named, but give no warning.
"""
import re
import warnings
from decimal import Decimal
from typing import NamedTuple

FIGURE = re.compile(r"^// (?P<key>[A-Z][A-Z0-9_]*%?) = (?P<text>[0-9][0-9.]*(?:e[0-9]+)?) ?(?P<unit>%|mW|um2|ns)? *$",
                    re.MULTILINE)
ERROR_FIGURES = ("MAE", "MAE%", "WCE", "WCE%", "WCRE%", "EP%", "MRE%", "MSE")
POWER = "PDK45_PWR"
MAX_HEADER = 4096          # characters searched for figures

class HeaderMismatch(UserWarning):
    """A published figure that the computed circuit does not have."""


class Mismatch(NamedTuple):
    """One figure: its key, as printed, as computed, and whether rounding twice explains it."""

    key: str
    printed: str
    computed: float
    rounded_twice: bool


def read_header(text):
    """key -> figure as printed, for every figure at the head of a source."""
    figures = {}
    for match in FIGURE.finditer(text[:MAX_HEADER]):
        figures.setdefault(match["key"], match["text"])
    return {key: figure for key, figure in figures.items() if figure.count(".") <= 1}


def agrees(printed, computed):
    """Whether `computed` is `printed` to the printed digits; a tie may have been rounded either way.

    >>> agrees("0.12", 0.125), agrees("0.12", 0.126), agrees("72829.102e2", 7282910.24)
    (True, False, True)
    """
    slack = 1e-12 * abs(computed)                    # of float64 sums over 2**24 entries at most
    return abs(float(printed) - computed) <= 0.5 * unit_of(printed) + slack


def unit_of(printed):
    """What one step of the last printed digit is worth.

    >>> unit_of("0.037"), unit_of("72829.102e2")
    (0.001, 0.1)
    """
    return 10.0 ** Decimal(printed).as_tuple().exponent


def compare(printed, metrics):
    """Every error figure of a header that disagrees with computed metrics, as a list of `Mismatch`."""
    return [Mismatch(key, printed[key], metrics[key], rounded_twice(key, printed, metrics))
            for key in ERROR_FIGURES if key in printed and not agrees(printed[key], metrics[key])]


def rounded_twice(key, printed, metrics):
    """Whether a figure agrees once the true value, or the MAE behind an MAE%, is rounded to one decimal first."""
    if key != "MAE%":
        return agrees(printed[key], round(metrics[key], 1))
    percent = metrics["MAE%"] / metrics["MAE"] if metrics["MAE"] else 0.0
    sources = [round(metrics["MAE"], 1), float(printed.get("MAE", "nan"))]
    return any(agrees(printed[key], mae * percent) for mae in sources)


def warn_of(name, mismatches, stacklevel=3):
    """A warning for every mismatch that rounding twice does not explain; it names both figures."""
    for key, printed, computed, explained in mismatches:
        if not explained:
            warnings.warn(f"{name}: its header says {key} = {printed}, its circuit has {computed:.6g}.",
                          HeaderMismatch, stacklevel=stacklevel)
