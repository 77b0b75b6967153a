"""`refapprox multipliers show X --html FILE`: the page on which a person plays with one multiplier, or compares two."""
from refapprox import files
from refapprox.report.multiplier import layer_distributions, page_of


def add_arguments(parser):
    parser.add_argument("--html", metavar="FILE", help="write a page to play with: map, operands, accumulated error")
    parser.add_argument("--compare", metavar="OTHER", help="show this multiplier beside it on the page")


def write(args, circuit, find):
    """Write the page of `circuit` where `args` asks for it; `find` makes a multiplier of the name of another one."""
    if args.html is None:
        if args.compare is not None:
            raise ValueError("--compare puts a second multiplier on the page: it needs --html FILE.")
        return
    shown = [m.to_multiplier() for m in (circuit, *([] if args.compare is None else [find(args.compare)]))]
    files.write_text(args.html, page_of(shown, layer_distributions(shown[0]), command=args.command_line))
    print(args.html)
