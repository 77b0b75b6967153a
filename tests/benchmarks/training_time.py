"""Training of LeNet-5 and a small ResNet: our modes against each other, the float one against PyTorch."""
import contextlib
import time
from collections import Counter
from functools import partial, wraps
from unittest import mock

import numpy as np

from refapprox import load_library
from refapprox.datasets import MNIST
from refapprox.nets import LeNet5, MobileNetV2, ResNet
from refapprox.network import convolution, multiplying
from refapprox.ops import add, agn, bands, batch_norm, conv2d, linear, max_pool2d, relu, rolling
from refapprox.optimizer import SGD
from refapprox.training import keep_freed_memory, train_step
from tests.benchmarks.peers import torch_module
from tests.benchmarks.timing import Time, medians

try:
    import resource
except ImportError:      # on Windows
    resource = None

BATCH = 128
MODES = {"float": None, "quantized": None, "noise": None,      # mode -> multiplier, the signed ones of rank 5 and 1
         "approximate, rank 5": "mul8s_1KX2", "approximate, rank 1": "mul8s_1L2H"}
NETS = (("LeNet-5", LeNet5, (1, 28, 28)), ("ResNet-8", ResNet, (3, 32, 32)))      # name, class, shape of an image
TIMED = [*((op, name) for op in (batch_norm, relu, agn, max_pool2d, linear) for name in ("forward", "backward")),
         (conv2d, "product"), (conv2d, "input_gradient"), (rolling, "correlate_kernels"), (convolution, "conv2d_sums"),
         (add, "forward"), (agn, "draw"), (multiplying, "codes_in_bands"), (multiplying, "rescaled"),
         (bands, "extremes"), (SGD, "step")]
TURNS = 10                                                     # pieces of an epoch, between which candidates take turns


def our_step(net, mode, multiplier=None):
    """(images, labels) -> loss: one step of `net` in `mode`, as `fit` takes it."""
    keep_freed_memory()
    for _, layer in net.noisy_modules:
        layer.multiplier, layer.stdev, layer.noise_rng = multiplier, 0.05, np.random.default_rng(0)
    net.set_mode(mode)
    noisy = mode == "noise"
    optimizer = SGD(net.named_parameters(with_sigma=noisy), momentum=0.9)
    rates = dict.fromkeys(optimizer.parameters, 1e-4)
    return lambda images, labels: train_step(net, optimizer, rates, images, labels, lmbd=0.2 if noisy else None)


def our_steps(make_net, modes=tuple(MODES), workers=1):
    """Every mode's step, each of a network of its own."""
    library, steps = load_library(), {}
    for name in modes:
        net = make_net(rng=np.random.default_rng(0))
        net.use_workers(workers)
        steps[name] = our_step(net, name.split(",")[0], MODES[name] and library[MODES[name]])
    return steps


def torch_resnet8(torch, width=16):
    """ResNet-8 in PyTorch."""
    nn = torch.nn

    class Block(nn.Module):
        """Two convolutions beside a subsampled, widened shortcut."""

        def __init__(self, c_in, c_out, stride):
            super().__init__()
            self.main = nn.Sequential(
                nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(),
                nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False), nn.BatchNorm2d(c_out))
            self.stride, self.more = stride, c_out - c_in

        def forward(self, x):
            y = self.main(x)
            if self.more:
                side = x[:, :, ::self.stride, ::self.stride]
                x = nn.functional.pad(side, (0, 0, 0, 0, self.more // 2, self.more - self.more // 2))
            return nn.functional.relu(y + x)

    return nn.Sequential(nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
                         Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2),
                         nn.AvgPool2d(8), nn.Flatten(), nn.Linear(4 * width, 10))


def depthwise(torch, workers):
    """All depthwise convolutions of MobileNetV2 on 32 x 32 images, forward and both gradients: ours and PyTorch's."""
    net, cases = MobileNetV2(rng=np.random.default_rng(0)), []
    size = 32
    for _, layer in net.noisy_modules[:-1]:
        if layer.geometry["groups"] > 1:
            cases.append((layer.parameters["weight"].value, size, layer.geometry["stride"][0]))
            size //= layer.geometry["stride"][0]
    rng = np.random.default_rng(0)
    largest = max(len(w) * size ** 2 for w, size, _ in cases)
    numbers = rng.standard_normal(largest * BATCH, np.float32)

    def maps(c, size):
        return numbers[:c * size ** 2 * BATCH].reshape(size, size, c, BATCH).transpose(3, 2, 0, 1)

    def ours():
        for w, size, stride in cases:
            y, cache = conv2d.forward(maps(len(w), size), w, stride=stride, padding=1, groups=len(w), workers=workers)
            conv2d.backward(y, cache, workers=workers)

    candidates = {"depthwise convolutions of MobileNetV2": ours}
    if torch:
        def tensor(array):
            return torch.from_numpy(np.ascontiguousarray(array)).requires_grad_()

        tensors = {(len(w), size, stride): (tensor(maps(len(w), size)), tensor(w)) for w, size, stride in cases}

        def theirs():
            for w, size, stride in cases:
                x, kernels = tensors[len(w), size, stride]
                y = torch.nn.functional.conv2d(x, kernels, stride=stride, padding=1, groups=len(w))
                torch.autograd.grad(y, (x, kernels), y)

        candidates["PyTorch, depthwise"] = theirs
    return candidates


def torch_lenet5(torch):
    """LeNet-5 in PyTorch."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120, bias=False), nn.BatchNorm1d(120), nn.ReLU(),
        nn.Linear(120, 84, bias=False), nn.BatchNorm1d(84), nn.ReLU(), nn.Linear(84, 10))


def torch_step(torch, net):
    """(images, labels) -> loss: the same float step in PyTorch."""
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9)

    def step(images, labels):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(torch.from_numpy(images)), torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def lenet5_steps():
    """`our_steps` of LeNet-5, and PyTorch's where it is installed."""
    steps = our_steps(LeNet5)
    if torch := torch_module():
        steps["PyTorch"] = torch_step(torch, torch_lenet5(torch))
    return steps


def batch(shape):
    rng = np.random.default_rng(0)
    return rng.standard_normal((BATCH, *shape), np.float32), rng.integers(0, 10, size=BATCH)


def steps():
    """One batch again and again."""
    for name, make_net, shape in NETS:
        images, labels = batch(shape)
        candidates = lenet5_steps() if make_net is LeNet5 else our_steps(make_net)
        times = medians({key: partial(step, images, labels) for key, step in candidates.items()},
                        repeats=20 if make_net is LeNet5 else 4)
        print(f"\n# {name}, one training step of {BATCH} images: {times['float'].clock * 1e3:.1f} ms")
        report(times)


def epochs():
    """A whole epoch of MNIST in every mode, shuffling and taking batches included."""
    try:
        data = MNIST(BATCH)
    except FileNotFoundError as error:
        print(f"\nskipped: {error}")
        return
    candidates = lenet5_steps()
    batches = {name: data.train_batches(np.random.default_rng(0)) for name in candidates}
    spent = dict.fromkeys(candidates, np.zeros(2))
    for turn in range(TURNS):
        for name, step in candidates.items():
            clock, cores = time.perf_counter(), time.process_time()
            for _ in range(turn, data.num_train_batches, TURNS):
                step(*next(batches[name]))
            spent[name] = spent[name] + (time.perf_counter() - clock, time.process_time() - cores)
    times = {name: Time(*of_one) for name, of_one in spent.items()}
    print(f"\n# LeNet-5, one epoch of {len(data.train.labels)} images: {times['float'].clock:.1f} s")
    report(times)


def report(times):
    """Print times as multiples of our own float one."""
    own = times["float"]
    for name, time_of_one in times.items():
        print(f"{name:20} times our float: {time_of_one.clock / own.clock:.2f}, by time of the cores "
              f"{time_of_one.cores / own.cores:.2f}")
    if "PyTorch" in times:
        print(f"our float times PyTorch: {own.clock / times['PyTorch'].clock:.2f}")


def profile():
    """Milliseconds on the clock that a step spends in each operation, with one worker and with two."""
    spent = Counter()
    with contextlib.ExitStack() as stack:
        for owner, name in TIMED:
            label = f"{getattr(owner, '__name__', owner).rpartition('.')[2]}.{name}"
            stack.enter_context(mock.patch.object(owner, name, timed(getattr(owner, name), label, spent)))
        for net, make_net, shape in NETS:
            for mode in MODES:
                found, faults = zip(*(profiled(our_steps(make_net, [mode], workers)[mode], batch(shape), spent)
                                      for workers in (1, 2)), strict=True)
                print(f"\n# {net}, {mode}: ms with one worker and with two; page faults a step {faults}")
                for label in sorted(found[0], key=lambda label: -found[0][label]):
                    print(f"{label:32} {found[0][label]:7.2f} {found[1][label]:7.2f}")


def profiled(step, data, spent, turns=8):
    """(label -> ms of a step, the lower quartile of some; page faults of one), of what `timed` functions spend."""
    times, faults = [], 0
    for turn in range(turns + 2):
        spent.clear()
        before = page_faults()
        timed(step, "step", spent)(*data)
        if turn > 1:
            times.append(dict(spent))
            faults += page_faults() - before
    return {label: 1e3 * np.quantile([time[label] for time in times], 0.25) for label in times[0]}, faults / turns


def timed(function, label, spent):
    """`function`, which adds the seconds that it takes to spent[label]."""
    @wraps(function)
    def run(*arguments, **named):
        started = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent[label] += time.perf_counter() - started

    return run


def page_faults():
    """Pages that this process has been given so far, where the system tells."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt if resource else float("nan")
