"""Pairs with any curves."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refapprox.analog.checks import (
    NotInvertibleError,
    check_breakpoints,
    check_curves,
    check_invertible,
)
from refapprox.analog.converters import ConductanceConverter
from refapprox.validation import check_flag


class CustomPairConductanceConverter(ConductanceConverter):
    """Any curves: each device's conductance is interpolated between the values of its list.

    Parameters
    ----------
    f_lst : list of P positive floats
    g_lst : list of 2P lists of n floats, uS
        Conductances of g0+, g0-, g1+, g1-, ... at the breakpoints. They are not confined to
        [g_min, g_max] here: whether a device can hold them is asked where a device model is known.
    g_max, g_min : float, uS
    invertibility_test : bool
        Demand that the weighted sum at every breakpoint is proportional to the weight.
    w_lst : list of n floats, optional, keyword
        Normalized weights of the breakpoints, increasing from -1 to 1; equispaced by default.

    Raises
    ------
    RaggedCurvesError
        For curves of unequal length.
    NotInvertibleError
        For curves that represent other weights, or none.
    ValueError
        For other factors, lists or breakpoints than these; the two above are ValueErrors as well.

    Examples
    --------
    >>> curved = CustomPairConductanceConverter([1], [[0, 4, 20], [20, 4, 0]])
    >>> [device.tolist() for device in curved.convert_to_conductances([0.5, -1.0])[0]]
    [[12.0, 0.0], [2.0, 20.0]]
    """

    def __init__(self, f_lst: Sequence[float], g_lst: Sequence[Sequence[float]], g_max: float = 25.0,
                 g_min: float = 0.0, invertibility_test: bool = True, *,
                 w_lst: Sequence[float] | None = None) -> None:
        super().__init__(f_lst, g_max, g_min)
        self.curves = check_curves(g_lst, 2 * self.n_pairs)
        self.breakpoints = check_breakpoints(w_lst, self.curves.shape[1])
        self.full_scale = float(np.abs(self._total()).max())
        if self.full_scale == 0:
            raise NotInvertibleError("g_lst must represent some weight, got curves whose weighted sum is 0 everywhere.")
        if check_flag("invertibility_test", invertibility_test):
            self.invertibility_test()

    def _total(self):
        """Weighted sum of the conductances at every breakpoint, uS."""
        return np.array(self.f_lst) @ (self.curves[::2] - self.curves[1::2])

    def invertibility_test(self) -> None:
        """Refuse, by a NotInvertibleError, curves whose weighted sum is not proportional to the weight."""
        check_invertible(self._total() / self.full_scale, self.breakpoints)

    @property
    def g_lst(self) -> list[list[float]]:
        """The curves as the list of lists that they were given as, uS."""
        return self.curves.tolist()
