"""The functions of aihwkit.inference.converter.wpo under their names, on NumPy arrays.

`d` is upstream's dictionary of optimizer attributes; a dictionary is passed where upstream passes its pickle.  Losses
are scaled as upstream (errors amplified by 10).  Functions that draw take `rng=None` for a fresh generator.
"""
import numpy as np

from refapprox.analog.aging import program_weights
from refapprox.analog.converters import CustomPairConductanceConverter
from refapprox.analog.hypercube import Hypercube
from refapprox.analog.quantiles import downsample
from refapprox.compat.aihwkit.inference.converter.wpo_optimizer import WeightProgrammingOptimizer, to_aihwkit_tnmse
from refapprox.validation import check_finite

__all__ = ["WeightProgrammingOptimizer", "denormalize", "downsample_weight_distribution", "loss_fxn",
           "loss_rpu_config", "loss_weights", "partition_parameters", "reformat_x_g", "shuffle_weights",
           "span_of_remaining_pairs", "stop_criterion"]


def downsample_weight_distribution(weights, shape, *, rng=None):
    """Quantiles of `weights` in `shape`, rows in random order."""
    return shuffle_weights(downsample(weights, tuple(shape)), rng=rng)


def shuffle_weights(weights, *, rng=None):
    """A copy of `weights` with its rows permuted (rows only, as upstream)."""
    rng = np.random.default_rng() if rng is None else rng
    return rng.permutation(np.asarray(weights), axis=0)


def stop_criterion(intermediate_result):
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


def partition_parameters(x, d):
    """(f_lst, k_w in uS per unit weight, x_g) of a point x."""
    factors, top, x_g = hypercube_of(d, len(x)).partition(np.asarray(x)[None])
    return factors[0].tolist(), float(top[0] / d["max_abs_weight_unitless"]), x_g[0]


def reformat_x_g(x_g, len_f_lst, symmetric):
    """(rows of x_g as lists, length of a conductance list)."""
    rows = np.asarray(x_g, dtype=np.float64).reshape(2 * len_f_lst - 1, -1)
    return rows.tolist(), 2 * rows.shape[1] - 1 if symmetric else rows.shape[1]


def span_of_remaining_pairs(span_of_each_pair, ind):
    """Sum of the spans from pair `ind` on."""
    return sum(span_of_each_pair[ind:])


def denormalize(x, d):
    """(f_lst, g_lst) of a point x."""
    found = hypercube_of(d, len(x)).denormalize(np.asarray(x, dtype=np.float64)[None])
    return found.factors[0].tolist(), found.conductances[0].tolist()


def loss_weights(model, t_steps, test_weights, max_abs_weight_unitless, loss_baseline, loss_margin, get_baseline=False,
                 *, rng=None):
    """One simulated loss, aging "reconvert"; `model` is an InferenceRPUConfig (upstream: a layer made from one).

    The plain loss if `get_baseline`, else (loss - baseline) / baseline + margin.
    """
    rng = np.random.default_rng() if rng is None else rng
    weights = check_finite("test_weights", np.asarray(test_weights, dtype=np.float64))
    losses = []
    for t in t_steps:
        chip = program_weights(model.noise_model.g_converter, weights, model.noise_model.known_device(), rng=rng,
                               compensation=model.drift_compensation, aging="reconvert",
                               readout=model.forward.readout())
        losses.append(np.mean(((chip.read(t, rng=rng).effective - weights) / max_abs_weight_unitless) ** 2))
    tnmse = float(to_aihwkit_tnmse(np.mean(losses)))
    return tnmse if get_baseline else (tnmse - loss_baseline) / loss_baseline + loss_margin


def loss_rpu_config(d, *, rng=None):
    """`loss_weights` with everything from `d`."""
    return loss_weights(d["rpu_config"], d["t_steps"], d["weights_downsampled_unitless"], d["max_abs_weight_unitless"],
                        d["loss_baseline"], d["loss_margin"], get_baseline=d["get_baseline"], rng=rng)


def loss_fxn(x, d, *, rng=None):
    """One simulated objective of a point x; `d` is the dictionary itself, nothing is unpickled, nor changed."""
    if not isinstance(d, dict):
        raise TypeError(f"d must be the dictionary that upstream pickles, got {type(d).__name__}.")
    from copy import copy

    f_lst, g_lst = denormalize(x, d)
    config, model = copy(d["rpu_config"]), copy(d["rpu_config"].noise_model)
    model.g_converter = CustomPairConductanceConverter(f_lst, g_lst, d["g_max"], d["g_min"], invertibility_test=False)
    config.noise_model = model
    return loss_rpu_config(d | {"rpu_config": config}, rng=rng)
