"""The whole method in one file, on nothing but `refapprox.ops`: no layer objects, no optimizer class.

A network of one convolution and one linear layer learns to tell drawn digits apart, then how much noise each of its
two layers tolerates, then gets a table of products for each layer, and is retrained through the tables.

Run it:  python examples/minimal_cnn.py
"""
import numpy as np

from refapprox import load_library
from refapprox.datasets import SyntheticDigits
from refapprox.error_stats import field_distributions, population_predictions, to_distribution
from refapprox.ops import agn, bias, conv2d, cross_entropy, flatten, linear, max_pool2d, noise_loss, relu
from refapprox.ops.lut_conv2d import lut_conv2d
from refapprox.ops.lut_matmul import lut_matmul
from refapprox.quantization import dequantize, quantize

OPCOUNTS = np.array([8 * 24 * 24 * 25, 10 * 8 * 12 * 12])      # multiplications per image of both layers
SHARES = OPCOUNTS / OPCOUNTS.sum()


def initial_parameters(rng):
    return {"w1": rng.normal(scale=0.2, size=(8, 1, 5, 5)), "b1": np.zeros(8),
            "w2": rng.normal(scale=0.03, size=(10, 8 * 12 * 12)), "b2": np.zeros(10), "sigma": np.full(2, 0.025)}


def codes(x):
    """Symmetric int8 codes of a tensor and their scale; nothing is ever clipped."""
    scale = np.abs(x).max() / 127
    return quantize(x, scale), scale


def products(op, table_op, x, w, multiplier):
    """Products of one layer and the cache of their straight-through gradient.

    multiplier: None for float products, "int8" for exact products of codes, or a Multiplier.
    """
    if multiplier is None:
        return op.forward(x, w)
    (xq, sx), (wq, sw) = codes(x), codes(w)
    y, cache = op.forward(dequantize(xq, sx), dequantize(wq, sw))
    if multiplier != "int8":
        y = sx * sw * table_op(xq, wq, multiplier)      # the value changes, the gradient stays that of y
    return y, cache


def forward(p, images, multipliers=(None, None), noise_rng=None):
    """Logits, the caches for `backward`, and each layer's (input, weight) for the statistics."""
    caches, operands, x = [], [], images
    layers = [(conv2d, lut_conv2d, "1"), (linear, lambda a, b, m: lut_matmul(a, b.T, m), "2")]
    for index, (op, table_op, name) in enumerate(layers):
        operands.append((x, p["w" + name]))
        x, cache = products(op, table_op, x, p["w" + name], multipliers[index])
        noise = None
        if noise_rng is not None:
            x, noise = agn.forward(x, p["sigma"][index], eps=noise_rng.standard_normal(x.shape))
        x, _ = bias.forward(x, p["b" + name])
        caches.append((cache, noise))
        if index == 0:
            x, relu_cache = relu.forward(x)
            x, pool_cache = max_pool2d.forward(x, 2)
            x, flat_cache = flatten.forward(x)
            caches.append((relu_cache, pool_cache, flat_cache))
    return x, caches, operands


def backward(dlogits, caches):
    """Gradients of all parameters, in the reverse order of `forward`."""
    (conv_cache, noise1), (relu_cache, pool_cache, flat_cache), (linear_cache, noise2) = caches
    grads, dsigma = {}, np.zeros(2)
    dx, grads["b2"] = bias.backward(dlogits)
    if noise2 is not None:
        dx, dsigma[1] = agn.backward(dx, noise2)
    dx, grads["w2"] = linear.backward(dx, linear_cache)
    dx = relu.backward(max_pool2d.backward(flatten.backward(dx, flat_cache), pool_cache), relu_cache)
    dx, grads["b1"] = bias.backward(dx)
    if noise1 is not None:
        dx, dsigma[0] = agn.backward(dx, noise1)
    _, grads["w1"] = conv2d.backward(dx, conv_cache, need_dx=False)
    return grads | {"sigma": dsigma}


def train(p, data, rng, epochs, lr, multipliers=(None, None), lmbd=0.0, noise_rng=None):
    """Gradient descent with momentum; with `noise_rng` the noise levels are learned as well."""
    velocity = {name: np.zeros_like(value) for name, value in p.items()}
    for _ in range(epochs):
        for images, labels in data.train_batches(rng):
            logits, caches, _ = forward(p, images.astype(float), multipliers, noise_rng)
            _, loss_cache = cross_entropy.forward(logits, labels)
            grads = backward(cross_entropy.backward(loss_cache), caches)
            _, reward_cache = noise_loss.forward(p["sigma"], SHARES, lmbd=lmbd)
            grads["sigma"] = grads["sigma"] + noise_loss.backward(reward_cache)
            for name in p:
                velocity[name] = 0.9 * velocity[name] + grads[name]
                p[name] = p[name] - lr * velocity[name]


def accuracy(p, data, multipliers=(None, None)):
    logits, _, _ = forward(p, data.test.images.astype(float), multipliers)
    return np.mean(logits.argmax(axis=1) == data.test.labels)


def choose(p, data, space, rng):
    """The cheapest multiplier of each layer whose predicted error std stays below |sigma| * std(outputs)."""
    _, _, operands = forward(p, data.sample(64, rng).astype(float), ("int8", "int8"))
    chosen = []
    for (x, w), sigma in zip(operands, p["sigma"], strict=True):
        xq, wq = codes(x)[0], codes(w)[0]
        if x.ndim == 4:      # what every output pixel sees becomes a row
            xq, wq = conv2d.columns(conv2d.prepare(xq, wq))[0].T, wq.reshape(len(wq), -1)
        fields = xq[rng.integers(len(xq), size=512)]
        _, stds = population_predictions([m.error_map for m in space], field_distributions(fields, -128, 127),
                                         to_distribution(wq, -128, 127)[1], fan_in=wq.shape[1])
        allowed = abs(sigma) * np.std(xq @ wq.T, ddof=0)
        fitting = [m for m, std in zip(space, stds * wq.shape[1], strict=True) if std <= allowed]
        chosen.append(min(fitting, key=lambda m: m.performance_metric))
    return chosen


def main(n_train=2400, epochs=3):
    rng, data = np.random.default_rng(1), SyntheticDigits(n_train=n_train, n_test=500)
    p = initial_parameters(rng)
    train(p, data, rng, epochs, lr=0.02)
    print(f"float products      {100 * accuracy(p, data):.1f} %")
    train(p, data, rng, epochs, lr=0.01, multipliers=("int8", "int8"), lmbd=0.5, noise_rng=rng)
    print(f"int8, noise learned {100 * accuracy(p, data, ('int8', 'int8')):.1f} %   sigma {np.round(p['sigma'], 3)}")
    space = load_library().search_space()
    chosen = choose(p, data, space, rng)
    energy = SHARES @ [m.performance_metric for m in chosen] / max(m.performance_metric for m in space)
    print(f"approximate         {100 * accuracy(p, data, chosen):.1f} %   {[m.name for m in chosen]}, "
          f"relative energy {energy:.3f}")
    train(p, data, rng, 1, lr=0.002, multipliers=chosen)
    print(f"retrained           {100 * accuracy(p, data, chosen):.1f} %")
    return accuracy(p, data, chosen), energy


if __name__ == "__main__":
    main()
