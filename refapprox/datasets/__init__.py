"""Data sets: drawn digits that need no file, and images from their authors' files; the batches of all of them."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "CIFAR10", "CIFAR100", "MNIST", "CropAndFlip", "DataModule", "FashionMNIST", "ImageFolder", "NormalizedImages",
    "Split", "SyntheticDigits", "dataset_names", "load_dataset",
]

if TYPE_CHECKING:
    from refapprox.datasets.by_name import dataset_names, load_dataset
    from refapprox.datasets.cifar import CIFAR10, CIFAR100
    from refapprox.datasets.datamodule import DataModule, Split
    from refapprox.datasets.image_folder import ImageFolder
    from refapprox.datasets.mnist import MNIST, FashionMNIST
    from refapprox.datasets.pixels import CropAndFlip, NormalizedImages
    from refapprox.datasets.synthetic import SyntheticDigits
else:
    __getattr__, __dir__ = lazy(__name__)
