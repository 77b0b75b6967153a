"""Drift compensations under aihwkit's names. ``init_baseline`` needs a tile, which is not there."""
from refapprox.analog import compensation as native
from refapprox.compat.aihwkit.inference.compensation.base import BaseDriftCompensation

__all__ = ["GlobalDriftCompensation", "GlobalDriftCompensationWithExactReference", "PerColumnDriftCompensation"]


class GlobalDriftCompensation(BaseDriftCompensation, native.GlobalDriftCompensation):
    """One factor for the array."""


class GlobalDriftCompensationWithExactReference(BaseDriftCompensation,
                                                native.GlobalDriftCompensationWithExactReference):
    """One factor for the array, against the target weights."""


class PerColumnDriftCompensation(BaseDriftCompensation, native.PerColumnDriftCompensation):
    """One factor for each output."""
