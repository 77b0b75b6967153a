"""Drift compensations under aihwkit's module name."""
from refapprox.analog.compensation import (
    GlobalDriftCompensation,
    GlobalDriftCompensationWithExactReference,
    PerColumnDriftCompensation,
)

__all__ = ["GlobalDriftCompensation", "GlobalDriftCompensationWithExactReference", "PerColumnDriftCompensation"]
