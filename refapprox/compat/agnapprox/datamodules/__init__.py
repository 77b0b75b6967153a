"""Data sets under agnapprox's names."""
from refapprox.compat.agnapprox.datamodules.approx_datamodule import ApproxDataModule, native_datamodule
from refapprox.compat.agnapprox.datamodules.mnist import MNIST

__all__ = ["ApproxDataModule", "MNIST", "native_datamodule"]
