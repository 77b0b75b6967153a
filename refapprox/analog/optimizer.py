"""Weight programming optimization: the strategy whose weights stay true over time.

Minimizes the expected loss of `population` over the points of a `Hypercube`, by differential evolution (for the
valleys) and then by L-BFGS-B (for the bottom, on a finer rule of weights).  The loss is deterministic and, but for the
kinks of a device model, smooth: no candidate wins by a lucky draw.  The baseline strategy and the best plain factors
are members of the first population, and the baseline is a candidate at the end: the result is never worse than it.

Gradients are central differences, all 2 D of them in one vectorized call: the way from a point of the hypercube to the
conductances is full of minima and maxima, whose derivative by hand would be longer than the map itself, and a call
costs milliseconds.  A test holds them against Richardson extrapolation.

References
----------
C. Mackin et al., Nature Communications 13, 3765 (2022), doi:10.1038/s41467-022-31405-1.
"""
from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.aging import check_strategy
from refapprox.analog.compensation import GLOBAL, check_compensation
from refapprox.analog.converters import ConductanceConverter, NPairConductanceConverter
from refapprox.analog.devices import DeviceModel
from refapprox.analog.hypercube import Hypercube
from refapprox.analog.monte_carlo import monte_carlo_tnmse
from refapprox.analog.objective import check_score_weights, expected_tnmse
from refapprox.analog.plain_strategies import scan_factors
from refapprox.analog.population import PopulationLoss
from refapprox.analog.quantiles import downsample
from refapprox.analog.result import Generation, OptimizationResult
from refapprox.validation import (
    check_callback,
    check_choice,
    check_finite,
    check_flag,
    check_integer,
    check_real,
    is_several,
)

CELLS, FINE_CELLS = 24, 64    # of the weight distribution, while evolving and while descending
GRADIENT_STEP = 1e-5          # of the unit cube: 2.5e-4 uS; truncation 1e-10, rounding 1e-11 of the loss
DESCENT_STEPS = 200           # of L-BFGS-B from each start; each costs a gradient
PROGRESS = 1e-6               # relative fall of the best loss that counts as progress
JITTER = 0.1                  # spread of the seeded members around the best plain strategy
MAX_WEIGHTS = 1 << 17         # more are replaced by as many quantiles where every weight is evaluated


STRATEGIES = ("best1bin", "best1exp", "rand1bin", "rand1exp", "rand2bin", "rand2exp", "randtobest1bin",
              "randtobest1exp", "currenttobest1bin", "currenttobest1exp", "best2bin", "best2exp")      # SciPy's


def check_mutation(mutation):
    """`mutation` as a float in [0, 2), or as a pair of them: the range that it is drawn from."""
    pair = is_several(mutation)
    if pair and len(mutation) != 2:
        raise ValueError(f"mutation must be a number or a pair of numbers, got {len(mutation)} of them.")
    found = tuple(check_real("mutation", value, minimum=0, maximum=np.nextafter(2, 0))
                  for value in (mutation if pair else [mutation]))
    return found if pair else found[0]


class Stop(Exception):
    """Raised inside the search when the target is reached."""


class WeightProgrammingOptimizer:
    """Optimizer of programming strategies.

    Parameters
    ----------
    weights : array of any shape, finite, not all 0
        The weights to be stored, of all layers together for instance.
    f_lst : list of P factors, None where to be optimized
        At least one must be given: a common factor of all pairs changes nothing.
    device : DeviceModel
    t_steps : sequence of float, s
        Times after programming at which weights shall be true.
    baseline : ConductanceConverter
        The strategy to beat; its g_min and g_max are those of the optimized one, and must be the device's.
    symmetric : bool
        Treat positive and negative weights alike (about half the dimensions).
    compensation : instance of a compensation class, or None
    nbins, use_max_kw, g_err, f_min, f_max, layout
        See `Hypercube`.
    popsize : int
        Population of differential evolution as a multiple of the dimensions.
    maxiter : int
        Generations at most.
    patience : int
        Evolution ends after so many generations in which the best loss fell by less than a millionth.
    mutation, recombination, strategy, tol
        Of `scipy.optimize.differential_evolution`.
    seeding : bool
        Put the baseline, the best plain strategy and its neighborhood into the first population.
    polish : bool
        Descend from the best points with L-BFGS-B.
    loss_margin : float, optional
        Stop once the best loss is below (1 - loss_margin) times the baseline's.
    monte_carlo_runs : int
        Runs that re-evaluate baseline and result.
    seed : int
        Of all random numbers.
    progress : callable, optional
        Called with a `Generation` after each one.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, for anything that cannot be optimized.

    Examples
    --------
    >>> from refapprox.analog import DualPairConductanceConverter, PCMLikeNoiseModel
    >>> search = WeightProgrammingOptimizer(np.linspace(-1, 1, 50), [1, None], PCMLikeNoiseModel(), [3600.0],
    ...                                     DualPairConductanceConverter([1, 1]), maxiter=1, popsize=1)
    >>> search.run_optimizer().improvement > 0
    True
    """

    def __init__(self, weights: ArrayLike, f_lst: Sequence[float | None], device: DeviceModel,
                 t_steps: Sequence[float], baseline: ConductanceConverter, symmetric: bool = True, *,
                 compensation: Any = GLOBAL, nbins: int = 6, use_max_kw: bool = False, g_err: float = 0.0,
                 f_min: float = 0.1, f_max: float = 5.0, layout: str = "kinks", popsize: int = 15, maxiter: int = 200,
                 patience: int = 50, mutation: float | tuple[float, float] = (0.5, 1.0), recombination: float = 0.7,
                 strategy: str = "best1bin", tol: float = 1e-5, seeding: bool = True, polish: bool = True,
                 loss_margin: float | None = None, monte_carlo_runs: int = 40, seed: int = 100,
                 progress: Callable[[Generation], None] | None = None) -> None:
        check_strategy(baseline, device, name="baseline")
        self.weights = check_score_weights(weights)
        self.baseline, self.device, self.compensation = baseline, device, check_compensation(compensation)
        self.cube = Hypercube(f_lst, baseline.g_max, baseline.g_min, nbins=nbins, symmetric=symmetric,
                              use_max_kw=use_max_kw, g_err=g_err, f_min=f_min, f_max=f_max, layout=layout)
        if self.cube.n_free == self.cube.n_pairs:
            raise ValueError(f"f_lst must give at least one factor to set the scale of the others, got {f_lst}.")
        folded = symmetric and layout == "kinks"
        self.loss, self.fine_loss = (PopulationLoss(self.weights, device, t_steps, self.compensation,
                                                    symmetric=folded, cells=cells) for cells in (CELLS, FINE_CELLS))
        self.t_steps = self.loss.t_steps
        self.popsize = check_integer("popsize", popsize, minimum=1)
        self.maxiter = check_integer("maxiter", maxiter, minimum=0)
        self.patience = check_integer("patience", patience, minimum=1)
        self.monte_carlo_runs = check_integer("monte_carlo_runs", monte_carlo_runs, minimum=2)
        self.seed = check_integer("seed", seed, minimum=0)
        self.loss_margin = None if loss_margin is None else check_real("loss_margin", loss_margin, maximum=1)
        self.evolution = {"mutation": check_mutation(mutation), "tol": check_real("tol", tol, minimum=0),
                          "recombination": check_real("recombination", recombination, minimum=0, maximum=1),
                          "strategy": check_choice("strategy", strategy, STRATEGIES)}
        self.seeding, self.polish = check_flag("seeding", seeding), check_flag("polish", polish)
        self.progress = check_callback("progress", progress, "a Generation")
        self.compensation.check_shape(self.weights)
        many = self.weights.size > MAX_WEIGHTS and self.compensation.axis is None
        self._scored = downsample(self.weights, (MAX_WEIGHTS,)) if many else self.weights

    def objective(self, x: ArrayLike, loss: PopulationLoss | None = None) -> NDArray[np.float64]:
        """Expected losses (C,) of points x (C, n_dims) under `loss` (default `self.loss`); remembers the best.

        Parameters
        ----------
        x : float64 array (C, n_dims)
        loss : PopulationLoss, optional
        """
        loss = self.loss if loss is None else loss
        x = check_finite("x", x, ndim=2)
        if not len(x):
            raise ValueError(f"x must hold at least one point, got shape {x.shape}.")
        strategies = self.cube.denormalize(x)
        losses = loss(strategies.conductances_at(loss.u), strategies.factors, strategies.full_scale)
        self.evaluations += len(losses)
        best = int(losses.argmin())
        if losses[best] < self.best_loss:
            self.best_loss, self.best_x = float(losses[best]), x[best].copy()
        return losses

    def gradient(self, x: NDArray[np.float64], loss: PopulationLoss | None = None) -> NDArray[np.float64]:
        """Central differences (n_dims,) of the objective at x (n_dims,), one-sided at the faces of the cube.

        Parameters
        ----------
        x : float64 array (n_dims,)
        loss : PopulationLoss, optional
        """
        x = check_finite("x", x, ndim=1)
        if np.any((x < 0) | (x > 1)):
            raise ValueError(f"x must lie in the cube [0, 1], got {x.min()} to {x.max()}.")
        steps = GRADIENT_STEP * np.eye(len(x))
        above, below = np.clip(x + steps, 0, 1), np.clip(x - steps, 0, 1)
        losses = self.objective(np.concatenate([above, below]), loss)
        return (losses[:len(x)] - losses[len(x):]) / np.diag(above - below)

    def score(self, converter: ConductanceConverter) -> float:
        """Expected loss of a strategy on every weight."""
        return expected_tnmse(converter, self._scored, self.device, self.t_steps, self.compensation)

    def run_optimizer(self) -> OptimizationResult:
        """Optimize. Interrupted by the keyboard, it returns the best so far, marked as such.

        Returns
        -------
        OptimizationResult
        """
        begin = time.perf_counter()
        self.evaluations, self.best_loss, self.best_x, self.history = 0, np.inf, None, []
        rng = np.random.default_rng(self.seed)
        self._baseline_score = self.score(self.baseline)
        scan = scan_factors(self.fine_loss, self.cube.f_lst, self.cube.g_max, self.cube.g_min, self.cube.f_min,
                            self.cube.f_max)
        plain = NPairConductanceConverter(list(scan.best), self.cube.g_max, self.cube.g_min)
        interrupted = False
        try:
            reason = self._evolve(self._first_population(plain, rng), rng)
            if self.polish:
                self._descend([self.best_x, *(self._points([plain]) if self.seeding else [])])
        except Stop as stop:
            reason = str(stop)
        except KeyboardInterrupt:
            interrupted, reason = True, "interrupted: the best strategy so far"
        return self._result(scan, plain, reason, interrupted, rng, begin)

    def _points(self, converters):
        """The points of those strategies that the hypercube holds."""
        points = []
        for converter in converters:
            try:
                points.append(self.cube.normalize(converter))
            except ValueError:
                continue
        return points

    def _first_population(self, plain, rng):
        """A Latin hypercube, half of it moved around the best plain strategy where that is a seed."""
        size, dims = max(5, self.popsize * self.cube.n_dims), self.cube.n_dims
        cells = np.stack([rng.permutation(size) for _ in range(dims)], axis=1)
        population = (cells + rng.random((size, dims))) / size
        seeds = self._points([plain, self.baseline]) if self.seeding else []
        if seeds:
            near = size // 2
            population[:near] = np.clip(seeds[0] + JITTER * rng.standard_normal((near, dims)), 0, 1)
            population[:len(seeds)] = seeds[:size]
        return population

    def _evolve(self, population, rng):
        """Differential evolution from `population`; the reason why it stopped."""
        import scipy
        from scipy.optimize import differential_evolution

        generator = "rng" if tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 15) else "seed"

        def after_generation(xk, convergence=None):
            self.history.append(Generation(len(self.history) + 1, self.best_loss, self._baseline_score,
                                           self.evaluations))
            if self.progress is not None:
                self.progress(self.history[-1])
            if self.loss_margin is not None and self.best_loss < (1 - self.loss_margin) * self._baseline_score:
                raise Stop(f"beat the baseline by the margin of {self.loss_margin:g}")
            return self._stalled()

        found = differential_evolution(lambda x: self.objective(x.T), [(0, 1)] * self.cube.n_dims, init=population,
                                       maxiter=self.maxiter, vectorized=True, updating="deferred", polish=False,
                                       callback=after_generation, **{generator: rng}, **self.evolution)
        if self._stalled():
            return f"no better for {self.patience} generations"
        return "population converged" if found.success else f"{self.maxiter} generations"

    def _stalled(self):
        """Whether the best loss has hardly fallen for `patience` generations."""
        if len(self.history) <= self.patience:
            return False
        return self.history[-1].best > (1 - PROGRESS) * self.history[-1 - self.patience].best

    def _descend(self, starts):
        """L-BFGS-B from each of `starts`, on the finer rule: the best loss so far is counted anew."""
        from scipy.optimize import minimize

        self.best_loss = np.inf
        for start in starts:
            minimize(lambda x: self.objective(x[None], self.fine_loss)[0] / self._baseline_score, start,
                     method="L-BFGS-B", jac=lambda x: self.gradient(x, self.fine_loss) / self._baseline_score,
                     bounds=[(0, 1)] * len(start), options={"maxiter": DESCENT_STEPS, "ftol": 1e-10, "gtol": 1e-8})

    def _result(self, scan, plain, reason, interrupted, rng, begin):
        candidates = [self.baseline]
        if self.seeding:
            candidates.append(plain)
        if self.best_x is not None:
            found = self.cube.denormalize(self.best_x[None])
            candidates.append(found.converter(0, self.cube.g_max, self.cube.g_min, self.cube.g_err == 0))
        scores = [self.score(converter) for converter in candidates]
        winner = int(np.argmin(scores))
        estimates = []
        for converter in (self.baseline, candidates[winner]):
            estimates.append(monte_carlo_tnmse(converter, self._scored, self.device, self.t_steps, self.compensation,
                                               rng=rng, runs=self.monte_carlo_runs))
        return OptimizationResult(
            converter=candidates[winner], baseline_converter=self.baseline, plain_converter=plain,
            baseline=scores[0], best=scores[winner], plain=self.score(plain), baseline_monte_carlo=estimates[0],
            best_monte_carlo=estimates[1], factor_scan=scan, x=self.best_x, evaluations=self.evaluations,
            history=tuple(self.history), seed=self.seed, stop_reason=reason, interrupted=interrupted,
            seconds=time.perf_counter() - begin)
