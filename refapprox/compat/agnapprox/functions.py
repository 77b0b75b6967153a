"""Statistics, recording, matching: the functions of `agnapprox.utils`, with its argument orders.

What is random takes `rng` as its last argument and makes a fresh generator where it is None, as published.
"""
import dataclasses
import json
import logging
from contextlib import contextmanager

import numpy as np

from refapprox import error_stats, matching
from refapprox.compat.agnapprox.datamodules import native_datamodule
from refapprox.error_stats import error_calculation, error_prediction, population_prediction, to_distribution
from refapprox.matching import LayerInfo, MatchingInfo
from refapprox.matching.tracking import import_mlflow
from refapprox.multipliers import MultiplierLibrary
from refapprox.training import topk_accuracy

__all__ = [
    "EnhancedJSONEncoder", "IntermediateLayerResults", "LayerInfo", "MatchingInfo", "deploy_multipliers",
    "dump_results", "error_calculation", "error_prediction", "get_feature_maps", "get_sample_population",
    "population_prediction", "select_layer_multiplier", "select_multipliers", "set_all", "single_dist_mc",
    "to_distribution", "topk_accuracy",
]

logger = logging.getLogger(__name__)


def get_sample_population(tensor, num_samples=512, rng=None):
    """`refapprox.error_stats.get_sample_population` with a fresh generator where `rng` is None."""
    return error_stats.get_sample_population(tensor, num_samples, rng=fresh(rng))


def single_dist_mc(emap, x_dist, w_dist, fan_in, num_samples=100_000, rng=None):
    """`refapprox.error_stats.single_dist_mc` with a fresh generator where `rng` is None."""
    return error_stats.single_dist_mc(emap, x_dist, w_dist, fan_in, num_samples, rng=fresh(rng))


def fresh(rng):
    """`rng`, or a generator from the system's entropy where it is None."""
    return np.random.default_rng() if rng is None else rng


@dataclasses.dataclass
class IntermediateLayerResults(matching.IntermediateLayerResults):
    """`refapprox.matching.IntermediateLayerResults`; the weights may be filled in later."""

    weights: np.ndarray | None = None


class EnhancedJSONEncoder(json.JSONEncoder):
    """JSON encoder that knows dataclasses, NumPy scalars and arrays."""

    def default(self, o):
        if dataclasses.is_dataclass(o) and not isinstance(o, type):
            return dataclasses.asdict(o)
        if isinstance(o, (np.generic, np.ndarray)):
            return o.tolist()
        return super().default(o)


def dump_results(result, lmbd):
    """Write a MatchingInfo to MLflow: the active run, or a new one. See `refapprox.matching.dump_results`."""
    matching.dump_results(result, lmbd, tracking="mlflow")


def set_all(model, attr, value):
    """Set `attr` on every module of `model` that has it."""
    for module in model.modules():
        if hasattr(module, attr):
            setattr(module, attr, value)


def get_feature_maps(model, target_modules, trainer, datamodule, rng=None):
    """name -> IntermediateLayerResults of `target_modules`, over 128 random training images.

    Parameters
    ----------
    model : ApproxNet
    target_modules : list of (str, NoisyModule)
        All or some of ``model.noisy_modules``.
    trainer
        Without effect.
    datamodule : ApproxDataModule or refapprox DataModule
    rng : numpy.random.Generator, optional
        Draws the images; a fresh one where it is None.
    """
    del trainer      # the published function evaluates through it
    maps = matching.get_feature_maps(model.net, native_datamodule(datamodule), rng=fresh(rng))
    by_layer = {id(layer): maps[name] for name, layer in model.net.noisy_modules}
    return {name: IntermediateLayerResults(**vars(by_layer[id(module.layer)])) for name, module in target_modules}


def select_layer_multiplier(intermediate_results, multipliers, max_noise, num_samples=512, rng=None):
    """`refapprox.matching.select_layer_multiplier` with a fresh generator where `rng` is None."""
    return matching.select_layer_multiplier(intermediate_results, multipliers, max_noise, num_samples, rng=fresh(rng))


def select_multipliers(model, datamodule, multipliers, trainer=None, rng=None):
    """Assign a multiplier to every layer; each choice is logged.

    Parameters
    ----------
    model : ApproxNet
        With learned noise levels.
    datamodule : ApproxDataModule or refapprox DataModule
    multipliers : sequence
        Anything with `name`, `performance_metric` and `error_map`.
    trainer : optional
        Without effect.
    rng : numpy.random.Generator, optional
        Draws images and receptive fields; a fresh one where it is None.

    Returns
    -------
    MatchingInfo

    Raises
    ------
    ValueError
        If no multiplier fits a layer, as published: the layer and the nearest candidate are named.
    """
    rng = fresh(rng)
    maps = get_feature_maps(model, model.noisy_modules, trainer, datamodule, rng=rng)
    result = matching.select_multipliers(model, None, multipliers, rng=rng, feature_maps=maps)
    for layer in result.layers:
        metric = layer.multiplier_performance_metric
        logger.info("Layer: %s, Best Match: %s, Performance: %f, Relative Performance: %f", layer.name,
                    layer.multiplier_name, metric, metric / result.metric_max)
    return result


def deploy_multipliers(model, matching_result, library):
    """Load the tables that `matching_result` names into the layers of `model`.

    Parameters
    ----------
    model : ApproxNet
    matching_result : MatchingInfo
    library
        Anything with ``load_lut(name)`` in two's-complement order, or a `refapprox.MultiplierLibrary`.

    Raises
    ------
    ValueError
        If the layers are not those of the model in its order.
    """
    expected, given = [name for name, _ in model.noisy_modules], [info.name for info in matching_result.layers]
    if given != expected:
        raise ValueError(f"layers of the matching result must be {expected}, in this order, got {given}.")
    for info, (_, module) in zip(matching_result.layers, model.noisy_modules, strict=True):
        if isinstance(library, MultiplierLibrary):      # whose load_lut is in value order
            module.layer.multiplier = library[info.multiplier_name]
        else:
            module.approx_op.lut = library.load_lut(info.multiplier_name)


@contextmanager
def tracked_run(experiment, run_name, enabled):
    """A function (epoch, metrics) that logs an epoch in a run of its own; it does nothing unless `enabled`."""
    if not enabled:
        yield lambda epoch, metrics: None
        return
    mlflow = import_mlflow("log_mlflow=True")
    mlflow.set_experiment(experiment_name=experiment)
    with mlflow.start_run(run_name=run_name):
        yield lambda epoch, metrics: mlflow.log_metrics(metrics, step=epoch)
