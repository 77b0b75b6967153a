"""Data sets under agnapprox's names: the life cycle of its data modules around a `refapprox.datasets.DataModule`."""
from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from refapprox import datasets
from refapprox._lazy import doors
from refapprox.datasets import DataModule
from refapprox.datasets.datamodule import Split
from refapprox.datasets.idx import read_idx
from refapprox.datasets.mnist import download_mnist, locate, normalized
from refapprox.datasets.pixels import NormalizedImages
from refapprox.validation import check_finite, generator_or_fresh

__all__ = ["ApproxDataModule", "CIFAR10", "MNIST", "TinyImageNet", "native_datamodule"]

ENVIRONMENT = "AGNAPPROX_DATA_DIR"
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)      # mean and std that both published loaders normalize by


class ApproxDataModule:
    """Base of the data sets: `prepare_data` fetches, `setup` loads.

    Parameters
    ----------
    batch_size : int, optional
    num_workers : int, optional
        Accepted and without effect: batches are slices of arrays in memory.

    Notes
    -----
    Your own data set defines `load`, which returns a `refapprox.datasets.DataModule`. As everywhere in
    refapprox, training images are shuffled anew in every epoch; the published loader kept their order.

    Examples
    --------
    >>> from refapprox.datasets import SyntheticDigits
    >>> class Digits(ApproxDataModule):
    ...     def load(self):
    ...         return SyntheticDigits(n_train=24, n_test=4)
    >>> data = Digits()
    >>> data.setup()
    >>> data.df_test.images.shape[0]
    4
    """

    def __init__(self, batch_size: int = 128, num_workers: int = 0) -> None:
        self.args = {"batch_size": batch_size, "num_workers": num_workers}
        self.data_dir = os.environ.get(ENVIRONMENT, "./data")
        self._native = None

    def prepare_data(self) -> None:
        """Make sure that the files are there."""

    def load(self) -> DataModule:
        """The data as a native DataModule."""
        raise TypeError(f"{type(self).__name__} does not define load.")

    def setup(self, stage: str | None = None) -> None:
        """Load all parts, whatever the `stage`."""
        self._native = self.load()

    @property
    def native(self) -> DataModule:
        """The native DataModule; a ValueError before `setup`."""
        if self._native is None:
            raise ValueError(f"{type(self).__name__} is not loaded: call prepare_data() and setup() first.")
        return self._native

    @property
    def df_train(self) -> Split:
        """Training part (images, labels)."""
        return self.native.train

    @property
    def df_val(self) -> Split:
        """Validation part (images, labels)."""
        return self.native.val

    @property
    def df_test(self) -> Split:
        """Test part (images, labels)."""
        return self.native.test

    def train_dataloader(self, *, rng: np.random.Generator | None = None) -> Iterator[Split]:
        """Batches of an epoch, in a new order."""
        return self.native.train_batches(generator_or_fresh(rng))

    def val_dataloader(self) -> Iterator[Split]:
        """Batches of the validation part, in order."""
        return self.native.val_batches()

    def test_dataloader(self) -> Iterator[Split]:
        """Batches of the test part, in order."""
        return self.native.test_batches()

    def sample_dataloader(self, num_samples: int = 128, *, rng: np.random.Generator | None = None) -> Iterator[Any]:
        """Random training images and their labels, drawn with replacement, in batches.

        Parameters
        ----------
        num_samples : int, optional
        rng : numpy.random.Generator, optional
            A fresh one where it is None.
        """
        train, rng = self.native.train, generator_or_fresh(rng)
        rows, size = rng.integers(len(train.labels), size=num_samples), self.args["batch_size"]
        return ((train.images[rows[i:i + size]], train.labels[rows[i:i + size]]) for i in range(0, num_samples, size))


def native_datamodule(datamodule: Any) -> DataModule:
    """The native DataModule behind `datamodule`, which may be one itself.

    Parameters
    ----------
    datamodule : ApproxDataModule or refapprox DataModule

    Returns
    -------
    refapprox.datasets.DataModule

    Raises
    ------
    TypeError
        For anything else.

    Examples
    --------
    >>> from refapprox.datasets import SyntheticDigits
    >>> data = SyntheticDigits(n_train=24, n_test=4)
    >>> native_datamodule(data) is data
    True
    """
    native = getattr(datamodule, "native", datamodule)
    if not isinstance(native, DataModule):
        raise TypeError(f"datamodule must be an ApproxDataModule or a refapprox DataModule, "
                        f"got {type(datamodule).__name__}.")
    return native


FILES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
         "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}


class MNIST(ApproxDataModule):
    """MNIST's four IDX files from the folder AGNAPPROX_DATA_DIR, or ./data where that is not set.

    `prepare_data` downloads what is missing. Files that are there are taken as they are, without a checksum, as the
    published loader takes them: other data of the same form, such as a few drawn digits for a test, loads too.
    `refapprox.datasets.MNIST` is the strict one. A twelfth of the training file, its end, is set aside for
    validation: the published 55,000 and 5,000.

    Parameters
    ----------
    batch_size, num_workers
        As of `ApproxDataModule`.

    Examples
    --------
    >>> MNIST(batch_size=64).args["batch_size"]
    64
    """

    def prepare_data(self) -> None:
        """Download what is missing."""
        download_mnist(Path(self.data_dir))

    def load(self) -> DataModule:
        """The four files as a native DataModule."""
        images, labels = self._read("train")
        cut = len(labels) - len(labels) // 12
        return DataModule((images[:cut], labels[:cut]), (images[cut:], labels[cut:]), self._read("test"),
                          num_classes=10, batch_size=self.args["batch_size"])

    def _read(self, part):
        arrays = []
        for name, ndim in zip(FILES[part], (3, 1), strict=True):
            path = locate(Path(self.data_dir), name)
            if path is None:
                raise FileNotFoundError(f"{name} is not in {self.data_dir}: call prepare_data(), which fetches it.")
            arrays.append(read_idx(path, ndim=ndim))
        return normalized(arrays[0]), arrays[1]


class CIFAR10(ApproxDataModule):
    """CIFAR-10 from the folder AGNAPPROX_DATA_DIR, in the authors' binary files; cropped and mirrored at random.

    Normalized by ImageNet's mean and std, as published; `refapprox.datasets.CIFAR10` has CIFAR-10's own. The published
    loader draws the 5,000 images of the validation part anew in every process; here they are the last ones. Nothing is
    downloaded.

    Parameters
    ----------
    batch_size, num_workers
        As of `ApproxDataModule`.

    Examples
    --------
    >>> CIFAR10(batch_size=64).args["batch_size"]
    64
    """

    def load(self) -> DataModule:
        """The files as a native DataModule."""
        return with_moments(datasets.CIFAR10(self.args["batch_size"], self.data_dir), *IMAGENET)


class TinyImageNet(ApproxDataModule):
    """TinyImageNet from `tiny-imagenet-200` in the folder AGNAPPROX_DATA_DIR, as it is distributed.

    The published loader wants `val` sorted into folders by class first (its `format_tinyimagenet.py`); here both forms
    are read. It augments by AutoAugment's policy for ImageNet, which is not there: training images stay as they are.

    Parameters
    ----------
    split : float, optional
        Share of the training images that is trained with; the others, the last of every class, are for validation.
    **kwargs
        As of `ApproxDataModule`.

    Raises
    ------
    ValueError
        If split is not between 0 and 1.

    Examples
    --------
    >>> TinyImageNet(split=0.8, batch_size=32).split
    0.8
    """

    def __init__(self, split: float = 0.9, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_dir = os.path.join(self.data_dir, "tiny-imagenet-200")
        self.split = float(check_finite("split of TinyImageNet", split, ndim=0))
        if not 0 < self.split < 1:
            raise ValueError(f"split of TinyImageNet must be between 0 and 1, got {split}.")

    def prepare_data(self) -> None:
        """A FileNotFoundError where the folder is not there."""
        if not os.path.isdir(self.data_dir):
            raise FileNotFoundError(f"{self.data_dir} is not there: TinyImageNet is not downloaded; {ENVIRONMENT} "
                                    f"names the folder that holds tiny-imagenet-200.")

    def load(self) -> DataModule:
        """The folders as a native DataModule."""
        native = datasets.ImageFolder(self.args["batch_size"], self.data_dir)
        pixels = np.concatenate([native.train.images.pixels, native.val.images.pixels])
        labels = np.concatenate([native.train.labels, native.val.labels])
        order = np.argsort(labels, kind="stable")      # by class; training images first, then what was set aside
        sizes = np.bincount(labels, minlength=native.num_classes)
        place = np.concatenate([np.arange(size) for size in sizes])
        training = place < np.round(self.split * np.repeat(sizes, sizes))
        parts = {part: (NormalizedImages(pixels[rows], *IMAGENET), labels[rows])
                 for part, rows in (("train", order[training]), ("val", order[~training]))}
        return DataModule(**parts, test=(NormalizedImages(native.test.images.pixels, *IMAGENET), native.test.labels),
                          num_classes=native.num_classes, batch_size=native.batch_size)


def with_moments(native, mean, std):
    """`native` with its pixels normalized by another mean and std."""
    parts = {part: (NormalizedImages(images.pixels, mean, std), labels) for part, (images, labels) in
             (("train", native.train), ("val", native.val), ("test", native.test))}
    return DataModule(**parts, num_classes=native.num_classes, batch_size=native.batch_size,
                      augmentation=native.augmentation, digests=native.digests)


doors(__name__)
