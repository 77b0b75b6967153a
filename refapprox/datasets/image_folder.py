"""Images in folders by class, PNG or JPEG, read through Pillow.

    train/CLASS/*.png               test/CLASS/*.png          val/CLASS/*.png (optional)
    train/CLASS/images/*.JPEG       val/images/*.JPEG and val/val_annotations.txt         TinyImageNet

The test part is `test` where it has labels, else `val`. The validation part is `val` where `test` has labels; else
every tenth image of every class of `train`, in the order of the names. Classes are numbered in that order too.
"""
from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox.datasets.datamodule import DataModule
from refapprox.datasets.mnist import data_folder
from refapprox.datasets.pixels import CropAndFlip, NormalizedImages
from refapprox.validation import check_flag, check_integer

SUFFIXES = (".png", ".jpg", ".jpeg")
ANNOTATIONS = "val_annotations.txt"
MAX_PIXELS = 1 << 24      # of one image: a small file may claim to be a huge one
EVERY = 10                # image of a class is for validation


class ImageFolder(DataModule):
    """Images that lie in folders by class; TinyImageNet's layout is one case of it.

    Images are read as three channels. Mean and standard deviation of the training pixels normalize them.

    Parameters
    ----------
    batch_size : int, optional
    data_dir : path, optional
        The folder that holds `train`. The environment variable REFAPPROX_DATA_DIR names it unless given.
    size : int, optional
        Resize every image to `size` x `size`, bilinear; unless given all must have one size.
    augment : bool, optional
        Crop training images at random out of a border of 4 black pixels, and mirror every other one.

    Attributes
    ----------
    classes : list of str
        Names of the classes, by number.

    Raises
    ------
    TypeError
        If augment is no bool, or size no integer.
    FileNotFoundError
        If no folder is named, or it has no `train`, or neither `test` nor `val` with labels.
    ValueError
        If a file is no image, has another size, or a class has no image: the file is named.

    Examples
    --------
    >>> ImageFolder(data_dir="tiny-imagenet-200").num_classes       # doctest: +SKIP
    200
    """

    def __init__(self, batch_size: int = 128, data_dir: str | os.PathLike | None = None, size: int | None = None,
                 augment: bool = False) -> None:
        root = data_folder(data_dir, "ImageFolder")
        size = None if size is None else check_integer("size of ImageFolder", size, minimum=1)
        augment = check_flag("augment of ImageFolder", augment)
        if not (root / "train").is_dir():
            raise FileNotFoundError(f"{root} must hold a folder train with a folder per class, it has none.")
        train = by_class(root / "train")
        self.classes = list(train)
        test, val = (labelled(root / part, self.classes) for part in ("test", "val"))
        if test is None:
            test, val = val, None
        if test is None:
            raise FileNotFoundError(f"{root} must hold test or val with a folder per class, or val with "
                                    f"{ANNOTATIONS}; it has neither.")
        if val is None:
            val = {name: paths[EVERY - 1::EVERY] for name, paths in train.items()}
            train = {name: [path for i, path in enumerate(paths) if i % EVERY != EVERY - 1]
                     for name, paths in train.items()}
        parts, shape = {}, None if size is None else (size, size)
        for part, paths in (("train", train), ("val", val), ("test", test)):
            parts[part] = read_part(part, paths, self.classes, shape, size is not None)
            shape = parts[part][0].shape[2:]
        mean, std = moments(parts["train"][0])
        super().__init__(**{part: (NormalizedImages(pixels, mean, std), labels)
                            for part, (pixels, labels) in parts.items()},
                         num_classes=len(self.classes), batch_size=batch_size,
                         augmentation=CropAndFlip() if augment else None)


def by_class(folder):
    """class -> paths of its images, both in the order of their names."""
    found = {}
    for inside in sorted(path for path in folder.iterdir() if path.is_dir()):
        images = inside / "images" if (inside / "images").is_dir() else inside
        found[inside.name] = sorted(path for path in images.iterdir() if path.suffix.lower() in SUFFIXES)
        if not found[inside.name]:
            raise ValueError(f"{inside} must hold images ({', '.join(SUFFIXES)}), it has none.")
    if not found:
        raise ValueError(f"{folder} must hold a folder per class, it has none.")
    return found


def labelled(folder, classes):
    """class -> paths of a part that is not for training; None where it is absent or has no labels."""
    if (folder / ANNOTATIONS).is_file():
        return annotated(folder, classes)
    if not folder.is_dir() or not any((folder / name).is_dir() for name in classes):
        return None
    found = by_class(folder)
    if strange := sorted(set(found) - set(classes)):
        raise ValueError(f"{folder / strange[0]} must be one of the classes of train, it is not.")
    return found


def annotated(folder, classes):
    """class -> paths from the lines "file TAB class ..." of TinyImageNet's annotations."""
    found, path = {name: [] for name in classes}, folder / ANNOTATIONS
    for number, line in enumerate(files.read_text(path).splitlines(), start=1):
        file, name, *_ = [*line.split("\t"), ""]
        if name not in found or Path(file).name != file:
            raise ValueError(f"{path}, line {number}, must name a file and a class of train, got {line[:80]!r}.")
        found[name].append(folder / "images" / file)
    return found


def read_part(part, paths, classes, shape, resize):
    """Pixels (n, 3, h, w) uint8 and labels (n,) of class -> paths."""
    labels = np.repeat(np.arange(len(classes)), [len(paths.get(name, ())) for name in classes])
    if not labels.size:
        raise ValueError(f"{part} must hold at least one image, it has none.")
    pixels = None
    for row, path in enumerate(path for name in classes for path in paths.get(name, ())):
        image = read_image(path, shape if resize else None)
        shape = shape or image.shape[1:]
        if image.shape[1:] != shape:
            raise ValueError(f"{path} must have {shape[0]} x {shape[1]} pixels as the images before it, "
                             f"got {image.shape[1]} x {image.shape[2]}; size= resizes.")
        if pixels is None:
            pixels = np.empty((len(labels), *image.shape), np.uint8)
        pixels[row] = image
    return pixels, labels


def read_image(path, shape):
    """Pixels (3, h, w) uint8, resized to `shape` where one is given."""
    from PIL import Image, UnidentifiedImageError  # only a folder of images costs its import
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"it claims {image.width} x {image.height} pixels, more than are read")
            image = image.convert("RGB")
            if shape is not None and image.size != shape[::-1]:
                image = image.resize(shape[::-1], Image.Resampling.BILINEAR)
            return np.asarray(image).transpose(2, 0, 1)
    except FileNotFoundError:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError,
            MemoryError) as error:
        raise ValueError(f"{path} is not a readable PNG or JPEG image: {str(error).rstrip('.')}.") from None


def moments(pixels):
    """(mean, std) of every channel of `pixels` in [0, 1], from exact counts of the gray levels."""
    counts = np.array([np.bincount(pixels[:, channel].ravel(), minlength=256) for channel in range(pixels.shape[1])])
    gray = np.arange(256) / 255
    mean = counts @ gray / counts.sum(axis=1)
    std = np.sqrt((counts * (gray - mean[:, None]) ** 2).sum(axis=1) / counts.sum(axis=1))
    return mean, np.where(counts.max(axis=1) < counts.sum(axis=1), std, 1.0)      # of one gray level: no spread
