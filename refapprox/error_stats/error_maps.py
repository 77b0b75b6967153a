"""Error maps as estimators take them: one or several, arrays or multipliers.

An error map is an array `error_map[x - qmin, w - qmin]` (exact - approximate) or a multiplier that has one; a
sequence of them gives results with one entry each.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.validation import WrongKindError, check_finite, largest_magnitude, shown


class HasErrorMap(Protocol):
    """A multiplier, as far as statistics need it."""

    @property
    def error_map(self) -> NDArray[Any]:
        """exact - approximate, ``error_map[x - qmin, w - qmin]``."""


LARGEST = 1e60                                                # fourth powers are summed
ErrorMapLike = ArrayLike | HasErrorMap                        # one error map, or what has one
ErrorMapsLike = ErrorMapLike | Sequence[ErrorMapLike]         # or several: results with one entry each


def check_magnitude(name, array, what="numbers"):
    """`array`, none of whose numbers is so large that its powers are not finite."""
    if (largest := largest_magnitude(array)) > LARGEST:
        raise ValueError(f"{name} must hold {what} of at most {LARGEST:g}, got one of {largest:g}.")
    return array


def check_error_map(emap, name="emap"):
    """The error map of a multiplier, or an array taken for one: numeric, finite, (codes of x, codes of w)."""
    emap = check_magnitude(name, check_finite(name, getattr(emap, "error_map", emap)), "errors")
    if emap.ndim != 2 or emap.size == 0:
        raise ValueError(f"{name} must be a multiplier or a numeric array of shape (codes of x, codes of w), "
                         f"got dtype {emap.dtype} and shape {emap.shape}.")
    return emap


def check_error_maps(emaps, name="emaps", check=check_error_map):
    """A non-empty sequence of multipliers or error maps as a list of arrays of one shape."""
    if not isinstance(emaps, Iterable) or depth(emaps) == 0 and not hasattr(emaps, "__next__"):
        raise WrongKindError(f"{name} must be error maps or multipliers, got {shown(emaps)}.")
    maps = [check(emap, f"{name}[{i}]") for i, emap in enumerate(emaps)]
    if not maps:
        raise ValueError(f"{name} must hold at least one error map, got none.")
    shapes = {emap.shape for emap in maps}
    if len(shapes) > 1:
        raise ValueError(f"{name} must have one shape, got {sorted(shapes)}.")
    return maps


def fitting_map(emap, operands, name="emap"):
    """The error map of one multiplier, which fits the operands."""
    for side, operand in (("x", operands.x), ("w", operands.w)):
        wanted = getattr(emap, f"range_{side}", operand.code_range)
        if operand.code_range not in (None, wanted):
            raise ValueError(f"{name} must cover the codes of {side}, {operand.code_range}, "
                             f"got a multiplier for {wanted}.")
    emap = check_error_map(emap, name)
    if emap.shape != (operands.x.size, operands.w.size):
        raise ValueError(f"{name} must have shape {(operands.x.size, operands.w.size)}, the codes of x and w, "
                         f"got {emap.shape}.")
    return emap


def fitting_maps(emaps, operands):
    """(list of error maps that fit the operands, in their own dtype; whether a single one was given)."""
    if hasattr(emaps, "error_map") or depth(emaps) == 2:
        return [fitting_map(emaps, operands, "emaps")], True
    return check_error_maps(emaps, check=lambda emap, name: fitting_map(emap, operands, name)), False


def depth(emaps):
    """Dimensions of an array or of nested lists of one shape; None of anything else."""
    try:
        return np.ndim(emaps)
    except (ValueError, TypeError, RecursionError):
        return None


def check_layer(emaps, operands):
    """(error maps that fit the operands, float64 of shape (multipliers, x, w); whether a single one was given)."""
    maps, single = fitting_maps(emaps, operands)
    return np.array(maps, dtype=np.float64), single
