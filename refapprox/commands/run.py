"""`refapprox run`: the main job, end to end."""
import argparse
import dataclasses
import time

from refapprox import files
from refapprox.commands.parser import add_data, add_sources, check_data, circuit_options
from refapprox.datasets import dataset_names
from refapprox.main_job import PRESETS, MainJob, RunConfig
from refapprox.main_job.console import Console
from refapprox.main_job.run_folder import RunFolder
from refapprox.nets import net_names
from refapprox.optimizer import TRAINED
from refapprox.quantization import RANGES
from refapprox.report.run import page_of, text_report
from refapprox.training import STAGES
from refapprox.validation import shown


def add_arguments(parser):
    default = RunConfig()
    add_data(parser, default.dataset, dataset_names())
    parser.add_argument("--preset", choices=list(PRESETS), default=default.preset,
                        help="smoke: 5 seconds, of wide networks on a batch or two of images; quick: 25 seconds, the "
                             "default; full: the published epochs (times of LeNet-5 on drawn digits, one idle core)")
    parser.add_argument("--net", choices=net_names(), default=default.net, help="the network (default lenet5)")
    parser.add_argument("--epochs", type=stage_epochs, default={}, metavar="STAGE=N,...",
                        help="epochs of baseline, quant, gradient or approx, in place of the preset's")
    parser.add_argument("--images", type=int, metavar="N",
                        help="take the first N training images only (default: all; smoke: at most 1500)")
    parser.add_argument("--lmbd", type=float, help="weight of the noise term (default: published for the network, "
                                                   "0.2 for LeNet-5)")
    parser.add_argument("--initial-noise", type=float, help="noise level at the start of the search (default: "
                                                            "published for the network, 0.025 for LeNet-5)")
    parser.add_argument("--ranges", choices=list(RANGES), default=default.ranges,
                        help="ranges of activations: a moving average over training (default), those of every batch, "
                             "or static, calibrated on training images")
    parser.add_argument("--fold", action="store_true", help="fold batch norm into the weights before quantization")
    parser.add_argument("--recalibrate", type=int, default=default.recalibrate, metavar="N",
                        help="measure batch norm anew under the multipliers, on N training images")
    parser.add_argument("--retrain", choices=list(TRAINED), default=default.retrain,
                        help="what is retrained under the multipliers (default all)")
    parser.add_argument("--multipliers", default=default.multipliers, metavar="SOURCE,SOURCE,...",
                        help="search space: the built-in one, files, folders, families such as 'drum(k=6)', or names, "
                             "with commas between them (default: builtin)")
    add_sources(parser)
    parser.add_argument("--seed", type=int, default=default.seed, help="of data, weights and draws (default 0)")
    parser.add_argument("--no-uniform", dest="uniform", action="store_false",
                        help="leave out the comparison with one multiplier everywhere")
    parser.add_argument("--out", metavar="DIR", help="folder of the run (default runs/DATA-PRESET-TIME)")
    parser.add_argument("--resume", metavar="DIR", help="go on with the run in DIR, with its own options")


def execute(args):
    console = Console()
    if args.resume:
        folder, config = resumed(args)
    else:
        check_data(args)
        named = {field.name: getattr(args, field.name) for field in dataclasses.fields(RunConfig)
                 if hasattr(args, field.name)}
        config = RunConfig(**named, costs=dict(args.cost), circuit=circuit_options(args))
        name = config.dataset if config.net == "lenet5" else f"{config.net}-{config.dataset}"
        out = args.out or f"runs/{name}-{config.preset}-{time.strftime('%Y%m%d-%H%M%S')}"
        folder = RunFolder(out)
        folder.check_free()
    started = time.perf_counter()
    try:
        job = MainJob(config, folder, console)
        if not args.resume:
            folder.create(config)
        console.line(f"refapprox run in {folder.path}")
        if job.finished:
            console.line("this run is finished; nothing is left to do but to report again")
        results = job.run()
    except KeyboardInterrupt as interruption:
        console.line(f"interrupted; go on with:  refapprox run --resume {folder.path}")
        return getattr(interruption, "exit_code", 130)
    info = job.matching()
    console.line()
    console.line(text_report(info, results))
    console.line(f"{job.net.name}: {job.conditions}")
    draw_report(job, info, args.command_line)
    console.line(f"\n{time.perf_counter() - started:.0f} s; figures and report in {folder.path}/report.html")
    return 0


def stage_epochs(text):
    """{"baseline": 20, "approx": 5} from "baseline=20,approx=5"."""
    found = {}
    for part in text.split(","):
        stage, equals, number = part.strip().partition("=")
        if not equals or stage not in STAGES or not number.isdecimal() or stage in found:
            raise argparse.ArgumentTypeError(f"must read STAGE=N,... with each of {', '.join(STAGES)} once at most, "
                                             f"got {shown(text)}")
        found[stage] = int(number)
    return found


def resumed(args):
    """(folder, config) of the run that goes on; other options than its own are refused."""
    if others := sorted(args.given - {"resume"}):
        options = ", ".join(f"--{name.replace('_', '-')}" for name in others)
        raise ValueError(f"--resume goes on with the run's own options: leave out {options}.")
    return RunFolder.open(args.resume)


def draw_report(job, info, command):
    """Figures as files, and the HTML page of a finished run."""
    from refapprox.plotting import run as plots
    from refapprox.plotting.multipliers import error_maps
    from refapprox.plotting.style import save
    folder, records, results, config = job.folder, job.folder.records(), job.results, job.config
    chosen = [job.library[name] for name in dict.fromkeys(layer.multiplier_name for layer in info.layers)]
    figures = {
        "Energy per multiplication and share of multiplications of every layer": ("energy", plots.energy_bars(info)),
        "Training: loss and validation accuracy": ("training", plots.training_curves(records)),
        "Learned noise levels": ("sigma", plots.sigma_curves(records, config.initial_noise)),
        "Error maps of the chosen multipliers": ("error_maps", error_maps(chosen)),
        "Predicted against simulated error of every layer and multiplier":
            ("predicted_std", plots.predicted_against_simulated(results["error_stds"])),
    }
    for name, figure in figures.values():
        save(figure, folder.figures / f"{name}.png")
    options = ", ".join(f"{name} {value}" for name, value in dataclasses.asdict(config).items()
                        if name != "seed" and value not in (None, {}))
    page = page_of(f"{job.net.name} on {config.dataset}, preset {config.preset}, seed {config.seed}", info, results,
                   {caption: figure for caption, (_, figure) in figures.items()},
                   network=job.conditions, command=command, options=options, seed=config.seed, folder=folder.path)
    files.write_text(folder.path / "report.html", page)
