"""CIFAR-10 and CIFAR-100, from the authors' binary files.

    record of CIFAR-10     label, then 3 x 32 x 32 pixels, channel by channel, row by row: 3,073 bytes
    record of CIFAR-100    coarse label, fine label, then the pixels: 3,074 bytes

The last 5,000 images of the training files, in the order of the files, are the validation part, the 45,000 before them
the training part: the same split in every run.

References
----------
A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", technical report, University of Toronto, 2009;
the format: https://www.cs.toronto.edu/~kriz/cifar.html, section "Binary version".
"""
from __future__ import annotations

import hashlib
import os

import numpy as np

from refapprox import files as bounded
from refapprox.datasets.datamodule import DataModule
from refapprox.datasets.mnist import data_folder
from refapprox.datasets.pixels import CropAndFlip, NormalizedImages
from refapprox.validation import check_choice, check_flag

SHAPE = (3, 32, 32)
N_VAL = 5_000
MD5 = {      # of the files whose training images have the published mean of every channel, .4914 .4822 .4465
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25", "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421", "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d", "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
}
CIFAR10_FILES = {"train": {f"data_batch_{i}.bin": 10_000 for i in range(1, 6)}, "test": {"test_batch.bin": 10_000}}
CIFAR100_FILES = {"train": {"train.bin": 50_000}, "test": {"test.bin": 10_000}}
MOMENTS = {"CIFAR10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),      # of the training pixels, customary
           "CIFAR100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))}


class CIFAR10(DataModule):
    """60,000 color images of ten kinds of things, 32 x 32.

    Parameters
    ----------
    batch_size : int, optional
    data_dir : path, optional
        Folder with the six binary files, in its `cifar-10-batches-bin/` or in it. The environment variable
        REFAPPROX_DATA_DIR names it unless given.
    augment : bool, optional
        Crop training images at random out of a border of 4 black pixels, and mirror every other one.

    Raises
    ------
    TypeError
        If augment is no bool.
    FileNotFoundError
        If no folder is named, or a file is not there.
    ValueError
        If a file has another size, or a label is out of range: the file and the record are named.

    Examples
    --------
    >>> CIFAR10(data_dir="data").image_shape                        # doctest: +SKIP
    (3, 32, 32)
    """

    def __init__(self, batch_size: int = 128, data_dir: str | os.PathLike | None = None, augment: bool = True) -> None:
        folder = data_folder(data_dir, "CIFAR10")
        load(self, "CIFAR10", folder, "cifar-10-batches-bin", CIFAR10_FILES, (10,), 0, batch_size, augment)


class CIFAR100(DataModule):
    """60,000 color images of a hundred kinds of things in twenty groups, 32 x 32.

    Parameters
    ----------
    batch_size, data_dir, augment
        As of `CIFAR10`; the folder has `train.bin` and `test.bin`, in its `cifar-100-binary/` or in it.
    labels : {"fine", "coarse"}, optional
        The hundred kinds, or the twenty groups.

    Raises
    ------
    TypeError, FileNotFoundError, ValueError
        As of `CIFAR10`; if labels are neither fine nor coarse.

    Examples
    --------
    >>> CIFAR100(data_dir="data", labels="coarse").num_classes      # doctest: +SKIP
    20
    """

    def __init__(self, batch_size: int = 128, data_dir: str | os.PathLike | None = None, augment: bool = True,
                 labels: str = "fine") -> None:
        position = ("coarse", "fine").index(check_choice("labels of CIFAR100", labels, ("fine", "coarse")))
        folder = data_folder(data_dir, "CIFAR100")
        load(self, "CIFAR100", folder, "cifar-100-binary", CIFAR100_FILES, (20, 100), position, batch_size, augment)


def load(data, name, folder, layout, files, classes, position, batch_size, augment):
    """`DataModule.__init__` of the records in `files`, each with labels below `classes`; that at `position` counts."""
    folder = folder / layout if (folder / layout).is_dir() else folder
    augment, digests = check_flag(f"augment of {name}", augment), {}
    (pixels, labels), test = (read_records(folder, files[part], classes, position, name, digests)
                              for part in ("train", "test"))
    parts = {"train": (pixels[:-N_VAL], labels[:-N_VAL]), "val": (pixels[-N_VAL:], labels[-N_VAL:]), "test": test}
    parts = {part: (NormalizedImages(images, *MOMENTS[name]), of_part) for part, (images, of_part) in parts.items()}
    DataModule.__init__(data, **parts, num_classes=classes[position], batch_size=batch_size,
                        augmentation=CropAndFlip() if augment else None, digests=digests)


def read_records(folder, files, classes, position, name, digests):
    """Pixels (n, 3, 32, 32) uint8 and labels (n,) of `files` (name -> records) behind one another."""
    record, total = len(classes) + int(np.prod(SHAPE)), sum(files.values())
    pixels, labels, start = np.empty((total, *SHAPE), np.uint8), np.empty(total, np.int64), 0
    for file, count in files.items():
        path = folder / file
        if not path.is_file():
            raise FileNotFoundError(f"{file} is not in {folder}: {name} is read from its binary version, "
                                    f"{', '.join(files)} and more.")
        if path.stat().st_size != count * record:
            raise ValueError(f"{path} must hold {count} records of {record} bytes, {count * record} bytes in all, "
                             f"got {path.stat().st_size}.")
        content = bounded.read_bytes(path)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        digests[file] = {"md5": md5, "known": MD5.get(file) == md5}
        records = np.frombuffer(content, np.uint8).reshape(count, record)
        for column, most in enumerate(classes):
            if (wrong := np.flatnonzero(records[:, column] >= most)).size:
                raise ValueError(f"{path} must hold labels from 0 to {most - 1}, got {records[wrong[0], column]} at "
                                 f"byte {column} of record {wrong[0]}.")
        pixels[start:start + count] = records[:, len(classes):].reshape(-1, *SHAPE)
        labels[start:start + count] = records[:, position]
        start += count
    return pixels, labels
