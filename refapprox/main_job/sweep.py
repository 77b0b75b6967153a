"""The energy-accuracy trade-off: one network, many lmbd.

Baseline and quantization are trained once; from there every lmbd searches its own noise levels, is matched,
retrained and tested, in a folder of its own that `refapprox run --resume` and `refapprox stats` understand. Points
are independent of each other: any `concurrent.futures.Executor` may spread them.
"""
import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from refapprox.main_job.console import Console
from refapprox.main_job.job import MainJob
from refapprox.main_job.run_folder import RunFolder
from refapprox.multipliers import ranking


@dataclass(frozen=True)
class SweepPoint:
    """One lmbd. Accuracies are those on the test set."""

    lmbd: float
    relative_energy: float
    deployed: float
    retrained: float
    path: str


def lambda_sweep(config, lmbds, out, *, executor=None):
    """Train once, then search, match, retrain and test for every lmbd: a list of SweepPoint in their order.

    `config` says everything but lmbd; `uniform` is left out. `out` holds the folder `shared` and one folder per lmbd:
    what is finished there is not done again, and one made with other options is refused. `executor` spreads the points;
    without it they come one after the other in this process.
    """
    lmbds = list(lmbds)
    if not lmbds or len(set(lmbds)) < len(lmbds):
        raise ValueError(f"lmbds must hold at least one value and none twice, got {lmbds}.")
    points = [dataclasses.replace(config, lmbd=float(lmbd), uniform=False) for lmbd in lmbds]      # refused early
    shared = Path(out) / "shared"
    run(dataclasses.replace(config, lmbd=0.0, uniform=False), shared, last="quant")
    paths = [Path(out) / f"lmbd-{np.format_float_positional(point.lmbd, trim='-')}" for point in points]
    spread = map if executor is None else executor.map
    return list(spread(sweep_point, points, [shared] * len(points), paths))


def sweep_point(config, shared, path):
    """One SweepPoint, from the quantized network in the folder `shared`."""
    if not (path / "config.json").exists():
        start = RunFolder(shared).load("quant")
        folder = RunFolder(path)
        folder.create(config)
        folder.save(start)
    results = run(config, path)
    return SweepPoint(config.lmbd, results["relative_energy"], results["deployed"], results["retrained"], str(path))


def run(config, path, last=None):
    """Start or go on with the run in `path`, its output in `path`/log.txt; returns its results."""
    folder = RunFolder(path)
    if (folder.path / "config.json").exists():
        folder, stored = RunFolder.open(path)
        if stored != config:
            differing = [f"{name} {old!r} instead of {getattr(config, name)!r}"
                         for name, old in dataclasses.asdict(stored).items() if old != getattr(config, name)]
            raise ValueError(f"out of lambda_sweep: {path} holds a run with {', '.join(differing)}: use another.")
    else:
        folder.create(config)
    with open(folder.path / "log.txt", "a", encoding="utf-8") as log:
        return MainJob(config, folder, Console(log)).run(last)


def pareto_front(points, accuracy="retrained"):
    """The points that no other beats in both energy and accuracy, by rising energy."""
    return [points[i] for i in ranking.pareto_front([(p.relative_energy, -getattr(p, accuracy)) for p in points])]
