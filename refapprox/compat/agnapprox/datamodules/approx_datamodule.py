from refapprox.compat.agnapprox.datamodules import ApproxDataModule  # noqa: F401
