"""python -m tests.mutation: change the package in one place, hundreds of times, and see whether a test fails.

Steps, each resumed where it stopped, since all results are JSON lines in the folder --out:

    python -m tests.mutation reach  --out FOLDER       which test of these folders enters which function (once)
    python -m tests.mutation run    --out FOLDER       the changes drawn with --seed, --count of them or some more
    python -m tests.mutation report --out FOLDER       what was found

A change is first held against the tests of FIRST that enter the changed function and take at most --longest seconds,
the cheapest of every test function first.  `run --suite` holds what survived against every other fast test that enters
it, tests that start a process, and all files that were not traced (`reach --suite` traces them too, which saves time
where many survive).  What is left is printed by `report` unless it stands in equivalent.json with the reason why no
test can notice it: the command fails if there is any.  `--file once_survived.json` takes the changes of a file instead
of drawing some; --again repeats the first tests for what survived, with those written since (`reach` traces test files
that are new or changed).

The checkout itself is never touched: a copy in FOLDER is.  Tests that fail in the unchanged copy do not take part.
Each change has a limit of processor time; one that never ends counts as noticed.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.mutation import changes

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# whose tests come first: those of its folder, or of the files that are about it
FIRST = {"ops": ("tests/ops/", "tests/network/test_table_gradient"), "error_stats": ("tests/error_stats/",),
         "analog": ("tests/analog/",), "quantization": ("tests/quantization/", "tests/ops/test_fake"),
         "matching": ("tests/main_job/test_assign", "tests/main_job/test_exact", "tests/main_job/test_match",
                      "tests/main_job/test_operating", "tests/main_job/test_estim"),
         "multipliers": ("tests/multipliers/test_metrics", "tests/multipliers/test_structure",
                         "tests/multipliers/test_wide")}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("reach", "run", "report"))
    parser.add_argument("--out", type=Path, required=True, help="folder for results, outside the checkout")
    parser.add_argument("--seed", type=int, default=0, help="draws the changes (default 0)")
    parser.add_argument("--count", type=int, default=365, help="how many, or some more: each file has a share (365)")
    parser.add_argument("--only", default="", help="of files whose name within the package begins so: analog/objective")
    parser.add_argument("--file", type=Path, help="a JSON list of changes instead of drawn ones")
    parser.add_argument("--suite", action="store_true", help="the whole fast suite for those that survived")
    parser.add_argument("--again", action="store_true", help="the folder's tests again for those that survived")
    parser.add_argument("--longest", type=float, default=2.0, help="seconds that a test of the folder may take (2)")
    parser.add_argument("--at-most", type=int, default=10**9, help="stop after this many")
    options = parser.parse_args(arguments)
    if CHECKOUT in options.out.resolve().parents:
        parser.error("--out lies in the checkout: a copy of the checkout is made there")
    options.out.mkdir(parents=True, exist_ok=True)
    return {"reach": reach, "run": run, "report": report}[options.step](options)


def reach(options):
    """Trace every fast test, one process for each file."""
    from tests.mutation import processes
    from tests.mutation.plugins import Reach

    copy = processes.copy_of(CHECKOUT, options.out)
    done = {(entry["file"], entry["digest"]) for entry in lines(options.out / "reach.jsonl")}
    files = sorted(path.relative_to(copy).as_posix() for path in (copy / "tests").rglob("test_*.py"))
    if not options.suite:
        files = [file for file in files if file.startswith(tuple(prefix for part in FIRST.values() for prefix in part))]
    digests = {file: hashlib.sha256((copy / file).read_bytes()).hexdigest()[:16] for file in files}
    todo = [file for file in files if (file, digests[file]) not in done and not file.startswith("tests/mutation/")]
    for file in todo[:options.at_most]:
        began = processor_time()
        found = processes.in_fork(copy, [file], lambda: Reach(copy / "refapprox"), 1200, write_bytecode=True)
        seconds = round(processor_time() - began, 2)
        append(options.out / "reach.jsonl", {"file": file, "digest": digests[file], "seconds": seconds, **found})
        print(file, seconds, found.get("ended", ""), flush=True)


def run(options):
    """Hold changes against the tests."""
    from tests.mutation import processes

    known = Tests(options.out / "reach.jsonl", options.longest)
    results, excused = latest(options.out / "results.jsonl"), excuses()
    copy, left = processes.copy_of(CHECKOUT, options.out), options.at_most
    subprocess.run([sys.executable, "-m", "compileall", "-q", copy / "refapprox", copy / "tests"], check=False)
    for change in wanted(options):
        found = results.get(change.key)
        stage = "suite" if options.suite else "folder"
        if found and (found["noticed"] or change.key in excused or not (options.suite or options.again)
                      or (options.suite and found["stage"] == "suite")):
            continue
        if not left:
            break
        left -= 1
        tests = known.of(change, stage)
        began = time.monotonic(), processor_time()
        answer = answer_of(copy, change, tests, 30 + 4 * known.seconds(tests)) if tests else {"ran": 0}
        by = answer.get("failed") or answer.get("ended")
        append(options.out / "results.jsonl", {
            "key": change.key, "file": change.file, "where": change.where, "kind": change.kind,
            "before": change.before, "after": change.after, "stage": stage, "noticed": bool(by), "by": by,
            "tests": len(tests), "ran": answer.get("ran"), "seconds": round(time.monotonic() - began[0], 2),
            "processor": round(processor_time() - began[1], 2)})
        print("noticed " if by else "SURVIVED", change.file, change.where, "|", change.after[:90], "|", by, flush=True)


def answer_of(copy, change, tests, seconds):
    """What `Chosen` says of `tests` while the change stands in the copy."""
    from tests.mutation import processes
    from tests.mutation.plugins import Chosen

    path = copy / "refapprox" / change.file
    source = path.read_bytes()
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()
    path.write_bytes(change.applied(source))
    try:
        return processes.in_fork(copy, [*sorted({test.partition("::")[0] for test in tests}), "-x"],
                                 lambda: Chosen(tests), seconds)
    finally:
        path.write_bytes(source)


def report(options):
    """Counts, and every survivor without a reason."""
    results, excused = latest(options.out / "results.jsonl"), excuses()
    taken = [change for change in wanted(options) if change.key in results]
    alive = [change for change in taken if not results[change.key]["noticed"]]
    whole = lines(options.out / "results.jsonl")
    print(f"{len(taken)} changes in {len({change.file for change in taken})} files: "
          f"{len(taken) - len(alive)} noticed, {sum(change.key in excused for change in alive)} equivalent, "
          f"{sum(change.key not in excused for change in alive)} not noticed; "
          f"{sum(entry['processor'] for entry in whole) / 60:.0f} min of processor time, "
          f"{sum(entry['processor'] for entry in whole) / max(len(whole), 1):.1f} s for each of {len(whole)} runs, "
          f"and {sum(entry['seconds'] for entry in lines(options.out / 'reach.jsonl')) / 60:.0f} min for the trace")
    for room in sorted({room_of(change.file) for change in taken}):
        here = [change for change in taken if room_of(change.file) == room]
        print(f"  {room}: {len(here)} changes, {sum(results[c.key]['noticed'] for c in here)} noticed, "
              f"{sum(not results[c.key]['noticed'] and c.key in excused for c in here)} equivalent")
    for key in sorted(set(excused) & {change.key for change in taken if results[change.key]["noticed"]}):
        print("noticed, but listed as equivalent:", excused[key])
    left = [change for change in alive if change.key not in excused]
    for change in left:
        print(json.dumps({part: getattr(change, part) for part in ("file", "where", "before", "after")}, indent=1))
    gone = changes.named(CHECKOUT, list(excused.values()))[1]
    for entry in gone:
        print("in equivalent.json, but no longer in the source:", entry["file"], entry["where"], entry["before"])
    return bool(left)


class Tests:
    """The fast tests and what each enters."""

    def __init__(self, path, longest):
        self.longest, self.cost, self.by_function, traced = longest, {}, {}, set()
        for entry in {entry["file"]: entry for entry in lines(path)}.values():       # the last of each file
            names, shared = entry.get("functions", []), entry.get("shared", [])
            traced.add(entry["file"])
            for nodeid, test in entry.get("tests", {}).items():
                if not test["passed"]:
                    continue
                self.cost[nodeid] = test["seconds"]
                for name in {names[i] for i in (*test["reached"], *shared)}:
                    self.by_function.setdefault(name, set()).add(nodeid)
                    if not at_import(name):
                        self.by_function.setdefault(name.partition(":")[0], set()).add(nodeid)

        self.unknown = sorted(path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "tests").rglob("test_*.py")
                              if path.relative_to(CHECKOUT).as_posix() not in traced and path.parent != HERE)

    def seconds(self, tests):
        return sum(self.cost.get(test, 60) for test in tests)

    def of(self, change, stage):
        """The tests of a stage in the order in which they run: a first case of each test function, then a second."""
        name = f"{change.file}:{change.where}"
        entering = self.by_function.get(change.file if at_import(name) else name, set())
        if stage == "suite":
            entering = entering | self.by_function.get(":a process", set())
        own = {test for test in entering if test.startswith(FIRST[room_of(change.file)])
               and self.cost[test] <= self.longest}
        return self.ordered(own) if stage == "folder" else [*self.ordered(entering - own), *self.unknown]

    def ordered(self, tests):
        turn, turns = {}, []
        for test in sorted(tests, key=lambda test: (self.cost[test], test)):
            function = test.partition("[")[0]
            turn[function] = turn.get(function, -1) + 1
            turns.append((turn[function], self.cost[test], test))
        return [test for *_, test in sorted(turns)]


def at_import(name):
    """Whether a part of a file runs when it is imported: its own level, or that of a class."""
    last = name.partition(":")[2].rpartition(".")[2]
    return not last or last == "<module>" or last.lstrip("_")[:1].isupper()


def wanted(options):
    if options.file is None:
        return changes.draw(CHECKOUT, options.count, options.seed, options.only)
    found, gone = changes.named(CHECKOUT, json.loads(options.file.read_text("utf-8")))
    for entry in gone:
        print("no longer in the source:", entry["file"], entry["where"], entry["before"])
    return found


def excuses():
    """key -> entry of equivalent.json."""
    return {changes.key_of(entry): entry for entry in json.loads((HERE / "equivalent.json").read_text("utf-8"))}


def room_of(file):
    return file.partition("/")[0]


def processor_time():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def latest(path):
    """key -> the last result; what was noticed once stays noticed."""
    found = {}
    for entry in lines(path):
        found[entry["key"]] = entry
    return found


def append(path, entry):
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


if __name__ == "__main__":
    sys.exit(main())
