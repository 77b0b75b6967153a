"""Errors of every estimator over several runs, from what `refapprox stats` left in each.

Run it:  python tests/tools/summarize_stats.py runs/mnist0 runs/mnist1 runs/mnist2
"""
import argparse
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox.commands.stats import TITLES
from refapprox.report import text_table


def main(folders):
    documents = [files.read_json(Path(folder) / "stats.json") for folder in folders]
    rows = []
    for estimator in documents[0]["mean_relative_error"]:
        errors = 100 * np.array([document["mean_relative_error"][estimator] for document in documents])
        times = [document["seconds"][estimator] for document in documents]
        to_population = np.mean([document["mean_relative_error"][estimator]
                                 / document["mean_relative_error"]["population"] for document in documents])
        rows.append((TITLES[estimator], *(f"{error:.3g}" for error in errors), f"{errors.mean():.3g}",
                     f"{to_population:.3g}", f"{np.mean(times):.2f} s"))
    print(text_table(("mean |relative error| of the std in %", *map(str, range(1, len(folders) + 1)), "mean",
                      "to population", "time"), rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", help="folders with the stats.json of finished runs")
    main(parser.parse_args().folders)
