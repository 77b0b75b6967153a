from refapprox.compat.agnapprox.nets import ResNet  # noqa: F401
