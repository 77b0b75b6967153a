"""Images and labels in three parts, and the batches that training sees."""
from typing import NamedTuple

import numpy as np

from refapprox.validation import check_codes, check_finite, check_integer, check_rng


class Split(NamedTuple):
    """images float32 (n, c, h, w), normalized; labels int64 (n,)."""

    images: np.ndarray
    labels: np.ndarray


class DataModule:
    """A data set for training, validation and test.

    Parameters
    ----------
    train, val, test : pairs (images, labels)
        images (n, c, h, w) of real numbers, already normalized; labels (n,), integers in [0, num_classes).
    num_classes : int
    batch_size : int, optional

    Attributes
    ----------
    train, val, test : Split
    num_classes, batch_size : int
    image_shape : tuple (c, h, w)

    Raises
    ------
    ValueError
        If a part is empty, its shapes do not match, or a label is out of range.

    Examples
    --------
    >>> part = np.zeros((3, 1, 2, 2)), np.array([0, 1, 1])
    >>> data = DataModule(part, part, part, num_classes=2, batch_size=2)
    >>> [len(labels) for _, labels in data.train_batches(np.random.default_rng(0))]
    [2, 1]
    """

    def __init__(self, train, val, test, *, num_classes, batch_size=128):
        self.num_classes = check_integer("num_classes", num_classes, minimum=1)
        self.batch_size = check_integer("batch_size", batch_size, minimum=1)
        self.train, self.val, self.test = (check_split(name, part, self.num_classes) for name, part in
                                           (("train", train), ("val", val), ("test", test)))
        self.image_shape = self.train.images.shape[1:]
        for name, part in (("val", self.val), ("test", self.test)):
            if part.images.shape[1:] != self.image_shape:
                raise ValueError(f"{name} images must have the shape of the training images {self.image_shape}, "
                                 f"got {part.images.shape[1:]}.")

    @property
    def num_train_batches(self):
        """Batches of an epoch, the partial one included."""
        return -(-len(self.train.labels) // self.batch_size)

    def train_batches(self, rng):
        """One epoch of the training part as (images, labels), in a new order drawn from `rng`.

        Every image once; the last batch holds what is left over.
        """
        order = check_rng(rng).permutation(len(self.train.labels))
        return (Split(self.train.images[rows], self.train.labels[rows]) for rows in self._slices(order))

    def val_batches(self):
        """The validation part in order."""
        return self._in_order(self.val)

    def test_batches(self):
        """The test part in order. Nothing may be chosen by what it shows."""
        return self._in_order(self.test)

    def sample(self, n, rng):
        """`n` different random training images, for calibration."""
        check_integer("n of sample", n, minimum=1, maximum=len(self.train.labels))
        return self.train.images[check_rng(rng).choice(len(self.train.labels), size=n, replace=False)]

    def _in_order(self, part):
        return (Split(part.images[rows], part.labels[rows]) for rows in self._slices(np.arange(len(part.labels))))

    def _slices(self, order):
        return (order[start:start + self.batch_size] for start in range(0, len(order), self.batch_size))


def check_split(name, part, num_classes):
    """`part` as a Split, or a ValueError saying what is wrong with it."""
    images, labels = (np.asarray(array) for array in part)
    if images.ndim != 4 or images.size == 0 or labels.shape != images.shape[:1]:
        raise ValueError(f"{name} needs images of shape (n, c, h, w), at least one, and labels of shape (n,), "
                         f"got {images.shape} and {labels.shape}.")
    labels = check_codes(f"labels of {name}", labels, 0, num_classes - 1)
    return Split(check_finite(f"images of {name}", images).astype(np.float32, copy=False),
                 labels.astype(np.int64, copy=False))
