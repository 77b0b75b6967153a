from refapprox.compat.aihwkit.inference.converter import BaseConductanceConverter  # noqa: F401
