"""`refapprox stats`: every error estimator against simulation on a finished run."""
import argparse
from pathlib import Path

from refapprox import files
from refapprox.error_stats import RUNGS
from refapprox.error_stats.propagation import signal_to_noise
from refapprox.main_job.error_report import ESTIMATORS, MONTE_CARLO, compare, layer_laws, read_run
from refapprox.report import text_table

TITLES = {name: f"{rung.label} {name.replace('_', ' ')}" for name, rung in RUNGS.items()} | {
    MONTE_CARLO: "1 Monte Carlo"}
GAUSSIAN_COLUMNS = """

columns:
  SNR: variance of the layer's outputs over that of the error
  D: by how much the Gaussian of the same mean and std misjudges any P(error <= s) at most (Kolmogorov's distance);
     data: of the simulated errors, independent: were activations independent, bound: of Berry and Esseen for these"""


def estimator_list(text):
    if text == "all":
        return ESTIMATORS
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in ESTIMATORS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(ESTIMATORS)}")
    return names


def add_arguments(parser):
    parser.add_argument("--run", required=True, metavar="DIR", help="folder of a run that has been matched")
    parser.add_argument("--estimators", type=estimator_list, default=ESTIMATORS, metavar="all|NAME,NAME,...",
                        help="which to compare: " + ", ".join(ESTIMATORS))
    parser.add_argument("--out", metavar="DIR", help="where stats.json and the figures go (default: the run)")


def execute(args):
    run = read_run(args.run)
    out = Path(args.out or args.run)
    out.mkdir(parents=True, exist_ok=True)
    comparison = compare(run, args.estimators, progress=lambda name: print(f"... {name}", flush=True))
    laws = layer_laws(run)
    for layer in comparison.simulated:
        print(f"\n{layer}: simulated std of the accumulated error (accumulator units), errors of its prediction (%)\n")
        print(text_table(*layer_table(comparison, layer)))
    print("\n" + columns_text(comparison))
    print("\nmean |relative error| of the predicted std over the inexact multipliers, and time for all layers\n")
    print(text_table(*summary_table(comparison)))
    print("\nthe chosen multipliers: how Gaussian their error is\n")
    print(text_table(*gaussian_table(laws)) + GAUSSIAN_COLUMNS)
    draw(out, comparison, laws)
    files.write_json(out / "stats.json", as_document(comparison))
    print(f"\nfigures and stats.json in {out}")
    return 0


def columns_text(comparison):
    """What the columns of the tables above are called in full."""
    named = [f"{RUNGS[e].label}: {e.replace('_', ' ')}; assumes: {RUNGS[e].assumption}" if e in RUNGS else
             "MC: the published estimator by drawing" for e in comparison.predicted]
    return "\n".join(["columns:", *(f"  {text}" for text in named)])


def layer_table(comparison, layer):
    """One row an inexact multiplier: simulated std, then the signed error of every estimator."""
    header = ("multiplier", "simulated", *(RUNGS[e].label if e in RUNGS else "MC" for e in comparison.predicted))
    rows = []
    for k, name in enumerate(comparison.names):
        truth = comparison.simulated[layer][k]
        if truth > 0:
            errors = (comparison.predicted[e][layer][k] / truth - 1 for e in comparison.predicted)
            rows.append((name, f"{truth:.6g}", *(f"{100 * error:+.3g}" for error in errors)))
    return header, rows


def summary_table(comparison):
    """One row an estimator: mean error of every layer and of all, time."""
    header = ("estimator", *comparison.simulated, "all layers", "time")
    rows = [(TITLES[e], *(f"{100 * comparison.mean_error(e, layer):.3g} %" for layer in comparison.simulated),
             f"{100 * comparison.mean_error(e):.3g} %", f"{comparison.seconds[e]:.2f} s")
            for e in comparison.predicted]
    rows.append((TITLES["simulation"], *("" for _ in comparison.simulated), "",
                 f"{comparison.seconds['simulation']:.2f} s"))
    return header, rows


def gaussian_table(laws):
    header = ("layer", "multiplier", "std", "SNR", "skewness", "excess kurtosis", "D data", "D independent", "D bound")
    rows = [(name, found.multiplier, f"{found.std:.5g}", f"{signal_to_noise(found.output_std, found.std):.4g}",
             f"{found.skewness:+.3f}", f"{found.excess_kurtosis:+.3f}", f"{found.data_distance:.4f}",
             f"{found.law_distance:.4f}", f"{found.bound:.3f}") for name, found in laws.items()]
    return header, rows


def draw(out, comparison, laws):
    from refapprox.plotting import stats as plots
    from refapprox.plotting.style import save
    figures = out / "figures"
    figures.mkdir(exist_ok=True)
    save(plots.ladder_scatter(comparison, TITLES), figures / "error_ladder.png")
    if laws:
        save(plots.error_histograms(laws), figures / "error_histograms.png")


def as_document(comparison):
    return {
        "multipliers": comparison.names,
        "simulated_std": {layer: stds.tolist() for layer, stds in comparison.simulated.items()},
        "predicted_std": {e: {layer: stds.tolist() for layer, stds in by_layer.items()}
                          for e, by_layer in comparison.predicted.items()},
        "mean_relative_error": {e: comparison.mean_error(e) for e in comparison.predicted},
        "seconds": comparison.seconds,
    }
