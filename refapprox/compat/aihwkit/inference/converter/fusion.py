from refapprox.compat.aihwkit.inference.converter import FusionConductanceConverter  # noqa: F401
