"""The checker itself: right gradients pass, gradients that are a little wrong do not."""
import numpy as np
import pytest

from refapprox.gradient_check import gradient_agrees

SEEDS = range(10)


def forward(x, w):
    return np.sin(x) @ w, (x, w)


def backward(dy, cache):
    x, w = cache
    return np.cos(x) * (dy @ w.T), np.sin(x).T @ dy


def agrees(backward, seed, size=12):
    rng = np.random.default_rng(seed)
    return gradient_agrees(forward, backward, [rng.normal(size=(5, size)), rng.normal(size=(size, 3))], rng=rng)


@pytest.mark.parametrize("size", [1, 12, 200])
def test_right_gradients_pass(size):
    assert all(agrees(backward, seed, size) for seed in SEEDS)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("factor", [1.0005, -1.0, 0.0, np.nan])
def test_gradients_off_by_half_a_thousandth_fail(which, factor):
    def wrong(dy, cache):
        gradients = list(backward(dy, cache))
        gradients[which] = gradients[which] * factor
        return tuple(gradients)

    assert not any(agrees(wrong, seed) for seed in SEEDS)


def test_a_small_factor_on_a_large_gradient_fails():
    # 10**5 random terms nearly cancel along a random direction: half of such directions would let the factor pass
    def wrong(dy, cache):
        dx, dw = backward(dy, cache)
        return dx * 1.0005, dw

    assert agrees(backward, 0, 20_000)
    assert not any(agrees(wrong, seed, 20_000) for seed in SEEDS)


def test_one_wrong_element_fails():
    def wrong(dy, cache):
        dx, dw = backward(dy, cache)
        dw = dw.copy()
        dw[3, 1] *= 1.01
        return dx, dw

    assert not any(agrees(wrong, seed) for seed in SEEDS)


def test_a_permuted_gradient_fails():
    assert not any(agrees(lambda dy, cache: (backward(dy, cache)[0][::-1], backward(dy, cache)[1]), seed)
                   for seed in SEEDS)


def test_single_precision_and_wrong_shapes_are_refused():
    rng = np.random.default_rng(0)
    x = np.ones(3)
    with pytest.raises(ValueError, match="must be float64"):
        gradient_agrees(lambda x: (x, None), lambda dy, _: dy, [x.astype(np.float32)], rng=rng)
    with pytest.raises(ValueError, match="shape of its input"):
        gradient_agrees(lambda x: (x, None), lambda dy, _: dy[:2], [x], rng=rng)
    with pytest.raises(TypeError, match="Generator"):
        gradient_agrees(lambda x: (x, None), lambda dy, _: dy, [x], rng=0)
