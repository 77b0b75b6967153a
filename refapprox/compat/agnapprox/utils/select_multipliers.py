"""Matching and deployment under agnapprox's names, argument orders and log lines."""
import logging

from refapprox import matching
from refapprox.compat.agnapprox.utils.error_stats import fresh
from refapprox.compat.agnapprox.utils.model import get_feature_maps
from refapprox.matching import LayerInfo, MatchingInfo
from refapprox.multipliers import MultiplierLibrary

__all__ = ["LayerInfo", "MatchingInfo", "deploy_multipliers", "select_layer_multiplier", "select_multipliers"]

logger = logging.getLogger(__name__)


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
