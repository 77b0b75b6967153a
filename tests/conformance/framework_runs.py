"""Runs of the adapters against the real frameworks, and what was recorded of them in `framework_results.json`.

    python -m tests.conformance.framework_runs [NAME ...]      # from the root: run what is here, and record it

What is needed and not here is named; its record stays as it was. `test_framework_runs` holds the page against the
record, and every framework that is there too.
"""
import importlib.util
import json
import os
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from refapprox import files
from refapprox.conformance.program import python_program
from refapprox.conformance.reports import by_family
from refapprox.conformance.running import FAILED, NOT_APPLICABLE, PASSED, run
from refapprox.conformance.spec import OPERATIONS
from refapprox.conformance.suite import load_suite
from refapprox.multipliers.languages.evoapprox.checkout import release_of

ROOT = Path(__file__).parents[2]
RECORD = Path(__file__).with_name("framework_results.json")
PAGE = ROOT / "docs" / "conformance.md"
SECONDS_A_CASE = 60.0
UNNAMED = "none"
STATUSES = (PASSED, FAILED, NOT_APPLICABLE)


@dataclass(frozen=True)
class Run:
    """One adapter on the whole suite.

    Attributes
    ----------
    adapter : str
        MODULE:CLASS of `refapprox.conformance.adapters`, and a constant argument.
    row : str
        How its row of the table in docs/conformance.md begins.
    packages : tuple of str
        What must be importable, unless `variable` stands in for the last of them.
    variable : str
        Environment variable with the path of the framework's sources.
    """

    adapter: str
    row: str
    packages: tuple = ()
    variable: str = ""


RUNS = {
    "torch float64": Run("torch_float:Torch", "PyTorch 2.13.0, float64 and float32", ("torch",)),
    "torch float32": Run("torch_float:Torch:float32", "PyTorch 2.13.0, float64 and float32", ("torch",)),
    "torchapprox native": Run("torchapprox:TorchApprox:native", "torchapprox 0.2.0 (3441722), CPU kernel, one table",
                              ("torch", "torchapprox")),
    "torchapprox untwisted": Run("torchapprox:TorchApprox:untwisted", "torchapprox 0.2.0, transposed table",
                                 ("torch", "torchapprox")),
    "torchapprox evoapprox": Run("torchapprox:TorchApprox:evoapprox", "torchapprox 0.2.0, tables of its `evo.lut`",
                                 ("torch", "torchapprox")),
    "agnapprox": Run("agnapprox:AgnApproxStatistics", "agnapprox `error_stats`", ("agnapprox",),
                     "AGNAPPROX_ERROR_STATS"),
    "aihwkit float32": Run("aihwkit:AIHWKit:float32", "aihwkit 1.2.0, float32 and float64", ("torch", "aihwkit"),
                           "AIHWKIT_SOURCE"),
    "aihwkit float64": Run("aihwkit:AIHWKit:float64", "aihwkit 1.2.0, float32 and float64", ("torch", "aihwkit"),
                           "AIHWKIT_SOURCE"),
    "evoapproxlib": Run("evoapproxlib:EvoApproxLib", "EvoApproxLib v1.1 and v2022", (), "REFAPPROX_EVOAPPROX_DIR"),
    "table files": Run("table_files:TableFiles", "shipped tables of AdaPT, TFApprox and ApproxFlow", (),
                       "SHIPPED_TABLES_DIR"),
}


def missing(name):
    """Why the run called `name` cannot be made here; "" where it can."""
    entry, source = RUNS[name], os.environ.get(RUNS[name].variable, "")
    needed = entry.packages[:-1] if source else entry.packages
    if absent := [package for package in needed if importlib.util.find_spec(package) is None]:
        instead = f", and {entry.variable} does not name its sources" if entry.variable and not source else ""
        extra = "; PyTorch comes with the extra crossval" if "torch" in absent else ""
        return f"{' and '.join(absent)} cannot be imported{instead}{extra}"
    if not entry.packages and not source:
        return f"{entry.variable} is not set: it names checkouts of {entry.row.removeprefix('shipped tables of ')}"
    return ""


def specification(name):
    """The adapter of a run as `--adapter` takes it."""
    entry, source = RUNS[name], os.environ.get(RUNS[name].variable, "")
    adapter = f"refapprox.conformance.adapters.{entry.adapter}"
    if name in ("agnapprox", "table files") and source:
        return f"{adapter}:{source}"
    if name == "evoapproxlib":
        releases = {release_of({path.stem for path in Path(folder).rglob("mul8*.c")}): folder
                    for folder in source.split(os.pathsep)}
        return f"{adapter}:{','.join(f'{release}={folder}' for release, folder in releases.items())}"
    return adapter


def execute(name, cases):
    """The Report of a run on `cases`, the adapter in a process of its own."""
    path = [str(ROOT), os.environ.get("AIHWKIT_SOURCE", ""), os.environ.get("PYTHONPATH", "")]
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]      # torchapprox compiles with ninja
    before = {key: os.environ.get(key) for key in ("PYTHONPATH", "PATH")}
    os.environ |= {"PYTHONPATH": os.pathsep.join(filter(None, path)), "PATH": os.pathsep.join(filter(None, programs))}
    try:
        return run(cases, python_program(specification(name), SECONDS_A_CASE))
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.__setitem__(key, value)


def recorded(report):
    """What is kept of a Report: counts by family, conventions, and of every failure its kind and diagnoses."""
    return {"framework": report.adapter, "digest": report.digest,
            "families": {family: [counts[status] for status in STATUSES]
                         for family, counts in by_family(report).items()},
            "conventions": report.conventions,
            "failures": {r.case.id: [r.kind, *r.diagnoses] for r in report.failures}}


def totals(record):
    """(passed, failed, not applicable) of a record."""
    return tuple(sum(counts) for counts in zip(*record["families"].values(), strict=True))


def covered(record, cases):
    """Ids of the `cases` in families that have not grown since the record was made."""
    sizes = Counter(case.family for case in load_suite())
    return {case.id for case in cases if sum(record["families"].get(case.family, ())) == sizes[case.family]}


def differences(record, found):
    """What a later run of the same framework contradicts, as sentences.

    Cases are added, never renumbered: in a family that has not grown, counts and failures must be the same; in one that
    has, every recorded failure must be there. Diagnoses may be joined by others, where cases learned new mistakes.
    """
    problems = []
    for family, counts in record["families"].items():
        now = found["families"].get(family)
        if now is None or sum(now) < sum(counts):
            problems.append(f"{family}: cases are gone, recorded {counts}, found {now}")
        elif sum(now) == sum(counts) and now != counts:
            problems.append(f"{family}: {', '.join(STATUSES)} are {now}, recorded {counts}")
        elif now[0] < counts[0]:
            problems.append(f"{family}: {', '.join(STATUSES)} are {now}, fewer passed than recorded {counts}")
    for case, (kind, *diagnoses) in record["failures"].items():
        now = found["failures"].get(case)
        if now is None:
            problems.append(f"{case} does not fail any more, recorded {kind}: {', '.join(diagnoses)}")
        elif now[0] != kind or not set(diagnoses) <= set(now[1:]):
            problems.append(f"{case} fails as {now}, recorded {[kind, *diagnoses]}")
    if record["conventions"] != found["conventions"]:
        problems.append(f"conventions are {found['conventions']}, recorded {record['conventions']}")
    return problems


def diagnoses(record):
    """Counter of the diagnoses of a record's failures."""
    return Counter(diagnosis for _, *names in record["failures"].values() for diagnosis in names or [UNNAMED])


def row_of(name, page):
    """The line of the page's table that shows a run."""
    (line,) = [line for line in page.splitlines() if line.startswith(f"| {RUNS[name].row}")]
    return line


def diagnosis_table(record):
    """A row a diagnosis, the most frequent first; a column a run that fails somewhere, and in its own way."""
    counts = {}
    for name in RUNS:
        if diagnoses(record[name]) and diagnoses(record[name]) not in counts.values():
            counts[name] = diagnoses(record[name])
    total = sum(counts.values(), Counter())
    names = sorted(total, key=lambda name: (name == UNNAMED, -total[name], name))
    return [f"| diagnosis | {' | '.join(counts)} |", "|---" * (len(counts) + 1) + "|",
            *(f"| {name} | {' | '.join(str(column[name] or '') for column in counts.values())} |" for name in names)]


def operation_table():
    """A row an operation: its inputs, its outputs, the families that ask for it."""
    families = {}
    for case in load_suite():
        families.setdefault(case.operation, {})[case.family] = None
    return ["| operation | inputs | outputs | families |", "|---|---|---|---|",
            *(f"| `{name}` | {', '.join(operation.signature.parameters)} | {', '.join(operation.outputs)} | "
              f"{', '.join(families[name])} |" for name, operation in OPERATIONS.items())]


def with_table(page, table):
    """`page` with the lines of a table in place of the one that begins with the same heading."""
    lines = page.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(table[0].split(" | ")[0]))
    end = next((i for i in range(start, len(lines)) if not lines[i].startswith("|")), len(lines))
    return "\n".join([*lines[:start], *table, *lines[end:]]) + "\n"


def page_with(record, page):
    """docs/conformance.md with the numbers of the record, and the table of operations."""
    for name in RUNS:
        line, numbers = row_of(name, page), list(map(str, totals(record[name])))
        cells = line.split("|")
        shared = sum(entry.row == RUNS[name].row for entry in RUNS.values()) > 1
        cells[2:5] = [f" {number}{' each' if shared and i == 0 else ''} " for i, number in enumerate(numbers)]
        page = page.replace(line, "|".join(cells))
    return with_table(with_table(page, diagnosis_table(record)), operation_table())


def read_record():
    return files.read_json(RECORD) if RECORD.exists() else {}


def main():
    record, cases = read_record(), list(load_suite())
    for name in sys.argv[1:] or RUNS:
        if reason := missing(name):
            print(f"{name}: not run: {reason}", file=sys.stderr)
            continue
        record[name] = recorded(execute(name, cases))
        print(f"{name}: {', '.join(f'{n} {status}' for n, status in zip(totals(record[name]), STATUSES, strict=True))}")
    text = json.dumps({name: record[name] for name in RUNS if name in record}, indent=1)
    # one line per list: the file is read in diffs
    files.write_text(RECORD, re.sub(r"\[\s+([^\[\]]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text) + "\n")
    files.write_text(PAGE, page_with(record, PAGE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
