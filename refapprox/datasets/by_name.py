"""Data sets by the names that commands take."""
from __future__ import annotations

import os
from typing import Any

from refapprox.datasets.cifar import CIFAR10, CIFAR100
from refapprox.datasets.datamodule import DataModule
from refapprox.datasets.image_folder import ImageFolder
from refapprox.datasets.mnist import MNIST, FashionMNIST
from refapprox.datasets.synthetic import SyntheticDigits
from refapprox.validation import check_choice

FROM_FILES = {"mnist": MNIST, "fashion-mnist": FashionMNIST, "cifar10": CIFAR10, "cifar100": CIFAR100,
              "folder": ImageFolder}


def dataset_names() -> tuple[str, ...]:
    """The names that `load_dataset` takes.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> dataset_names()
    ('synthetic', 'mnist', 'fashion-mnist', 'cifar10', 'cifar100', 'folder')
    """
    return "synthetic", *FROM_FILES


def load_dataset(name: str, data_dir: str | os.PathLike | None = None, **options: Any) -> DataModule:
    """The data set called `name`.

    Parameters
    ----------
    name : str
        See `dataset_names`.
    data_dir : path, optional
        Folder of its files; drawn digits need none.
    **options
        What its class takes besides, such as `batch_size`.

    Returns
    -------
    DataModule

    Raises
    ------
    KeyError
        If there is no data set of this name.
    FileNotFoundError, ValueError
        As of its class.

    Examples
    --------
    >>> load_dataset("synthetic", n_train=120, n_test=10).num_classes
    10
    """
    check_choice("dataset", name, dataset_names())
    return SyntheticDigits(**options) if name == "synthetic" else FROM_FILES[name](data_dir=data_dir, **options)
