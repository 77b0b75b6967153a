"""The noise layer against central differences, its edges, and the mutants that the check must reject."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from refapprox.ops import agn

H = np.cbrt(np.finfo(float).eps)      # step that balances truncation and rounding of a central difference
RTOL = 1e-6                           # their sum is about H**2 = 4e-11; the rest is room for conditioning


def directional(f, at, along):
    return (f(at + H * along) - f(at - H * along)) / (2 * H)


def gradients_agree(backward, n, sigma, seed):
    """Whether `backward` matches central differences along a random direction, for a random cotangent."""
    rng = np.random.default_rng(seed)
    x, eps, dy, vx = rng.normal(size=(4, n))
    dx, dsigma = backward(dy, agn.forward(x, sigma, eps=eps)[1])

    def loss(x=x, sigma=sigma):
        return np.sum(dy * agn.forward(x, sigma, eps=eps)[0])

    atol = RTOL * np.abs(dy).sum() * (1 + np.abs(eps).max())
    return (np.isclose(dx @ vx, directional(lambda z: loss(x=z), x, vx), rtol=RTOL, atol=atol)
            and np.isclose(dsigma, directional(lambda s: loss(sigma=s), sigma, 1.0), rtol=RTOL, atol=atol))


@given(n=st.integers(2, 40), sigma=st.floats(-0.6, 0.6), seed=st.integers(0, 2**32 - 1))
def test_gradients_match_central_differences(n, sigma, seed):
    assert gradients_agree(agn.backward, n, sigma, seed)


def off_by_ddof(dy, cache):
    dx, dsigma = agn.backward(dy, cache)
    return dy + (dx - dy) * (dy.size - 1) / dy.size, dsigma


def detached(dy, cache):
    return dy, agn.backward(dy, cache)[1]


def slightly_off(dy, cache):
    dx, dsigma = agn.backward(dy, cache)
    return dx, dsigma * 1.001


@pytest.mark.parametrize("mutant", [off_by_ddof, detached, slightly_off])
def test_the_check_rejects_wrong_gradients(mutant):
    assert not any(gradients_agree(mutant, 20, 0.5, seed) for seed in range(10))


def test_constant_input_passes_unchanged_and_finite():
    y, cache = agn.forward(np.full(4, 3.0), 0.5, eps=np.ones(4))
    dx, dsigma = agn.backward(np.arange(4.0), cache)
    assert np.array_equal(y, np.full(4, 3.0))
    assert np.array_equal(dx, np.arange(4.0)) and dsigma == 0


def test_detached_reading_differs_from_the_attached_one():
    rng = np.random.default_rng(7)
    x, eps, dy = rng.normal(size=(3, 20))
    attached, _ = agn.backward(dy, agn.forward(x, 0.5, eps=eps)[1])
    detached, _ = agn.backward(dy, agn.forward(x, 0.5, eps=eps, detach_std=True)[1])
    assert np.array_equal(detached, dy)
    assert np.abs(attached - dy).max() > 1e-3      # or this test could not tell the readings apart


@pytest.mark.parametrize("shape", [(5, 4), (3, 2, 4, 5)])
def test_the_draw_is_standard_normal_float_and_has_the_memory_of_its_layer(shape):
    eps = agn.draw(shape, np.random.default_rng(0), np.float32)
    assert eps.shape == shape and eps.dtype == np.float32
    assert len(shape) == 2 or eps.strides[0] == eps.itemsize
    assert np.array_equal(eps, agn.draw(shape, np.random.default_rng(0), np.float32, workers=2))
    wide = agn.draw(shape, np.random.default_rng(0), np.float64)
    assert np.array_equal(np.sort(wide.ravel()), np.sort(np.random.default_rng(0).standard_normal(eps.size)))


@pytest.mark.parametrize("source", [np.random.PCG64, np.random.SFC64, np.random.Philox])
def test_normals_in_float32_are_the_formula_of_their_bits(source):
    """Rounding u to float32 near 1 moves a radius by up to sqrt(2 * 2**-24) = 3.5e-4; everything else by less."""
    count = 2 * agn.DRAWN + 5
    drawn, alone, shared = (np.random.Generator(source(3)) for _ in range(3))
    for rng in (drawn, alone, shared):
        rng.integers(5, dtype=np.uint32)      # half of 64 bits: the rest waits
    bits = drawn.integers(0, 1 << 64, -(-count // 2), np.uint64).view(np.uint32)
    found = agn.box_muller(count, alone)
    assert np.array_equal(found, agn.box_muller(count, shared, workers=2))
    following = drawn.integers(1 << 32, size=3, dtype=np.uint32).tolist()
    assert all(rng.integers(1 << 32, size=3, dtype=np.uint32).tolist() == following for rng in (alone, shared))
    for start, values in ((0, bits[:2 * agn.DRAWN]), (2 * agn.DRAWN, bits[2 * agn.DRAWN:])):
        u, v = (values.reshape(2, -1) + np.array([[0.5], [0]])) / 2 ** 32
        expected = np.sqrt(-2 * np.log(u)) * [np.cos(2 * np.pi * v), np.sin(2 * np.pi * v)]
        part = found[start:start + expected.size]
        assert np.allclose(part, expected.ravel()[:len(part)], atol=4e-4)


def test_the_largest_normal_comes_of_no_bits_and_an_odd_number_is_drawn_too(monkeypatch):
    assert agn.draw((3,), np.random.default_rng(0), np.float32).shape == (3,)
    monkeypatch.setattr(agn, "random_bits", lambda rng, pairs: lambda start, size: np.zeros(size, np.uint64))
    assert np.allclose(agn.box_muller(3, None), [np.sqrt(66 * np.log(2))] * 2 + [0.0], rtol=1e-6, atol=0)


def test_normals_in_float32_are_normal():
    """Kolmogorov and Smirnov, false alarms 1e-6: of 200,000 draws a spread 4 % off or a mean 0.03 off is caught."""
    draws = agn.draw((200_000,), np.random.default_rng(5), np.float32).astype(float)
    assert stats.kstest(draws, "norm").pvalue > 1e-6
    assert all(stats.kstest(wrong, "norm").pvalue < 1e-6 for wrong in (1.04 * draws, draws + 0.03, np.round(draws, 1)))
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 5 / np.sqrt(len(draws))


@pytest.mark.parametrize("x, eps, message", [
    (np.zeros(1), np.zeros(1), "at least 2 elements"),
    (np.zeros(3), np.zeros(2), "shape of x"),
])
def test_bad_input_is_named(x, eps, message):
    with pytest.raises(ValueError, match=message):
        agn.forward(x, 0.1, eps=eps)
