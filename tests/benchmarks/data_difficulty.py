"""How hard the drawn digits are: two linear classifiers and LeNet-5 on three seeds.

    python tests/benchmarks/data_difficulty.py [--figure docs/figures/synthetic_digits.png]

prints test accuracies and the processor time to draw, as a table for docs/results.md; about three minutes on one core.
LeNet-5 is trained as the presets of `refapprox run` train its baseline. With --figure it also draws the contact
sheet of docs/data.md.
"""
import argparse
import sys
import time

import matplotlib
import numpy as np
from scipy.optimize import minimize

from refapprox.datasets import SyntheticDigits, synthetic
from refapprox.main_job.config import PRESETS
from refapprox.nets import LeNet5
from refapprox.ops import cross_entropy

PRESET_NAMES = ("quick", "full")
RIDGES = (1e2, 1e3, 1e4)
DECAYS = (1e-2, 3e-2, 1e-1)


def with_constant(part):
    """Pixels and a one, float64 (n, 785)."""
    return np.column_stack([part.images.reshape(len(part.labels), -1), np.ones(len(part.labels))]).astype(float)


def accuracy(scores, labels):
    return float(np.mean(scores.argmax(axis=1) == labels))


def least_squares(data, ridge):
    """Test accuracy of ridge regression onto the one-hot labels."""
    x, y = with_constant(data.train), np.eye(10)[data.train.labels]
    w = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y)
    return accuracy(with_constant(data.test) @ w, data.test.labels)


def logistic_regression(data, decay, iterations=200):
    """Test accuracy of multinomial logistic regression, trained by L-BFGS."""
    x, labels = with_constant(data.train), data.train.labels

    def loss(w):
        w = w.reshape(-1, 10)
        value, cache = cross_entropy.forward(x @ w, labels)
        return value + decay / 2 * np.sum(w * w), (x.T @ cross_entropy.backward(cache) + decay * w).ravel()

    w = minimize(loss, np.zeros(x.shape[1] * 10), jac=True, method="L-BFGS-B", options={"maxiter": iterations}).x
    return accuracy(with_constant(data.test) @ w.reshape(-1, 10), data.test.labels)


def lenet(data, preset, seed):
    """Test accuracy of LeNet-5 after the float training stage of `preset`."""
    net = LeNet5(rng=np.random.default_rng(seed), stages=PRESETS[preset]["stages"])
    return net.train_baseline(data, test=True)[1]


def draw_contact_sheet(path, columns=20):
    """Digits 0 to 9, one row each."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    train = SyntheticDigits().train
    rows = [np.hstack(train.images[train.labels == digit][:columns, 0]) for digit in range(10)]
    sheet = np.vstack(rows) * synthetic.STD + synthetic.MEAN
    plt.imsave(path, np.kron(1 - sheet, np.ones((2, 2))), cmap="gray", vmin=0, vmax=1)


def main(arguments=()):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", help="write the contact sheet here")
    options = parser.parse_args(arguments)
    if options.figure:
        draw_contact_sheet(options.figure)
    columns = ["seed", "drawing", *(f"least squares, ridge {ridge:g}" for ridge in RIDGES),
               *(f"logistic, decay {decay:g}" for decay in DECAYS), *(f"LeNet-5, {name}" for name in PRESET_NAMES)]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for seed in range(3):
        start = time.process_time()
        data = SyntheticDigits(seed=seed)
        row = [f"{seed}", f"{time.process_time() - start:.1f} s"]
        row += [f"{least_squares(data, ridge):.1%}" for ridge in RIDGES]
        row += [f"{logistic_regression(data, decay):.1%}" for decay in DECAYS]
        row += [f"{lenet(data, name, seed):.2%}" for name in PRESET_NAMES]
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
