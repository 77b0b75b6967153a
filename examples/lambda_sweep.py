"""How much accuracy does a saving in energy cost? One network, several lmbd, the Pareto front.

Run it:  python examples/lambda_sweep.py --out runs/sweep [--preset quick] [--dataset mnist] [--workers 2]
"""
import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from refapprox.datasets import dataset_names
from refapprox.main_job import PRESETS, RunConfig
from refapprox.main_job.sweep import lambda_sweep, pareto_front
from refapprox.plotting.stats import energy_accuracy
from refapprox.plotting.style import save
from refapprox.report import text_table


def main(out, lmbds=(0.0, 0.05, 0.1, 0.2, 0.4, 0.8), workers=1, **options):
    config = RunConfig(**options)
    if workers > 1:
        with ProcessPoolExecutor(workers) as executor:
            points = lambda_sweep(config, lmbds, out, executor=executor)
    else:
        points = lambda_sweep(config, lmbds, out)
    front = pareto_front(points)
    rows = [(f"{p.lmbd:g}", f"{p.relative_energy:.3f}", f"{100 * p.deployed:.2f} %", f"{100 * p.retrained:.2f} %",
             "yes" if p in front else "") for p in points]
    print(text_table(("lmbd", "relative energy", "deployed", "retrained", "on the front"), rows))
    print("figure:", save(energy_accuracy(points, front), Path(out) / "pareto.png"))
    return points


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--lmbds", type=float, nargs="+", default=[0.0, 0.05, 0.1, 0.2, 0.4, 0.8])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--preset", choices=list(PRESETS), default="quick")
    parser.add_argument("--dataset", choices=dataset_names(), default="synthetic")
    parser.add_argument("--data-dir")
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
