"""Passes in bands: no bit depends on workers, and means far from zero cost no digits."""
import numpy as np
import pytest

from refapprox.ops import add, agn, bands, batch_norm, clip, relu


@pytest.mark.parametrize("shape", [(3, 5, 4, 7), (70, 6), (2, 3, 1, 1), (0, 3, 2, 2)])
def test_no_bit_depends_on_workers(shape, monkeypatch):
    monkeypatch.setattr(bands, "BAND_BYTES", 100)
    monkeypatch.setattr(bands, "LONG", 20)
    rng = np.random.default_rng(0)
    x, other, dy = rng.standard_normal((3, *shape), np.float32)
    gamma, beta = rng.standard_normal((2, shape[1]), np.float32)

    def passes(workers):
        rectified, cache = relu.forward(x, workers=workers)
        yield from (rectified, relu.backward(dy, cache, workers=workers), add.forward(x, other, workers=workers)[0])
        clipped, cache = clip.forward(x, -0.5, 0.5, workers=workers)
        yield from (clipped, clip.backward(dy, cache, workers=workers))
        if x.size:
            noisy, cache = agn.forward(x, 0.3, eps=other, workers=workers)
            yield from (noisy, *agn.backward(dy, cache, workers=workers))
            normal, running, cache = batch_norm.forward(x, gamma, beta, gamma, gamma ** 2, training=True,
                                                        workers=workers)
            yield from (normal, *running, *batch_norm.backward(dy, cache, workers=workers))

    for alone, shared in zip(passes(1), passes(3), strict=True):
        assert np.array_equal(alone, shared)


@pytest.mark.parametrize("mean", [0.0, 3.9, 1000.0])
@pytest.mark.parametrize("long", [100, 8192])
def test_batch_norm_keeps_its_digits_however_far_the_mean_lies(mean, long, monkeypatch):
    """Beside float64 of the same inputs: of a float32's 24 bits sums lose few and `far` 4 more; the mean is known
    to 24 bits, and sums multiply its error. Without `far` the variance would lose 20 bits where it is 1000 stds."""
    monkeypatch.setattr(bands, "LONG", long)      # 8192: no number of rows that divides them all makes as many elements
    rng = np.random.default_rng(1)
    of_channels = mean * np.array([0.5, 0.0, 1.0]).reshape(3, 1, 1)      # one that is far is enough
    x = (rng.standard_normal((10, 3, 20, 20)) + of_channels).astype(np.float32)
    dy, ones = rng.standard_normal(x.shape).astype(np.float32), np.ones(3, np.float32)
    found, wanted = [], []
    for results, dtype in ((found, np.float32), (wanted, np.float64)):
        y, running, cache = batch_norm.forward(x.astype(dtype), ones, ones, ones, ones, training=True)
        results += [y, running[1], *batch_norm.backward(dy.astype(dtype), cache)]
    for narrow, wide in zip(found, wanted, strict=True):
        largest = np.abs(wide).max()
        assert np.abs(narrow - wide).max() <= 2 ** -17 * largest + 3 * 2 ** -24 * mean * (1 + largest)
