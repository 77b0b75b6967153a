"""The numbers that the suite must reach, counted and timed.

    python -m tests.conformance.suite_numbers      # from the root
"""
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from composed import Composed
from faults import FAULTS, touched

from refapprox.conformance.adapters.native import Refapprox
from refapprox.conformance.program import python_program
from refapprox.conformance.running import run
from refapprox.conformance.suite import FOLDER, load_suite
from refapprox.ops.lut_matmul import METHODS

PRODUCTS = ("matmul", "linear", "conv2d")
AUTHORS = ("swapped padding", "swapped stride", "int16 accumulator", "columns by bit pattern",
           "weights of groups shifted", "cross term over all channels")      # hardly named by version 1


def named(mistake, cases):
    """(failures that name the mistake, failures) of the fault injected into refapprox's own code."""
    failures = run([case for case in cases if case.operation in touched(FAULTS[mistake])], FAULTS[mistake]()).failures
    return sum(mistake in failure.diagnoses for failure in failures), len(failures)


def suite_and_mistakes(cases):
    from refapprox.conformance.mutants import Mutant
    from refapprox.conformance.spec import MISTAKES
    seen = Counter(name for case in cases for name in case.mistakes)
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    print(f"{len(cases)} cases in {len({case.family for case in cases})} families, {size / 2 ** 20:.2f} MiB; "
          f"{len(MISTAKES)} known mistakes, each in {min(seen[name] for name in MISTAKES)} cases or more")
    started, reports = time.perf_counter(), {}
    for mistake in MISTAKES:
        reports[mistake] = run([case for case in cases if mistake in case.mistakes], Mutant(mistake))
    failures = [(mistake, failure) for mistake, report in reports.items() for failure in report.failures]
    first = sum(report.likely_mistakes[:1] != [] and report.likely_mistakes[0][0] == mistake
                for mistake, report in reports.items())
    print(f"{sum(bool(report.failures) for report in reports.values())} of {len(MISTAKES)} mutants rejected, {first} "
          f"with their mistake as the likeliest; {sum(m in failure.diagnoses for m, failure in failures)} of "
          f"{len(failures)} failures name it; {time.perf_counter() - started:.0f} s")


def main():
    cases = list(load_suite())
    if "--faults" not in sys.argv:
        suite_and_mistakes(cases)
        started = time.perf_counter()
        for method in METHODS:
            some = [case for case in cases if method == "auto" or case.operation in PRODUCTS]
            report = run(some, python_program(f"{Refapprox.__module__}:Refapprox:{method}", 10.0))
            counts = (f"{report.count(s)} {s}" for s in ("passed", "failed", "not applicable"))
            print(f"route {method}: {', '.join(counts)}")
        print(f"all routes, each in a process of its own: {time.perf_counter() - started:.1f} s")
    sound = [result.case for result in run(cases, Composed()).results if result.status == "passed"]
    found = {mistake: named(mistake, sound) for mistake in FAULTS}
    for mistake in sorted(FAULTS, key=lambda name: name not in AUTHORS):
        print(f"fault in refapprox's own code: {mistake}: named in {found[mistake][0]} of {found[mistake][1]} failures")
    print(f"{len(FAULTS)} faults: named in {sum(right for right, _ in found.values())} of "
          f"{sum(total for _, total in found.values())} failures")


if __name__ == "__main__":
    main()
