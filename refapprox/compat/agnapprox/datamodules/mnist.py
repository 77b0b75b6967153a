"""MNIST from AGNAPPROX_DATA_DIR."""
from pathlib import Path

from refapprox.compat.agnapprox.datamodules.approx_datamodule import ApproxDataModule
from refapprox.datasets import DataModule
from refapprox.datasets.idx import read_idx
from refapprox.datasets.mnist import download_mnist, locate, normalized

FILES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
         "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}


class MNIST(ApproxDataModule):
    """MNIST's four IDX files from the folder AGNAPPROX_DATA_DIR, or ./data where that is not set.

    `prepare_data` downloads what is missing. Files that are there are taken as they are, without a checksum, as the
    published loader takes them: other data of the same form, such as a few drawn digits for a test, loads too.
    `refapprox.datasets.MNIST` is the strict one. A twelfth of the training file, its end, is set aside for
    validation: the published 55,000 and 5,000.
    """

    def prepare_data(self):
        download_mnist(Path(self.data_dir))

    def load(self):
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
