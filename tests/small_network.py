"""A data set and a network small enough for every test: stripes of four orientations on 8x8 images."""
import numpy as np

from refapprox.datasets import DataModule
from refapprox.nets import ApproxNet
from refapprox.network import AvgPool2D, BatchNorm, Conv2D, Flatten, Linear, MaxPool2D, ReLU, Residual, Sequential
from refapprox.ops import cross_entropy
from refapprox.optimizer import StageSettings


def stripes(seed=0):
    """Four classes of noisy stripes: 200 training, 50 validation and 50 test images."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(4, size=300)
    rows, columns = np.mgrid[:8, :8]
    patterns = np.stack([rows % 2, columns % 2, (rows + columns) % 2, (rows // 2 + columns // 2) % 2])
    images = (patterns[labels] - 0.5 + rng.normal(scale=0.7, size=(300, 8, 8)))[:, None]
    parts = [(images[part], labels[part]) for part in (slice(200), slice(200, 250), slice(250, None))]
    return DataModule(*parts, num_classes=4, batch_size=35)


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


FLOOR = 1e-4      # gradients far below it, such as that of a bias in front of a batch norm (0), only have to be small


def loss_of(net, images, labels):
    return cross_entropy.forward(net.forward(images, training=True), labels)


def gradient_error(net, images, labels, rng, step=1e-5):
    """Largest relative difference between backward and a central difference, one random direction a parameter."""
    _, cache = loss_of(net, images, labels)
    net.backward(cross_entropy.backward(cache))
    parameters = net.named_parameters()
    analytic = {name: p.grad.copy() for name, p in parameters.items()}
    worst = 0.0
    for name, parameter in parameters.items():
        along = rng.normal(size=parameter.value.shape)
        start, values = parameter.value.copy(), []
        for sign in (1, -1):
            parameter.value[...] = start + sign * step * along
            values.append(loss_of(net, images, labels)[0])
        parameter.value[...] = start
        numeric = (values[0] - values[1]) / (2 * step)
        expected = float(np.sum(analytic[name] * along))
        worst = max(worst, abs(numeric - expected) / (abs(numeric) + abs(expected) + FLOOR))
    return worst
