"""Conductance converters under aihwkit's module name.

The errors of `refapprox.analog` are ValueErrors and, where aihwkit raises a RuntimeError or ArithmeticError, those too.
"""
from refapprox.analog.converters import (
    CustomPairConductanceConverter,
    DualPairConductanceConverter,
    SinglePairConductanceConverter,
)
from refapprox.analog.converters import NPairConductanceConverter as NativeNPair
from refapprox.validation import check_real

__all__ = ["CustomPairConductanceConverter", "DualPairConductanceConverter", "NPairConductanceConverter",
           "SinglePairConductanceConverter"]


class NPairConductanceConverter(NativeNPair):
    """N pairs that, as upstream, are refused for negative factors only if all of them are negative.

    With some factors negative the weights do not survive the round trip; `refapprox.analog` refuses them.
    """

    def _check_factors(self, f_lst):
        if not isinstance(f_lst, (list, tuple)) or len(f_lst) == 0 or max(f_lst) < 0:
            return super()._check_factors(f_lst)
        return tuple(check_real(f"f_lst[{j}]", factor) for j, factor in enumerate(f_lst))
