from refapprox.compat.agnapprox.datamodules import MNIST  # noqa: F401
