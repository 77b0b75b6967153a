"""ApproxFlow's shipped networks and tables, the comparison of HEAM; FOLDER is FDU-ME-ARC/ApproxFlow."""
from typing import NamedTuple

import numpy as np
from figures import Figure, main, untried

from refapprox.datasets import MNIST, FashionMNIST, SyntheticDigits
from refapprox.multipliers import Multiplier, exact, from_family, read_table
from refapprox.nets import LeNet5
from refapprox.ops import max_pool2d
from refapprox.ops.lut_conv2d import lut_conv2d
from refapprox.ops.lut_matmul import lut_matmul
from refapprox.training import evaluate

SOURCE = ("S. Zheng et al., \"HEAM: High-Efficiency Approximate Multiplier Optimization for Deep Neural Networks\", "
          "arXiv:2201.08022, abstract, and the README of ApproxFlow, the authors' program for such networks")
PROTOCOL = ("the shipped uint8 networks through the shipped tables, every integer as in the C++ sources, activations "
            "choosing the row; the shipped images are empty files in this copy, so the codes are the pixels of the "
            "first 2,000 images of either original test set, whose labels are the shipped ones. README and abstract "
            "print no accuracies. \"Negligible\" is read as less than half a point")
TABLES = {      # the README's names and files
    "Wallace Tree": "accurate.csv", "HEAM": "LUT_ours.txt", "KMap": "approximate.csv", "AC": "LUT_AC.txt",
    "CR(C.6)": "LUT_CR(C.6).txt", "CR(C.7)": "LUT_CR(C.7).txt", "OU(L.1)": "LUT_OU(L.1).txt",
    "OU(L.3)": "LUT_OU(L.3).txt", "SDLC": "LUT_SDLC.txt",
}
RULES = {"Wallace Tree": exact(8, signed=False), "KMap": from_family("udm", signed=False),
         "OU(L.1)": from_family("ou", level=1, signed=False), "OU(L.3)": from_family("ou", level=3, signed=False),
         "SDLC": Multiplier("sdlc, exchanged operands", from_family("sdlc", signed=False).lut.T, signed=False)}
NETWORKS = {"MNIST": MNIST, "FashionMNIST": FashionMNIST}      # by the folders of Weights/
LAYERS = ("Conv1", "Conv2", "Conv3", "FC1", "FC_Logits")
KERNEL, BATCH, NEGLIGIBLE, TESTED = 5, 100, 0.5, 2_000
INPUT_SCALE = np.float32(1 / 255)


class QuantizedLayer(NamedTuple):
    """One layer: weight codes (k, m), integer biases, and the factor scale / 2**(32 + shift) of its sums."""

    weights: np.ndarray
    w_zero_point: int
    biases: np.ndarray
    scale: int
    shift: int
    zero_point: int      # of the outputs; that of all inputs is 0


def read_network(folder):
    """The layers of one network."""
    layers, x_scale = [], INPUT_SCALE
    for name in LAYERS:
        (w_scale, w_zero, *weights), (_, _, *biases), (y_scale, y_zero) = (
            (folder / f"{name}_{what}.txt").read_text().split() for what in ("weights", "biases", "activations"))
        factor = x_scale * np.float32(w_scale) / np.float32(y_scale)      # in float, as there
        shift = max(0, -int(np.frexp(factor)[1]))
        layers.append(QuantizedLayer(np.array(weights, np.int64).reshape(-1, len(biases)), int(w_zero),
                                     np.array(biases, np.int64), int(factor * np.float32(2) ** shift * 2.0 ** 32),
                                     shift, int(y_zero)))
        x_scale = np.float32(y_scale)
    return layers


def requantized(sums, layer):
    """Codes of integer sums, in [0, 255].

    The carry is added to every product from 2**31 on, not only to those whose bit 31 is set: the mask `1 << 31` is a
    negative int there, which is widened to ones.
    """
    products = np.abs(sums).astype(np.uint64) * np.uint64(layer.scale)
    carried = (products >> np.uint64(32)) + (products >= 2 ** 31)
    return np.clip(np.sign(sums) * (carried >> np.uint64(layer.shift)).astype(np.int64) + layer.zero_point, 0, 255)


def logits(layers, pixels, multiplier):
    """Codes of the last layer for pixels (n, 1, h, w)."""
    x = np.asarray(pixels, np.int64)
    *convolutions, hidden, last = layers
    for layer in convolutions:
        kernels = layer.weights.reshape(KERNEL, KERNEL, x.shape[1], -1).transpose(3, 2, 0, 1)
        sums = lut_conv2d(x, kernels, multiplier, padding="same", w_zero_point=layer.w_zero_point)
        x = requantized(sums + layer.biases[:, None, None], layer)
        x, _ = max_pool2d.forward(x, 2, padding="same")
    x = x.transpose(0, 2, 3, 1).reshape(len(x), -1)
    for layer in (hidden, last):
        sums = lut_matmul(x, layer.weights, multiplier) - layer.w_zero_point * x.sum(axis=1, keepdims=True)
        x = requantized(sums + layer.biases, layer)
    return x


def right(layers, pixels, labels, multiplier):
    """Which images are told rightly; of equal outputs the first counts, as there."""
    return np.concatenate([logits(layers, pixels[first:first + BATCH], multiplier).argmax(axis=1)
                           for first in range(0, len(pixels), BATCH)]) == labels


def figures(folder, tested=TESTED):
    if folder is None:
        yield from without_data()
        return
    tables = {name: read_table(folder / "Utils" / file, signed=False, name=name) for name, file in TABLES.items()}
    other = read_table(folder / "Utils" / "LUT_HEAM.txt", signed=False)
    yield equal("LUT_ours.txt, entries unlike those of LUT_HEAM.txt", tables["HEAM"], other)
    for name, rule in RULES.items():
        yield equal(f"{TABLES[name]}, entries unlike the rule of {rule.name}", tables[name], rule)
    for name, dataset in NETWORKS.items():
        try:
            test = dataset().test
        except FileNotFoundError as error:
            yield untried(f"{name}, all tables", "", str(error).splitlines()[0])
            continue
        layers = read_network(folder / "Weights" / name)
        hits = {table: right(layers, test.images.pixels[:tested], test.labels[:tested], multiplier)
                for table, multiplier in tables.items()}
        yield from accuracies(name, hits)
    yield untried("CIFAR-10, all tables", "50.24", "the files of three layers are empty in this copy")


def accuracies(name, hits):
    """Accuracy of every table, its loss with a standard error, and the two claims."""
    reference = hits["Wallace Tree"].astype(int)
    for table, found in hits.items():
        differences = reference - found
        yield Figure(f"{name}, {table}, accuracy %", "", 100 * found.mean(), "no figure published",
                     f"loss {100 * differences.mean():.2f} +- {100 * differences.std() / np.sqrt(len(found)):.2f}")
    loss = 100 * (reference.mean() - hits["HEAM"].mean())
    yield Figure(f"{name}, HEAM: loss in points", "negligible", loss, "holds" if loss < NEGLIGIBLE else "differs")
    best, accuracy = max(((table, 100 * found.mean()) for table, found in hits.items()
                          if table not in ("HEAM", "Wallace Tree")), key=lambda item: item[1])
    yield Figure(f"{name}, HEAM: gain over the best other", "", 100 * hits["HEAM"].mean() - accuracy,
                 "no figure published", f"points over {best}; the abstract has up to 50.24 %")


def equal(what, one, other):
    wrong = np.argwhere(one.lut != other.lut)
    return Figure(what, "0", len(wrong), "differs" if len(wrong) else "same digits",
                  f"at {wrong[0].tolist()}" if len(wrong) == 1 else "")


def without_data():
    """The multipliers whose rules are known, in a network of ours on drawn digits."""
    net = LeNet5.pretrained("synthetic", signed=False)
    digits = SyntheticDigits().first(1, 500)
    for name, multiplier in RULES.items():
        for _, layer in net.noisy_modules:
            layer.multiplier = multiplier
        net.set_mode("approximate")
        _, (accuracy,) = evaluate(net, digits.test_batches())
        yield Figure(f"our LeNet-5 on drawn digits, {name}, accuracy %", "", 100 * accuracy, "no figure published")
    for name in NETWORKS:
        yield untried(f"{name}, all tables", "", "the shipped networks and tables are not here")


if __name__ == "__main__":
    main("__main__")
