"""Hostile inputs at every door.

    python -m tests.fuzz [--minutes 10] [--out FILE]          ten minutes
    python -m tests.fuzz --inputs 1000000 --out FILE          so many in all; the same command goes on where it ended
    python -m tests.fuzz --each --out FILE                    every argument with each kind of input once, no file
    python -m tests.fuzz --doors quantize --inputs 5000       only doors whose name matches
    python -m tests.fuzz --input 4711 --out FILE              one input of such a run again, with its traceback

Doors are the whole public surface, called with arguments made from those of its examples, and every file that a command
reads, changed in a byte, a token or a value. An input ends well if the answer is that of the same numbers in plain
form, or the refusal is a TypeError, ValueError, KeyError or OSError that names the argument or the file; all else
("unclear failure", "other numbers", "too long") is printed and written to FILE, a line of JSON each.

Every input follows from the seed and its number alone. It runs in a process of its own kind: at most SECONDS of time,
at most MEMORY bytes more than it started with.
"""
import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from tests.fuzz import doors, file_doors, inputs, judge, values  # noqa: E402 (after the threads are set)

SECONDS = 10.0               # of processor time, of one input
MEMORY = 2 ** 31             # bytes that one input may take
SILENT = 120                 # times a second without a sign of life: the process waits, or hangs where no alarm rings
CLOCK = 1e-7                 # seconds: the least that is told apart
QUICK_FILE = 1e-3            # seconds
BLOCK = 1000                 # inputs of one line of counts
PER_PROCESS = 20_000         # inputs of one process
QUICK = 1e-4                 # seconds: doors that take longer are asked in proportion less often
FILES = 0.3                  # of all inputs
TOO_LONG, DIED = "too long", "process died"
BAD = (*inputs.BAD, TOO_LONG, DIED)


class Alarm(BaseException):
    """The time of an input is over."""


def ring(*_):
    raise Alarm


def measure(door):
    """Processor seconds of one call, and whether two calls agree; a door that does not answer its own example has no
    calls. Slow doors are asked less often and never left out: the doors do not depend on the machine."""
    good = []
    for call in door.calls:
        first, failed, _ = inputs.base(door, call, ())
        if failed is None:
            started = time.process_time()
            again = inputs.outcome_of(door, call, (), {n: doors.fresh(v) for n, v in call.values.items()})
            call.seconds = max(time.process_time() - started, CLOCK)
            call.repeats = again[1] is None and judge.different(first, again[0]) is None
            good.append(call)
    door.calls = good
    drawn = any("rng" in door.names and call.values.get("rng") is None for call in good)
    door.repeatable = bool(good) and not drawn and all(call.repeats for call in good)
    door.seconds = max((call.seconds for call in good), default=None)
    return door


def all_doors(only):
    """Doors that can be asked, and the names of those that cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        called = [measure(door) for door in doors.all_doors(only)]
    with_files = [door for door in file_doors.all_doors() if only is None or only.search(door.name)]
    return [d for d in called if d.calls] + with_files, [d.name for d in called if not d.calls]


def weights(found):
    """How often each door is asked, adding up to one."""
    raw = {door.name: min(1.0, (QUICK_FILE if door.kind == "file" else QUICK) / door.seconds) for door in found}
    parts = {True: [d.name for d in found if d.kind == "file"], False: [d.name for d in found if d.kind != "file"]}
    result = {}
    for is_file, names in parts.items():
        share = (FILES if is_file else 1 - FILES) if parts[not is_file] else 1.0
        total = sum(raw[name] for name in names)
        result |= {name: share * raw[name] / total for name in names}
    return result


def drawn(found, cumulative, seed, number):
    """(door, dice) of an input, or without weights (entry of `inputs.each`, None)."""
    if cumulative is None:
        return found[number], None
    dice = random.Random(f"{seed}/{number}")
    return dice.choices(found, cum_weights=cumulative)[0], dice


def one_input(found, cumulative, seed, number, pool):
    """(door, Input) of an input; what it does is decided by seed and number."""
    door, dice = drawn(found, cumulative, seed, number)
    if dice is None:
        return door[0], inputs.try_each(*door)
    return door, door.attempt(dice) if door.kind == "file" else inputs.try_call(door, dice, pool)


def door_of(found, cumulative, seed, number):
    door, dice = drawn(found, cumulative, seed, number)
    return door[0] if dice is None else door


def guarded(found, cumulative, seed, number, pool):
    """(name of the door, what, outcome, reason), within its time."""
    door = door_of(found, cumulative, seed, number)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        _, made = one_input(found, cumulative, seed, number, pool)
        return door.name, made.what, made.outcome, made.reason
    except Alarm:
        return door.name, "", TOO_LONG, "".join(traceback.format_exc(limit=-2))[-300:]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def limit_memory():
    used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))


def strict():
    """Warnings of NumPy are failures, but for one that says a result leaves the floats; those that refapprox itself
    gives are part of its answer."""
    warnings.resetwarnings()
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "overflow encountered", RuntimeWarning)
    for kind in (UserWarning, PendingDeprecationWarning, ResourceWarning):
        warnings.simplefilter("ignore", kind)


def work(found, cumulative, seed, first, last, now, pipe):
    """The inputs first to last - 1, each outcome sent as it comes."""
    limit_memory()
    strict()
    signal.signal(signal.SIGPROF, ring)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with tempfile.TemporaryDirectory(dir=file_doors.MEMORY_DISK) as folder:
        os.chdir(folder)
        pool, made_for = None, None
        for number in range(first, last):
            if number // PER_PROCESS != made_for:
                made_for = number // PER_PROCESS
                pool = values.hypothesis_pool(made_for + 1000 * seed)
            now.value = number
            outcome = guarded(found, cumulative, seed, number, pool)
            pipe.send((number, outcome))
            if outcome[2] == TOO_LONG or "MemoryError" in str(outcome[3]):      # interrupted anywhere; full
                break
        pipe.send(None)
        os.chdir("/")


def results(found, cumulative, seed, first, last):
    """(number, outcome) of the inputs first to last - 1, whatever becomes of the processes."""
    context = multiprocessing.get_context("fork")
    while first < last:
        ours, theirs = context.Pipe(duplex=False)
        now = context.Value("q", first, lock=False)
        end = min(last, (first // PER_PROCESS + 1) * PER_PROCESS)
        process = context.Process(target=work, args=(found, cumulative, seed, first, end, now, theirs), daemon=True)
        process.start()
        theirs.close()
        while True:
            try:
                message = ours.recv() if any(ours.poll(1.0) for _ in range(SILENT)) else "silent"
            except EOFError:
                message = "died"
            if message is None:
                break
            if isinstance(message, str):
                process.kill()
                process.join()
                door = door_of(found, cumulative, seed, first)
                yield first, (door.name, "", TOO_LONG if message == "silent" else DIED, f"exit code {process.exitcode}")
                first += 1
                break
            first = message[0] + 1
            yield message
        process.join()
        ours.close()


class Record:
    """The results file: a header, a line for every input that ended badly, a line of counts for every block."""

    def __init__(self, path, header):
        self.path, self.counts, self.bad, self.next, self.seconds = path, collections.Counter(), [], 0, 0.0
        lines = path.read_text().splitlines() if path.exists() else []
        documents = [json.loads(line) for line in lines]
        self.header = documents[0] if documents else header
        differing = [key for key in ("seed", "doors") if self.header[key] != header[key]]
        if differing:
            raise SystemExit(f"{path} is of a run with another {differing[0]}: give another --out.")
        blocks = [d for d in documents if "counts" in d]
        self.next = max((d["next"] for d in blocks), default=0)
        for block in blocks:
            self.seconds += block["seconds"]
            self.counts.update({tuple(key.split("|")): n for key, n in block["counts"].items()})
        self.bad = [d for d in documents if "outcome" in d and d["input"] < self.next]
        if not documents:
            self.write(header)

    def write(self, document):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(document) + "\n")

    def report(self):
        """Counts by door, and by outcome."""
        outcomes = (inputs.SAME, inputs.REFUSED, inputs.ANSWERED, *BAD)
        names = sorted({name for name, _ in self.counts})
        print(f"{'door':66s}" + "".join(f"{outcome:>16s}" for outcome in outcomes))
        for name in [*names, "all"]:
            row = [sum(n for (door, found), n in self.counts.items() if found == outcome and name in (door, "all"))
                   for outcome in outcomes]
            print(f"{name:66s}" + "".join(f"{n:16,d}" for n in row))
        total, bad = self.counts.total(), sum(n for (_, outcome), n in self.counts.items() if outcome in BAD)
        print(f"{total:,} inputs at {len(names)} doors in {self.seconds:,.0f} s: {bad} ended badly.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help="how long (default 10, or without end where --inputs is given)")
    parser.add_argument("--inputs", type=int, help="how many in all, those of an earlier run into FILE counted")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--doors", type=re.compile, metavar="REGEX", help="only doors whose name matches")
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE", help="results, to go on from (default: a new one)")
    parser.add_argument("--input", type=int, metavar="NUMBER", help="this input alone")
    parser.add_argument("--each", action="store_true", help="every argument with each kind of input once")
    parser.add_argument("--list", action="store_true", help="the doors, how often each is asked, and what is left out")
    args = parser.parse_args()
    found, without = all_doors(args.doors)
    seed, shares = args.seed, weights(found)
    path = args.out or pathlib.Path(tempfile.mkdtemp()) / "fuzz.jsonl"
    record = Record(path, {"seed": seed, "doors": sorted(shares) + ["each"] * args.each, "shares": shares})
    shares = record.header["shares"]
    cumulative, total = [], 0.0
    for door in found:
        total += shares[door.name]
        cumulative.append(total)
    if args.list:
        for door in found:
            print(f"{door.name:70s} {1e6 * shares[door.name]:9.0f} of a million, {1e3 * door.seconds:8.3f} ms")
        print(f"{len(found)} doors. Not asked, as nothing calls them:", *without, sep="\n  ")
        return
    if args.each:
        found, cumulative = list(inputs.each(door for door in found if door.kind != "file")), None
    if args.input is not None:
        strict()
        inputs.shown_error = lambda error: "".join(traceback.format_exception(error))
        pool = values.hypothesis_pool(args.input // PER_PROCESS + 1000 * seed)
        door, made = one_input(found, cumulative, seed, args.input, pool)
        print(door.name, made.what, made.outcome, made.reason, sep="\n")
        return
    minutes = args.minutes if args.minutes is not None else None if args.inputs or args.each else 10.0
    last = len(found) if args.each else args.inputs if args.inputs is not None else sys.maxsize
    end = time.monotonic() + 60 * minutes if minutes is not None else float("inf")
    print(f"{len(shares)} doors, results in {path}", flush=True)
    while record.next < last and time.monotonic() < end:
        run_block(record, found, cumulative, seed, min(last, (record.next // PER_PROCESS + 1) * PER_PROCESS), end)
    record.report()


def run_block(record, found, cumulative, seed, last, end):
    """Inputs up to `last`, counted in blocks."""
    counts, started = collections.Counter(), time.monotonic()
    for number, (door, what, outcome, reason) in results(found, cumulative, seed, record.next, last):
        counts[door, outcome] += 1
        if outcome in BAD:
            finding = {"input": number, "door": door, "what": what, "outcome": outcome, "reason": str(reason)[:400]}
            record.bad.append(finding)
            record.write(finding)
        if (number + 1) % BLOCK == 0 or number + 1 == last:
            seconds, record.next = time.monotonic() - started, number + 1
            record.write({"next": record.next, "seconds": round(seconds, 2),
                          "counts": {"|".join(key): n for key, n in sorted(counts.items())}})
            record.counts.update(counts)
            record.seconds += seconds
            counts, started = collections.Counter(), time.monotonic()
            if time.monotonic() > end:
                return


if __name__ == "__main__":
    main()
