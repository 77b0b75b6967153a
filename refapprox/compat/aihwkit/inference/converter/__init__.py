"""Conductance converters under aihwkit's names: its defaults, its classes of errors, its arrays in place of lists."""
import numpy as np

from refapprox.analog import converters as native
from refapprox.analog import unpaired_converters
from refapprox.analog.converters import ConductanceConverter as BaseConductanceConverter
from refapprox.analog.unpaired_converters import FusionConductanceConverter
from refapprox.validation import check_real

__all__ = ["BaseConductanceConverter", "CustomPairConductanceConverter", "DualPairConductanceConverter",
           "FusionConductanceConverter", "NPairConductanceConverter", "SingleDeviceConductanceConverter",
           "SinglePairConductanceConverter"]

G_MAX, G_MIN = 25.0, 0.0      # what None means upstream, uS


class RaggedCurvesError(native.RaggedCurvesError, RuntimeError):
    """Curves of unequal length: upstream's RuntimeError."""


class NotInvertibleError(native.NotInvertibleError, ArithmeticError):
    """Curves that represent other weights: upstream's ArithmeticError."""


def range_of(g_max, g_min):
    """(g_max, g_min) with upstream's values in place of None."""
    return G_MAX if g_max is None else g_max, G_MIN if g_min is None else g_min


class SinglePairConductanceConverter(native.SinglePairConductanceConverter):
    """One pair; None stands for 25 and 0 uS."""

    def __init__(self, g_max=None, g_min=None):
        super().__init__(*range_of(g_max, g_min))


class NPairConductanceConverter(native.NPairConductanceConverter):
    """N pairs that, as upstream, are refused for negative factors only if all of them are negative.

    With some factors negative the weights do not survive the round trip; `refapprox.analog` refuses them.
    """

    def __init__(self, f_lst, g_max=None, g_min=None):
        super().__init__(f_lst, *range_of(g_max, g_min))

    def _check_factors(self, f_lst):
        if not isinstance(f_lst, (list, tuple)) or len(f_lst) == 0 or max(f_lst) < 0:
            return super()._check_factors(f_lst)
        return tuple(check_real(f"f_lst[{j}]", factor) for j, factor in enumerate(f_lst))


class DualPairConductanceConverter(native.DualPairConductanceConverter):
    """Two pairs; None stands for 25 and 0 uS."""

    def __init__(self, f_lst, g_max=None, g_min=None):
        super().__init__(f_lst, *range_of(g_max, g_min))


class CustomPairConductanceConverter(native.CustomPairConductanceConverter):
    """Any curves; None stands for 25 and 0 uS."""

    def __init__(self, f_lst, g_lst, g_max=None, g_min=None, invertibility_test=True):
        try:
            super().__init__(f_lst, g_lst, *range_of(g_max, g_min), invertibility_test)
        except native.RaggedCurvesError as error:
            raise RaggedCurvesError(*error.args) from None
        except native.NotInvertibleError as error:
            raise NotInvertibleError(*error.args) from None

    def invertibility_test(self):
        """An ArithmeticError unless the weighted sum is proportional to the weight."""
        try:
            super().invertibility_test()
        except native.NotInvertibleError as error:
            raise NotInvertibleError(*error.args) from None


class SingleDeviceConductanceConverter(unpaired_converters.SingleDeviceConductanceConverter):
    """One device per weight; as upstream, conductances are an array and not a list of one."""

    def __init__(self, g_max=None, g_min=None):
        super().__init__(88.199997 if g_max is None else g_max, 9.0 if g_min is None else g_min)

    def convert_to_conductances(self, weights):
        """(conductances of the shape of weights in uS, params)."""
        (conductances,), params = super().convert_to_conductances(weights)
        return conductances, params

    def convert_back_to_weights(self, conductances, params):
        """Weights from an array of conductances, or from a list of its rows."""
        return super().convert_back_to_weights([np.asarray(conductances)], params)
