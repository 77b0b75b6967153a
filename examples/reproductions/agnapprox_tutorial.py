"""Tutorial 1 of agnapprox, as its notebook records it; FOLDER is EvoApproxLib v2022 (ehw-fit/evoapproxlib)."""
import os

import numpy as np
from figures import Figure, compared, main, untried

from refapprox import load_library
from refapprox.datasets import MNIST
from refapprox.matching import deploy_multipliers, exact_fallback, select_multipliers
from refapprox.nets import LeNet5

SOURCE = ("agnapprox, docs/1_mnist.ipynb, outputs stored in the notebook: LeNet-5 on MNIST, one epoch of baseline, of "
          "quantization and of noise search (lmbd 0.2, initial noise 0.025), matching, no retraining")
PROTOCOL = ("the same stages and options, and our defaults for the hyperparameters that the notebook leaves to its "
            "program; theirs of that day are not recorded, and theirs is one run. Spread: where 95 % of further runs "
            "would lie as far as three of ours tell, mean +- 4.97 s.d. (Student, 2 degrees of freedom)")
# layer -> noise level, multiplier, its power and its relative power, as printed
PRINTED = {
    "conv1": ("0.151", "mul8s_1L2N", "0.126000", "0.296471"), "conv2": ("0.306", "mul8s_1L2N", "0.126000", "0.296471"),
    "linear1": ("0.058", "mul8s_1KXF", "0.237000", "0.557647"),
    "linear2": ("0.027", "mul8s_1KX5", "0.289000", "0.680000"),
    "linear3": ("0.009", "mul8s_1KVQ", "0.351000", "0.825882"),
}
RELEASE_1 = {      # the same circuits, as release 1.1 and our own library call them
    "mul8s_1L2N": "mul8s_1L1G", "mul8s_1KXF": "mul8s_1KTY", "mul8s_1KX5": "mul8s_1KVL", "mul8s_1KVQ": "mul8s_1KRC"}
CANDIDATES = "1KV6, 1KV8, 1KV9, 1KVA, 1KVM, 1KVP, 1KVQ, 1KX5, 1KXF, 1L12, 1L2J, 1L2L, 1L2N"
ACCURACIES = (("baseline, test accuracy", "0.9877"), ("baseline, test loss", "0.04124"),
              ("matched, not retrained, test accuracy", "0.5393"), ("matched, not retrained, test loss", "1.6119"))
STUDENT = 4.303 * np.sqrt(1 + 1 / 3)      # 97.5 % quantile of t with 2 degrees of freedom, for one more value
SEEDS = (0, 1, 2)


def tutorial(data, candidates, seed, epochs=1):
    """The notebook's cells: the figures that it prints, and the assignment."""
    net = LeNet5(rng=np.random.default_rng(seed))
    baseline_loss, baseline = net.train_baseline(data, epochs=epochs, test=True)
    net.train_quant(data, epochs=epochs)
    net.train_gradient(data, lmbd=0.2, initial_noise=0.025, epochs=epochs)
    sigmas = {name: float(layer.stdev) for name, layer in net.noisy_modules}
    found = select_multipliers(net, data, candidates, rng=np.random.default_rng(seed),
                               fallback=exact_fallback(candidates))
    deploy_multipliers(net, found, {m.name: m for m in (*candidates, exact_fallback(candidates))})
    loss, accuracy = net.test(data)
    return {"accuracies": (baseline, baseline_loss, accuracy, loss), "sigmas": sigmas,
            "names": {layer.name: layer.multiplier_name for layer in found.layers}}


def figures(folder):
    net = LeNet5(rng=np.random.default_rng(0))
    weights = sum(p.value.size for p in net.named_parameters().values())
    yield compared("parameters, thousands", "61.9", weights / 1000)
    yield compared("parameters, MB of float32", "0.248", 4 * weights / 1e6)
    library = load_library("builtin" if folder is None else folder, signed=True, bits=8)
    if folder is not None:
        names = ", ".join(sorted(name.removeprefix("mul8s_") for name in library.names))
        yield Figure("names of the 13 candidates", "13", len(library), "holds" if names == CANDIDATES else "differs")
    largest = max(m.performance_metric for m in library)
    for layer, (_, name, power, relative) in PRINTED.items():
        m = library[RELEASE_1[name] if folder is None else name]
        yield compared(f"{layer}, power of {m.name}, mW", power, m.performance_metric)
        yield compared(f"{layer}, power relative to the exact one", relative, m.performance_metric / largest)
    yield untried("uniform mul8s_1L2L, retrained, test accuracy", "0.9818", "interrupted after an unknown time")
    if folder is None or not os.environ.get("REFAPPROX_DATA_DIR"):
        yield untried("accuracies, noise levels, assignment", "14 figures", "needs FOLDER and REFAPPROX_DATA_DIR")
        return
    yield from trained([tutorial(MNIST(batch_size=128), list(library), seed) for seed in SEEDS])


def trained(runs):
    """The figures of all runs against those of the one printed."""
    for index, (what, text) in enumerate(ACCURACIES):
        yield among(what, text, [run["accuracies"][index] for run in runs])
    for layer, (sigma, name, *_) in PRINTED.items():
        yield among(f"{layer}, noise level", sigma, [run["sigmas"][layer] for run in runs])
        names = [run["names"][layer] for run in runs]
        yield Figure(f"{layer}, seeds that take {name}", f"of {len(runs)}", names.count(name),
                     "holds" if name in names else "differs", ", ".join(names))


def among(what, text, values):
    """A printed figure among ours of several seeds."""
    mean, spread = np.mean(values), np.std(values, ddof=1)
    return compared(what, text, float(mean), spread=STUDENT * spread,
                    note=f"s.d. {spread:.2g}; {', '.join(f'{value:.4g}' for value in values)}")


if __name__ == "__main__":
    main("__main__")
