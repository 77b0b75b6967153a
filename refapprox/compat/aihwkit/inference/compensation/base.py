from refapprox.compat.aihwkit.inference import BaseDriftCompensation  # noqa: F401
