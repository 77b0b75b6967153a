"""Images and labels in three parts, and the batches that training sees."""
from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from refapprox.datasets.pixels import CropAndFlip, NormalizedImages
from refapprox.validation import (
    WrongKindError,
    check_array,
    check_codes,
    check_finite,
    check_instance,
    check_integer,
    check_rng,
    shown,
)


class Split(NamedTuple):
    """Images and their labels.

    Parameters
    ----------
    images : float32 array (n, c, h, w), or NormalizedImages
        Normalized; what looks like an array is indexed like one, by images.
    labels : int64 array (n,)

    Examples
    --------
    >>> images, labels = Split(np.zeros((2, 1, 4, 4), np.float32), np.array([0, 1]))
    >>> len(labels)
    2
    """

    images: NDArray[np.float32] | NormalizedImages
    labels: NDArray[np.int64]


class DataModule:
    """A data set for training, validation and test.

    Parameters
    ----------
    train, val, test : pairs (images, labels)
        images (n, c, h, w) of real numbers, already normalized, or NormalizedImages; labels (n,), integers in
        [0, num_classes).
    num_classes : int
    batch_size : int, optional
    augmentation : CropAndFlip, optional
        How training images are moved in every epoch; for NormalizedImages only, whose border is black.
    digests : dict of str to dict, optional
        Where the data came from: file -> {"md5": its sum, "known": whether it is that of the file of record}.

    Attributes
    ----------
    train, val, test : Split
    num_classes, batch_size : int
    augmentation : CropAndFlip or None
    digests : dict
    image_shape : tuple (c, h, w)

    Raises
    ------
    TypeError
        If a number is no integer, or the augmentation none.
    ValueError
        If a part is empty, its shapes do not match, or a label is out of range.

    Examples
    --------
    >>> part = np.zeros((3, 1, 2, 2)), np.array([0, 1, 1])
    >>> data = DataModule(part, part, part, num_classes=2, batch_size=2)
    >>> [len(labels) for _, labels in data.train_batches(np.random.default_rng(0))]
    [2, 1]
    """

    def __init__(self, train: tuple, val: tuple, test: tuple, *, num_classes: int, batch_size: int = 128,
                 augmentation: CropAndFlip | None = None, digests: dict | None = None) -> None:
        self.num_classes = check_integer("num_classes", num_classes, minimum=1)
        self.batch_size = check_integer("batch_size", batch_size, minimum=1)
        self.train, self.val, self.test = (check_split(name, part, self.num_classes) for name, part in
                                           (("train", train), ("val", val), ("test", test)))
        self.image_shape = self.train.images.shape[1:]
        for name, part in (("val", self.val), ("test", self.test)):
            if part.images.shape[1:] != self.image_shape:
                raise ValueError(f"{name} images must have the shape of the training images {self.image_shape}, "
                                 f"got {part.images.shape[1:]}.")
        if augmentation is not None:
            check_instance("augmentation", augmentation, CropAndFlip)
            check_instance("train images of a DataModule with augmentation", self.train.images, NormalizedImages)
        self.augmentation, self.digests = augmentation, digests or {}

    @property
    def num_train_batches(self) -> int:
        """Batches of an epoch, the partial one included."""
        return -(-len(self.train.labels) // self.batch_size)

    def train_batches(self, rng: np.random.Generator) -> Iterator[Split]:
        """One epoch of the training part as (images, labels), in a new order drawn from `rng`.

        Every image once; the last batch holds what is left over. How the images are moved is drawn after the order,
        for the whole epoch, so that the same generator gives the same bits whatever became of earlier epochs.
        """
        order = check_rng(rng).permutation(len(self.train.labels))
        if self.augmentation is None:
            return self._batches(self.train, order)
        return self._moved(order, self.augmentation.draw(len(order), rng))

    def val_batches(self) -> Iterator[Split]:
        """The validation part in order."""
        return self._batches(self.val, np.arange(len(self.val.labels)))

    def test_batches(self) -> Iterator[Split]:
        """The test part in order. Nothing may be chosen by what it shows."""
        return self._batches(self.test, np.arange(len(self.test.labels)))

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """`n` different random training images as they are, for calibration.

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator
        """
        n = check_integer("n of sample", n, minimum=1, maximum=len(self.train.labels))
        return self.train.images[check_rng(rng).choice(len(self.train.labels), size=n, replace=False)]

    def first(self, n_train: int, n_test: int | None = None) -> DataModule:
        """The same data set with its first images only; all of them where there are fewer.

        Parameters
        ----------
        n_train : int
            Training images, and validation images at most.
        n_test : int, optional
            Test images, all unless given.
        """
        n_train = check_integer("n_train of first", n_train, minimum=1)
        test = self.test if n_test is None else cut(self.test, check_integer("n_test of first", n_test, minimum=1))
        return DataModule(cut(self.train, n_train), cut(self.val, n_train), test, num_classes=self.num_classes,
                          batch_size=self.batch_size, augmentation=self.augmentation, digests=self.digests)

    def _batches(self, part, order):
        return (Split(part.images[rows], part.labels[rows]) for rows in self._slices(order))

    def _moved(self, order, moves):
        images = self.train.images
        return (Split(images.normalized(self.augmentation.apply(images.pixels[rows], moved)), self.train.labels[rows])
                for rows, moved in zip(self._slices(order), self._slices(moves), strict=True))

    def _slices(self, order):
        return (order[start:start + self.batch_size] for start in range(0, len(order), self.batch_size))


def cut(part, n):
    """The first `n` images of a Split and their labels."""
    images = part.images.first(n) if isinstance(part.images, NormalizedImages) else part.images[:n]
    return Split(images, part.labels[:n])


def check_split(name, part, num_classes):
    """`part` as a Split, or a ValueError saying what is wrong with it."""
    if not isinstance(part, (tuple, list)) or len(part) != 2:
        raise WrongKindError(f"{name} must be a pair (images, labels), got {shown(part)}.")
    images, labels = part
    labels = check_array(f"labels of {name}", labels)
    if not isinstance(images, NormalizedImages):
        images = check_finite(f"images of {name}", images, dtype=np.float32)
    if images.ndim != 4 or images.size == 0 or labels.shape != images.shape[:1]:
        raise ValueError(f"{name} needs images of shape (n, c, h, w), at least one, and labels of shape (n,), "
                         f"got {images.shape} and {labels.shape}.")
    return Split(images, check_codes(f"labels of {name}", labels, 0, num_classes - 1))
