"""Data sets: drawn digits that need no file, MNIST from its files, and the batches of both."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "MNIST", "DataModule", "Split", "SyntheticDigits",
]

if TYPE_CHECKING:
    from refapprox.datasets.datamodule import DataModule, Split
    from refapprox.datasets.mnist import MNIST
    from refapprox.datasets.synthetic import SyntheticDigits
else:
    __getattr__, __dir__ = lazy(__name__)
