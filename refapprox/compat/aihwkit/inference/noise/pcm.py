from refapprox.compat.aihwkit.inference import CustomDriftPCMLikeNoiseModel, PCMLikeNoiseModel  # noqa: F401
