"""`refapprox multipliers`: what there is, what it does, in and out of other tools, and what is wrong with a table."""
import json
import math
import sys
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox.commands import multiplier_page
from refapprox.multipliers import formats, load_library
from refapprox.multipliers.identification import identify, nearest
from refapprox.multipliers.languages.verilog import source as verilog
from refapprox.multipliers.lint import lint_lut
from refapprox.multipliers.lookup import find_multiplier, find_netlist
from refapprox.multipliers.multiplier import Multiplier
from refapprox.multipliers.ranking import FIGURES, check_figure, condition, figures_of
from refapprox.report import text_table

COLUMNS = ("power", "MAE%", "WCE%", "MRE%", "EP%", "bias")
WHICH = "a file, a name in the library, RELEASE:NAME, or a family such as 'drum(k=6)'"


def add_arguments(parser):
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add_list(commands)
    for name, help_line, function in (
            ("show", "metrics of one multiplier, and its figures", show),
            ("export", "write a table for another tool", export),
            ("identify", "which known circuit a table is, in which release, transposed or not", identify_one),
            ("verilog", "structural Verilog of a circuit whose gates are known", write_verilog)):
        add_one(commands, name, help_line, function)
    add_tables(commands)


def add_list(commands):
    """The two actions on libraries."""
    for name, help_line, function in (("list", "circuits of a library with their figures", list_all),
                                      ("plot", "the Pareto front of a library", plot)):
        sub = commands.add_parser(name, help=help_line, description=help_line)
        add_library(sub)
        sub.add_argument("--where", action="append", default=[], metavar="FIGURE<NUMBER",
                         help=f"keep what fulfills it; may be repeated; figures: {', '.join(FIGURES)}"
                         .replace("%", "%%"))
        sub.set_defaults(function=function)
        if name == "list":
            sub.add_argument("--sort", default="power", metavar="FIGURE", help="default: power; 'name' by name")
            sub.add_argument("--reverse", action="store_true", help="largest first")
            sub.add_argument("--json", action="store_true", help="all figures of every circuit as JSON")
        else:
            sub.add_argument("--x", default="power", metavar="FIGURE", help="cost (default power)")
            sub.add_argument("--y", default="MAE%", metavar="FIGURE", help="error (default MAE%%)")
            sub.add_argument("--out", default="pareto.png", help="PNG or SVG file (default pareto.png)")


def add_library(sub):
    sub.add_argument("--library", default="builtin", metavar="builtin|PATH",
                     help="a checkout of EvoApproxLib, a folder or a file (default: the built-in search space)")
    sign = sub.add_mutually_exclusive_group()
    sign.add_argument("--unsigned", dest="signed", action="store_false", default=True)
    sign.add_argument("--any-sign", dest="signed", action="store_const", const=None)
    sub.add_argument("--bits", type=widths, default=8, metavar="N|NxM|any", help="operand widths (default 8)")
    sub.add_argument("--operation", choices=("mul", "add", "any"), default="mul")
    sub.add_argument("--samples", type=int, default=2 ** 16, help="operand pairs where there are more (default 65536)")
    sub.add_argument("--seed", type=int, default=0, help="of those samples (default 0)")


def add_one(commands, name, help_line, function):
    """An action on one multiplier."""
    sub = commands.add_parser(name, help=help_line, description=help_line)
    sub.add_argument("which", help=WHICH)
    sub.add_argument("--library", default="builtin", metavar="builtin|PATH", help="where names are looked up")
    sub.add_argument("--bits", type=int, default=8, help="of a family's member (default 8)")
    sub.add_argument("--unsigned", dest="signed", action="store_false", help="of a family, or of a table in a npy file")
    sub.set_defaults(function=function)
    if name == "show":
        multiplier_page.add_arguments(sub)
        sub.add_argument("--out", metavar="DIR", help="draw error map, histogram and error against operand there")
        sub.add_argument("--samples", type=int, default=2 ** 16)
        sub.add_argument("--seed", type=int, default=0)
    elif name == "export":
        sub.add_argument("--out", required=True, metavar="FILE")
        add_layout(sub)
    elif name == "verilog":
        sub.add_argument("--out", metavar="FILE", help="(default: standard output)")


def add_layout(sub):
    sub.add_argument("--format", choices=formats.FORMATS, help="(default: told from content or suffix)")
    sub.add_argument("--order", choices=formats.ORDERS, help="index order of a signed table")
    sub.add_argument("--transposed", action="store_true", help="the row is the weight, not the activation")


def add_tables(commands):
    """The two actions on files that are not yet trusted."""
    for name, help_line, function in (
            ("import", "read another tool's table and keep it as npy in value order, with a JSON file beside it", take),
            ("lint", "what a table is and what is wrong with it; exit code 1 if it has an error", lint)):
        sub = commands.add_parser(name, help=help_line, description=help_line)
        sub.add_argument("file", help="a table file" if name == "import" else "a table file, or " + WHICH)
        sign = sub.add_mutually_exclusive_group()
        sign.add_argument("--signed", dest="signed", action="store_true", default=None)
        sign.add_argument("--unsigned", dest="signed", action="store_false")
        add_layout(sub)
        sub.set_defaults(function=function)
        if name == "import":
            sub.add_argument("--out", required=True, metavar="FILE.npy")
            sub.add_argument("--name", help="(default: that of the file)")
            sub.add_argument("--power", type=float, default=math.nan, help="cost that matching minimizes, such as mW")
            sub.add_argument("--release", default="", help="release that gives the name its meaning")


def execute(args):
    return args.function(args)


def widths(text):
    """The value of --bits: 8, (8, 2) for 8x2, or None for any."""
    if text == "any":
        return None
    parts = [int(part) for part in text.split("x")]
    return parts[0] if len(parts) == 1 else tuple(parts)


def figures_of_library(args):
    """[(circuit, figures)] of what --library, --where and the rest leave."""
    conditions = [condition(text) for text in args.where]
    rng = np.random.default_rng(args.seed)
    library = load_library(args.library, args.signed, args.bits, None if args.operation == "any" else args.operation)
    rows = [(circuit, figures_of(circuit, args.samples, rng=rng)) for circuit in library]
    return [(circuit, figures) for circuit, figures in rows if all(fulfilled(figures) for fulfilled in conditions)]


def list_all(args):
    if args.sort != "name":
        check_figure(args.sort)
    rows = figures_of_library(args)
    rows.sort(key=lambda row: (row[0].name,) if args.sort == "name" else (row[1][args.sort], row[0].name),
              reverse=args.reverse)
    if args.json:
        print(json.dumps([describe(circuit) | {key: None if math.isnan(value) else value
                                               for key, value in figures.items()} for circuit, figures in rows],
                         indent=1))
        return 0
    table = [(circuit.name, kind_of(circuit), *(f"{figures[key]:.4g}" for key in COLUMNS),
              circuit.info.get("family", "")) for circuit, figures in rows]
    print(text_table(("name", "kind", *(f"{key} mW" if key == "power" else key for key in COLUMNS), "family"), table))
    sampled = any(circuit.is_sampled(args.samples) for circuit, _ in rows)
    print(f"{len(rows)} circuits" + (f"; figures of {args.samples} random operand pairs where there are more"
                                     if sampled else ""))
    return 0


def kind_of(circuit):
    sign = "signed" if circuit.signed else "unsigned"
    return f"{circuit.bits_x}x{circuit.bits_w} {sign}" + (" adder" if circuit.operation == "add" else "")


def describe(circuit):
    return {"name": circuit.name, "release": circuit.release, "signed": circuit.signed, "bits_x": circuit.bits_x,
            "bits_w": circuit.bits_w, "operation": circuit.operation, "family": circuit.info.get("family", "")}


def one(args):
    return find_multiplier(args.which, library=args.library, bits=args.bits, signed=args.signed)


def show(args):
    circuit = one(args)
    release = f", release {circuit.release}" if circuit.release else ""
    family = f", {circuit.info['family']}" if circuit.info.get("family") else ""
    print(f"{circuit.name}: {kind_of(circuit)}{family}{release}\n")
    figures = figures_of(circuit, args.samples, rng=np.random.default_rng(args.seed))
    published = circuit.info.get("published", {})
    if "PDK45_PWR" in published:
        published = published | {"power": published["PDK45_PWR"]}
    rows = [(key, f"{value:.6g}", str(published.get(key, ""))) for key, value in figures.items() if key != "bits"]
    print(text_table(("figure", "computed", "published"), rows))
    print(f"\nknown as: {', '.join(map(spelled, identify(circuit))) or 'no published circuit'}")
    if circuit.is_sampled(args.samples):
        print(f"of {args.samples} random operand pairs")
    if args.out:
        draw(circuit, Path(args.out))
    multiplier_page.write(args, circuit, lambda name: find_multiplier(name, library=args.library, bits=circuit.bits_x,
                                                                      signed=circuit.signed))
    return 0


def draw(circuit, folder):
    from refapprox.plotting import multipliers as plots
    from refapprox.plotting.style import save
    table = circuit.to_multiplier()
    folder.mkdir(parents=True, exist_ok=True)
    stem = "".join(c if c.isalnum() or c in "-_." else "_" for c in circuit.name)
    for name in ("error_map", "error_histogram", "error_against_operand"):
        print(save(getattr(plots, name)(table), folder / f"{stem}_{name}.png"))


def export(args):
    formats.write_table(args.out, one(args).to_multiplier(), args.format, order=args.order, transposed=args.transposed)
    print(args.out)
    return 0


def take(args):
    path, out = Path(args.file), Path(args.out)
    if out.suffix != ".npy":
        raise ValueError(f"--out must end in .npy, the file that holds the table, got {out}.")
    if path.suffix in (".c", ".v"):
        table = find_multiplier(str(path), signed=args.signed).to_multiplier()
        table = Multiplier(args.name or table.name, table.lut.T if args.transposed else table.lut, table.signed,
                           table.performance_metric if math.isnan(args.power) else args.power,
                           args.release or table.release)
    else:
        table = formats.read_table(path, args.format, signed=args.signed, order=args.order, transposed=args.transposed,
                                   name=args.name, performance_metric=args.power, release=args.release)
    about = {"name": table.name, "signed": table.signed, "order": "value", "release": table.release}
    if not math.isnan(table.performance_metric):
        about["performance_metric"] = table.performance_metric
    formats.write_table(out, table)
    files.write_json(out.with_suffix(".json"), about)
    print(f"{out}: {table!r}")
    for finding in lint_lut(table):
        print(finding)
    return 0


def lint(args):
    path = Path(args.file)
    if path.is_file() and path.suffix not in (".c", ".v"):
        table, order = formats.raw_table(path, args.format)
        findings = lint_lut(table.T if args.transposed else table, args.signed, args.order or order)
    else:
        findings = lint_lut(find_multiplier(args.file, signed=args.signed is not False).to_multiplier())
    for finding in findings:
        print(finding)
    return 1 if any(finding.level == "error" for finding in findings) else 0


def spelled(identification):
    release, name, transposed, form = identification
    return f"{name} of release {release}{' transposed' if transposed else ''}{f' = {form}' if form else ''}"


def identify_one(args):
    circuit = one(args)
    found = identify(circuit)
    for identification in found:
        print(spelled(identification))
    if not found:
        print("no published circuit has this table")
    if circuit.has_table:
        neighbor = nearest(circuit.to_multiplier(), near_enough=0)
        turned = ", transposed" if neighbor.transposed else ""
        print(f"{neighbor.form}{turned}" if neighbor.differing == 0 else
              f"nearest known rule: {neighbor.form}{turned}, which differs in {neighbor.differing} entries")
    return 0


def write_verilog(args):
    text = verilog.write(find_netlist(args.which, library=args.library, bits=args.bits, signed=args.signed))
    if args.out:
        files.write_text(args.out, text)
        print(args.out)
    else:
        sys.stdout.write(text)
    return 0


def plot(args):
    from refapprox.plotting.multipliers import front
    from refapprox.plotting.style import save
    check_figure(args.x)
    check_figure(args.y)
    rows = figures_of_library(args)
    figure, names = front([circuit.name for circuit, _ in rows], [figures for _, figures in rows], args.x, args.y)
    print(f"{save(figure, Path(args.out))}: {len(names)} of {len(rows)} circuits are on the front: {', '.join(names)}")
    return 0
