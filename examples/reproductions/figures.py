"""Published figures beside computed ones, with a verdict each: what every script in this folder prints.

A script has `SOURCE` (what is tried, and where it is printed), `PROTOCOL` (what was done), and `figures(folder)`, which
yields `Figure`s; `folder` is the checkout or folder that the source ships its data in, None where it is not here.
What can be computed without it is always computed; the rest is named with "cannot be tried".

    python examples/reproductions/SCRIPT.py [FOLDER]
"""
import argparse
import collections
import sys
from pathlib import Path
from typing import NamedTuple

from refapprox.multipliers.languages.evoapprox.header import agrees

VERDICTS = ("same digits", "within the stated spread", "differs", "holds", "cannot be tried", "no figure published")


class Figure(NamedTuple):
    """One printed figure: what it is, as printed, as computed (None where it was not), the verdict, a remark."""

    what: str
    published: str
    computed: float | None
    verdict: str
    note: str = ""


def compared(what, published, computed, *, spread=None, note=""):
    """The `Figure` of a computed value: its printed digits, else the `spread` that the source or protocol states."""
    if agrees(published, computed):
        return Figure(what, published, computed, "same digits", note)
    if spread is not None and abs(float(published) - computed) <= spread:
        return Figure(what, published, computed, "within the stated spread", note or f"spread {spread:g}")
    return Figure(what, published, computed, "differs", note)


def untried(what, published, why):
    """The `Figure` of what could not be computed."""
    return Figure(what, published, None, "cannot be tried", why)


def printed(figure):
    """One line of the table."""
    computed = "" if figure.computed is None else f"{figure.computed:.6g}"
    return f"{figure.what:58} {figure.published:>12} {computed:>12}  {figure.verdict}" + (
        f" ({figure.note})" if figure.note else "")


def show(script, folder, out=print, **options):
    """Print all figures of a script as they come, `options` given to it; the counts by verdict."""
    out(script.SOURCE)
    out(f"Protocol: {script.PROTOCOL}")
    out(f"{'figure':58} {'published':>12} {'computed':>12}  verdict")
    counts = collections.Counter()
    for figure in script.figures(folder, **options):
        counts[figure.verdict] += 1
        out(printed(figure))
    out("; ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]))
    return counts


def main(script_name, argv=None):
    """The command line of a script."""
    script = sys.modules[script_name]
    parser = argparse.ArgumentParser(description=script.SOURCE)
    parser.add_argument("folder", nargs="?", type=Path, help="where the source's own data lie")
    args = parser.parse_args(argv)
    if args.folder is not None and not args.folder.is_dir():
        parser.error(f"there is no folder {args.folder}.")
    show(script, args.folder)
