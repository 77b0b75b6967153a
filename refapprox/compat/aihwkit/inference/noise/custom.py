from refapprox.compat.aihwkit.inference import StateIndependentNoiseModel  # noqa: F401
