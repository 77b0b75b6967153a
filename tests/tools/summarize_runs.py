"""Mean and standard deviation over the runs of several seeds, beside the published run of agnapprox.

Run it:  python tests/tools/summarize_runs.py runs/mnist0 runs/mnist1 runs/mnist2
"""
import argparse
import math

import numpy as np

from refapprox import files
from refapprox.main_job.run_folder import RunFolder
from refapprox.matching import MatchingInfo
from refapprox.report.run import ACCURACIES
from refapprox.report.text import text_table

# agnapprox's tutorial on MNIST (names of EvoApproxLib v1.1), with its reported accuracies.
PUBLISHED_LAYERS = ("mul8s_1L2H", "mul8s_1L1G", "mul8s_1L2D", "mul8s_1L2D", "mul8s_1KX2")
PUBLISHED = {"baseline": "98.51 (interrupted)", "retrained": "99.14", "relative_energy": "0.438",
             "uniform_retrained": "99.18", "uniform_relative_energy": "0.471"}
TEST_IMAGES = 10_000


def spread(values, digits, scale=1.0):
    values = scale * np.array(values)
    deviation = f" +- {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{deviation}"


def main(folders):
    results = [files.read_json(RunFolder(path).path / "results.json") for path in folders]
    matches = [MatchingInfo.load(RunFolder(path).path / "matching.json") for path in folders]
    rows = [(f"{title}, test accuracy (%)", spread([r[key] for r in results], 2, 100), PUBLISHED.get(key, ""))
            for key, title in ACCURACIES if all(key in r for r in results)]
    rows += [(title, spread([r[key] for r in results], 3), PUBLISHED[key])
             for key, title in (("relative_energy", "relative energy, matched"),
                                ("uniform_relative_energy", "relative energy, uniform")) if key in results[0]]
    print(text_table(("", f"refapprox, {len(folders)} seeds", "agnapprox, published"), rows))
    accuracy = np.mean([r["retrained"] for r in results])
    binomial = 100 * math.sqrt(accuracy * (1 - accuracy) / TEST_IMAGES)
    print(f"\none test run of {TEST_IMAGES} images has a binomial sd of {binomial:.2f} points; the difference of two "
          f"means over {len(folders)} seeds is worth noticing above {2 * binomial * math.sqrt(2 / len(folders)):.2f}\n")
    header = ("layer", *(f"seed run {i + 1}" for i in range(len(folders))), "sigma", "agnapprox, published")
    layers = zip(*(m.layers for m in matches), PUBLISHED_LAYERS, strict=True)
    print(text_table(header, [(infos[0].name, *(info.multiplier_name for info in infos),
                               spread([abs(info.sigma) for info in infos], 3), published)
                              for *infos, published in layers]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", metavar="RUN")
    main(parser.parse_args().folders)
