"""MNIST, from its four original files, and Fashion-MNIST, which has files of the same names.

References
----------
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
Proc. IEEE 86 (11), 1998, doi:10.1109/5.726791. H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset
for Benchmarking Machine Learning Algorithms", arXiv:1708.07747.
"""
from __future__ import annotations

import os
from pathlib import Path

from refapprox.datasets.datamodule import DataModule
from refapprox.datasets.idx import parse_idx, read_idx
from refapprox.datasets.pixels import NormalizedImages
from refapprox.files import write_bytes

MD5 = {      # of the uncompressed files
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
FASHION_MD5 = {      # of the uncompressed files
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
LAYOUTS = (".", "mnist", "MNIST/raw")
FASHION_SIZES = {"train": 60_000, "t10k": 10_000}
FASHION_LAYOUTS = ("fashion-mnist", "FashionMNIST/raw", ".")
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
ENVIRONMENT = "REFAPPROX_DATA_DIR"

MEAN, STD = 0.1307, 0.3081      # of the training pixels in [0, 1]; customary, four digits
FASHION_MEAN, FASHION_STD = 0.2860, 0.3530
N_VAL = 5_000

TIMEOUT = 30                    # seconds without a byte before the next mirror is tried
MAX_BYTES = 64 << 20            # the largest of the four files takes 45 MiB, uncompressed


class MNIST(DataModule):
    """The 70,000 handwritten digits, 28 x 28, ten classes.

    The last 5,000 images of the training file are the validation part, the 55,000 before them the training part:
    the same split in every run. Pixels are normalized by mean 0.1307 and std 0.3081.

    Parameters
    ----------
    batch_size : int, optional
    data_dir : path, optional
        Folder with the four IDX files, gzipped or not, in it or in its `mnist/` or `MNIST/raw/`. The environment
        variable REFAPPROX_DATA_DIR names it unless given.
    download : bool, optional
        Fetch missing files from the public mirrors into `mnist/` of that folder.

    Raises
    ------
    FileNotFoundError
        If no folder is named, or a file is not there and not to be downloaded.
    ValueError
        If a file is damaged or another one.
    ConnectionError
        If no mirror gives a file with the right md5 sum.

    Examples
    --------
    >>> MNIST(data_dir="mnist")                                     # doctest: +SKIP
    """

    def __init__(self, batch_size: int = 128, data_dir: str | os.PathLike | None = None, download: bool = False
                 ) -> None:
        folder = data_folder(data_dir, "MNIST")
        if download:
            download_mnist(folder)
        parts, digests = load_parts(folder, LAYOUTS, MD5, "; in Python, MNIST(download=True) fetches it")
        super().__init__(**three_parts(parts, MEAN, STD), num_classes=10, batch_size=batch_size, digests=digests)


class FashionMNIST(DataModule):
    """70,000 pictures of ten kinds of clothes, 28 x 28, in the files and the split of MNIST.

    The last 5,000 images of the training file are the validation part. Pixels are normalized by mean 0.2860 and
    std 0.3530. Files are checked by structure; `digests` tells whether they are those of record.

    Parameters
    ----------
    batch_size : int, optional
    data_dir : path, optional
        Folder with the four IDX files, gzipped or not, in its `fashion-mnist/` or `FashionMNIST/raw/`, or in it. The
        environment variable REFAPPROX_DATA_DIR names it unless given.

    Raises
    ------
    FileNotFoundError
        If no folder is named, or a file is not there.
    ValueError
        If a file is damaged, of another structure, or one of MNIST's.

    Examples
    --------
    >>> FashionMNIST(data_dir="data")                               # doctest: +SKIP
    """

    def __init__(self, batch_size: int = 128, data_dir: str | os.PathLike | None = None) -> None:
        folder = data_folder(data_dir, "FashionMNIST")
        parts, digests = load_parts(folder, FASHION_LAYOUTS, FASHION_MD5, "", strict=False)
        for part, (pixels, labels) in parts.items():
            wanted = (FASHION_SIZES[part], 28, 28)
            where = locate(folder, f"{part}-images-idx3-ubyte", FASHION_LAYOUTS)
            if pixels.shape != wanted or labels.shape != wanted[:1]:
                raise ValueError(f"{where} and its labels must hold {wanted[0]} images of 28x28, "
                                 f"got {pixels.shape} and {labels.shape}.")
            if digests[f"{part}-images-idx3-ubyte"]["md5"] == MD5[f"{part}-images-idx3-ubyte"]:
                raise ValueError(f"{where} is MNIST's: put Fashion-MNIST's files into {folder / FASHION_LAYOUTS[0]}.")
        super().__init__(**three_parts(parts, FASHION_MEAN, FASHION_STD), num_classes=10, batch_size=batch_size,
                         digests=digests)


def three_parts(parts, mean, std):
    """Training, validation and test part from the pixels and labels of two files: the rule of the last 5,000."""
    (pixels, labels), (test_pixels, test_labels) = parts["train"], parts["t10k"]
    split = {"train": (pixels[:-N_VAL], labels[:-N_VAL]), "val": (pixels[-N_VAL:], labels[-N_VAL:]),
             "test": (test_pixels, test_labels)}
    return {name: (NormalizedImages(images[:, None], [mean], [std]), of_part)
            for name, (images, of_part) in split.items()}


def data_folder(data_dir, what):
    """The folder to look in: `data_dir`, else what the environment names."""
    folder = data_dir if data_dir is not None else os.environ.get(ENVIRONMENT)
    if not folder:
        raise FileNotFoundError(f"{what} needs the folder with its files: say data_dir=DIR, or set the environment "
                                f"variable {ENVIRONMENT}. Drawn digits need no files.")
    return Path(folder)


def locate(folder, name, layouts=LAYOUTS):
    """Path of the file `name` or `name`.gz in one of the layouts, or None."""
    candidates = (folder / layout / f"{name}{suffix}" for layout in layouts for suffix in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def load_parts(folder, layouts, known, hint, strict=True):
    """({"train": (pixels, labels), "t10k": ...}, digests); files other than the `known` are refused if `strict`."""
    parts, digests = {}, {}
    for part in ("train", "t10k"):
        arrays = []
        for kind, ndim in (("images-idx3", 3), ("labels-idx1", 1)):
            name = f"{part}-{kind}-ubyte"
            path = locate(folder, name, layouts)
            if path is None:
                others = " or ".join(layout for layout in layouts if layout != ".")
                raise FileNotFoundError(f"{name} or {name}.gz is neither in {folder} nor in its {others}{hint}.")
            arrays.append(read_idx(path, md5=known[name] if strict else None, ndim=ndim, digests=digests))
            digests[name] = {"md5": digests.pop(str(path)), "known": False}
            digests[name]["known"] = digests[name]["md5"] == known[name]
        parts[part] = tuple(arrays)
    return parts, digests


def normalized(pixels):
    """uint8 pixels (n, 28, 28) as normalized images (n, 1, 28, 28)."""
    return NormalizedImages(pixels[:, None], [MEAN], [STD])


def download_mnist(folder, mirrors=MIRRORS):
    """Fetch the files that are missing from `folder` into its `mnist/`, each whole and verified or not at all."""
    for name, md5 in MD5.items():
        if locate(folder, name) is None:
            content = fetch(f"{name}.gz", md5, mirrors)
            (folder / "mnist").mkdir(parents=True, exist_ok=True)
            write_bytes(folder / "mnist" / f"{name}.gz", content)


def fetch(file_name, md5, mirrors):
    """Bytes of `file_name` from the first mirror whose copy has the md5 sum `md5`, uncompressed."""
    # 70 ms of import that only a download should cost
    import urllib.request

    failures = []
    for mirror in mirrors:
        url = mirror + file_name
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
                content = response.read(MAX_BYTES)
            parse_idx(content, url, md5=md5)
            return content
        except (OSError, ValueError) as error:      # URLError and timeouts are OSErrors, a wrong file a ValueError
            if isinstance(error, urllib.error.HTTPError):      # it holds the answer open
                error.close()
            failures.append(f"{url}: {error}")
    raise ConnectionError(f"no mirror gave {file_name}:\n  " + "\n  ".join(failures))
