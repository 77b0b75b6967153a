from refapprox.compat.agnapprox.nets import MobileNetV2  # noqa: F401
