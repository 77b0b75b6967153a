"""The accuracies that TFApprox prints for the ResNet-8 it ships; FOLDER is a checkout of ehw-fit/tf-approximate.

CIFAR-10 is read from the folder that REFAPPROX_DATA_DIR names. No TensorFlow is needed: `tensorflow_graph.py` reads the
frozen graph and `tensorflow_ops.py` computes its operators.
"""
import os
from fractions import Fraction

import numpy as np
from figures import Figure, compared, main, untried
from tensorflow_graph import read_graph
from tensorflow_ops import estimated_root, run

from refapprox.datasets import CIFAR10
from refapprox.multipliers import exact

SOURCE = ("TFApprox, github.com/ehw-fit/tf-approximate, tf1/README.md: what cifar10_ax_inference.py prints for "
          "mul8u_1JFF, tune = True")
PROTOCOL = ("the shipped graph on the 10,000 test images in their order, ten batches of 1,000, each with its own batch "
            "normalization and ranges; exact products, which mul8u_1JFF's are; operators as TensorFlow 1.14 has them")
GRAPH = "tf1/examples/cifar-10-graphs/resnet_8_quant_ax.pb"
BATCH = 1_000
PRINTED = ("0.83400", "0.83400", "0.82500", "0.81700", "0.84300", "0.83500", "0.83800", "0.82900", "0.83800", "0.83300")
PRINTED_MEAN = "0.833"
OTHERWISE = (0, 3)      # batches that are tried with other roundings too
SPREAD = 0.0021      # two images: what an exact root in place of the processor's estimate was seen to move


def figures(folder, batches=range(10)):
    printed_mean = sum(map(Fraction, PRINTED)) / len(PRINTED)
    yield compared("mean of the ten printed accuracies", PRINTED_MEAN, float(printed_mean))
    if folder is None or "REFAPPROX_DATA_DIR" not in os.environ:
        yield untried("ten batch accuracies", "", missing(folder))
        return
    nodes, test, found = read_graph(folder / GRAPH), CIFAR10().test, []

    def of_batch(number, **options):
        part = slice(number * BATCH, (number + 1) * BATCH)
        return accuracy(nodes, test.images.pixels[part], test.labels[part], exact(8, signed=False), **options)

    for number in batches:
        found.append(of_batch(number, inverse_root=estimated_root))
        yield compared(f"accuracy of batch {number}", PRINTED[number], found[-1], spread=SPREAD)
    if len(found) == len(PRINTED):
        yield compared("mean of the ten computed accuracies", PRINTED_MEAN, sum(found) / len(found))
        for number in OTHERWISE:
            yield Figure(f"batch {number}, exact roots", "", of_batch(number), "no figure published")
            yield Figure(f"batch {number}, exact roots and sums", "", of_batch(number, sums=np.float64),
                         "no figure published")


def missing(folder):
    return "no checkout was given" if folder is None else "REFAPPROX_DATA_DIR is not set: CIFAR-10 is not here"


def accuracy(nodes, pixels, labels, multiplier, held=None, **options):
    """The part of images (n, c, h, w) that the graph classifies as labelled, in one batch; classes beyond ten count."""
    outputs, _ = run(nodes, pixels.transpose(0, 2, 3, 1), multiplier, held, **options)
    return float((outputs.argmax(axis=1) == labels).mean())


if __name__ == "__main__":
    main("__main__")
