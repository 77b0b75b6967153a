"""`refapprox effect`: what multipliers do to a trained network, in half a minute."""
import time

from refapprox import files
from refapprox.commands.parser import add_data, add_sources, check_data, circuit_options
from refapprox.effects import effect
from refapprox.matching.info import without_nan
from refapprox.report.effect import page_of, text_of


def add_arguments(parser):
    parser.add_argument("sources", nargs="+", metavar="SOURCE",
                        help="a file (table, Verilog, C), a folder, a family such as 'drum(k=6)', or a name; several "
                             "are compared side by side")
    add_data(parser)
    add_sources(parser)
    parser.add_argument("--retrain", nargs="?", type=int, const=1, default=0, metavar="EPOCHS",
                        help="retrain through the table of every multiplier as well (1 epoch if no number is given)")
    parser.add_argument("--images", type=int, metavar="N", help="use the first N test images only")
    parser.add_argument("--out", metavar="DIR", help="write effect.html and effect.json there")


def execute(args):
    check_data(args)
    started = time.perf_counter()
    report = effect(args.sources, dataset=args.dataset, data_dir=args.data_dir, retrain=args.retrain,
                    images=args.images, costs=dict(args.cost), signed=args.signed, bits=args.bits,
                    circuit=circuit_options(args), progress=lambda text: print(f"... {text}", flush=True))
    print(f"\n{text_of(report)}\n")
    if args.out:
        out = files.make_folder(args.out)
        files.write_json(out / "effect.json", without_nan(report.as_document()))
        files.write_text(out / "effect.html", page_of(report, command=args.command_line))
        print(f"page and numbers in {out / 'effect.html'} and effect.json")
    print(f"{time.perf_counter() - started:.0f} s")
    return 0
