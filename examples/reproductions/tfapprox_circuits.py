"""TFApprox's ResNet-8 with each of its 36 multipliers, by five protocols; FOLDER is the checkout that ships both.

The graph (ehw-fit/tf-approximate) has no fixed statistics: batch normalization and every range are those of the batch
that is classified. What a multiplier costs without retraining depends on whether they may follow its errors.

    python examples/reproductions/tfapprox_circuits.py FOLDER [RESULTS] [--images N]

With RESULTS, a folder, one file per circuit is kept there, and what is there is not computed again. CIFAR-10 is read
from the folder that REFAPPROX_DATA_DIR names.
"""
import argparse
import os
import sys
from functools import partial
from pathlib import Path

import numpy as np
from figures import Figure, show, untried
from tensorflow_graph import read_graph
from tensorflow_ops import run
from tfapprox_readme import BATCH, GRAPH, accuracy, missing

from refapprox import files
from refapprox.datasets import CIFAR10
from refapprox.multipliers import Multiplier, exact, load_library

SOURCE = ("TFApprox, github.com/ehw-fit/tf-approximate, tf1/axqconv/axmult: 36 unsigned 8x8 circuits of EvoApproxLib, "
          "each in all seven convolutions of the shipped ResNet-8")
PROTOCOL = ("the first 1,000 (--images) test images in one batch; statistics are means, variances and ranges. "
            "batch: those of this batch under the multiplier, as the graph is shipped; "
            "frozen: those of as many training images with exact products; "
            "calibrated: those of the training images under the multiplier; "
            "tuned: weights mapped as ALWANN does, statistics of the batch, as the README's command line; "
            "tuned frozen: weights mapped, statistics as in frozen; "
            "moments frozen and ranges frozen: one kind of statistics as in frozen, the other of the batch")
CIRCUITS = "tf1/axqconv/axmult"
PARTED = ("mul8u_1446", "mul8u_2HH", "mul8u_14VP")      # good circuits that frozen statistics cost most
PARTS = ("moments frozen", "ranges frozen")
PROTOCOLS = ("batch", "frozen", "calibrated", "tuned", "tuned frozen")


def figures(folder, results=None, images=BATCH, names=None):
    if folder is None or "REFAPPROX_DATA_DIR" not in os.environ:
        yield untried("36 circuits by five protocols", "", missing(folder))
        return
    library, nodes, data = load_library(folder / CIRCUITS, signed=False, bits=8), read_graph(folder / GRAPH), CIFAR10()
    train, test = ((part.images.pixels[:images], part.labels[:images]) for part in (data.train, data.test))
    frozen = statistics(nodes, train[0], exact(8, signed=False))
    for multiplier in library if names is None else map(library.__getitem__, names):
        found = kept(results, f"{multiplier.name}_{images}", PROTOCOLS,
                     partial(accuracies, nodes, multiplier, frozen, train, test))
        if multiplier.name in PARTED:
            found |= kept(results, f"{multiplier.name}_{images}_parts", PARTS,
                          partial(parted, nodes, multiplier, frozen, test))
        for protocol, value in found.items():
            yield Figure(f"{multiplier.name}, {protocol}", "", value, "no figure published",
                         f"MAE {multiplier.metrics()['MAE%']:.3f} %" if protocol == "batch" else "")


def kept(results, name, keys, compute):
    """name -> number for `keys`, from the folder `results` where they are there, else computed and put there."""
    path = None if results is None else Path(results) / f"{name}.json"
    if path is not None and path.exists():
        return files.read_json(path, dict.fromkeys(keys, float))
    found = dict(zip(keys, compute(), strict=True))
    if path is not None:
        files.write_json(path, found)
    return found


def accuracies(nodes, multiplier, frozen, train, test):
    """Of the test images, by `PROTOCOLS`."""
    tuned = alwann(multiplier)
    return (accuracy(nodes, *test, multiplier), accuracy(nodes, *test, multiplier, frozen),
            accuracy(nodes, *test, multiplier, statistics(nodes, train[0], multiplier)),
            accuracy(nodes, *test, tuned), accuracy(nodes, *test, tuned, frozen))


def parted(nodes, multiplier, frozen, test):
    """Accuracies of the test images, by `PARTS`: which of the statistics must follow a multiplier's errors?"""
    moments = {node.name for node in nodes if node.op == "FusedBatchNorm"}
    return [accuracy(nodes, *test, multiplier, {name: frozen[name] for name in names})
            for names in (moments & frozen.keys(), frozen.keys() - moments)]


def statistics(nodes, pixels, multiplier):
    """What the graph's batch normalizations and ranges are for these images (n, c, h, w), in one batch."""
    return run(nodes, pixels.transpose(0, 2, 3, 1), multiplier)[1]


def alwann(multiplier):
    """The multiplier that gives every weight w the products of the code w' with the least sum |x w - m(x, w')| over all
    codes x; of equals w itself, else the smallest (V. Mrazek et al., ICCAD 2019, arXiv:1907.07229, and
    tf1/axqconv/approximate_selector.h)."""
    lut = multiplier.lut.astype(np.int64)
    codes = np.arange(len(lut))
    column = []
    for w in codes:
        sums = np.abs(codes[:, None] * w - lut).sum(axis=0)
        column.append(w if sums[w] == sums.min() else int(sums.argmin()))
    return Multiplier(f"{multiplier.name} tuned", lut[:, column], signed=False)


def main():
    parser = argparse.ArgumentParser(description=SOURCE)
    parser.add_argument("folder", nargs="?", type=Path, help="the checkout")
    parser.add_argument("results", nargs="?", type=files.make_folder, help="folder for one file per circuit")
    parser.add_argument("--images", type=int, default=BATCH, help="test images, and training images for statistics")
    args = parser.parse_args()
    show(sys.modules[__name__], args.folder, results=args.results, images=args.images)


if __name__ == "__main__":
    main()
