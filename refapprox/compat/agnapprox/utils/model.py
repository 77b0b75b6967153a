"""Recording, tracking and settings of a network, under agnapprox's names and argument orders."""
import dataclasses
import json

import numpy as np

from refapprox import matching
from refapprox.compat.agnapprox.datamodules import native_datamodule
from refapprox.compat.agnapprox.utils.error_stats import fresh
from refapprox.training import topk_accuracy

__all__ = ["EnhancedJSONEncoder", "IntermediateLayerResults", "dump_results", "get_feature_maps", "set_all",
           "topk_accuracy"]


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
