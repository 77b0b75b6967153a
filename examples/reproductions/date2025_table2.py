"""Table II of a DATE 2025 paper, its claim on a small network; FOLDER is changmg/AppMult-Aware-Retraining.

    python examples/reproductions/date2025_table2.py FOLDER RESULTS.jsonl [--seeds 0 1 2]

Takes six minutes of one core. Every finished run is a line of RESULTS.jsonl, and is not repeated.
"""
import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from date2025_table1 import ROWS
from figures import Figure, show, untried

from refapprox.datasets import FashionMNIST, SyntheticDigits
from refapprox.multipliers import exact, from_family, read_table
from refapprox.multipliers.gradients import difference_gradient, regression_gradient
from refapprox.nets import LeNet5
from refapprox.network import Conv2D
from refapprox.optimizer import StageSettings
from refapprox.quantization import LayerQuantization
from refapprox.training import evaluate, train_step

SOURCE = ("C. Meng, W. Burleson, W. Qian, G. De Micheli, \"Gradient Approximation of Approximate Multipliers for "
          "High-Accuracy Deep Neural Network Retraining\", DATE 2025, Table II, ResNet18 on CIFAR-10, column "
          "\"Improve\": retrained with differences minus with straight-through gradients, in points")
PROTOCOL = ("not theirs but a small one: LeNet-5 on Fashion-MNIST, 3 seeds, convolutions through the table and the "
            "rest quantized to the same width, as theirs; Adam, batches of 64, rates 1e-3, 5e-4, 2.5e-4 as theirs, but "
            "3 epochs of 1,920 images for 30 of 50,000, tested on 2,000; half windows of their Table I. All gradients "
            "start from one network and see the same batches. \"holds\": all seeds gain; \"differs\": all lose; by "
            "luck alone one row in four would be one of these")
GRADIENTS = {
    "straight-through": lambda m, half: None,
    "published": difference_gradient,
    "coded": lambda m, half: difference_gradient(m, half, edges="appmult"),
    "regression": lambda m, half: regression_gradient(m),
}
# name -> half window of Table I, gain printed in Table II; from the coarsest by NMED to the finest. Ten columns cut are
# more than the paper has: where nothing is lost by the table, no gradient can gain
TABLE_2 = {"mul8u_rm10": (16, None), "mul8u_rm8": (16, "9.80"), "mul8u_1DMU": (32, "10.03"), "mul8u_17C8": (16, "0.49"),
           "mul7u_rm6": (2, "3.48")}
NOT_CODED = ("mul8u_1DMU",)      # its tables have rank 51: for the time
BETAS, EPSILON = (0.9, 0.999), 1e-8      # of Adam, PyTorch's defaults


class Study(NamedTuple):
    """What is trained on, and how long."""

    dataset: Callable
    pretraining: StageSettings
    pretrained_on: int
    images: int
    tested: int
    epochs: int = 3
    rate: float = 1e-3


FULL = Study(FashionMNIST, StageSettings(epochs=1, lr=0.05), 55_000, 1_920, 2_000)
SMALL = Study(partial(SyntheticDigits, n_train=360, n_test=64), StageSettings(epochs=1, lr=0.05), 256, 64, 64,
              epochs=1)


class Adam:
    """D. Kingma, J. Ba, arXiv:1412.6980, algorithm 1, in the form that `train_step` takes."""

    def __init__(self, parameters):
        self.parameters, self.steps = parameters, 0
        self.moments = {name: [np.zeros_like(p.value), np.zeros_like(p.value)] for name, p in parameters.items()}

    def step(self, rates):
        self.steps += 1
        corrections = [1 - beta ** self.steps for beta in BETAS]
        for name, p in self.parameters.items():
            for moment, beta, power in zip(self.moments[name], BETAS, (1, 2), strict=True):
                moment += (1 - beta) * (p.grad ** power - moment)
            mean, square = (m / c for m, c in zip(self.moments[name], corrections, strict=True))
            p.value -= (rates[name] * mean / (np.sqrt(square) + EPSILON)).astype(p.value.dtype)


def multipliers(folder):
    """Name -> multiplier: the shipped tables, or what follows from a rule."""
    files = {name: file for name, _, file, *_ in ROWS}
    found = {f"exact {bits} bits": exact(bits, signed=False) for bits in (8, 7)}
    for name in TABLE_2:
        _, _, cut = name.partition("_rm")
        if folder is not None and name in files:
            found[name] = read_table(folder / files[name], signed=False, name=name)
        elif cut:
            found[name] = from_family("truncated", k=int(cut), bits=int(name[3]), signed=False)
    return found


def pretrained(study, seed):
    """State of the float network of a seed."""
    net = LeNet5(rng=np.random.default_rng(seed), stages=dict.fromkeys(
        ("baseline", "quant", "gradient", "approx"), study.pretraining))
    net.train_baseline(study.dataset(batch_size=128).first(study.pretrained_on))
    return net.state()


def deployed(state, multiplier, gradient, images):
    """The float network with its convolutions through the table, ranges and batch statistics measured on `images`."""
    net = LeNet5(rng=np.random.default_rng(0), quantization=LayerQuantization.for_multiplier(multiplier))
    net.load_state(state)
    net.set_mode("quantized")
    for _, layer in net.noisy_modules:
        if isinstance(layer, Conv2D):
            layer.multiplier, layer.gradient = multiplier, gradient
            layer.set_mode("approximate")
    for batch in images:
        net.forward(batch, training=True)
    return net


def retrained(study, seed, state, multiplier, gradient):
    """One run: accuracies before and after, the loss of the last epoch."""
    data = study.dataset(batch_size=64).first(study.images, study.tested)
    net = deployed(state, multiplier, gradient, (x for x, _ in data.train_batches(np.random.default_rng(seed))))
    initial = evaluate(net, data.test_batches())[1][0]
    optimizer = Adam(net.named_parameters())
    for epoch in range(study.epochs):
        rates = dict.fromkeys(optimizer.parameters, study.rate / 2 ** epoch)
        losses = [train_step(net, optimizer, rates, *batch)
                  for batch in data.train_batches(np.random.default_rng((seed, epoch)))]
    return {"initial": initial, "final": evaluate(net, data.test_batches())[1][0], "loss": float(np.mean(losses))}


def runs(study, folder, seeds, results=None):
    """Key (seed, multiplier, gradient) -> run; those that `results` holds are taken from it, the others added to it."""
    found, networks = {}, {}
    if results is not None and results.exists():
        found = {tuple(line.pop("key")): line for line in map(json.loads, results.read_text().splitlines())}
    for name, multiplier in multipliers(folder).items():
        for gradient, table in tables_of(name, multiplier).items():
            for seed in seeds:
                key = seed, name, gradient
                if key in found:
                    continue
                if seed not in networks:
                    networks[seed] = pretrained(study, seed)
                found[key] = retrained(study, seed, networks[seed], multiplier, table)
                if results is not None:
                    with results.open("a") as out:
                        out.write(json.dumps({"key": key, **found[key]}) + "\n")
    return found


def tables_of(name, multiplier):
    """Name -> gradient, those that differ: exact products have one, and symmetric tables know no slip."""
    if name not in TABLE_2:
        return {"straight-through": None}
    half, _ = TABLE_2[name]
    tables = {gradient: make(multiplier, half) for gradient, make in GRADIENTS.items()}
    if name in NOT_CODED or np.array_equal(tables["published"].x, tables["coded"].x):
        del tables["coded"]
    return tables


def figures(folder, study=None, seeds=(0, 1, 2), results=None):
    if study is None:
        study, seeds = (FULL, seeds) if folder is not None else (SMALL, seeds[:1])
    found = runs(study, folder, seeds, results)
    percent = {key: 100 * run["final"] for key, run in found.items()}
    for name in multipliers(folder):
        before = [100 * found[seed, name, "straight-through"]["initial"] for seed in seeds]
        yield row(f"{name}, before retraining, %", before)
        for gradient in (g for g in GRADIENTS if (seeds[0], name, g) in found):
            yield row(f"{name}, {gradient}, %", [percent[seed, name, gradient] for seed in seeds])
            if gradient != "straight-through":
                gains = [percent[seed, name, gradient] - percent[seed, name, "straight-through"] for seed in seeds]
                text = TABLE_2[name][1] if study is FULL and gradient != "regression" else None
                yield row(f"{name}, gain of {gradient} over straight-through", gains, text)
    for name, (_, gain) in TABLE_2.items():
        if gain and (seeds[0], name, "published") not in found:
            yield untried(f"{name}, gain", gain, "the authors' table is not here")


def row(what, values, published=None):
    """The figure of one value a seed: mean, spread, and whether a printed gain has its sign in all of them."""
    spread = f"s.d. {np.std(values, ddof=1):.2f}, " if len(values) > 1 else ""
    note = f"{spread}{', '.join(f'{value:.2f}' for value in values)}"
    if published is None:
        return Figure(what, "", float(np.mean(values)), "no figure published", note)
    verdict = "holds" if min(values) > 0 else "differs" if max(values) < 0 else "within the stated spread"
    return Figure(what, published, float(np.mean(values)), verdict, note)


def main():
    parser = argparse.ArgumentParser(description=SOURCE)
    parser.add_argument("folder", nargs="?", type=Path, help="checkout of the authors' repository")
    parser.add_argument("results", nargs="?", type=Path, help="finished runs, a line each")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    args = parser.parse_args()

    show(sys.modules[__name__], args.folder, seeds=args.seeds, results=args.results)


if __name__ == "__main__":
    main()
