"""What an optimization returns."""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from refapprox.analog.converters import ConductanceConverter
from refapprox.analog.monte_carlo import LossEstimate
from refapprox.analog.plain_strategies import FactorScan


class Generation(NamedTuple):
    """One line of progress: losses are expected ones."""

    number: int
    best: float
    baseline: float
    evaluations: int

    def __str__(self):
        return (f"generation {self.number:4d}: best {self.best:.6f}, {100 * (1 - self.best / self.baseline):6.2f} % "
                f"below the baseline, {self.evaluations} evaluations")


@dataclass(frozen=True)
class OptimizationResult:
    """An optimized strategy and the evidence for it.

    Attributes
    ----------
    converter, baseline_converter, plain_converter : ConductanceConverter
        The best strategy found; the baseline; the best of those that fill pairs one after the other.
    best, baseline, plain : float
        Their expected losses (tnmse), on every weight.
    best_monte_carlo, baseline_monte_carlo : LossEstimate
        The same by fresh simulation, with standard errors.
    factor_scan : FactorScan
    x : ndarray (n_dims,) or None
        Point of the hypercube with the smallest loss.
    evaluations : int
        Strategies scored.
    history : tuple of Generation
    seed : int
    stop_reason : str
        Why the search ended.
    interrupted : bool
        Stopped by the keyboard: the result is the best so far.
    seconds : float

    Examples
    --------
    >>> from refapprox.analog import DualPairConductanceConverter, PCMLikeNoiseModel, WeightProgrammingOptimizer
    >>> search = WeightProgrammingOptimizer(np.linspace(-1, 1, 50), [1, None], PCMLikeNoiseModel(), [3600.0],
    ...                                     DualPairConductanceConverter([1, 1]), maxiter=0, popsize=1, polish=False)
    >>> result = search.run_optimizer()
    >>> result.success, result.improvement > 0, result.stop_reason
    (True, True, '0 generations')
    """

    converter: ConductanceConverter
    baseline_converter: ConductanceConverter
    plain_converter: ConductanceConverter
    best: float
    baseline: float
    plain: float
    best_monte_carlo: LossEstimate
    baseline_monte_carlo: LossEstimate
    factor_scan: FactorScan
    x: NDArray[np.float64] | None
    evaluations: int
    history: tuple[Generation, ...]
    seed: int
    stop_reason: str
    interrupted: bool
    seconds: float

    @property
    def improvement(self) -> float:
        """1 - best / baseline, of expected losses: at least 0."""
        return 1 - self.best / self.baseline

    @property
    def success(self) -> bool:
        """Whether the result is better than the baseline."""
        return bool(self.best < self.baseline)

    @property
    def improvement_monte_carlo(self) -> tuple[float, float]:
        """(1 - best / baseline, its standard error), of simulated losses."""
        best, baseline = self.best_monte_carlo, self.baseline_monte_carlo
        ratio = best.mean / baseline.mean
        return 1 - ratio, ratio * float(np.hypot(best.standard_error / best.mean,
                                                 baseline.standard_error / baseline.mean))
