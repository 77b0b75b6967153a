"""aihwkit's WeightProgrammingOptimizer: its arguments and results, refapprox's closed form inside."""
from copy import copy

import numpy as np

from refapprox.analog.compensation import check_compensation
from refapprox.analog.hypercube import Hypercube
from refapprox.analog.objective import expected_tnmse
from refapprox.analog.optimizer import WeightProgrammingOptimizer as NativeOptimizer
from refapprox.analog.quantiles import downsample

OPTIONS = {     # upstream's attributes that may be overridden, with its defaults
    "nbins": 6, "test_in_features": 512, "test_out_features": 20, "g_err": 0.0, "f_min": 0.1, "f_max": 5.0,
    "use_max_kw": False, "loss_margin": 0.125, "baseline_iterations": 100, "callback": None, "disp": True,
    "strategy": "best1bin", "popsize": 100, "maxiter": 200, "tol": 0.0, "atol": 0.02, "mutation": 0.1,
    "recombination": 0.3, "polish": True, "workers": -1, "seed": 100, "x_init": "latinhypercube", "device": "cpu",
}
IRRELEVANT = ("test_in_features", "test_out_features", "baseline_iterations", "atol", "workers", "x_init", "device")
AMPLIFICATION = 10.0      # of the error, before squaring


def to_aihwkit_tnmse(tnmse):
    """A plain loss on upstream's scale, 100 times as large."""
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
    """

    def __init__(self, weights, f_lst, rpu_config, t_steps, g_converter_baseline, symmetric=True, **kwargs):
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
            weights, self.f_lst, rpu_config.noise_model.known_device(), t_steps, g_converter_baseline, symmetric,
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

    def generate_hop_bounds(self):
        """Bounds of upstream's search space: (0, 1) for each of its dimensions."""
        cube = Hypercube(self.f_lst, self.g_converter_baseline.g_max, self.g_converter_baseline.g_min,
                         nbins=self.nbins, symmetric=self.symmetric, use_max_kw=self.use_max_kw, layout="equispaced")
        return ((0.0, 1.0),) * cube.n_dims

    def get_loss_baseline(self):
        """Expected loss of the baseline that was passed, scaled as upstream."""
        search = self._search
        return float(to_aihwkit_tnmse(expected_tnmse(self.g_converter_baseline, search.weights, search.device,
                                                     search.t_steps, search.compensation)))

    def differential_weight_evolution(self):
        """(converter, success): success is a bool, whether the baseline was beaten by `loss_margin`."""
        self.result = self._search.run_optimizer()
        self.loss_baseline = float(to_aihwkit_tnmse(self.result.baseline))
        self.best_loss = float(to_aihwkit_tnmse(self.result.best))
        success = bool(self.best_loss < (1 - self.loss_margin) * self.loss_baseline)
        return self.result.converter, success

    def run_optimizer(self):
        """(converter, success); installs the converter in this object's own copy of the configuration."""
        self.loss_baseline = self.get_loss_baseline()
        converter, success = self.differential_weight_evolution()
        self.rpu_config.noise_model.g_converter = converter
        self.f_lst = list(converter.f_lst)
        return converter, success
