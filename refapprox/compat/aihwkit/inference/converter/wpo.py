"""The functions of aihwkit.inference.converter.wpo under their names, on NumPy arrays.

`d` is upstream's dictionary of optimizer attributes; a dictionary is passed where upstream passes its pickle.  Losses
are scaled as upstream (errors amplified by 10).  Functions that draw take `rng=None` for a fresh generator.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.aging import program_weights
from refapprox.analog.compensation import check_compensation
from refapprox.analog.custom_converter import CustomPairConductanceConverter
from refapprox.analog.hypercube import Hypercube
from refapprox.analog.objective import expected_tnmse
from refapprox.analog.optimizer import WeightProgrammingOptimizer as NativeOptimizer
from refapprox.analog.quantiles import downsample
from refapprox.validation import check_array, check_finite, generator_or_fresh

__all__ = ["WeightProgrammingOptimizer", "denormalize", "downsample_weight_distribution", "loss_fxn",
           "loss_rpu_config", "loss_weights", "partition_parameters", "reformat_x_g", "shuffle_weights",
           "span_of_remaining_pairs", "stop_criterion"]


OPTIONS = {     # upstream's attributes that may be overridden, with its defaults
    "nbins": 6, "test_in_features": 512, "test_out_features": 20, "g_err": 0.0, "f_min": 0.1, "f_max": 5.0,
    "use_max_kw": False, "loss_margin": 0.125, "baseline_iterations": 100, "callback": None, "disp": True,
    "strategy": "best1bin", "popsize": 100, "maxiter": 200, "tol": 0.0, "atol": 0.02, "mutation": 0.1,
    "recombination": 0.3, "polish": True, "workers": -1, "seed": 100, "x_init": "latinhypercube", "device": "cpu",
}
IRRELEVANT = ("test_in_features", "test_out_features", "baseline_iterations", "atol", "workers", "x_init", "device")
AMPLIFICATION = 10.0      # of the error, before squaring


def to_aihwkit_tnmse(tnmse: float) -> float:
    """A plain loss on upstream's scale, 100 times as large.

    Parameters
    ----------
    tnmse : float
        Of `refapprox.analog`.

    Returns
    -------
    float

    Examples
    --------
    >>> to_aihwkit_tnmse(0.5)
    50.0
    """
    return AMPLIFICATION**2 * tnmse


class WeightProgrammingOptimizer:
    """Optimizer with upstream's signature.

    Parameters
    ----------
    weights, f_lst, rpu_config, t_steps, g_converter_baseline, symmetric
        As upstream; `rpu_config` is an `InferenceRPUConfig`.
    **kwargs
        Upstream's options (`OPTIONS`). Those in `IRRELEVANT` are taken and change nothing: the loss is a closed form of
        all weights, without test matrix, repetitions or workers. An unknown one is a TypeError.

    Attributes
    ----------
    loss_baseline, best_loss : float
        Expected losses, scaled as upstream. The baseline is the argument (upstream scores the configuration's own).
    g_min, g_max, g_err : float, uS
    weights_downsampled_unitless : ndarray (test_in_features, test_out_features)
    max_abs_weight_unitless : float
        With the options and these, ``vars(optimizer)`` is the dictionary that the functions of `wpo` take.
    result : refapprox.analog.OptimizationResult, after `run_optimizer`

    Examples
    --------
    >>> from refapprox.compat.aihwkit.inference import DualPairConductanceConverter
    >>> from refapprox.compat.aihwkit.simulator.configs import InferenceRPUConfig
    >>> search = WeightProgrammingOptimizer(np.linspace(-1, 1, 50), [1.0, None], InferenceRPUConfig(), [3600.0],
    ...                                     DualPairConductanceConverter([1.0, 1.0]), use_max_kw=True, disp=False)
    >>> len(search.generate_hop_bounds())
    19
    """

    def __init__(self, weights: ArrayLike, f_lst: Sequence[float | None], rpu_config: Any, t_steps: Sequence[float],
                 g_converter_baseline: Any, symmetric: bool = True, **kwargs: Any) -> None:
        unknown = sorted(set(kwargs) - set(OPTIONS))
        if unknown:
            raise TypeError(f"options must be among {', '.join(OPTIONS)}, got {', '.join(unknown)}.")
        self.__dict__.update(OPTIONS | kwargs)
        self.weights, self.f_lst, self.t_steps, self.symmetric = weights, list(f_lst), t_steps, symmetric
        self.rpu_config, self.g_converter_baseline = copy(rpu_config), g_converter_baseline
        self.rpu_config.noise_model = copy(rpu_config.noise_model)
        self.loss_baseline = self.best_loss = float("inf")
        self.result = None
        self._search = NativeOptimizer(
            weights, self.f_lst, rpu_config.noise_model.device_model(), t_steps, g_converter_baseline, symmetric,
            compensation=check_compensation(rpu_config.drift_compensation), nbins=self.nbins, g_err=self.g_err,
            f_min=self.f_min, f_max=self.f_max, use_max_kw=self.use_max_kw, popsize=self.popsize, maxiter=self.maxiter,
            mutation=self.mutation, recombination=self.recombination, strategy=self.strategy, tol=self.tol,
            polish=self.polish, loss_margin=self.loss_margin, seed=self.seed,
            progress=self._progress if self.disp or self.callback is not None else None)
        self.g_min, self.g_max, self.get_baseline = g_converter_baseline.g_min, g_converter_baseline.g_max, False
        self.g_err = self.g_err * (self.g_max - self.g_min)
        sample = downsample(weights, (self.test_in_features, self.test_out_features))
        self.weights_downsampled_unitless = np.random.default_rng(self.seed).permutation(sample, axis=0)
        self.max_abs_weight_unitless = float(np.abs(sample).max())

    def _progress(self, generation):
        if self.callback is not None:
            from scipy.optimize import OptimizeResult

            fun = (generation.best - generation.baseline) / generation.baseline + self.loss_margin
            self.callback(OptimizeResult(fun=fun))
        else:
            print(generation)

    def generate_hop_bounds(self) -> tuple[tuple[float, float], ...]:
        """Bounds of upstream's search space: (0, 1) for each of its dimensions."""
        cube = Hypercube(self.f_lst, self.g_converter_baseline.g_max, self.g_converter_baseline.g_min,
                         nbins=self.nbins, symmetric=self.symmetric, use_max_kw=self.use_max_kw, layout="equispaced")
        return ((0.0, 1.0),) * cube.n_dims

    def get_loss_baseline(self) -> float:
        """Expected loss of the baseline that was passed, scaled as upstream."""
        search = self._search
        return float(to_aihwkit_tnmse(expected_tnmse(self.g_converter_baseline, search.weights, search.device,
                                                     search.t_steps, search.compensation)))

    def differential_weight_evolution(self) -> tuple[Any, bool]:
        """(converter, success): success is a bool, whether the baseline was beaten by `loss_margin`."""
        self.result = self._search.run_optimizer()
        self.loss_baseline = float(to_aihwkit_tnmse(self.result.baseline))
        self.best_loss = float(to_aihwkit_tnmse(self.result.best))
        success = bool(self.best_loss < (1 - self.loss_margin) * self.loss_baseline)
        return self.result.converter, success

    def run_optimizer(self) -> tuple[Any, bool]:
        """(converter, success); installs the converter in this object's own copy of the configuration."""
        self.loss_baseline = self.get_loss_baseline()
        converter, success = self.differential_weight_evolution()
        self.rpu_config.noise_model.g_converter = converter
        self.f_lst = list(converter.f_lst)
        return converter, success


def downsample_weight_distribution(weights: ArrayLike, shape: Sequence[int], *,
                                   rng: np.random.Generator | None = None) -> NDArray[np.float64]:
    """Quantiles of `weights` in `shape`, rows in random order."""
    return shuffle_weights(downsample(weights, tuple(shape)), rng=rng)


def shuffle_weights(weights: ArrayLike, *, rng: np.random.Generator | None = None) -> NDArray[Any]:
    """A copy of `weights` with its rows permuted (rows only, as upstream)."""
    rng = generator_or_fresh(rng)
    return rng.permutation(check_array("weights", weights), axis=0)


def stop_criterion(intermediate_result: Any) -> None:
    """Print the objective; StopIteration once it is negative."""
    print(f"(current loss - baseline loss) / baseline loss + loss margin = {intermediate_result.fun:.10f}")
    if intermediate_result.fun < 0:
        raise StopIteration


def hypercube_of(d, dims):
    """The search space that dictionary `d` describes, for points of `dims` coordinates."""
    pairs, used = len(d["f_lst"]), list(d["f_lst"]).count(None) + (not d["use_max_kw"])
    columns, rest = divmod(dims - used, 2 * pairs - 1)
    if rest or columns < 2:
        raise ValueError(f"x must hold {used} coordinates and then a multiple of {2 * pairs - 1}, got {dims}.")
    symmetric = d.get("symmetric", True)
    return Hypercube(d["f_lst"], d["g_max"], d["g_min"], nbins=columns if symmetric else (columns + 1) // 2,
                     symmetric=symmetric, use_max_kw=d["use_max_kw"], f_min=d["f_min"], f_max=d["f_max"],
                     g_err=d.get("g_err", 0.0) / (d["g_max"] - d["g_min"]), layout="equispaced")


def partition_parameters(x: ArrayLike, d: Mapping[str, Any]) -> tuple[list[float], float, NDArray[np.float64]]:
    """(f_lst, k_w in uS per unit weight, x_g) of a point x."""
    factors, top, x_g = hypercube_of(d, len(x)).partition(np.asarray(x)[None])
    return factors[0].tolist(), float(top[0] / d["max_abs_weight_unitless"]), x_g[0]


def reformat_x_g(x_g: ArrayLike, len_f_lst: int, symmetric: bool) -> tuple[list[list[float]], int]:
    """(rows of x_g as lists, length of a conductance list)."""
    rows = np.asarray(x_g, dtype=np.float64).reshape(2 * len_f_lst - 1, -1)
    return rows.tolist(), 2 * rows.shape[1] - 1 if symmetric else rows.shape[1]


def span_of_remaining_pairs(span_of_each_pair: Sequence[float], ind: int) -> float:
    """Sum of the spans from pair `ind` on."""
    return sum(span_of_each_pair[ind:])


def denormalize(x: ArrayLike, d: Mapping[str, Any]) -> tuple[list[float], list[list[float]]]:
    """(f_lst, g_lst) of a point x."""
    found = hypercube_of(d, len(x)).denormalize(np.asarray(x, dtype=np.float64)[None])
    return found.factors[0].tolist(), found.conductances[0].tolist()


def loss_weights(model: Any, t_steps: Sequence[float], test_weights: ArrayLike, max_abs_weight_unitless: float,
                 loss_baseline: float, loss_margin: float, get_baseline: bool = False, *,
                 rng: np.random.Generator | None = None) -> float:
    """One simulated loss, aging "reconvert".

    Parameters
    ----------
    model : InferenceRPUConfig
        Upstream: a layer made from one.
    t_steps : sequence of float, s
    test_weights : array
    max_abs_weight_unitless : float
        What errors are relative to.
    loss_baseline, loss_margin : float
    get_baseline : bool, optional
        Return the plain loss, not (loss - baseline) / baseline + margin.
    rng : numpy.random.Generator, optional
        A fresh one where it is None.

    Returns
    -------
    float
        On upstream's scale.
    """
    rng = generator_or_fresh(rng)
    weights = check_finite("test_weights", test_weights, dtype=np.float64)
    losses = []
    for t in t_steps:
        chip = program_weights(model.noise_model.g_converter, weights, model.noise_model.device_model(), rng=rng,
                               compensation=model.drift_compensation, aging="reconvert",
                               readout=model.forward.readout())
        losses.append(np.mean(((chip.read(t, rng=rng).effective - weights) / max_abs_weight_unitless) ** 2))
    tnmse = float(to_aihwkit_tnmse(np.mean(losses)))
    return tnmse if get_baseline else (tnmse - loss_baseline) / loss_baseline + loss_margin


def loss_rpu_config(d: Mapping[str, Any], *, rng: np.random.Generator | None = None) -> float:
    """`loss_weights` with everything from `d`."""
    return loss_weights(d["rpu_config"], d["t_steps"], d["weights_downsampled_unitless"], d["max_abs_weight_unitless"],
                        d["loss_baseline"], d["loss_margin"], get_baseline=d["get_baseline"], rng=rng)


def loss_fxn(x: ArrayLike, d: dict[str, Any], *, rng: np.random.Generator | None = None) -> float:
    """One simulated objective of a point x; `d` is the dictionary itself, nothing is unpickled, nor changed."""
    if not isinstance(d, dict):
        raise TypeError(f"d must be the dictionary that upstream pickles, got {type(d).__name__}.")
    f_lst, g_lst = denormalize(x, d)
    config, model = copy(d["rpu_config"]), copy(d["rpu_config"].noise_model)
    model.g_converter = CustomPairConductanceConverter(f_lst, g_lst, d["g_max"], d["g_min"], invertibility_test=False)
    config.noise_model = model
    return loss_rpu_config(d | {"rpu_config": config}, rng=rng)
