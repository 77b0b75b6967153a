"""MNIST, from its four original files.

References
----------
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
Proc. IEEE 86 (11), 1998, doi:10.1109/5.726791.
"""
import os
from pathlib import Path

import numpy as np

from refapprox.datasets.datamodule import DataModule
from refapprox.datasets.idx import parse_idx, read_idx
from refapprox.files import write_bytes

MD5 = {      # of the uncompressed files
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
LAYOUTS = (".", "mnist", "MNIST/raw")
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
ENVIRONMENT = "REFAPPROX_DATA_DIR"

MEAN, STD = 0.1307, 0.3081      # of the training pixels in [0, 1]; customary, four digits
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
    """

    def __init__(self, batch_size=128, data_dir=None, download=False):
        folder = data_folder(data_dir)
        if download:
            download_mnist(folder)
        images, labels = load_part(folder, "train")
        super().__init__((images[:-N_VAL], labels[:-N_VAL]), (images[-N_VAL:], labels[-N_VAL:]),
                         load_part(folder, "t10k"), num_classes=10, batch_size=batch_size)


def data_folder(data_dir):
    """The folder to look in: `data_dir`, else what the environment names."""
    folder = data_dir if data_dir is not None else os.environ.get(ENVIRONMENT)
    if not folder:
        raise FileNotFoundError(f"MNIST needs a folder: pass data_dir (--data-dir), or set {ENVIRONMENT}. "
                                "SyntheticDigits needs none.")
    return Path(folder)


def locate(folder, name):
    """Path of the file `name` or `name`.gz in one of the layouts, or None."""
    candidates = (folder / layout / f"{name}{suffix}" for layout in LAYOUTS for suffix in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def load_part(folder, part):
    """Normalized images (n, 1, 28, 28) float32 and labels (n,) of "train" or "t10k"."""
    images, labels = (load_file(folder, f"{part}-{kind}-ubyte", ndim)
                      for kind, ndim in (("images-idx3", 3), ("labels-idx1", 1)))
    return normalized(images), labels


def load_file(folder, name, ndim):
    path = locate(folder, name)
    if path is None:
        raise FileNotFoundError(f"{name} or {name}.gz is neither in {folder} nor in its {' or '.join(LAYOUTS[1:])}; "
                                "MNIST(download=True) fetches it.")
    return read_idx(path, md5=MD5[name], ndim=ndim)


def normalized(pixels):
    """uint8 pixels (n, 28, 28) as float32 images (n, 1, 28, 28)."""
    table = ((np.arange(256) / 255 - MEAN) / STD).astype(np.float32)      # one value per gray level, rounded once
    return table[pixels][:, None]


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
            failures.append(f"{url}: {error}")
    raise ConnectionError(f"no mirror gave {file_name}:\n  " + "\n  ".join(failures))
