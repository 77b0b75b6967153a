"""Values and gradients of the layers against PyTorch's autograd, where it is installed."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_conv2d import cases

from refapprox.ops import (
    avg_pool2d,
    batch_norm,
    bias,
    conv2d,
    cross_entropy,
    fake_quantize,
    linear,
    max_pool2d,
    relu,
)

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra crossval)")
functional = torch.nn.functional

# float64 on both sides, sums of at most a few hundred terms of order one in another order: 1e3 * eps = 2e-13
TOLERANCE = dict(rtol=1e-12, atol=1e-12)


def agree(ours, theirs, inputs, seed):
    """Whether ours, (y, gradients of sum(dy * y)), equals PyTorch's: ``ours(dy)`` and ``theirs(*tensors)``."""
    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    reference = theirs(*tensors)
    dy = np.random.default_rng(seed).normal(size=tuple(reference.shape))
    reference.backward(torch.tensor(dy))
    y, gradients = ours(dy)
    pairs = [(y, reference.detach()), *((g, t.grad) for g, t in zip(gradients, tensors, strict=True))]
    return all(np.allclose(a, b.numpy(), **TOLERANCE) for a, b in pairs)


@settings(max_examples=50)
@given(case=cases(), seed=st.integers(0, 2**32 - 1))
def test_conv2d(case, seed):
    x_shape, w_shape, options = case
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=x_shape), rng.normal(size=w_shape)

    def ours(dy):
        y, cache = conv2d.forward(x, w, **options)
        return y, conv2d.backward(dy, cache)

    assert agree(ours, lambda x, w: functional.conv2d(x, w, **options), [x, w], seed)


def test_linear_and_bias():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(5, 7)), rng.normal(size=(3, 7)), rng.normal(size=3)

    def ours(dy):
        product, cache = linear.forward(x, w)
        y, _ = bias.forward(product, b)
        dproduct, db = bias.backward(dy)
        return y, (*linear.backward(dproduct, cache), db)

    assert agree(ours, functional.linear, [x, w, b], 1)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 4, 5)])
def test_batch_norm(shape, training):
    rng = np.random.default_rng(0)
    x, (gamma, beta, mean) = rng.normal(size=shape), rng.normal(size=(3, 3))
    var = rng.uniform(0.5, 2, 3)
    their_mean, their_var = torch.tensor(mean), torch.tensor(var)
    running = None

    def ours(dy):
        nonlocal running
        y, running, cache = batch_norm.forward(x, gamma, beta, mean, var, training=training, momentum=0.3, eps=1e-3)
        return y, batch_norm.backward(dy, cache)

    def theirs(x, gamma, beta):
        return functional.batch_norm(x, their_mean, their_var, gamma, beta, training=training, momentum=0.3, eps=1e-3)

    assert agree(ours, theirs, [x, gamma, beta], 1)
    assert np.allclose(running[0], their_mean.numpy(), **TOLERANCE)
    assert np.allclose(running[1], their_var.numpy(), **TOLERANCE)


@pytest.mark.parametrize("op, reference", [(max_pool2d, functional.max_pool2d), (avg_pool2d, functional.avg_pool2d)])
@pytest.mark.parametrize("kernel, stride, padding", [(2, None, 0), (3, 2, 1), ((2, 3), (1, 2), (1, 0))])
def test_pooling_with_ties(op, reference, kernel, stride, padding):
    x = np.random.default_rng(0).integers(0, 3, (2, 3, 7, 8)).astype(float)      # few values: ties in most windows

    def ours(dy):
        y, cache = op.forward(x, kernel, stride, padding)
        return y, (op.backward(dy, cache),)

    assert agree(ours, lambda x: reference(x, kernel, stride, padding), [x], 1)


def test_relu_at_and_around_its_kink():
    x = np.array([-1.0, -0.0, 0.0, 1.0])

    def ours(dy):
        y, cache = relu.forward(x)
        return y, (relu.backward(dy, cache),)

    assert agree(ours, functional.relu, [x], 1)


def test_cross_entropy():
    logits, labels = 5 * np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 1, 2, 3, 3, 0])

    def ours(dy):
        loss, cache = cross_entropy.forward(logits, labels)
        return loss, (dy * cross_entropy.backward(cache),)

    assert agree(ours, lambda z: functional.cross_entropy(z, torch.tensor(labels)), [logits], 1)


@pytest.mark.parametrize("zero_point", [0, 3])
def test_fake_quantize(zero_point):
    # a power of two as scale: both quotients are exact, ties and the edges of the range included
    x = np.arange(-80, 80) / 16.0

    def ours(dy):
        y, cache = fake_quantize.forward(x, 0.125, zero_point, -16, 15)
        return y, (fake_quantize.backward(dy, cache),)

    assert agree(ours, lambda x: torch.fake_quantize_per_tensor_affine(x, 0.125, zero_point, -16, 15), [x], 1)
