"""The numbers that the suite must reach, counted and timed.

    python -m tests.conformance.suite_numbers      # from the root
"""
import time
from collections import Counter

from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.adapters.native import Refapprox
from refapprox.conformance.mistakes import MISTAKES
from refapprox.conformance.mutants import MUTANTS, Mutant
from refapprox.conformance.program import python_program
from refapprox.conformance.running import run
from refapprox.conformance.suite import FOLDER, load_suite
from refapprox.ops.lut_matmul import METHODS

PRODUCTS = ("matmul", "linear", "conv2d")


def main():
    cases = list(load_suite())
    seen = Counter(name for case in cases for name in case.mistakes)
    rarest = min(MISTAKES, key=lambda name: seen[name])
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    print(f"{len(cases)} cases in {len({case.family for case in cases})} families, {size / 2 ** 20:.2f} MiB; "
          f"{len(MISTAKES)} known mistakes, each in {seen[rarest]} cases or more")
    started = time.perf_counter()
    for method in METHODS:
        some = [case for case in cases if method == "auto" or case.operation in PRODUCTS]
        report = run(some, python_program(f"{Refapprox.__module__}:Refapprox:{method}", 10.0))
        print(f"route {method}: {', '.join(f'{report.count(s)} {s}' for s in ('passed', 'failed', 'not applicable'))}")
    print(f"all routes, each in a process of its own: {time.perf_counter() - started:.1f} s")
    started, failures, named, rejected, first = time.perf_counter(), 0, 0, 0, 0
    sound = {result.case.id for result in run(cases, Composed()).results if result.status == "passed"}
    for mistake in MUTANTS:
        report = run([case for case in cases if case.id in sound], Mutant(mistake))
        failures += len(report.failures)
        named += sum(mistake in failure.diagnoses for failure in report.failures)
        rejected += bool(report.failures)
        first += bool(report.likely_mistakes) and report.likely_mistakes[0][0] == mistake
    print(f"{rejected} of {len(MUTANTS)} mutants rejected, {first} with their mistake as the likeliest; {named} of "
          f"{failures} failures ({100 * named / failures:.1f} %) name it; {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
