"""A network of your own through the same four stages: a small residual one with a grouped convolution.

Run it:  python examples/own_network.py            on drawn digits, about a minute
         python examples/own_network.py --small    in seconds, as the tests do
"""
import argparse

import numpy as np

from refapprox import load_library
from refapprox.datasets import SyntheticDigits
from refapprox.matching import deploy_multipliers, select_multipliers
from refapprox.nets import ApproxNet, StageSettings
from refapprox.network import AvgPool2D, BatchNorm, Conv2D, Flatten, Linear, ReLU, Residual, Sequential


def my_network(rng):
    """Four convolutions and a linear layer: 28 x 28 -> 14 x 14 -> 7 x 7 -> classes."""
    model = Sequential(
        conv1=Conv2D(1, 8, 5, stride=2, padding=2, bias=False, rng=rng), bn1=BatchNorm(8), relu1=ReLU(),
        block=Residual(Sequential(
            conv=Conv2D(8, 8, 3, padding=1, groups=2, bias=False, rng=rng), bn=BatchNorm(8), relu=ReLU(),
            conv2=Conv2D(8, 8, 3, padding=1, bias=False, rng=rng), bn2=BatchNorm(8))),
        relu2=ReLU(),
        conv2=Conv2D(8, 32, 3, stride=2, padding=1, bias=False, rng=rng), bn2=BatchNorm(32), relu3=ReLU(),
        pool=AvgPool2D(7), flatten=Flatten(),
        linear=Linear(32, 10, rng=rng))
    stages = {
        "baseline": StageSettings(epochs=6, lr=0.1, weight_decay=1e-4, milestones=(4,)),
        "quant": StageSettings(epochs=1, lr=1e-3),
        "gradient": StageSettings(epochs=3, lr=1e-3, sigma_lr=1e-2),      # the noise levels may learn faster
        "approx": StageSettings(epochs=3, lr=1e-3, step=2),
    }
    return ApproxNet(model, (1, 28, 28), stages, rng=rng, name="MyNetwork")


def main(small=False):
    rng = np.random.default_rng(7)
    data = SyntheticDigits(n_train=900 if small else 12_000, n_test=200 if small else 2_000,
                           batch_size=32 if small else 128)
    net = my_network(rng)
    print(f"{net.name}: {sum(p.value.size for p in net.named_parameters().values())} parameters, "
          f"{net.total_ops} multiplications per image")

    few = {"epochs": 1} if small else {}
    _, baseline = net.train_baseline(data, test=True, epochs=4 if small else None)
    net.train_quant(data, **few)
    net.train_gradient(data, lmbd=0.2, initial_noise=0.05, **few)

    library = load_library()
    info = select_multipliers(net, data, library.search_space(), rng=rng, fallback=library["mul8s_1KV8"])
    for layer in info.layers:
        print(f"{layer.name:>17}   fan-in {layer.fan_in:3d}   share {layer.relative_opcount(info.opcount):.2f}   "
              f"sigma {layer.sigma:+.3f}   {layer.multiplier_name}")
    deploy_multipliers(net, info, library)
    _, retrained = net.train_approx(data, test=True, **few)
    print(f"accuracy {100 * baseline:.1f} % exact, {100 * retrained:.1f} % at a relative energy of "
          f"{info.relative_energy_consumption:.3f}")
    return info, baseline, retrained


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true")
    main(**vars(parser.parse_args()))
