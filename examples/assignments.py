"""What an assignment is worth: rules of matching on finished runs, each deployed, tested, retrained and tested again.

Run it:  python examples/assignments.py runs/mnist0 runs/mnist1 runs/mnist2
"""
import sys
from pathlib import Path

import numpy as np

from refapprox import load_library
from refapprox.main_job.job import make_datamodule, make_net, take_over
from refapprox.main_job.run_folder import RunFolder
from refapprox.matching import (
    budget_assignment,
    deploy_multipliers,
    get_feature_maps,
    matching_info,
    matching_problem,
    threshold_assignment,
)
from refapprox.report import text_table

ESTIMATORS = {"population": "population estimate", "exact_data": "exact moments"}


def rules(problem):
    """Name and Assignment of every rule; budgets are what the threshold rule uses."""
    threshold = threshold_assignment(problem)
    yield "threshold", threshold
    yield "budget", budget_assignment(problem, threshold.used)
    yield "budget, at most 2 multipliers", budget_assignment(problem, threshold.used, 2)


def main(*paths, num_images=128):
    for path in paths:
        folder, config = RunFolder.open(path)
        start, data = folder.load("gradient"), make_datamodule(config)
        library = load_library(config.multipliers)
        multipliers = library.search_space()
        net = make_net(config, multipliers, data, np.random.default_rng(0))
        take_over(net, start, config)
        maps = get_feature_maps(net, data, rng=np.random.default_rng(0), num_images=num_images)
        rows, known = [], {}
        for estimator, name in ESTIMATORS.items():
            problem = matching_problem(net, data, multipliers, rng=np.random.default_rng(0), num_samples=None,
                                       feature_maps=maps, estimator=estimator)
            for rule, assignment in rules(problem):
                info = matching_info(net, multipliers, problem, assignment)
                names = " ".join(layer.multiplier_name.removeprefix("mul8s_") for layer in info.layers)
                if names not in known:
                    known[names] = accuracies(net, start, data, info, library)
                    net.load_state(start.network)
                rows.append((f"{name}, {rule}", f"{assignment.energy:.4f}", *known[names], names))
        print(Path(path).name)
        print(text_table(("assignment", "energy", "deployed", "retrained", "multipliers"), rows), flush=True)


def accuracies(net, start, data, info, library):
    """Test accuracy when deployed, and after retraining, from the state after the noise search."""
    net.load_state(start.network)
    net.entropy = start.entropy                                       # the same order of images every time
    deploy_multipliers(net, info, library)
    deployed = net.test(data)[1]
    net.train_approx(data)
    return f"{100 * deployed:.2f} %", f"{100 * net.test(data)[1]:.2f} %"


if __name__ == "__main__":
    main(*sys.argv[1:])
