from refapprox.compat.aihwkit.inference import ReRamCMONoiseModel, ReRamWan2022NoiseModel  # noqa: F401
