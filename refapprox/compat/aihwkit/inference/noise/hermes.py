from refapprox.compat.aihwkit.inference import HermesNoiseModel  # noqa: F401
