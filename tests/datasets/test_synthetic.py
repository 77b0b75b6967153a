"""Drawn digits: geometry against a pixel-by-pixel definition, determinism, balance, and how hard they are."""
import time

import numpy as np
import pytest

from refapprox.datasets import SyntheticDigits, synthetic
from refapprox.datasets.strokes import GLYPHS, sample_strokes, trace


@pytest.fixture(scope="module")
def digits():
    return SyntheticDigits()


def test_shapes_balance_and_normalization(digits):
    assert digits.train.images.shape == (11_000, 1, 28, 28) and digits.val.images.shape == (1_000, 1, 28, 28)
    assert digits.test.images.shape == (2_000, 1, 28, 28) and digits.num_classes == 10
    assert np.bincount(digits.test.labels).tolist() == [200] * 10
    drawn = np.bincount(digits.train.labels) + np.bincount(digits.val.labels)
    assert drawn.tolist() == [1_200] * 10
    # the constants are the moments of one seed to two digits
    assert abs(digits.train.images.mean()) < 0.01 and abs(digits.train.images.std() - 1) < 0.01


def test_the_same_seed_gives_the_same_images_and_another_seed_others():
    a, b, c = (SyntheticDigits(seed=seed, n_train=120, n_test=20) for seed in (3, 3, 4))
    assert np.array_equal(a.train.images, b.train.images) and np.array_equal(a.test.labels, b.test.labels)
    assert not np.array_equal(a.train.images, c.train.images)


def test_the_test_set_does_not_depend_on_the_size_of_the_training_set():
    a, b = (SyntheticDigits(n_train=n, n_test=20) for n in (120, 240))
    assert np.array_equal(a.test.images, b.test.images)


def test_no_image_is_in_two_parts(digits):
    rows = [set(map(bytes, part.images)) for part in (digits.train, digits.val, digits.test)]
    assert len(set.union(*rows)) == 14_000


def test_drawing_takes_less_than_five_seconds():
    start = time.process_time()      # of all cores together: the bound is on the work, not on the machine's load
    SyntheticDigits()
    assert time.process_time() - start < 5


def pen(q, ink, width):
    """Equation (2) of `synthetic`, pixel by pixel."""
    field = np.zeros((synthetic.SIZE, synthetic.SIZE))
    for y in range(synthetic.SIZE):
        for x in range(synthetic.SIZE):
            squared = (x + 0.5 - q[:, 0]) ** 2 + (y + 0.5 - q[:, 1]) ** 2
            field[y, x] = np.sum(ink * synthetic.SIZE * np.exp(-squared / (2 * width ** 2)))
    return field / (width * np.sqrt(2 * np.pi))


def test_the_factored_field_equals_the_sum_over_points():
    rng = np.random.default_rng(0)
    q, ink = rng.uniform(2, 26, (2, 9, 2)), rng.uniform(0.01, 0.05, (2, 9))
    width = np.array([0.8, 1.2])
    expected = [pen(*arguments) for arguments in zip(q, ink, width, strict=True)]
    assert np.allclose(synthetic.ink_field(q, ink, width[:, None, None]), expected, rtol=1e-12, atol=1e-14)


def test_a_straight_stroke_has_a_field_of_one_in_its_middle():
    points, ink = sample_strokes([[(0.5, 0.1), (0.5, 0.9)]], synthetic.POINTS)
    field = synthetic.ink_field(synthetic.SIZE * points[None], ink[None], np.ones((1, 1, 1)))[0]
    # half a pixel off the axis on both sides: exp(-1/8)
    assert np.allclose(field[14, 13:15], np.exp(-1 / 8), rtol=1e-3)


@pytest.mark.parametrize("digit", range(10))
def test_points_lie_in_the_unit_square_and_their_ink_is_the_length(digit):
    for strokes in GLYPHS[digit]:
        points, ink = sample_strokes(strokes, synthetic.POINTS)
        length = sum(np.hypot(*np.diff(trace(stroke), axis=0).T).sum() for stroke in strokes)
        assert points.shape == (synthetic.POINTS, 2) and points.min() >= 0 and points.max() <= 1
        assert np.isclose(ink.sum(), length, rtol=1e-12)
        assert ink.max() * synthetic.SIZE < 1.5      # pixels between neighbors: less than two pen widths


def test_a_quarter_arc_is_clockwise_on_the_page():
    corners = trace([(0.5, 0.5, 0.2, 0.1, 0, 90)])
    assert np.allclose(corners[[0, -1]], [[0.7, 0.5], [0.5, 0.6]])


def accuracy(scores, labels):
    return np.mean(scores.argmax(axis=1) == labels)


def with_constant(part):
    return np.column_stack([part.images.reshape(len(part.labels), -1), np.ones(len(part.labels))]).astype(float)


@pytest.mark.parametrize("ridge", [1e1, 1e3, 1e4])
def test_least_squares_stays_below_93_percent(digits, ridge):
    # measured: 75 to 78 %; the binomial sd of 2,000 test images is below 1.1 points
    x, y = with_constant(digits.train), np.eye(10)[digits.train.labels]
    w = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y)
    assert 0.6 < accuracy(with_constant(digits.test) @ w, digits.test.labels) < 0.93


@pytest.mark.slow
@pytest.mark.parametrize("decay", [1e-3, 1e-2, 1e-1])
def test_logistic_regression_stays_below_93_percent(digits, decay):
    from scipy.optimize import minimize

    from refapprox.ops import cross_entropy
    x, labels = with_constant(digits.train), digits.train.labels

    def loss(w):
        w = w.reshape(-1, 10)
        value, cache = cross_entropy.forward(x @ w, labels)
        return value + decay / 2 * np.sum(w * w), (x.T @ cross_entropy.backward(cache) + decay * w).ravel()

    w = minimize(loss, np.zeros(x.shape[1] * 10), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    assert 0.7 < accuracy(with_constant(digits.test) @ w.reshape(-1, 10), digits.test.labels) < 0.93


@pytest.mark.slow
def test_lenet_5_lands_between_97_and_998_permille(digits):
    from refapprox.main_job.config import PRESETS
    from refapprox.nets import LeNet5
    net = LeNet5(rng=np.random.default_rng(0), stages=PRESETS["quick"]["stages"])
    # measured: 99.1 to 99.5 %; the binomial sd of 2,000 test images is 0.2 points
    assert 0.97 < net.train_baseline(digits, test=True)[1] < 0.998


@pytest.mark.parametrize("arguments, message", [
    (dict(seed=-1), "seed of SyntheticDigits must be at least 0"),
    (dict(n_train=11), "n_train of SyntheticDigits must be at least 12"),
    (dict(n_test=0), "n_test of SyntheticDigits must be at least 1"),
    (dict(batch_size=0, n_train=12), "batch_size must be at least 1"),
    (dict(n_train=12.5), "n_train of SyntheticDigits must be an integer"),
])
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        SyntheticDigits(**arguments)
