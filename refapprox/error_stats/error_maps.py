"""Error maps as estimators take them: one or several, arrays or multipliers.

An error map is an array `error_map[x - qmin, w - qmin]` (exact - approximate) or a multiplier that has one; a
sequence of them gives results with one entry each.
"""
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.validation import check_finite


class HasErrorMap(Protocol):
    """A multiplier, as far as statistics need it."""

    @property
    def error_map(self) -> NDArray[Any]:
        """exact - approximate, ``error_map[x - qmin, w - qmin]``."""


ErrorMapLike = ArrayLike | HasErrorMap                        # one error map, or what has one
ErrorMapsLike = ErrorMapLike | Sequence[ErrorMapLike]         # or several: results with one entry each


def check_error_map(emap, name="emap"):
    """The error map of a multiplier, or an array taken for one: numeric, finite, (codes of x, codes of w)."""
    emap = check_finite(name, getattr(emap, "error_map", emap))
    if emap.ndim != 2 or emap.size == 0:
        raise ValueError(f"{name} must be a multiplier or a numeric array of shape (codes of x, codes of w), "
                         f"got dtype {emap.dtype} and shape {emap.shape}.")
    return emap


def check_error_maps(emaps, name="emaps"):
    """A non-empty sequence of multipliers or error maps as a list of arrays of one shape."""
    maps = [check_error_map(emap, f"{name}[{i}]") for i, emap in enumerate(emaps)]
    if not maps:
        raise ValueError(f"{name} must hold at least one error map, got none.")
    shapes = {emap.shape for emap in maps}
    if len(shapes) > 1:
        raise ValueError(f"{name} must have one shape, got {sorted(shapes)}.")
    return maps


def check_layer(emaps, operands):
    """(error maps that fit the operands, float64 of shape (multipliers, x, w); whether a single one was given)."""
    maps, single = fitting_maps(emaps, operands)
    return np.array(maps, dtype=np.float64), single


def fitting_maps(emaps, operands):
    """(list of error maps that fit the operands, in their own dtype; whether a single one was given)."""
    single = hasattr(emaps, "error_map") or np.ndim(emaps) == 2
    emaps = [emaps] if single else list(emaps)
    for i, emap in enumerate(emaps):
        for side, operand in (("x", operands.x), ("w", operands.w)):
            wanted = getattr(emap, f"range_{side}", operand.code_range)
            if operand.code_range not in (None, wanted):
                raise ValueError(f"emaps[{i}] must cover the codes of {side}, {operand.code_range}, "
                                 f"got a multiplier for {wanted}.")
    maps = check_error_maps(emaps)
    if maps[0].shape != (operands.x.size, operands.w.size):
        raise ValueError(f"emaps must have shape {(operands.x.size, operands.w.size)}, the codes of x and w, "
                         f"got {maps[0].shape}.")
    return maps, single
