"""`refapprox conformance`: run, list, show and export the golden cases."""
import functools
import json
import shlex
import sys
import time

from refapprox import files
from refapprox.conformance.arrays import encode
from refapprox.conformance.building import export
from refapprox.conformance.program import Program, python_program, request
from refapprox.conformance.reports import junit, page, summary, text
from refapprox.conformance.running import DEFAULT_TIMEOUT, FAILED, run
from refapprox.conformance.suite import load_suite
from refapprox.validation import check_integer, check_real

SECONDS_BETWEEN_LINES = 5.0
NATIVE = "refapprox.conformance.adapters.native:Refapprox"


def add_arguments(parser):
    actions = parser.add_subparsers(dest="action", required=True, metavar="run|list|show|export")
    runner = actions.add_parser("run", help="check an adapter; without one, refapprox itself on every route")
    runner.add_argument("--adapter", metavar="MODULE:CLASS",
                        help="Python adapter; MODULE:CLASS:ARGUMENT passes a string to its constructor")
    runner.add_argument("--program", metavar="COMMAND", help="program that speaks JSON lines instead of an adapter")
    runner.add_argument("--timeout", type=float, default=DEFAULT_TIMEOUT, metavar="S",
                        help="seconds a case may take (default %(default)g)")
    runner.add_argument("--maxfail", type=int, metavar="N", help="stop after N failures")
    runner.add_argument("--junit", metavar="FILE", help="write JUnit XML")
    runner.add_argument("--html", metavar="FILE", help="write one self-contained page")
    runner.add_argument("--brief", action="store_true", help="leave the failures' details out")
    lister = actions.add_parser("list", help="the cases and what they probe")
    for sub in (runner, lister):
        sub.add_argument("--select", action="append", default=[], metavar="PATTERN",
                         help="cases or families, shell-style; may be repeated")
    shower = actions.add_parser("show", help="one case as JSON, with what known mistakes would answer")
    shower.add_argument("case", metavar="ID")
    shower.add_argument("--request", action="store_true", help="the line that a program gets on its standard input")
    exporter = actions.add_parser("export", help="write all cases as JSON and npy, for readers without Python")
    exporter.add_argument("folder", metavar="DIR")
    exporter.add_argument("--with-mistakes", action="store_true", help="with what each known mistake would answer")


def execute(args):
    return {"run": execute_run, "list": execute_list, "show": execute_show, "export": execute_export}[args.action](args)


def execute_list(args):
    for case in load_suite().select(args.select):
        print(f"{case.id:45} {case.operation:24} {case.probes}")


def execute_show(args):
    suite = load_suite()
    case = suite[args.case]
    if args.request:
        print(json.dumps(request(case)))
        return
    print(json.dumps({**suite.stored(case.id), "reference": case.reference, "mistakes": encode(case.mistakes)},
                     indent=2))


def execute_export(args):
    suite = load_suite()
    export(args.folder, suite, with_mistakes=args.with_mistakes)
    print(f"{len(suite)} cases in {len(suite.manifest['families'])} families written to {args.folder}")


def execute_run(args):
    if args.adapter and args.program:
        raise ValueError("--adapter and --program exclude each other.")
    timeout = check_real("--timeout", args.timeout)
    if timeout <= 0:
        raise ValueError(f"--timeout must be positive, got {timeout}.")
    maxfail = None if args.maxfail is None else check_integer("--maxfail", args.maxfail, minimum=1)
    cases = load_suite().select(args.select)
    sources = native_routes(cases) if not (args.adapter or args.program) else [(args.adapter or args.program, cases)]
    reports = []
    for source, chosen in sources:
        command = shlex.split(source) if args.program else None
        target = Program(command, timeout) if command else python_program(source, timeout)
        with_progress = Progress(len(chosen))
        try:
            report = run(chosen, target, progress=with_progress, maxfail=maxfail)
        finally:
            with_progress.clear()
        print(text(report, source, details=not args.brief))
        reports.append((report, source))
    if len(reports) > 1:
        print("\n".join(summary(report) for report, _ in reports))
    for path, write in ((args.junit, junit), (args.html, functools.partial(page, command=args.command_line))):
        if path:
            write_all(path, write, reports)
    return 0 if all(report.ok for report, _ in reports) else 1


def native_routes(cases):
    """refapprox by the automatic route on all cases, by every other one on those that multiply through a table."""
    from refapprox.ops.lut_matmul import METHODS
    tables = [case for case in cases if case.operation in ("matmul", "linear", "conv2d")]
    return [(NATIVE, cases)] + [(f"{NATIVE}:{method}", tables) for method in METHODS if method != "auto" and tables]


def write_all(path, write, reports):
    """One file for one report; further ones get a number before the suffix."""
    for number, (report, source) in enumerate(reports):
        stem, dot, suffix = path.rpartition(".")
        files.write_text(path if number == 0 else f"{stem or path}-{number}{dot}{suffix if stem else ''}",
                         write(report, source))


class Progress:
    """Says on stderr how far a run is: in place on a terminal, else a line every few seconds."""

    def __init__(self, total):
        self.total, self.done, self.failed = total, 0, 0
        self.terminal, self.told = sys.stderr.isatty(), time.monotonic()

    def __call__(self, result):
        self.done, self.failed = self.done + 1, self.failed + (result.status == FAILED)
        line = f"{self.done} of {self.total} cases, {self.failed} failed: {result.case.id}"
        if self.terminal:
            print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self.told > SECONDS_BETWEEN_LINES:
            print(line, file=sys.stderr, flush=True)
            self.told = time.monotonic()

    def clear(self):
        if self.terminal:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
