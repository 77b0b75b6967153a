from refapprox.compat.agnapprox.datamodules import CIFAR10  # noqa: F401
