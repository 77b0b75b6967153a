"""The names of agnapprox.utils."""
# by way of the module whose name is that of a function too, so that the function is what stays
from refapprox.compat.agnapprox.utils.select_multipliers import *  # noqa: F403
