"""The command line program: one subcommand per module of `refapprox.commands`.

A command module has `add_arguments(parser)` and `execute(args) -> exit code`. It is imported only when it is called,
so that `refapprox --help` stays quick.
"""
import contextlib
import os
import shlex
import signal
import sys

from refapprox._version import __version__

COMMANDS = {
    "run": "train a network, learn what error each layer tolerates, assign multipliers, retrain, report",
    "effect": "what one multiplier, or several, do to a trained network, in half a minute",
    "multipliers": "list, show, import, export and check approximate multipliers",
    "stats": "compare every error estimator with simulation on a finished run",
    "compare": "several finished runs on one page",
    "conformance": "check a framework, or refapprox itself, against the golden cases",
    "analog": "optimize how weights are programmed into noisy, drifting conductances",
    "lessons": "write the ten lessons out, as scripts and as notebooks",
}
FIRST_STEPS = """first steps, none of which needs a file of yours:
  refapprox effect mul8s_1KVL        what one published multiplier does to a trained network
  refapprox run                      the whole way, from training to a report, in half a minute
  refapprox lessons --out lessons    ten lessons with exercises that check themselves
  refapprox conformance run          what is checked in other frameworks, here on refapprox itself"""
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
BROKEN_PIPE = 141      # what a shell reports of a program that SIGPIPE ended


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or a polite request to end."""

    def __init__(self, number):
        super().__init__()
        self.exit_code = 128 + number


def main(argv=None):
    """Run one command; the exit code is 0, or 2 for a wrong argument, or the command's own."""
    argv = sys.argv[1:] if argv is None else list(argv)
    name = f"refapprox {argv[0]}" if argv and argv[0] in COMMANDS else "refapprox"
    try:
        with ended_quietly(name) as loaded, one_blas_thread():
            args, parser = parse(argv)
            loaded()
            code = execute(args, parser) or 0
            sys.stdout.flush()
            return code
    except KeyboardInterrupt as interruption:
        print(f"{name}: interrupted.", file=sys.stderr)
        return getattr(interruption, "exit_code", 130)
    except BrokenPipeError:      # who read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


@contextlib.contextmanager
def one_blas_thread():
    """BLAS with one thread, unless the environment says otherwise: the package has workers of its own, and threads of
    OpenBLAS spin while they wait. Before NumPy loads by the environment, later by threadpoolctl where that is there."""
    if any(os.environ.get(name) for name in BLAS_THREADS):
        yield
    elif "numpy" not in sys.modules:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        yield
    else:
        try:
            from threadpoolctl import threadpool_limits
        except ImportError:
            yield
            return
        with threadpool_limits(1, "blas"):
            yield


def parse(argv):
    """(parsed arguments, the parser of the innermost command)."""
    import importlib
    from argparse import RawDescriptionHelpFormatter

    from refapprox.commands.parser import Parser
    parser = Parser(prog="refapprox", epilog=FIRST_STEPS, formatter_class=RawDescriptionHelpFormatter,
                    description="What happens to a neural network when its multiplications are not exact?")
    parser.add_argument("-V", "--version", action="version", version=f"refapprox {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help_line in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=help_line, description=help_line)
        if argv[:1] == [name]:
            module = importlib.import_module(f"refapprox.commands.{name}")
            module.add_arguments(subparser)
            subparser.set_defaults(execute=module.execute)
    args = parser.parse_args(argv)
    args.command_line = shlex.join(["refapprox", *argv])
    return args, args.parser


def execute(args, parser):
    """Run the command of `args`; what goes wrong is said in the words of its options."""
    from refapprox.commands.parser import spoken
    try:
        return args.execute(args)
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        print(f"{parser.prog}: {spoken(error, parser)}", file=sys.stderr)
        return 2


@contextlib.contextmanager
def ended_quietly(name):
    """Ctrl-C, SIGTERM and SIGHUP become a KeyboardInterrupt, or before `loaded()` is called end the process at once.

    While modules load an exception may be swallowed or dressed as another, and there is nothing to clean up yet.
    """
    loading = True

    def end(number, frame):
        if loading:
            os.write(2, f"{name}: interrupted.\n".encode())
            os._exit(128 + number)
        raise Interrupted(number)

    def loaded():
        nonlocal loading
        loading = False

    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is not signal.SIG_IGN:      # as of a command that nohup started
            with contextlib.suppress(ValueError):               # not the main thread: nothing arrives there
                before.setdefault(number, signal.signal(number, end))
    try:
        yield loaded
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
