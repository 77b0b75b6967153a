"""Conductance converters under aihwkit's module name.

The errors of `refapprox.analog` are ValueErrors and, where aihwkit raises a RuntimeError or ArithmeticError, those too.
"""
import numpy as np

from refapprox.analog import unpaired_converters
from refapprox.analog.converters import (
    CustomPairConductanceConverter,
    DualPairConductanceConverter,
    SinglePairConductanceConverter,
)
from refapprox.analog.converters import NPairConductanceConverter as NativeNPair
from refapprox.validation import check_real

__all__ = ["CustomPairConductanceConverter", "DualPairConductanceConverter", "NPairConductanceConverter",
           "SingleDeviceConductanceConverter", "SinglePairConductanceConverter"]


class NPairConductanceConverter(NativeNPair):
    """N pairs that, as upstream, are refused for negative factors only if all of them are negative.

    With some factors negative the weights do not survive the round trip; `refapprox.analog` refuses them.
    """

    def _check_factors(self, f_lst):
        if not isinstance(f_lst, (list, tuple)) or len(f_lst) == 0 or max(f_lst) < 0:
            return super()._check_factors(f_lst)
        return tuple(check_real(f"f_lst[{j}]", factor) for j, factor in enumerate(f_lst))


class SingleDeviceConductanceConverter(unpaired_converters.SingleDeviceConductanceConverter):
    """One device a weight; as upstream, conductances are an array and not a list of one."""

    def __init__(self, g_max=None, g_min=None):
        super().__init__(88.199997 if g_max is None else g_max, 9.0 if g_min is None else g_min)

    def convert_to_conductances(self, weights):
        """(conductances of the shape of weights in uS, params)."""
        (conductances,), params = super().convert_to_conductances(weights)
        return conductances, params

    def convert_back_to_weights(self, conductances, params):
        """Weights from an array of conductances, or from a list of its rows."""
        return super().convert_back_to_weights([np.asarray(conductances)], params)
