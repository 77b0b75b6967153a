"""A checkout of EvoApproxLib, release v1.1 or v2022: which sources it holds, and which release it is."""
from pathlib import Path

from refapprox import files
from refapprox.multipliers.languages.c.source import read_program
from refapprox.multipliers.languages.c.tokens import MAX_SIZE, Source
from refapprox.multipliers.languages.reader import read_circuit
from refapprox.multipliers.names import shape_of, wanted

ROOMS = ("multiplers", "multipliers", "adders")      # the first is how the library spells it


def is_checkout(path):
    """Whether `path` is the root of a checkout."""
    return any((Path(path) / room).is_dir() for room in ROOMS)


def source_files(path, suffix=".c"):
    """name -> first file of that name, in order of the paths, of all published circuits below `path`.

    A circuit lies in every Pareto folder that it belongs to; the copies differ in a line of comment only.
    """
    found = {}
    for file in sorted(Path(path).rglob(f"*{suffix}")):
        if shape_of(file.stem):
            found.setdefault(file.stem, file)
    return found


def read_checkout(path, *, signed=None, bits=None, operation=None, suffix=".c", release=None):
    """The circuits of a checkout, or of a folder of it, that are of the kind asked for, one after the other.

    `suffix` ".v" reads the structural Verilog instead of the C; beside a C source it takes the operands in the order
    of that. `release` is told from the names where it is not given ("" where they do not tell).
    """
    found = source_files(path, suffix)
    if release is None:
        release = release_of(found)
    for name, file in found.items():
        if wanted(shape_of(name), signed, bits, operation):
            c_file = file.with_suffix(".c")
            first = first_parameter(c_file) if suffix == ".v" and c_file.exists() else None
            yield read_circuit(file, release=release, first_operand=first)


def first_parameter(path):
    """Name of the first parameter of a C source."""
    return read_program(Source.from_bytes(files.read_bytes(path, limit=MAX_SIZE), path)).parameters[0][0]


def release_of(names):
    """The release in which most of `names` are known, "" where that is a tie."""
    from refapprox.multipliers.known import known_circuits

    counts = {release: len(set(names) & set(circuits)) for release, circuits in known_circuits().items()}
    best = max(counts.values())
    winners = [release for release, count in counts.items() if count == best]
    return winners[0] if len(winners) == 1 else ""
