"""`refapprox multipliers`: what there is, what it does, in and out of other tools, and what is wrong with a table."""
import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np

from refapprox.commands import multiplier_page
from refapprox.commands.multiplier_tables import (
    find,
    identify_one,
    lint,
    print_origins,
    spelled,
    take,
    write_for,
    write_verilog,
)
from refapprox.commands.parser import add_reading, widths
from refapprox.multipliers import formats, load_library
from refapprox.multipliers.family import families
from refapprox.multipliers.formats.consumers import CONSUMERS
from refapprox.multipliers.identification import identify
from refapprox.multipliers.lookup import find_multiplier
from refapprox.multipliers.ranking import FIGURES, check_figure, condition, figures_of
from refapprox.report.text import text_table

COLUMNS = ("power", "MAE%", "WCE%", "MRE%", "EP%", "bias")
WHICH = "a file, a name in the library, RELEASE:NAME, or a family such as 'drum(k=6)'"


def add_arguments(parser):
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add_libraries(commands)
    for name, help_line, function in (
            ("show", "metrics of one multiplier, and its figures", show),
            ("export", "write a multiplier for the tool that will read it", write_for),
            ("identify", "which known circuit a multiplier is, in which release, transposed or not", identify_one),
            ("verilog", "structural Verilog, or BLIF, of a circuit whose gates are known", write_verilog),
            ("import", "read any source and keep it as npy in value order, with a side file beside it", take),
            ("lint", "what a table is and what is wrong with it; exit code 1 if it has an error", lint)):
        add_one(commands, name, help_line, function)
    sub = commands.add_parser("families", help="families of multipliers, with their parameters",
                              description="families of multipliers, with their parameters")
    sub.add_argument("--bits", type=int, default=8, metavar="N", help="width that ranges are for (default 8)")
    sub.set_defaults(function=list_families)


def add_libraries(commands):
    """The two actions on libraries."""
    for name, help_line, function in (("list", "circuits of a library with their figures", list_all),
                                      ("plot", "the Pareto front of a library", plot)):
        sub = commands.add_parser(name, help=help_line, description=help_line)
        sub.add_argument("--library", default="builtin", metavar="SOURCE,SOURCE,...",
                         help="the built-in search space (default), checkouts of EvoApproxLib, folders, files, "
                              "families")
        sign = sub.add_mutually_exclusive_group()
        sign.add_argument("--signed", dest="signed", action="store_true", default=None, help="signed ones only")
        sign.add_argument("--unsigned", dest="signed", action="store_false", help="unsigned ones only")
        sign.add_argument("--any-sign", dest="signed", action="store_const", const=None, help="both (the default)")
        sub.add_argument("--bits", type=lambda text: None if text == "any" else widths(text), metavar="N|NxM|any",
                         help="operands of these widths only (default any)")
        sub.add_argument("--operation", choices=("mul", "add", "any"), default="mul", help="(default mul)")
        add_samples(sub)
        sub.add_argument("--where", action="append", default=[], metavar="FIGURE<NUMBER",
                         help="keep what fulfills it; may be repeated; figures: "
                              + ", ".join(FIGURES).replace("%", "%%"))
        sub.set_defaults(function=function)
        if name == "list":
            sub.add_argument("--sort", default="power", metavar="FIGURE", help="default: power; 'name' by name")
            sub.add_argument("--reverse", action="store_true", help="largest first")
            sub.add_argument("--json", action="store_true", help="all figures of every circuit as JSON")
        else:
            sub.add_argument("--x", default="power", metavar="FIGURE", help="cost (default power)")
            sub.add_argument("--y", default="MAE%", metavar="FIGURE", help="error (default MAE%%)")
            sub.add_argument("--out", default="pareto.png", metavar="FILE", help="PNG or SVG (default pareto.png)")


def add_samples(sub):
    sub.add_argument("--samples", type=int, default=2 ** 16, metavar="N",
                     help="operand pairs to draw where there is no table and there are more (default 65536)")
    sub.add_argument("--seed", type=int, default=0, help="of those samples (default 0)")


def add_one(commands, name, help_line, function):
    """An action on one multiplier."""
    sub = commands.add_parser(name, help=help_line, description=help_line)
    sub.add_argument("which", help=WHICH)
    sub.add_argument("--library", default="builtin", metavar="SOURCE,SOURCE,...", help="where names are looked up")
    add_reading(sub)
    sub.set_defaults(function=function)
    if name == "show":
        multiplier_page.add_arguments(sub)
        sub.add_argument("--out", metavar="DIR", help="draw error map, histogram and error against operand there")
        add_samples(sub)
    elif name == "export":
        reader = sub.add_mutually_exclusive_group()
        reader.add_argument("--for", dest="consumer", choices=tuple(CONSUMERS), metavar="TOOL",
                            help=f"who will read it: {', '.join(CONSUMERS)} (default: whoever alone reads such a "
                                 "suffix)")
        reader.add_argument("--format", choices=formats.WRITTEN, metavar="FORMAT",
                            help=f"a bare table instead, whoever reads it: {', '.join(formats.WRITTEN)}")
        sub.add_argument("--out", required=True, metavar="FILE", help="the file to write; a side file lies beside it")
        sub.add_argument("--transposed", action="store_true", help="let the row be the weight, not the activation")
    elif name == "verilog":
        sub.add_argument("--out", metavar="FILE", help="FILE.blif is written as BLIF (default: standard output)")
    elif name == "lint":
        add_layout(sub)
        sub.add_argument("--fix", metavar="FILE.npy", help="write the corrected table, where one correction explains "
                                                           "what is wrong")
    elif name == "import":
        add_layout(sub)
        sub.add_argument("--out", required=True, metavar="FILE.npy", help="the table, in value order")
        sub.add_argument("--name", help="(default: that of the file)")
        sub.add_argument("--power", type=float, metavar="MW", help="cost that matching minimizes, such as mW")
        sub.add_argument("--release", help="release that gives the name its meaning")


def add_layout(sub):
    """What may be said of a table file beside `add_reading`."""
    sub.add_argument("--format", choices=formats.FORMATS, help="(default: told from the content)")
    sub.add_argument("--transposed", action="store_true", help="the row is the weight, not the activation")


def execute(args):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        try:
            return args.function(args)
        finally:
            for text in dict.fromkeys(str(warning.message) for warning in said):
                print(f"note: {text}", file=sys.stderr)


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
        print(json.dumps([description(circuit) | {key: None if math.isnan(value) else value
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


def list_families(args):
    """Name, parameters with their ranges, and rule of every family."""
    for name, family in families().items():
        made = "gates" if family.kind == "circuit" else "rule"
        print(f"{name:<18}{made:<6}{family.rule} ({family.reference})")
        for parameter in family.parameters:
            print(f"{'':<24}{parameter.described(args.bits)}")
    print(f"{len(families())} families; a member reads, for instance, 'drum(k=6)' or "
          f"'truncated(k=6,correction=constant)'")
    return 0


def kind_of(circuit):
    sign = "signed" if circuit.signed else "unsigned"
    return f"{circuit.bits_x}x{circuit.bits_w} {sign}" + (" adder" if circuit.operation == "add" else "")


def description(circuit):
    return {"name": circuit.name, "release": circuit.release, "signed": circuit.signed, "bits_x": circuit.bits_x,
            "bits_w": circuit.bits_w, "operation": circuit.operation, "family": circuit.info.get("family", "")}


def show(args):
    circuit = find(args)
    release = f", release {circuit.release}" if circuit.release else ""
    family = f", {circuit.info['family']}" if circuit.info.get("family") else ""
    print(f"{circuit.name}: {kind_of(circuit)}{family}{release}")
    print_origins(circuit)
    figures = figures_of(circuit, args.samples, rng=np.random.default_rng(args.seed))
    published = circuit.info.get("published", {})
    if "PDK45_PWR" in published:
        published = published | {"power": published["PDK45_PWR"]}
    rows = [(key, f"{value:.6g}", str(published.get(key, ""))) for key, value in figures.items() if key != "bits"]
    print("\n" + text_table(("figure", "computed", "published"), rows))
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


def plot(args):
    from refapprox.plotting.multipliers import front
    from refapprox.plotting.style import save
    check_figure(args.x)
    check_figure(args.y)
    rows = figures_of_library(args)
    figure, names = front([circuit.name for circuit, _ in rows], [figures for _, figures in rows], args.x, args.y)
    print(f"{save(figure, Path(args.out))}: {len(names)} of {len(rows)} circuits are on the front: {', '.join(names)}")
    return 0
