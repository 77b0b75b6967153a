"""One training step of LeNet-5: our modes against each other, the float one against PyTorch."""
import numpy as np

from refapprox import load_library
from refapprox.nets import LeNet5
from refapprox.optimizer import SGD
from refapprox.training import train_step
from tests.benchmarks.peers import torch_module
from tests.benchmarks.timing import medians

BATCH = 128
MODES = ("float", "quantized", "noise", "approximate")


def our_step(mode, images, labels, multiplier):
    """A function without arguments that takes one step in `mode`."""
    rng = np.random.default_rng(0)
    net = LeNet5(rng=rng)
    for _, layer in net.noisy_modules:
        layer.multiplier, layer.stdev, layer.noise_rng = multiplier, 0.05, rng
    net.set_mode(mode)
    noisy = mode == "noise"
    optimizer = SGD(net.named_parameters(with_sigma=noisy), momentum=0.9)
    rates = dict.fromkeys(optimizer.parameters, 1e-4)
    return lambda: train_step(net, optimizer, rates, images, labels, lmbd=0.2 if noisy else None)


def torch_step(torch, images, labels):
    """The same float step in PyTorch."""
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120, bias=False), nn.BatchNorm1d(120), nn.ReLU(),
        nn.Linear(120, 84, bias=False), nn.BatchNorm1d(84), nn.ReLU(), nn.Linear(84, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9)
    images, labels = torch.from_numpy(images), torch.from_numpy(labels)

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()

    return step


def main():
    rng = np.random.default_rng(0)
    images = rng.standard_normal((BATCH, 1, 28, 28), np.float32)
    labels = rng.integers(0, 10, size=BATCH)
    library = load_library()
    steps = {mode: our_step(mode, images, labels, library["mul8s_1KX2"]) for mode in MODES}
    steps["approximate, rank 1"] = our_step("approximate", images, labels, library["mul8s_1L2H"])
    if torch := torch_module():
        steps["PyTorch"] = torch_step(torch, images, labels)
    times = medians(steps, repeats=20)
    own = times["float"]
    print(f"\n# LeNet-5, one training step of {BATCH} images: {own.clock * 1e3:.1f} ms")
    for name, time in times.items():
        print(f"{name:20} times our float step: {time.clock / own.clock:.2f}, by time of the cores "
              f"{time.cores / own.cores:.2f}")
