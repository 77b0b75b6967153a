"""Layers in real numbers, and their gradients: what every framework should have in common."""
import math

import numpy as np

from refapprox.conformance.spec.base import Part, family, operation
from refapprox.conformance.spec.convolution import PLAIN, filled, patches, values_at
from refapprox.conformance.spec.examples import Example, absolute, reals, rounding

# ---- convolution


kernel_of_gradient = Part("The kernel by which the gradient of the input is spread.", lambda w: w, {
    "gradient without flip": ("dx is a correlation with the unflipped kernel", lambda w: w[:, :, ::-1, ::-1])})


def convolve_gradient(dy, x, w, **geometry):
    """Each output hands its cotangent back to the taps it came from."""
    dx, dw, spread = np.zeros(x.shape), np.zeros(w.shape), kernel_of_gradient(w)
    for index, o, positions, inside in patches(x.shape, w.shape, **geometry):
        np.add.at(dx, tuple(part[inside] if np.ndim(part) else part for part in positions),
                  dy[index] * spread[o].ravel()[inside])
        dw[o] += (dy[index] * values_at(x, positions, inside, 0.0)).reshape(w[o].shape)
    if index != tuple(last - 1 for last in dy.shape):
        raise IndexError("dy has another shape than the outputs")
    return dx, dw


@operation("y", "float-layers", rounding({"y": 2.0}))
def float_conv2d(*, x, w, stride, padding, dilation, groups):
    """Convolution of real x (n, c, h, w) and w (m, c / groups, kh, kw), zero padding."""
    y = {}
    for index, o, positions, inside in patches(x.shape, w.shape, stride, padding, dilation, groups):
        y[index] = math.fsum((values_at(x, positions, inside, 0.0) * w[o].ravel()).tolist())
    return filled(y, np.float64)


@operation("dx dw", "float-layers", rounding({"dx": 4.0, "dw": 4.0}))
def float_conv2d_gradient(*, dy, x, w, stride, padding, dilation, groups):
    """(dx, dw) of `float_conv2d`."""
    return convolve_gradient(dy, x, w, stride=stride, padding=padding, dilation=dilation, groups=groups)


# ---- batch normalization


def by_channel(x):
    """Values of each channel of (n, c) or (n, c, h, w), as lists."""
    return [x[:, c].ravel().tolist() for c in range(x.shape[1])]


statistics_used = Part(
    "The (mean, variance) that a channel is normalized by.",
    lambda training, batch, running: batch if training else running, {
    "batch statistics in evaluation": ("evaluation normalizes with the batch", lambda training, batch, running: batch)})
running_variance = Part("The estimate that the running variance takes.", lambda squares, n: squares / (n - 1), {
    "biased running variance": ("the running variance takes the biased estimate", lambda squares, n: squares / n)})
moved = Part("A running statistic.", lambda old, new, momentum: (1 - momentum) * old + momentum * new, {
    "momentum reversed": ("momentum weighs the old statistics",
        lambda old, new, momentum: momentum * old + (1 - momentum) * new)})


@operation("y running_mean running_var", "float-layers", rounding({"y": 8.0, "running_mean": 4.0, "running_var": 8.0}))
def batch_norm(*, x, gamma, beta, running_mean, running_var, training, momentum, eps):
    """Batch normalization of (n, c) or (n, c, h, w) -> (y, new running_mean, new running_var)."""
    y, mean, var = np.empty(x.shape), running_mean.copy(), running_var.copy()
    for c, values in enumerate(by_channel(x)):
        n = len(values)
        center = math.fsum(values) / n
        squares = math.fsum((v - center) ** 2 for v in values)
        used_mean, used_var = statistics_used(training, (center, squares / n), (running_mean[c], running_var[c]))
        y[:, c] = gamma[c] * (x[:, c] - used_mean) / math.sqrt(used_var + eps) + beta[c]
        if training:
            mean[c] = moved(running_mean[c], center, momentum)
            var[c] = moved(running_var[c], running_variance(squares, n), momentum)
    return y, mean, var


through_statistics = Part(
    "What the gradient passes through mean and variance.",
    lambda mean_dy, mean_dy_xhat: (mean_dy, mean_dy_xhat), {
    "batch statistics as constants": ("the gradient does not pass through mean and variance",
        lambda mean_dy, mean_dy_xhat: (0.0, 0.0))})


@operation("dx dgamma dbeta", "float-layers", rounding({"dx": 32.0, "dgamma": 16.0, "dbeta": 8.0}))
def batch_norm_gradient(*, dy, x, gamma, eps):
    """(dx, dgamma, dbeta) of `batch_norm` in training."""
    # dx = gamma / s (dy - mean(dy) - xhat mean(dy xhat)) with s = sqrt(var + eps), var of ddof 0
    dx, dgamma, dbeta = np.empty(x.shape), [], []
    for c, (values, cotangents) in enumerate(zip(by_channel(x), by_channel(dy), strict=True)):
        n = len(values)
        center = math.fsum(values) / n
        s = math.sqrt(math.fsum((v - center) ** 2 for v in values) / n + eps)
        dbeta.append(math.fsum(cotangents))
        dgamma.append(math.fsum(d * ((v - center) / s) for d, v in zip(cotangents, values, strict=True)))
        through = through_statistics(dbeta[c] / n, dgamma[c] / n)
        dx[:, c] = gamma[c] / s * (dy[:, c] - through[0] - (x[:, c] - center) / s * through[1])
    return dx, np.array(dgamma), np.array(dbeta)


# ---- cross-entropy


over_batch = Part("What the losses of n samples are divided by.", lambda n: n, {
    "sum instead of mean": ("the loss is summed over the batch", lambda n: 1)})


@operation("loss dlogits", "float-layers",
           absolute(lambda inputs, right: {"loss": 1e-6 * max(1.0, len(inputs["labels"]) * right["loss"]),
                                           "dlogits": 1e-6},
                    "a handful of float32 roundings; exp and log differ between math libraries"))
def cross_entropy(*, logits, labels):
    """(loss, dlogits): softmax cross-entropy, mean over the batch."""
    p, losses = np.empty(logits.shape), []
    for i, row in enumerate(logits.tolist()):
        total = math.fsum(math.exp(v - max(row)) for v in row)
        p[i] = [math.exp(v - max(row)) / total for v in row]
        losses.append(math.log(total) + max(row) - row[labels[i]])
        p[i, labels[i]] -= 1
    return math.fsum(losses) / over_batch(len(labels)), p / over_batch(len(labels))


# ---- examples


@family("float_layers")
def float_layers():
    """Convolution, batch normalization, cross-entropy."""
    for name, x_shape, w_shape, geometry in (
            ("plain", (1, 2, 4, 4), (3, 2, 3, 3), {}), ("padded", (1, 1, 3, 4), (2, 1, 3, 3), {"padding": [1, 2]}),
            ("strided", (1, 1, 6, 5), (1, 1, 3, 2), {"stride": [2, 1]}),
            ("groups", (2, 4, 3, 3), (4, 2, 2, 2), {"groups": 2}),
            ("dilated", (1, 1, 5, 6), (1, 1, 2, 2), {"dilation": [2, 3]})):
        inputs = {"x": reals(f"float {name}", x_shape, -2, 2), "w": reals(f"float w {name}", w_shape, -1, 1),
                  **PLAIN, **geometry}
        yield Example(f"conv2d-{name}", float_conv2d, inputs, f"convolution, {name}")
        dy = reals(f"float dy {name}", float_conv2d(**inputs).shape, -2, 2)
        yield Example(f"conv2d-gradient-{name}", float_conv2d_gradient, {"dy": dy, **inputs},
                      f"gradients of a convolution, {name}")
    for name, shape, training in (("rows", (6, 2), True), ("images", (2, 3, 2, 3), True), ("two-values", (2, 1), True),
                                  ("evaluation", (3, 2, 2, 2), False), ("evaluation-rows", (4, 3), False)):
        channels, eps = (shape[1],), 2.0 ** -10
        x, gamma, beta, mean = (reals(f"bn {name} {key}", size, -2, 2)
                                for key, size in zip("xgbm", (shape, *[channels] * 3), strict=True))
        yield Example(f"batch-norm-{name}", batch_norm,
                      {"x": x, "gamma": gamma, "beta": beta, "running_mean": mean,
                       "running_var": reals(f"bn {name} v", channels, 0.5, 2), "training": training, "momentum": 0.125,
                       "eps": eps}, f"batch normalization, {name}")
        if training:
            yield Example(f"batch-norm-gradient-{name}", batch_norm_gradient,
                          {"dy": reals(f"bn {name} dy", shape, -2, 2), "x": x, "gamma": gamma, "eps": eps},
                          f"gradients of batch normalization, {name}")
    for name, logits, labels in (("plain", reals("ce", (3, 4), -4, 4), [0, 3, 2]), ("equal", np.zeros((2, 5)), [1, 1]),
                                 ("large", np.array([[1000.0, 0.0], [0.0, 1000.0]]), [0, 0])):
        yield Example(f"cross-entropy-{name}", cross_entropy, {"logits": logits, "labels": np.array(labels)},
                      f"softmax cross-entropy, {name}, and its gradient")
