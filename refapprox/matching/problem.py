"""What the rules of `assignment` decide on, and what they decide.

    r_lm = (predicted_std_lm / allowed_std_l)^2      share of what layer l tolerates that multiplier m uses   (1)
    E    = sum_l share_l cost_{m(l)} / cost_max      energy, share_l the layer's part of all operations       (2)

The numbers r_lm and share_l cost_m / cost_max are float64; their sums are exact, rounded once at the end (`math.fsum`).
So "sum r <= D" needs no tolerance: a choice keeps within D where the sum that it reports, `Assignment.used`, does.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.validation import check_codes, check_finite


@dataclass(frozen=True)
class Assignment:
    """A multiplier for every layer.

    Attributes
    ----------
    choice : int64 array, shape (layers,)
        Index of the multiplier.
    energy : float
        (2).
    used : float
        sum_l r_{l, choice_l}, the exact sum rounded once.
    lower_bound : float
        No assignment under the same constraint has less energy.

    Examples
    --------
    >>> Assignment(np.array([0, 2]), energy=0.5, used=1.2, lower_bound=0.4).gap == (0.5 - 0.4) / 0.5
    True
    """

    choice: NDArray[np.int64]
    energy: float
    used: float
    lower_bound: float

    @property
    def gap(self) -> float:
        """Relative optimality gap; 0 when the assignment is proven optimal."""
        return max(self.energy - self.lower_bound, 0.0) / self.energy if self.energy else 0.0


@dataclass(frozen=True)
class AssignmentProblem:
    """Predicted stds against what layers tolerate, operation counts, costs.

    Parameters
    ----------
    stds : float array, shape (layers, multipliers)
        Predicted std of the accumulated error.
    allowed : float array, shape (layers,)
        |sigma_l| std(y_l), same units.
    opcounts : float array, shape (layers,)
    costs : float array, shape (multipliers,)
    layer_names, multiplier_names : sequence of str, optional
        For messages.

    Raises
    ------
    ValueError
        If shapes do not fit, a number is negative or not finite, or nothing costs anything.

    Examples
    --------
    >>> from refapprox.matching import threshold_assignment
    >>> problem = AssignmentProblem(stds=[[5, 1], [9, 0]], allowed=[1, 3], opcounts=[3, 1], costs=[0.1, 0.5])
    >>> threshold_assignment(problem).choice.tolist()
    [1, 1]
    """

    stds: ArrayLike
    allowed: ArrayLike
    opcounts: ArrayLike
    costs: ArrayLike
    layer_names: tuple[str, ...] = ()
    multiplier_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("stds", "allowed", "opcounts", "costs"):
            array = check_finite(name, getattr(self, name), dtype=np.float64)
            if array.size == 0 or array.ndim == 0 or array.min() < 0:
                raise ValueError(f"{name} must be a non-empty array, not negative, got shape {array.shape}.")
            object.__setattr__(self, name, array)
        layers, multipliers = len(self.allowed), len(self.costs)
        if self.stds.shape != (layers, multipliers) or self.opcounts.shape != (layers,):
            raise ValueError(f"stds must have shape (layers, multipliers) = {(layers, multipliers)} and opcounts "
                             f"{(layers,)}, got {self.stds.shape} and {self.opcounts.shape}.")
        if not self.opcounts.sum() > 0 or not self.costs.max() > 0:
            raise ValueError("opcounts and costs must hold something above 0.")
        for name, kind, count in (("layer_names", "layer", layers), ("multiplier_names", "multiplier", multipliers)):
            object.__setattr__(self, name, tuple(getattr(self, name)) or tuple(f"{kind} {i}" for i in range(count)))

    @property
    def fits(self) -> NDArray[np.bool_]:
        """Where each layer by itself tolerates a multiplier, shape (layers, multipliers)."""
        return self.stds <= self.allowed[:, np.newaxis]

    @property
    def ratios(self) -> NDArray[np.float64]:
        """r of (1); 0 without error, infinite where a layer tolerates none."""
        tolerates_none = np.where(self.stds > 0, np.inf, 0.0)
        with np.errstate(over="ignore", under="ignore"):      # beyond 1.8e308 is as infinite as beyond any budget
            return np.divide(self.stds, self.allowed[:, np.newaxis], out=tolerates_none,
                             where=(self.allowed[:, np.newaxis] > 0) & (self.stds > 0)) ** 2

    @property
    def energies(self) -> NDArray[np.float64]:
        """Contribution of each layer with each multiplier to (2)."""
        return np.outer(self.opcounts / self.opcounts.sum(), self.costs / self.costs.max())

    def assignment(self, choice: ArrayLike, lower_bound: float | None = None) -> Assignment:
        """The Assignment that gives layer l multiplier choice[l].

        Parameters
        ----------
        choice : integer array, shape (layers,)
        lower_bound : float, optional
            Of the energy; the assignment counts as optimal without one.
        """
        rows, choice = np.arange(len(self.allowed)), check_codes("choice", choice, 0, len(self.costs) - 1)
        if choice.shape != rows.shape:
            raise ValueError(f"choice must have shape {rows.shape}, one multiplier for each layer, got {choice.shape}.")
        energy, used = (math.fsum(table[rows, choice]) for table in (self.energies, self.ratios))
        return Assignment(choice, energy, used, energy if lower_bound is None else min(float(lower_bound), energy))
