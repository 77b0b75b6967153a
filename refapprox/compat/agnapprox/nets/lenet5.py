from refapprox.compat.agnapprox.nets import LeNet5  # noqa: F401
