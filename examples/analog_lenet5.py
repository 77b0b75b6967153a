"""LeNet-5 in phase-change memory: accuracy over a year, by how its weights are programmed.

A network is trained with float products; the weights of every layer, each relative to its largest, are pooled and a
programming strategy is optimized for them; then simulated chips are programmed layer by layer, age and are tested.
Batch norm and biases stay digital. One programmed chip is read at all times, as a real one would be. LeNet-5 forgives
the noise of these devices; --noise 4 shows what happens at four times of it.

Run it:  python examples/analog_lenet5.py [--small] [--device pcm|hermes] [--noise 4] [--out DIR]
"""
import argparse
from pathlib import Path

import numpy as np

from refapprox import analog
from refapprox.datasets import SyntheticDigits
from refapprox.nets import LeNet5
from refapprox.plotting.analog import time_label
from refapprox.plotting.style import GREYS, LINES, MEANING, new_figure, save

OPTIMIZED_TIMES = (1.0, 3600.0, 86400.0, 2592000.0)
TESTED_TIMES = (1.0, 3600.0, 86400.0, 2592000.0, 31536000.0)
DEVICES = {"pcm": analog.PCMLikeNoiseModel, "hermes": analog.HermesNoiseModel}


def pooled_weights(net):
    """All weights of the network, each layer relative to its largest."""
    layers = [layer.parameters["weight"].value.astype(np.float64) for _, layer in net.noisy_modules]
    return np.concatenate([np.ravel(weight / np.abs(weight).max()) for weight in layers])


def program(net, strategy, device, rng):
    """One chip: every layer of the network in devices."""
    return [analog.program_weights(strategy, layer.parameters["weight"].value, device, rng=rng)
            for _, layer in net.noisy_modules]


def accuracy(net, data, weights):
    """Test accuracy with other weights in the layers; the network's own are put back."""
    layers = [layer for _, layer in net.noisy_modules]
    kept = [layer.parameters["weight"].value for layer in layers]
    try:
        for layer, own, weight in zip(layers, kept, weights, strict=True):
            layer.parameters["weight"].value = weight.astype(own.dtype)
        return net.test(data)[1]
    finally:
        for layer, own in zip(layers, kept, strict=True):
            layer.parameters["weight"].value = own


def accuracies(net, data, strategy, device, chips, seed):
    """Test accuracy (chips, times)."""
    found = np.empty((chips, len(TESTED_TIMES)))
    for chip in range(chips):
        rng = np.random.default_rng([seed, chip])
        tiles = program(net, strategy, device, rng)
        for step, t in enumerate(TESTED_TIMES):
            found[chip, step] = accuracy(net, data, [tile.read(t, rng=rng).effective for tile in tiles])
    return found


def plot(table, float_accuracy):
    figure, axis = new_figure(size=(5.2, 3.6))
    axis.axhline(100 * float_accuracy, color=MEANING["exact"], label="float weights")
    for number, (name, found) in enumerate(table.items()):
        error = 100 * found.std(axis=0, ddof=1) / np.sqrt(len(found))
        axis.errorbar(TESTED_TIMES, 100 * found.mean(axis=0), error, marker="o", linestyle=LINES[number],
                      color=GREYS[number], label=name, markersize=4, capsize=3)
    axis.set(xscale="log", xlabel="time after programming (s)", ylabel="test accuracy (%), ± standard error",
             title="LeNet-5 in phase-change memory")
    axis.legend(fontsize=8)
    return figure


def main(small=False, device="pcm", noise=1.0, out=None):
    data = SyntheticDigits(n_train=1200, n_test=200) if small else SyntheticDigits()
    net = LeNet5(rng=np.random.default_rng(0))
    _, float_accuracy = net.train_baseline(data, epochs=1 if small else 4, test=True)
    model = DEVICES[device](prog_noise_scale=noise, read_noise_scale=noise)
    baseline = analog.DualPairConductanceConverter([1, 1], model.g_max)
    result = analog.WeightProgrammingOptimizer(
        pooled_weights(net), [1, None], model, OPTIMIZED_TIMES, baseline, maxiter=2 if small else 100,
        popsize=2 if small else 15, polish=not small, monte_carlo_runs=2 if small else 10).run_optimizer()
    strategies = {"single pair": analog.SinglePairConductanceConverter(model.g_max), "two pairs [1, 1]": baseline,
                  "optimized": result.converter}
    print(f"float accuracy {100 * float_accuracy:.2f} %; expected loss {result.baseline:.6f} for two pairs [1, 1], "
          f"{result.best:.6f} optimized (factors {', '.join(f'{f:.3g}' for f in result.converter.f_lst)})")
    print(f"{'accuracy after':18}" + "".join(f"{time_label(t):>16}" for t in TESTED_TIMES))
    table = {}
    for name, strategy in strategies.items():
        table[name] = found = accuracies(net, data, strategy, model, chips=2 if small else 20, seed=1)
        error = 100 * found.std(axis=0, ddof=1) / np.sqrt(len(found))
        print(f"{name:18}" + "".join(f"{100 * m:9.2f} ± {e:4.2f}" for m, e in zip(found.mean(axis=0), error,
                                                                                 strict=True)))
    if out is not None:
        Path(out).mkdir(parents=True, exist_ok=True)
        save(plot(table, float_accuracy), Path(out) / "analog_lenet5.png")
    return float_accuracy, table, result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few images and chips")
    parser.add_argument("--device", default="pcm", choices=sorted(DEVICES))
    parser.add_argument("--noise", type=float, default=1.0, help="scale of programming and read noise")
    parser.add_argument("--out", help="folder for the figure")
    args = parser.parse_args()
    main(args.small, args.device, args.noise, args.out)
