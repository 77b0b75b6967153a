from refapprox.compat.agnapprox.nets import VGG  # noqa: F401
