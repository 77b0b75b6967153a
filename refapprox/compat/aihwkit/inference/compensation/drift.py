from refapprox.compat.aihwkit.inference import *  # noqa: F403
