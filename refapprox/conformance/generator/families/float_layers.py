"""Layers in real numbers, and their gradients: what every framework should have in common."""
import math

import numpy as np

from refapprox.conformance.generator.building import absolute, listed, make, rounding
from refapprox.conformance.generator.draws import reals
from refapprox.conformance.generator.products import output_sizes, patch


def convolve(x, w, *, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, flipped=False, swapped=False):
    """Tap by tap; operands are multiples of 2**-8, so that the sums are exact."""
    if swapped:
        stride, padding, dilation = stride[::-1], padding[::-1], dilation[::-1]
    m, per_group, *kernel = w.shape
    y = np.empty((x.shape[0], m, *output_sizes(x.shape[2:], kernel, stride, padding, dilation)))
    for image, o, p, q in np.ndindex(y.shape):
        group = o // (m // groups)
        taps = patch(x, image, range(group * per_group, (group + 1) * per_group), p * stride[0] - padding[0],
                     q * stride[1] - padding[1], kernel, dilation, 0.0, flipped)
        y[image, o, p, q] = math.fsum(a * b for (a, _), b in zip(taps, w[o].ravel().tolist(), strict=True))
    return y


def convolve_gradient(dy, x, w, *, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, unflipped=False):
    """Each output hands its cotangent back to the taps it came from."""
    m, per_group, kh, kw = w.shape
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for image, o, p, q in np.ndindex(dy.shape):
        for c, i, j in np.ndindex(per_group, kh, kw):
            channel = o // (m // groups) * per_group + c
            row, column = p * stride[0] - padding[0] + i * dilation[0], q * stride[1] - padding[1] + j * dilation[1]
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                tap = w[o, c, kh - 1 - i, kw - 1 - j] if unflipped else w[o, c, i, j]
                dx[image, channel, row, column] += dy[image, o, p, q] * tap
                dw[o, c, i, j] += dy[image, o, p, q] * x[image, channel, row, column]
    return dx, dw


def float_layers():
    """Convolution, batch normalization, cross-entropy."""
    for name, x_shape, w_shape, geometry in (
            ("plain", (1, 2, 4, 4), (3, 2, 3, 3), {}), ("padded", (1, 1, 3, 4), (2, 1, 3, 3), {"padding": (1, 2)}),
            ("strided", (1, 1, 6, 5), (1, 1, 3, 2), {"stride": (2, 1)}),
            ("groups", (2, 4, 3, 3), (4, 2, 2, 2), {"groups": 2}),
            ("dilated", (1, 1, 5, 6), (1, 1, 2, 2), {"dilation": (2, 3)})):
        x, w = reals(f"float {name}", x_shape, -2, 2), reals(f"float w {name}", w_shape, -1, 1)
        geometry = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, **geometry}
        inputs = {"x": x, "w": w, **listed(geometry)}
        y = convolve(x, w, **geometry)
        yield make(f"float_layers/conv2d-{name}", "float_conv2d", inputs, {"y": y}, probes=f"convolution, {name}",
                   check=rounding({"y": 2.0}), reference="float-layers",
                   mistakes={"flipped kernel": {"y": convolve(x, w, **geometry, flipped=True)},
                             "swapped image axes": {"y": convolve(x, w, **geometry, swapped=True)}})
        dy = reals(f"float dy {name}", y.shape, -2, 2)
        dx, dw = convolve_gradient(dy, x, w, **geometry)
        yield make(f"float_layers/conv2d-gradient-{name}", "float_conv2d_gradient", {"dy": dy, **inputs},
                   {"dx": dx, "dw": dw}, probes=f"gradients of a convolution, {name}",
                   check=rounding({"dx": 4.0, "dw": 4.0}), reference="float-layers",
                   mistakes={"gradient without flip":
                             {"dx": convolve_gradient(dy, x, w, **geometry, unflipped=True)[0], "dw": dw}})
    yield from batch_norm_cases()
    yield from cross_entropy_cases()


def per_channel_values(x):
    """Values of each channel of (n, c) or (n, c, h, w), as lists."""
    return [np.moveaxis(x, 1, 0)[c].ravel().tolist() for c in range(x.shape[1])]


def normalized(x, gamma, beta, mean, var, eps, training, momentum, *, ddof=1, reverse=False, batch=False):
    """y and the running statistics; ddof is that of the running variance."""
    y, new_mean, new_var = np.empty(x.shape), [], []
    if reverse:
        momentum = 1 - momentum
    for c, values in enumerate(per_channel_values(x)):
        n = len(values)
        center = math.fsum(values) / n
        squares = math.fsum((v - center) ** 2 for v in values)
        used_mean, used_var = (center, squares / n) if training or batch else (mean[c], var[c])
        y[:, c] = gamma[c] * (x[:, c] - used_mean) / math.sqrt(used_var + eps) + beta[c]
        new_mean.append((1 - momentum) * mean[c] + momentum * center if training else mean[c])
        new_var.append((1 - momentum) * var[c] + momentum * squares / (n - ddof) if training else var[c])
    return {"y": y, "running_mean": np.array(new_mean), "running_var": np.array(new_var)}


def batch_norm_cases():
    for name, shape, training in (("rows", (6, 2), True), ("images", (2, 3, 2, 3), True), ("two-values", (2, 1), True),
                                  ("evaluation", (3, 2, 2, 2), False), ("evaluation-rows", (4, 3), False)):
        c = shape[1]
        x, gamma, beta, mean = (reals(f"bn {name} {which}", s, -2, 2) for which, s in
                                (("x", shape), ("g", (c,)), ("b", (c,)), ("m", (c,))))
        var, momentum, eps = reals(f"bn {name} v", (c,), 0.5, 2), 0.125, 2.0 ** -10
        args = (x, gamma, beta, mean, var, eps, training, momentum)
        yield make(f"float_layers/batch-norm-{name}", "batch_norm",
                   {"x": x, "gamma": gamma, "beta": beta, "running_mean": mean, "running_var": var,
                    "training": training,
                    "momentum": momentum, "eps": eps}, normalized(*args), probes=f"batch normalization, {name}",
                   check=rounding({"y": 8.0, "running_mean": 4.0, "running_var": 8.0}), reference="float-layers",
                   mistakes={"biased running variance": normalized(*args, ddof=0),
                             "momentum reversed": normalized(*args, reverse=True),
                             "batch statistics in evaluation": normalized(*args, batch=True)})
        if training:
            dy = reals(f"bn {name} dy", shape, -2, 2)
            yield make(f"float_layers/batch-norm-gradient-{name}", "batch_norm_gradient",
                       {"dy": dy, "x": x, "gamma": gamma, "eps": eps}, norm_gradient(dy, x, gamma, eps),
                       probes=f"gradients of batch normalization, {name}",
                       check=rounding({"dx": 32.0, "dgamma": 16.0, "dbeta": 8.0}), reference="float-layers",
                       mistakes={"batch statistics as constants": norm_gradient(dy, x, gamma, eps, constant=True)})


def norm_gradient(dy, x, gamma, eps, constant=False):
    """dx = gamma / s (dy - mean(dy) - xhat mean(dy xhat)) with s = sqrt(var + eps), var of ddof 0."""
    dx, dgamma, dbeta = np.empty(x.shape), [], []
    for c, (values, cotangents) in enumerate(zip(per_channel_values(x), per_channel_values(dy), strict=True)):
        n = len(values)
        center = math.fsum(values) / n
        s = math.sqrt(math.fsum((v - center) ** 2 for v in values) / n + eps)
        xhat = [(v - center) / s for v in values]
        dbeta.append(math.fsum(cotangents))
        dgamma.append(math.fsum(d * h for d, h in zip(cotangents, xhat, strict=True)))
        through = (0.0, 0.0) if constant else (dbeta[c] / n, dgamma[c] / n)
        dx[:, c] = gamma[c] / s * (dy[:, c] - through[0] - (x[:, c] - center) / s * through[1])
    return {"dx": dx, "dgamma": np.array(dgamma), "dbeta": np.array(dbeta)}


def cross_entropy_cases():
    for name, logits, labels in (("plain", reals("ce", (3, 4), -4, 4), [0, 3, 2]),
                                 ("equal", np.zeros((2, 5)), [1, 1]),
                                 ("large", np.array([[1000.0, 0.0], [0.0, 1000.0]]), [0, 0])):
        labels, n = np.array(labels), len(labels)
        p, losses = np.empty(logits.shape), []
        for i, row in enumerate(logits.tolist()):
            total = math.fsum(math.exp(v - max(row)) for v in row)
            p[i] = [math.exp(v - max(row)) / total for v in row]
            losses.append(math.log(total) + max(row) - row[labels[i]])
        p[np.arange(n), labels] -= 1
        loss = math.fsum(losses)
        yield make(f"float_layers/cross-entropy-{name}", "cross_entropy", {"logits": logits, "labels": labels},
                   {"loss": loss / n, "dlogits": p / n}, probes=f"softmax cross-entropy, {name}, and its gradient",
                   check=absolute({"loss": 1e-6 * max(1.0, loss), "dlogits": 1e-6},
                                  "a handful of float32 roundings; exp and log differ between math libraries"),
                   mistakes={"sum instead of mean": {"loss": loss, "dlogits": p}}, reference="float-layers")
