from refapprox.compat.agnapprox.nets import AlexNet  # noqa: F401
