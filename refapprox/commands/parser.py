"""How all commands read their options and say what is wrong with them."""
import argparse
import difflib
import re

from refapprox.validation import shown


class Parser(argparse.ArgumentParser):
    """An argument parser that shows the innermost command's own usage, and takes no option twice.

    The parsed arguments know the innermost `parser` and the destinations of the options that were `given`.
    """

    def __init__(self, **options):
        super().__init__(allow_abbrev=False, **options)
        self.set_defaults(parser=self)

    def parse_known_args(self, args=None, namespace=None):
        if not args and self._subparsers is not None:      # a stranger who asks for nothing yet
            args = ["--help"]
        given = self.given(args or [])
        namespace, unknown = super().parse_known_args(args, namespace)
        if unknown:
            close = difflib.get_close_matches(unknown[0].partition("=")[0], self._option_string_actions, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            self.error(f"{'no option' if unknown[0].startswith('-') else 'no argument'} {unknown[0]} is known "
                       f"here{hint}")
        namespace.given = given | getattr(namespace, "given", set())
        return namespace, unknown

    def given(self, args):
        """Destinations of the options in `args`; one that takes a single value and stands there twice is refused."""
        found = set()
        for text in args:
            if text == "--":
                break
            action = self._option_string_actions.get(text.partition("=")[0])
            if action is None:
                continue
            if action.dest in found and isinstance(action, argparse._StoreAction):
                self.error(f"{text.partition('=')[0]} is given twice: once is enough, and the first would be lost")
            found.add(action.dest)
        return found


def spoken(error, parser):
    """The message of `error` in the words of the command line: options for arguments, and no temporary names."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    message = error.spoken() if hasattr(error, "spoken") else str(error)
    for action in parser._actions:
        if not action.option_strings:
            continue
        option = action.option_strings[-1]
        message = re.sub(rf"(?<![\w-]){action.dest}(?: of \w+)?(?= (?:must|cannot|needs|holds)\b)", option, message)
        message = re.sub(rf"(?<![\w.-]){action.dest}=(?=\S)", f"{option} ", message)
        if "_" in action.dest:      # no word of English
            message = re.sub(rf"(?<![\w.-]){action.dest}(?!\w)", option, message)
    return message


def add_data(parser, default="synthetic", choices=("synthetic", "mnist")):
    """--data and --data-dir, as every command takes them that runs a network."""
    parser.add_argument("--data", "--dataset", dest="dataset", choices=choices, default=default,
                        help="synthetic: digits drawn by formula, the default; the others: files from --data-dir")
    parser.add_argument("--data-dir", metavar="DIR",
                        help="folder with the files (else the environment variable REFAPPROX_DATA_DIR)")


def check_data(args):
    """Refuse a folder for digits that come from no file."""
    if args.dataset == "synthetic" and args.data_dir is not None:
        raise ValueError("--data-dir is for --data mnist and other files: the drawn digits come from no file.")


def add_sources(parser):
    """What may be said of multipliers wherever sources are read and compared by cost."""
    add_reading(parser)
    parser.add_argument("--cost", type=named_number, action="append", default=[], metavar="NAME=NUMBER",
                        help="what a multiplier costs (mW beside the built-in ones); may be repeated")


def add_reading(parser):
    """What may be stated of a source, wherever one is read."""
    sign = parser.add_mutually_exclusive_group()
    sign.add_argument("--signed", dest="signed", action="store_true", default=None,
                      help="the operands of a file or family are signed; of a library take the signed ones")
    sign.add_argument("--unsigned", dest="signed", action="store_false", help="the same, unsigned")
    parser.add_argument("--bits", type=widths, metavar="N|NxM", help="their widths; of a library take these")
    parser.add_argument("--order", choices=("value", "code"), help="index order of a signed table")
    parser.add_argument("--top", metavar="NAME", help="the module, model or function of a circuit to read")
    parser.add_argument("--with", dest="more", action="append", metavar="FILE",
                        help="a further file of the same circuit; may be repeated")
    parser.add_argument("--liberty", action="append", metavar="FILE", help="cells of a mapped netlist; may be repeated")
    parser.add_argument("--compile", dest="compiled", action="store_true",
                        help="compile a C program with the compiler at hand and tabulate it: this executes the file")


def circuit_options(args):
    """What --order, --top, --with, --liberty and --compile state of files, as `load_library` takes it."""
    names = ("order", "top", "more", "liberty", "compiled")
    return {name: getattr(args, name) for name in names if getattr(args, name)}


def widths(text):
    """The value of --bits: 8, or (8, 2) for 8x2."""
    try:
        parts = [int(part) for part in text.split("x")]
        (bits_x, *rest) = parts
        if len(rest) > 1 or min(parts) < 1:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"must read N or NxM, such as 8 or 8x4, got {shown(text)}") from None
    return (bits_x, rest[0]) if rest else bits_x


def named_number(text):
    """("mine", 0.2) from "mine=0.2"; a name may hold = itself, as drum(k=6) does."""
    name, equals, number = text.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        value = None
    if not equals or not name or value is None:
        raise argparse.ArgumentTypeError(f"must read NAME=NUMBER, such as mine=0.2, got {shown(text)}")
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"the cost of {name} must be a number of at least 0, got {number}")
    return name, value
