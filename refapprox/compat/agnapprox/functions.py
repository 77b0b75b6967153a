"""Statistics, recording, matching: the functions of `agnapprox.utils`, with its argument orders.

What is random takes the keyword `rng`, and makes a fresh generator where it is None, as published.
"""
from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox import error_stats, matching
from refapprox.compat.agnapprox.datamodules import native_datamodule
from refapprox.error_stats import error_calculation, error_prediction, population_prediction, to_distribution
from refapprox.matching import LayerInfo, MatchingInfo
from refapprox.matching.tracking import import_mlflow
from refapprox.multipliers import MultiplierLibrary
from refapprox.training import topk_accuracy
from refapprox.validation import check_offers, generator_or_fresh

__all__ = [
    "EnhancedJSONEncoder", "IntermediateLayerResults", "LayerInfo", "MatchingInfo", "deploy_multipliers",
    "dump_results", "error_calculation", "error_prediction", "get_feature_maps", "get_sample_population",
    "population_prediction", "select_layer_multiplier", "select_multipliers", "set_all", "single_dist_mc",
    "to_distribution", "topk_accuracy",
]

logger = logging.getLogger(__name__)


def get_sample_population(tensor: ArrayLike, num_samples: int = 512, *,
                          rng: np.random.Generator | None = None) -> NDArray[Any]:
    """`refapprox.error_stats.get_sample_population` with a fresh generator where `rng` is None.

    Parameters
    ----------
    tensor, num_samples, rng
        As there.

    Returns
    -------
    array (num_samples, k)

    Examples
    --------
    >>> get_sample_population(np.arange(12).reshape(4, 3), 2, rng=np.random.default_rng(0)).shape
    (2, 3)
    """
    return error_stats.get_sample_population(tensor, num_samples, rng=generator_or_fresh(rng))


def single_dist_mc(emap: ArrayLike, x_dist: ArrayLike, w_dist: ArrayLike, fan_in: int, num_samples: int = 100_000, *,
                   rng: np.random.Generator | None = None) -> tuple[float, float]:
    """`refapprox.error_stats.single_dist_mc` with a fresh generator where `rng` is None.

    Parameters
    ----------
    emap, x_dist, w_dist, fan_in, num_samples, rng
        As there.

    Returns
    -------
    mean, std : float

    Examples
    --------
    >>> single_dist_mc(np.full((2, 2), 3), [0.5, 0.5], [1.0, 0.0], fan_in=4, num_samples=10)
    (3.0, 0.0)
    """
    return error_stats.single_dist_mc(emap, x_dist, w_dist, fan_in, num_samples, rng=generator_or_fresh(rng))


@dataclasses.dataclass
class IntermediateLayerResults(matching.IntermediateLayerResults):
    """`refapprox.matching.IntermediateLayerResults`; the weights may be filled in later.

    Attributes
    ----------
    fan_in : int
    features, outputs : array
    weights : array or None
    channel_scale : array or None

    Examples
    --------
    >>> IntermediateLayerResults(3, np.zeros((2, 3)), np.zeros((2, 1))).weights is None
    True
    """

    weights: np.ndarray | None = None


class EnhancedJSONEncoder(json.JSONEncoder):
    """JSON encoder that knows dataclasses, NumPy scalars and arrays.

    Parameters
    ----------
    skipkeys, ensure_ascii, check_circular, allow_nan, sort_keys, indent, separators, default
        As of `json.JSONEncoder`.

    Examples
    --------
    >>> json.dumps({"codes": np.arange(3)}, cls=EnhancedJSONEncoder)
    '{"codes": [0, 1, 2]}'
    """

    def default(self, o: Any) -> Any:
        """What JSON has in place of `o`."""
        if dataclasses.is_dataclass(o) and not isinstance(o, type):
            return dataclasses.asdict(o)
        if isinstance(o, (np.generic, np.ndarray)):
            return o.tolist()
        return super().default(o)


def dump_results(result: MatchingInfo, lmbd: float) -> None:
    """Write a MatchingInfo to MLflow: the active run, or a new one. See `refapprox.matching.dump_results`.

    Parameters
    ----------
    result : MatchingInfo
    lmbd : float

    Raises
    ------
    ValueError
        If MLflow is not installed.

    Examples
    --------
    >>> dump_results(MatchingInfo(), 0.2)      # doctest: +SKIP
    """
    matching.dump_results(result, lmbd, tracking="mlflow")


def set_all(model: Any, attr: str, value: Any) -> None:
    """Set `attr` on every module of `model` that has it.

    Parameters
    ----------
    model : ApproxNet
    attr : str
    value : object

    Raises
    ------
    TypeError
        If model has no modules.
    ValueError
        If a module refuses the value.

    Examples
    --------
    >>> from refapprox.compat.agnapprox.nets import LeNet5
    >>> model = LeNet5(rng=np.random.default_rng(0))
    >>> set_all(model, "stdev", 0.05)
    >>> round(float(model.noisy_modules[0][1].stdev), 6)
    0.05
    """
    for module in check_offers("model", model, "modules").modules():
        if hasattr(module, attr):
            try:
                setattr(module, attr, value)
            except (TypeError, ValueError) as error:
                raise ValueError(f"value of {attr} cannot be set: {error}") from None


def get_feature_maps(model: Any, target_modules: Sequence[tuple[str, Any]], trainer: Any, datamodule: Any, *,
                     rng: np.random.Generator | None = None) -> dict[str, IntermediateLayerResults]:
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

    Returns
    -------
    dict of str to IntermediateLayerResults

    Examples
    --------
    >>> from refapprox.compat.agnapprox.nets import LeNet5
    >>> from refapprox.datasets import SyntheticDigits
    >>> model, data = LeNet5(rng=np.random.default_rng(0)), SyntheticDigits(n_train=150, n_test=4)
    >>> model.train_quant(data, epochs=1)
    >>> maps = get_feature_maps(model, model.noisy_modules[:1], None, data, rng=np.random.default_rng(1))
    >>> {name: found.fan_in for name, found in maps.items()}
    {'model.conv1.0': 25}
    """
    del trainer      # the published function evaluates through it
    maps = matching.get_feature_maps(model.net, native_datamodule(datamodule), rng=generator_or_fresh(rng))
    by_layer = {id(layer): maps[name] for name, layer in model.net.noisy_modules}
    return {name: IntermediateLayerResults(**vars(by_layer[id(module.layer)])) for name, module in target_modules}


def select_layer_multiplier(intermediate_results: Any, multipliers: Any, max_noise: float, num_samples: int = 512, *,
                            rng: np.random.Generator | None = None) -> tuple[str, float]:
    """`refapprox.matching.select_layer_multiplier` with a fresh generator where `rng` is None.

    Parameters
    ----------
    intermediate_results, multipliers, max_noise, num_samples, rng
        As there.

    Returns
    -------
    name, metric : str, float

    Examples
    --------
    >>> from refapprox import load_library
    >>> rng = np.random.default_rng(0)
    >>> x, w = rng.integers(-100, 100, (600, 8)), rng.integers(-100, 100, (8, 4))
    >>> select_layer_multiplier(IntermediateLayerResults(8, x, x @ w, w), load_library(), 0.001, rng=rng)
    ('mul8s_1KVA', 0.422)
    """
    return matching.select_layer_multiplier(intermediate_results, multipliers, max_noise, num_samples,
                                            rng=generator_or_fresh(rng))


def select_multipliers(model: Any, datamodule: Any, multipliers: Any, trainer: Any = None, *,
                       rng: np.random.Generator | None = None) -> MatchingInfo:
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

    Examples
    --------
    >>> select_multipliers(model, datamodule, EvoApproxLib().search_space())      # doctest: +SKIP
    """
    rng = generator_or_fresh(rng)
    maps = get_feature_maps(model, model.noisy_modules, trainer, datamodule, rng=rng)
    result = matching.select_multipliers(model, None, multipliers, rng=rng, feature_maps=maps)
    for layer in result.layers:
        metric = layer.multiplier_performance_metric
        logger.info("Layer: %s, Best Match: %s, Performance: %f, Relative Performance: %f", layer.name,
                    layer.multiplier_name, metric, metric / result.metric_max)
    return result


def deploy_multipliers(model: Any, matching_result: MatchingInfo, library: Any) -> None:
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

    Examples
    --------
    >>> from refapprox import load_library
    >>> from refapprox.compat.agnapprox.nets import LeNet5
    >>> model = LeNet5(rng=np.random.default_rng(0))
    >>> chosen = MatchingInfo([LayerInfo(name, "mul8s_1KVA", 0.422, 1) for name, _ in model.noisy_modules])
    >>> deploy_multipliers(model, chosen, load_library())
    >>> model.noisy_modules[0][1].layer.multiplier.name
    'mul8s_1KVA'
    """
    check_offers("model", model, "noisy_modules")
    check_offers("library", library, "load_lut")
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
