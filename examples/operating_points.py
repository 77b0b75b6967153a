"""Several operating points of one finished run: noise levels scaled, few multipliers in all, batch norm for each point.

Run it:  python examples/operating_points.py runs/cifar0 [--scales 0.5 1 2] [--instances 4] [--epochs 1]
"""
import argparse

import numpy as np

from refapprox.main_job import MainJob
from refapprox.main_job.console import Console
from refapprox.main_job.run_folder import RunFolder
from refapprox.matching import matching_problem, operating_points, tune_batch_norm
from refapprox.report import text_table


def main(path, scales=(0.5, 1.0, 2.0), instances=4, epochs=1, images=1024):
    folder, config = RunFolder.open(path)
    job = MainJob(config, folder, Console())
    job.net.load_state(folder.load("gradient").network)
    candidates = [*job.search_space, job.fallback]
    problem = matching_problem(job.net, job.datamodule, candidates, rng=np.random.default_rng(0),
                               feature_maps=job.feature_maps())
    points = operating_points(job.net, candidates, problem, scales, instances)
    rows = []
    for name, options in (("as they are", {}), ("batch norm recalibrated", {"images": sample(job.datamodule, images)}),
                          (f"batch norm retrained, epochs: {epochs}", {"epochs": epochs})):
        tune_batch_norm(job.net, points, job.library, job.datamodule, **options)
        rows += [(name, f"{point.scale:g}", f"{point.info.relative_energy_consumption:.3f}",
                  f"{100 * point.accuracy:.2f} %") for point in points]
    used = sorted({layer.multiplier_name for point in points for layer in point.info.layers})
    print(text_table(("batch norm", "scale", "relative energy", "test accuracy"), rows))
    print(f"multipliers: {', '.join(used)}")
    return points


def sample(datamodule, n):
    return datamodule.sample(min(n, len(datamodule.train.labels)), np.random.default_rng(0))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="folder of a finished run")
    parser.add_argument("--scales", type=float, nargs="+", default=[0.5, 1.0, 2.0])
    parser.add_argument("--instances", type=int, default=4, help="different multipliers in all")
    parser.add_argument("--epochs", type=int, default=1, help="of retraining batch norm")
    parser.add_argument("--images", type=int, default=1024, help="for recalibrating batch norm")
    main(**vars(parser.parse_args()))
