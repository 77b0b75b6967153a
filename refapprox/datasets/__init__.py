"""Data sets: drawn digits that need no file, MNIST from its files, and the batches of both."""
from refapprox.datasets.datamodule import DataModule, Split
from refapprox.datasets.mnist import MNIST
from refapprox.datasets.synthetic import SyntheticDigits

__all__ = ["MNIST", "DataModule", "Split", "SyntheticDigits"]
