from refapprox.compat.aihwkit.inference.converter import *  # noqa: F403
