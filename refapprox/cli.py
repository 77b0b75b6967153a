"""The command line program: one subcommand a module of `refapprox.commands`.

A command module has `HELP` (one line), `add_arguments(parser)` and `execute(args) -> exit code`.
It is imported only when it is called, so that `refapprox --help` stays quick.
"""
import argparse
import importlib
import sys

from refapprox._version import __version__

COMMANDS = {
    "run": "train a network, learn what error each layer stands, assign multipliers, retrain, report",
    "multipliers": "list, show, import, export and check approximate multipliers",
    "stats": "compare every error estimator with simulation on a finished run",
    "conformance": "check a framework, or refapprox itself, against the golden cases",
    "analog": "optimize how weights are programmed into noisy, drifting conductances",
}


def main(argv=None):
    """Run one command; the exit code is 0, or 2 for a wrong argument, or the command's own."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(prog="refapprox", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"refapprox {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help_line in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=help_line, description=help_line)
        if argv[:1] == [name]:
            module = importlib.import_module(f"refapprox.commands.{name}")
            module.add_arguments(subparser)
            subparser.set_defaults(execute=module.execute)
    args = parser.parse_args(argv)
    try:
        return args.execute(args) or 0
    except (ValueError, OSError) as error:
        print(f"refapprox {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"refapprox {args.command}: interrupted.", file=sys.stderr)
        return 130
