"""The four stages, step by step: how much error does each layer of LeNet-5 tolerate, and what may it cost?

Run it:  python examples/tutorial.py            on drawn digits, about a minute
         python examples/tutorial.py --mnist    on MNIST, files in REFAPPROX_DATA_DIR
         python examples/tutorial.py --small    in seconds, as the tests do
         python examples/tutorial.py --seeds 42 0 1 2 3    again for every seed; mean and spread in the end
"""
import argparse
from pathlib import Path

import numpy as np

from refapprox import load_library
from refapprox.datasets import MNIST, SyntheticDigits
from refapprox.matching import deploy_multipliers, dump_results, select_multipliers
from refapprox.nets import LeNet5
from refapprox.plotting.run import energy_bars
from refapprox.plotting.style import save


def main(mnist=False, small=False, seed=42, out="runs/tutorial"):
    # Data, and a network that carries its own hyperparameters. All randomness comes from one generator.
    data = MNIST() if mnist else SyntheticDigits(n_train=600 if small else 12_000, n_test=200 if small else 2_000)
    rng = np.random.default_rng(seed)
    model = LeNet5(rng=rng)

    # Stage 1, baseline: float products.
    loss, baseline = model.train_baseline(data, epochs=1 if small else 5, test=True)
    print(f"baseline    test accuracy {100 * baseline:.2f} %")

    # Stage 2, quantization: int8 codes, real = scale * code; rounding has a straight-through gradient.
    loss, quantized = model.train_quant(data, test=True)
    print(f"quantized   test accuracy {100 * quantized:.2f} %")

    # Stage 3, noise search: every layer's outputs are disturbed by sigma_l * std(outputs) * N(0, 1), and sigma_l is
    # trained with the weights. lmbd rewards noise; the cross entropy resists where a layer needs to be accurate.
    model.train_gradient(data, lmbd=0.2, initial_noise=0.025, epochs=1 if small else 3)
    for name, layer in model.noisy_modules:
        print(f"{name:>9}   sigma {layer.stdev:+.3f}   {layer.opcount:7d} multiplications")

    # Matching: predict every multiplier's error in every layer from the codes that really occur there, and take
    # the cheapest one whose error the layer tolerates.
    library = load_library("builtin")
    result = select_multipliers(model, data, library.search_space(), rng=rng)
    for info in result.layers:
        print(f"{info.name:>9}   {info.multiplier_name}   error std {info.predicted_std:8.1f} of "
              f"{info.allowed_std:8.1f} allowed   cost {info.relative_energy_consumption(result.metric_max):.3f}")
    print(f"relative energy of the network {result.relative_energy_consumption:.3f}")

    # Stage 4, approximate retraining: every product is looked up in the table of its layer's multiplier.
    deploy_multipliers(model, result, library)
    loss, deployed = model.test(data)
    print(f"deployed    test accuracy {100 * deployed:.2f} %")
    loss, retrained = model.train_approx(data, epochs=1 if small else 3, test=True)
    print(f"retrained   test accuracy {100 * retrained:.2f} %")

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    dump_results(result, lmbd=0.2, folder=out)
    print(f"figure      {save(energy_bars(result), out / 'energy.png')}")
    accuracies = {"baseline": baseline, "quantized": quantized, "deployed": deployed, "retrained": retrained}
    return result, accuracies


def over_seeds(seeds, **options):
    """The same for every seed: what belongs to the method, and what to one seed."""
    found, chosen = [], {}
    for seed in seeds:
        print(f"seed {seed}")
        result, accuracies = main(seed=seed, **options)
        found.append({f"{stage}, %": 100 * accuracy for stage, accuracy in accuracies.items()}
                     | {"relative energy": result.relative_energy_consumption}
                     | {f"|sigma| of {layer.name}": abs(layer.sigma) for layer in result.layers})
        for layer in result.layers:
            chosen.setdefault(layer.name, []).append(layer.multiplier_name)
    print(f"over {len(seeds)} seeds     mean      std  smallest  largest")
    for name in found[0]:
        values = np.array([one[name] for one in found])
        print(f"{name:>17} {values.mean():8.3f} {values.std(ddof=1):8.3f} {values.min():9.3f} {values.max():8.3f}")
    for layer, names in chosen.items():
        print(f"{layer:>9}   {'  '.join(names)}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--out", default="runs/tutorial")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42])
    arguments = vars(parser.parse_args())
    seeds = arguments.pop("seeds")
    if len(seeds) > 1:
        over_seeds(seeds, **arguments)
    else:
        main(seed=seeds[0], **arguments)
