"""The names of agnapprox.utils."""
from refapprox._lazy import doors
from refapprox.compat.agnapprox.functions import __all__ as __all__

# by way of the module whose name is that of a function too, so that the function is what stays
from refapprox.compat.agnapprox.utils.select_multipliers import *  # noqa: F403

doors(__name__)
