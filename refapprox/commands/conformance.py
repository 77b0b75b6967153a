"""`refapprox conformance`: run, list and show the golden cases."""
import json
import shlex
import sys

from refapprox import files
from refapprox.conformance.program import Program, python_program, request
from refapprox.conformance.reports import junit, page, summary, text
from refapprox.conformance.running import DEFAULT_TIMEOUT, FAILED, run
from refapprox.conformance.suite import load_suite
from refapprox.validation import check_real

NATIVE = "refapprox.conformance.adapters.native:Refapprox"


def add_arguments(parser):
    actions = parser.add_subparsers(dest="action", required=True, metavar="run|list|show")
    runner = actions.add_parser("run", help="check an adapter; without one, refapprox itself on every route")
    runner.add_argument("--adapter", metavar="MODULE:CLASS",
                        help="Python adapter; MODULE:CLASS:ARGUMENT passes a string to its constructor")
    runner.add_argument("--program", metavar="COMMAND", help="program that speaks JSON lines instead of an adapter")
    runner.add_argument("--timeout", type=float, default=DEFAULT_TIMEOUT, metavar="S",
                        help="seconds a case may take (default %(default)g)")
    runner.add_argument("--junit", metavar="FILE", help="write JUnit XML")
    runner.add_argument("--html", metavar="FILE", help="write one self-contained page")
    runner.add_argument("--brief", action="store_true", help="leave the failures' details out")
    lister = actions.add_parser("list", help="the cases and what they probe")
    for sub in (runner, lister):
        sub.add_argument("--select", action="append", default=[], metavar="PATTERN",
                         help="cases or families, shell-style; may be repeated")
    shower = actions.add_parser("show", help="one case as JSON")
    shower.add_argument("case", metavar="ID")
    shower.add_argument("--request", action="store_true", help="the line that a program gets on its standard input")


def execute(args):
    return {"run": execute_run, "list": execute_list, "show": execute_show}[args.action](args)


def execute_list(args):
    for case in load_suite().select(args.select):
        print(f"{case.id:45} {case.operation:24} {case.probes}")


def execute_show(args):
    case = load_suite()[args.case]
    if args.request:
        print(json.dumps(request(case)))
        return
    stored = {"id": case.id, "probes": case.probes, "operation": case.operation, "reference": case.reference,
              "question": case.question, "inputs": case.raw_inputs, "check": case.check}
    print(json.dumps(stored, indent=2))
    for convention, outputs in case.expected.items():
        print(f"expected, {convention}: {outputs}")
    for mistake, outputs in case.mistakes.items():
        print(f"mistake, {mistake}: {outputs}")


def execute_run(args):
    if args.adapter and args.program:
        raise ValueError("--adapter and --program exclude each other.")
    timeout = check_real("--timeout", args.timeout)
    if timeout <= 0:
        raise ValueError(f"--timeout must be positive, got {timeout}.")
    cases = load_suite().select(args.select)
    sources = native_routes(cases) if not (args.adapter or args.program) else [(args.adapter or args.program, cases)]
    reports = []
    for source, chosen in sources:
        target = Program(shlex.split(source), timeout) if args.program else python_program(source, timeout)
        report = run(chosen, target, progress=progress)
        clear_progress()
        print(text(report, source, details=not args.brief))
        reports.append((report, source))
    if len(reports) > 1:
        print("\n".join(summary(report) for report, _ in reports))
    for path, write in ((args.junit, junit), (args.html, page)):
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


def progress(result):
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{'x' if result.status == FAILED else '.'} {result.case.id}", end="", file=sys.stderr,
              flush=True)


def clear_progress():
    if sys.stderr.isatty():
        print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
