"""One battery over every layer: gradients against central differences, and the wrong gradients that it rejects.

A case is (forward, backward, inputs): inputs float64, drawn away from kinks, forward(*inputs) -> (y, cache).
"""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox.gradient_check import gradient_agrees
from refapprox.ops import (
    add,
    avg_pool2d,
    batch_norm,
    bias,
    clip,
    concat,
    cross_entropy,
    flatten,
    linear,
    max_pool2d,
    noise_loss,
    pad,
    relu,
    scale_shift,
    subsample,
)
from refapprox.ops.bands import from_rows


def apart(rng, shape):
    """Values at least 0.3 from each other and 0.1 from 0: 10**4 steps of the differences away from any kink."""
    grid = 0.5 * (rng.permutation(math.prod(shape)) - math.prod(shape) // 2) + 0.25
    return (grid + rng.uniform(-0.1, 0.1, grid.shape)).reshape(shape)


def sizes(draw, *limits):
    """One integer for each (low, high), from ``draw(low, high)``."""
    return tuple(draw(low, high) for low, high in limits)


def linear_case(draw, rng):
    n, k, m = sizes(draw, (1, 4), (1, 5), (1, 4))
    return linear.forward, linear.backward, [rng.normal(size=(n, k)), rng.normal(size=(m, k))]


def channels_shape(draw):
    """(n, c) or (n, c, h, w) with at least 2 values per channel."""
    n, c, h, w = sizes(draw, (2, 4), (1, 3), (1, 3), (1, 3))
    return (n, c, h, w) if draw(0, 1) else (n, c)


def bias_case(draw, rng):
    shape = channels_shape(draw)
    return bias.forward, bias.backward, [rng.normal(size=shape), rng.normal(size=shape[1])]


def batch_norm_case(draw, rng):
    shape, training = channels_shape(draw), bool(draw(0, 1))
    running = rng.normal(size=shape[1]), rng.uniform(0.5, 2, shape[1])

    def forward(x, gamma, beta):
        y, _, cache = batch_norm.forward(x, gamma, beta, *running, training=training)
        return y, cache

    return forward, batch_norm.backward, [apart(rng, shape), *rng.normal(size=(2, shape[1]))]


def relu_case(draw, rng):
    return relu.forward, relu.backward, [apart(rng, sizes(draw, (1, 3), (1, 3), (1, 3), (1, 3)))]


def pool_case(op):
    def case(draw, rng):
        kernel, stride = (sizes(draw, (1, 3), (1, 3)) for _ in range(2))
        padding = sizes(draw, *((0, k // 2) for k in kernel))
        n, c, *more = sizes(draw, (1, 2), (1, 2), (0, 4), (0, 4))
        size = [k + m for k, m in zip(kernel, more, strict=True)]
        return (lambda x: op.forward(x, kernel, stride, padding)), op.backward, [apart(rng, (n, c, *size))]
    return case


def flatten_case(draw, rng):
    return flatten.forward, flatten.backward, [rng.normal(size=sizes(draw, (1, 3), (1, 3), (1, 3), (1, 3)))]


def add_case(draw, rng):
    return add.forward, add.backward, list(rng.normal(size=(2, *sizes(draw, (1, 3), (1, 4)))))


def clip_case(draw, rng):
    low, high = -1.0, float(draw(0, 2))      # halves shifted by a quarter: `apart` stays 0.1 away from both
    return (lambda x: clip.forward(x + 0.25, low, high)), clip.backward, [
        apart(rng, sizes(draw, (1, 3), (1, 3), (1, 3), (1, 3))) - 0.25]


def concat_case(draw, rng):
    n, h, *channels = sizes(draw, (1, 3), (1, 3), (1, 3), (1, 2), (1, 4))
    return concat.forward, concat.backward, [rng.normal(size=(n, c, h)) for c in channels]


def pad_case(draw, rng):
    n, *shape = sizes(draw, (1, 2), (1, 3), (1, 3), (1, 4))
    widths = [sizes(draw, (0, 2), (0, 3)) for _ in shape]
    return (lambda x: pad.forward(x, widths, 0.5)), pad.backward, [rng.normal(size=(n, *shape))]


def scale_shift_case(draw, rng):
    n, c, h = sizes(draw, (1, 3), (1, 3), (1, 3))
    factor, summand = rng.normal(size=(2, c, 1))
    return (lambda x: scale_shift.forward(x, factor, summand)), scale_shift.backward, [rng.normal(size=(n, c, h))]


def subsample_case(draw, rng):
    n, c, more, stride, h, w = sizes(draw, (1, 2), (1, 3), (0, 3), (1, 3), (1, 5), (1, 4))
    return (lambda x: subsample.forward(x, c + more, stride)), subsample.backward, [rng.normal(size=(n, c, h, w))]


def cross_entropy_case(draw, rng):
    n, classes = sizes(draw, (1, 5), (1, 6))
    labels = rng.integers(0, classes, n)

    def backward(dy, cache):
        return dy * cross_entropy.backward(cache)

    return (lambda logits: cross_entropy.forward(logits, labels)), backward, [3 * rng.normal(size=(n, classes))]


def noise_loss_case(draw, rng):
    """Noise levels below and beyond the cap, positive and negative, away from the kinks at 0 and at the cap."""
    layers = draw(1, 6)
    signs = rng.choice([-1, 1], layers)
    signs[0] = -1
    sigmas = signs * (rng.uniform(0.05, 0.45, layers) + 0.5 * (np.arange(layers) % 2))
    shares = rng.dirichlet(np.ones(layers))

    def backward(dy, cache):
        return dy * noise_loss.backward(cache)

    return (lambda sigmas: noise_loss.forward(sigmas, shares, lmbd=0.2, sigma_max=0.5)), backward, [sigmas]


CASES = {"linear": linear_case, "bias": bias_case, "batch_norm": batch_norm_case, "relu": relu_case,
         "max_pool2d": pool_case(max_pool2d), "avg_pool2d": pool_case(avg_pool2d), "flatten": flatten_case,
         "add": add_case, "clip": clip_case, "concat": concat_case, "pad": pad_case, "scale_shift": scale_shift_case,
         "subsample": subsample_case, "cross_entropy": cross_entropy_case,
         "noise_loss": noise_loss_case}


@pytest.mark.parametrize("name", CASES)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_gradients_match_central_differences(name, data, seed):
    rng = np.random.default_rng(seed)
    forward, backward, inputs = CASES[name](lambda low, high: data.draw(st.integers(low, high)), rng)
    assert gradient_agrees(forward, backward, inputs, rng=rng)


def rejected(name, mutate):
    """Whether `mutate(backward)` fails for every one of ten seeds, on the largest shapes of the case."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        forward, backward, inputs = CASES[name](lambda low, high: high, rng)
        if gradient_agrees(forward, mutate(backward), inputs, rng=rng):
            return False
    return True


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("factor", [1.0005, -1.0])
def test_the_battery_rejects_wrong_factors_in_any_gradient(name, factor):
    def scale(which):
        def mutate(backward):
            def wrong(dy, cache):
                gradients = backward(dy, cache)
                gradients = list(gradients) if isinstance(gradients, tuple) else [gradients]
                gradients[which] = gradients[which] * factor
                return tuple(gradients)
            return wrong
        return mutate

    count = len(CASES[name](lambda low, high: high, np.random.default_rng(0))[2])
    assert all(rejected(name, scale(which)) for which in range(count))


def on_dx(change):
    """A mutant that changes the first gradient: ``change(dx, dy, cache)``."""
    def mutate(backward):
        def wrong(dy, cache):
            gradients = backward(dy, cache)
            if isinstance(gradients, tuple):
                return change(gradients[0], dy, cache), *gradients[1:]
            return change(gradients, dy, cache)
        return wrong
    return mutate


def norm_dx(dy, cache, mean_term=1.0, xhat_term=1.0, ddof=0):
    """Equation (6) of batch_norm with its terms weighted: all ones is right."""
    axes = (0, *range(2, dy.ndim))
    count = dy.size // dy.shape[1] - ddof
    slope = (cache.gamma * cache.inverse_std)[:, None, None]
    xhat = (from_rows(cache.rows, dy.shape) - cache.mean[:, None, None]) * cache.inverse_std[:, None, None]
    dbeta, dgamma = (total.sum(axis=axes, keepdims=True) for total in (dy, dy * xhat))
    return slope * (dy - mean_term * dbeta / count - xhat_term * xhat * dgamma / count)


MUTANTS = {
    "batch norm without the mean's term": ("batch_norm", on_dx(lambda dx, dy, c: norm_dx(dy, c, mean_term=0))),
    "batch norm without the spread's term": ("batch_norm", on_dx(lambda dx, dy, c: norm_dx(dy, c, xhat_term=0))),
    "batch norm with ddof 1": ("batch_norm", on_dx(lambda dx, dy, c: norm_dx(dy, c, ddof=1))),
    "batch norm as in evaluation": ("batch_norm", on_dx(lambda dx, dy, c: norm_dx(dy, c, 0, 0))),
    "batch norm with channels swapped": ("batch_norm", on_dx(lambda dx, dy, c: dx[:, ::-1])),
    "bias of one image": ("bias", lambda backward: lambda dy, c: (dy, backward(dy[:1], c)[1])),
    "leaky rectifier": ("relu", on_dx(lambda dx, dy, c: np.where(c > 0, dy, 1e-3 * dy))),
    "max pool, mirrored": ("max_pool2d", on_dx(lambda dx, dy, c: dx[:, :, ::-1])),
    "max pool, transposed cotangent": ("max_pool2d", lambda b: lambda dy, c: b(dy.transpose(0, 1, 3, 2), c)),
    "average pool without padding in the mean": ("avg_pool2d", on_dx(lambda dx, dy, c: dx * 9 / 4)),
    "flatten, channels last": ("flatten", lambda b: lambda dy, c: dy.reshape(c[0], *c[2:], c[1]).transpose(0, 3, 1, 2)),
    "subsample, one channel on": ("subsample", lambda b: lambda dy, c: b(np.roll(dy, 1, axis=1), c)),
    "subsample, transposed cotangent": ("subsample", lambda b: lambda dy, c: b(dy.transpose(0, 1, 3, 2), c)),
    "clip, one-sided": ("clip", on_dx(lambda dx, dy, c: dy * (c[0] > c[1]))),
    "concat, parts exchanged": ("concat", lambda b: lambda dy, c: tuple(np.split(dy[:, ::-1], c, axis=1))),
    "pad, cropped at the other end": ("pad", lambda b: lambda dy, c: dy[
        (slice(None), *(slice(dy.shape[i] - s.stop, dy.shape[i] - s.start) for i, s in enumerate(c[1:], 1)))]),
    "factor forgotten": ("scale_shift", lambda b: lambda dy, c: dy),
    "shortcut forgotten": ("add", lambda b: lambda dy, c: (dy, 0 * dy)),
    "cross-entropy summed": ("cross_entropy", on_dx(lambda dx, dy, c: dx * len(dx))),
    "cross-entropy without the label": ("cross_entropy", on_dx(lambda dx, dy, c: dy * c[0] / len(dx))),
    "linear, weights reversed": ("linear", lambda b: lambda dy, c: (b(dy, c)[0], b(dy, c)[1][::-1])),
    "noise reward without sign": ("noise_loss", on_dx(lambda dx, dy, c: -np.abs(dx) * np.sign(dy))),
    "noise reward without cap": ("noise_loss", on_dx(lambda dx, dy, c: -dy * c[2] * c[1] * np.sign(c[0]))),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_battery_rejects(mutant):
    assert rejected(*MUTANTS[mutant])


def test_the_weighted_batch_norm_gradient_is_right_when_all_its_terms_are_there():
    assert not rejected("batch_norm", on_dx(lambda dx, dy, c: norm_dx(dy, c)))
