"""Conductance converters under aihwkit's names: its defaults, its classes of errors, its arrays in place of lists."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.analog import checks, custom_converter, unpaired_converters
from refapprox.analog import converters as native
from refapprox.analog.converters import ConductanceConverter as BaseConductanceConverter
from refapprox.analog.unpaired_converters import FusionConductanceConverter
from refapprox.validation import check_array, check_real

__all__ = ["BaseConductanceConverter", "CustomPairConductanceConverter", "DualPairConductanceConverter",
           "FusionConductanceConverter", "NPairConductanceConverter", "SingleDeviceConductanceConverter",
           "SinglePairConductanceConverter"]

G_MAX, G_MIN = 25.0, 0.0      # what None means upstream, uS


class RaggedCurvesError(checks.RaggedCurvesError, RuntimeError):
    """Curves of unequal length: upstream's RuntimeError."""


class NotInvertibleError(checks.NotInvertibleError, ArithmeticError):
    """Curves that represent other weights: upstream's ArithmeticError."""


def range_of(g_max, g_min):
    """(g_max, g_min) with upstream's values in place of None."""
    return G_MAX if g_max is None else g_max, G_MIN if g_min is None else g_min


class SinglePairConductanceConverter(native.SinglePairConductanceConverter):
    """One pair.

    Parameters
    ----------
    g_max, g_min : float, uS, optional
        25 and 0 where they are None.

    Examples
    --------
    >>> SinglePairConductanceConverter(g_min=1.0)
    SinglePairConductanceConverter(g_max=25, g_min=1)
    """

    def __init__(self, g_max: float | None = None, g_min: float | None = None) -> None:
        super().__init__(*range_of(g_max, g_min))


class NPairConductanceConverter(native.NPairConductanceConverter):
    """N pairs that, as upstream, are refused for negative factors only if all of them are negative.

    With some factors negative the weights do not survive the round trip; `refapprox.analog` refuses them.

    Parameters
    ----------
    f_lst : list of float
    g_max, g_min : float, uS, optional
        25 and 0 where they are None.

    Examples
    --------
    >>> NPairConductanceConverter([1.0, -2.0]).f_lst
    (1.0, -2.0)
    """

    def __init__(self, f_lst: Sequence[float], g_max: float | None = None, g_min: float | None = None) -> None:
        super().__init__(f_lst, *range_of(g_max, g_min))

    def _check_factors(self, f_lst):
        if not isinstance(f_lst, (list, tuple)) or len(f_lst) == 0 or max(f_lst) < 0:
            return super()._check_factors(f_lst)
        factors = tuple(check_real(f"f_lst[{j}]", factor, minimum=-checks.LARGEST, maximum=checks.LARGEST)
                        for j, factor in enumerate(f_lst))
        if min(map(abs, (*factors, sum(factors)))) < 1 / checks.LARGEST:
            raise ValueError(f"f_lst must neither hold nor add up to 0, got {factors}.")
        return factors


class DualPairConductanceConverter(native.DualPairConductanceConverter):
    """Two pairs.

    Parameters
    ----------
    f_lst : list of 2 positive floats
    g_max, g_min : float, uS, optional
        25 and 0 where they are None.

    Examples
    --------
    >>> DualPairConductanceConverter([1.0, 3.0]).full_scale
    100.0
    """

    def __init__(self, f_lst: Sequence[float], g_max: float | None = None, g_min: float | None = None) -> None:
        super().__init__(f_lst, *range_of(g_max, g_min))


class CustomPairConductanceConverter(custom_converter.CustomPairConductanceConverter):
    """Any curves.

    Parameters
    ----------
    f_lst, g_lst, invertibility_test
        As of `refapprox.analog.CustomPairConductanceConverter`.
    g_max, g_min : float, uS, optional
        25 and 0 where they are None.

    Raises
    ------
    RuntimeError
        For curves of unequal length.
    ArithmeticError
        For curves that represent other weights.

    Examples
    --------
    >>> CustomPairConductanceConverter([1.0], [[0, 4, 20], [20, 4, 0]]).full_scale
    20.0
    """

    def __init__(self, f_lst: Sequence[float], g_lst: Sequence[Sequence[float]], g_max: float | None = None,
                 g_min: float | None = None, invertibility_test: bool = True) -> None:
        try:
            super().__init__(f_lst, g_lst, *range_of(g_max, g_min), invertibility_test)
        except checks.RaggedCurvesError as error:
            raise RaggedCurvesError(*error.args) from None
        except checks.NotInvertibleError as error:
            raise NotInvertibleError(*error.args) from None

    def invertibility_test(self) -> None:
        """An ArithmeticError unless the weighted sum is proportional to the weight."""
        try:
            super().invertibility_test()
        except checks.NotInvertibleError as error:
            raise NotInvertibleError(*error.args) from None


class SingleDeviceConductanceConverter(unpaired_converters.SingleDeviceConductanceConverter):
    """One device per weight; as upstream, conductances are an array and not a list of one.

    Parameters
    ----------
    g_max, g_min : float, uS, optional
        88.199997 and 9 where they are None.

    Examples
    --------
    >>> SingleDeviceConductanceConverter(90, 10).convert_to_conductances([[-1.0, 3.0]])[0].tolist()
    [[10.0, 90.0]]
    """

    def __init__(self, g_max: float | None = None, g_min: float | None = None) -> None:
        super().__init__(88.199997 if g_max is None else g_max, 9.0 if g_min is None else g_min)

    def convert_to_conductances(self, weights: ArrayLike) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """(conductances of the shape of weights in uS, params)."""
        (conductances,), params = super().convert_to_conductances(weights)
        return conductances, params

    def convert_back_to_weights(self, conductances: ArrayLike, params: Mapping[str, Any]) -> NDArray[np.float64]:
        """Weights from conductances.

        Parameters
        ----------
        conductances : array, or a list of its rows, uS
        params : dict
            What `convert_to_conductances` returned.
        """
        return super().convert_back_to_weights([check_array("conductances", conductances)], params)


doors(__name__)
