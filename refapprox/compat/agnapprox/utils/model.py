from refapprox.compat.agnapprox.functions import *  # noqa: F403
