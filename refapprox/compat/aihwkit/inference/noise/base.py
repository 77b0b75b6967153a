from refapprox.compat.aihwkit.inference import BaseNoiseModel  # noqa: F401
