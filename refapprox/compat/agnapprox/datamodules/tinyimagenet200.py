from refapprox.compat.agnapprox.datamodules import TinyImageNet  # noqa: F401
