"""A data set and a network small enough for every test: stripes of four orientations on 8x8 images."""
import numpy as np
import pytest

from refapprox.nets import ApproxNet
from refapprox.network import AvgPool2D, BatchNorm, Conv2D, Flatten, Linear, MaxPool2D, ReLU, Residual, Sequential
from refapprox.optimizer import StageSettings


class Stripes:
    """Four classes of noisy stripes; the interface of a DataModule."""

    num_train_batches = 6

    def __init__(self, seed=0, n=300):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(4, size=n)
        rows, columns = np.mgrid[:8, :8]
        patterns = np.stack([rows % 2, columns % 2, (rows + columns) % 2, (rows // 2 + columns // 2) % 2])
        noise = rng.normal(scale=0.7, size=(n, 8, 8))
        self.images = (patterns[self.labels] - 0.5 + noise)[:, None].astype(np.float32)

    def _batches(self, order, size):
        for start in range(0, len(order), size):
            yield self.images[order[start:start + size]], self.labels[order[start:start + size]]

    def train_batches(self, rng):
        return self._batches(rng.permutation(200), 35)

    def val_batches(self):
        return self._batches(np.arange(200, 250), 25)

    def test_batches(self):
        return self._batches(np.arange(250, 300), 25)

    def sample(self, count, rng):
        order = rng.choice(200, size=count, replace=False)
        return self.images[order], self.labels[order]


def small_net(seed=0, dtype=np.float32, quantization=None, groups=1):
    rng = np.random.default_rng(seed)
    layer = {"rng": rng, "dtype": dtype, "quantization": quantization}
    model = Sequential(
        conv=Conv2D(1, 4, 3, padding=1, **layer), norm=BatchNorm(4, dtype=dtype), relu=ReLU(), pool=MaxPool2D(2),
        block=Residual(Sequential(conv=Conv2D(4, 4, 3, padding=1, groups=groups, bias=False, **layer),
                                  norm=BatchNorm(4, dtype=dtype))),
        average=AvgPool2D(2), flatten=Flatten(), linear=Linear(16, 4, **layer))
    settings = StageSettings(epochs=1, lr=0.05)
    return ApproxNet(model, (1, 8, 8), dict.fromkeys(("baseline", "quant", "gradient", "approx"), settings), rng=rng)


@pytest.fixture
def data():
    return Stripes()


@pytest.fixture
def make_net():
    return small_net


@pytest.fixture(scope="session")
def searched():
    """(net, data) after baseline, quantization and noise search. Tests must leave its state as it is."""
    net, data = small_net(), Stripes()
    net.train_baseline(data, epochs=3)
    net.train_quant(data)
    net.train_gradient(data)
    return net, data
