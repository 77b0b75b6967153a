"""Handwriting by formula: the embedded data set, which needs no file and no network.

A digit is a curve through points p with ink w (see `strokes`). An image draws one of its ways of being written and
moves the points, in units of the 28 pixels,

    q = center + A (p - 1/2) + sum_k a_k sin(2 pi f_k . p + phi_k)                     (1)

A a random rotation, shear and scale, the sum a smooth elastic deformation. The pen has a Gaussian profile of random
width s; its ink saturates; pixels are noisy:

    field[y, x] = sum_p w_p exp(-|(x, y) - q_p|^2 / (2 s^2)) / (s sqrt(2 pi))          (2)
    image = clip(1 - exp(-pressure * field) + noise, 0, 1)                             (3)

(2) is 1 in the middle of a straight stroke. It factors into a row and a column part, so that all pixels of an image
are one small matrix product.
"""
import numpy as np

from refapprox.datasets.datamodule import DataModule
from refapprox.datasets.strokes import GLYPHS, sample_strokes
from refapprox.validation import check_integer

SIZE = 28                   # pixels a side
POINTS = 64                 # along the strokes of one digit: about a pixel apart, less than two pen widths
MEAN, STD = 0.18, 0.29      # of the pixels in [0, 1], which the images are normalized by
CHUNK = 1000                # images drawn at once: bounds the memory


class SyntheticDigits(DataModule):
    """Drawn digits, 28 x 28, ten classes.

    Parameters
    ----------
    batch_size : int, optional
    seed : int, optional
        The same seed gives the same images.
    n_train : int, optional
        Images for training; a twelfth of them, as in MNIST's split, is set aside for validation.
    n_test : int, optional

    Raises
    ------
    TypeError
        If an argument is no integer.
    ValueError
        If the seed is negative, or there are fewer than 12 training images or no test image.

    Examples
    --------
    >>> data = SyntheticDigits(n_train=120, n_test=10)
    >>> data.train.images.shape, data.val.images.shape, data.test.images.shape
    ((110, 1, 28, 28), (10, 1, 28, 28), (10, 1, 28, 28))
    """

    def __init__(self, batch_size: int = 128, seed: int = 0, n_train: int = 12_000, n_test: int = 2_000) -> None:
        seed = check_integer("seed of SyntheticDigits", seed, minimum=0)
        n_train = check_integer("n_train of SyntheticDigits", n_train, minimum=12)
        n_test = check_integer("n_test of SyntheticDigits", n_test, minimum=1)
        for_training, for_test = np.random.default_rng(seed).spawn(2)      # the test set does not depend on n_train
        images, labels = draw_digits(n_train, for_training)
        cut = n_train - n_train // 12
        super().__init__((images[:cut], labels[:cut]), (images[cut:], labels[cut:]), draw_digits(n_test, for_test),
                         num_classes=10, batch_size=batch_size)


def draw_digits(n, rng):
    """`n` normalized images (n, 1, 28, 28) float32 and their labels, all classes equally often."""
    labels = rng.permutation(np.arange(n) % 10)
    pixels = np.concatenate([draw(labels[start:start + CHUNK], rng) for start in range(0, n, CHUNK)])
    return ((pixels - MEAN) / STD)[:, None].astype(np.float32), labels


def draw(labels, rng):
    """Images (n, 28, 28) of `labels`, values in [0, 1]."""
    n = len(labels)
    points, ink = written(labels, rng)
    q = SIZE / 2 + rng.normal(0, 1.2, (n, 1, 2)) + (points - 0.5) @ affine(n, rng) + elastic(points, rng)      # (1)
    width = rng.uniform(0.7, 1.3, (n, 1, 1))
    pressure = rng.uniform(1.0, 3.0, (n, 1, 1))
    image = 1 - np.exp(-pressure * ink_field(q, ink, width))
    return np.clip(image + rng.normal(0, 0.1, image.shape), 0, 1)                                               # (3)


def ink_field(q, ink, width):
    """Field (n, 28, 28) by (2): points q (n, p, 2) and pen width (n, 1, 1) in pixels, ink (n, p) in image sides."""
    pixel_centers = np.arange(SIZE) + 0.5
    x, y = (np.exp(-((pixel_centers[:, None] - q[:, None, :, axis]) / width) ** 2 / 2) for axis in (0, 1))
    return (y * ink[:, None] * SIZE) @ x.transpose(0, 2, 1) / (width * np.sqrt(2 * np.pi))                      # (2)


def written(labels, rng):
    """Points (n, POINTS, 2) and ink (n, POINTS) of a random way of writing each label."""
    ways = [(digit, *sample_strokes(strokes, POINTS)) for digit, variants in GLYPHS.items() for strokes in variants]
    digit = np.array([way[0] for way in ways])
    first, count = np.searchsorted(digit, labels), np.bincount(digit)[labels]
    chosen = first + (rng.random(len(labels)) * count).astype(int)
    return np.stack([way[1] for way in ways])[chosen], np.stack([way[2] for way in ways])[chosen]


def affine(n, rng):
    """Random rotation, shear and scale (n, 2, 2), for row vectors, in pixels."""
    angle, shear = rng.normal(0, 0.15, n), rng.normal(0, 0.15, n)
    scale = SIZE * rng.uniform(0.6, 0.9, (n, 2))
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[c, s], [-s, c]]).transpose(2, 0, 1)
    slant = np.array([[np.ones(n), 0 * shear], [-shear, np.ones(n)]]).transpose(2, 0, 1)
    return scale[:, :, None] * slant @ rotation


def elastic(points, rng, modes=3):
    """Smooth displacements (n, POINTS, 2) in pixels: `modes` plane waves an image, of about one period."""
    n = len(points)
    moved = np.zeros_like(points)
    for _ in range(modes):
        frequency, phase = rng.normal(0, 0.8, (n, 2, 1)), rng.uniform(0, 2 * np.pi, (n, 1, 1))
        amplitude = rng.normal(0, 0.65, (n, 1, 2))
        moved += amplitude * np.sin(2 * np.pi * (points @ frequency) + phase)
    return moved
