"""Every error estimator against simulation on a finished run: what `refapprox stats` prints and draws.

The network is taken as it was matched, after the noise search, with the operands of the training images of the
matching; all their receptive fields count.
"""
import time
from dataclasses import dataclass

import numpy as np

from refapprox.error_stats import (
    RUNGS,
    Law,
    accumulated_errors,
    berry_esseen_bound_fixed_weights,
    error_law,
    exact_moments,
    gaussian_distance,
    mixed_law,
    monte_carlo_estimate,
)
from refapprox.error_stats.gaussian_limit import kolmogorov_distance
from refapprox.error_stats.result import mixture
from refapprox.main_job.job import make_datamodule, make_net, make_search_space, matching_images, take_over
from refapprox.main_job.run_folder import RunFolder
from refapprox.matching import MatchingInfo, get_feature_maps, predicted_stds
from refapprox.matching.prediction import group_operands, layer_operands
from refapprox.validation import check_choice

MONTE_CARLO = "monte_carlo"      # the published estimator by drawing; beside the rungs, since it needs a generator
MONTE_CARLO_DRAWS = 20_000       # of a sum: the std is then known to about half a percent
ESTIMATORS = ("single_distribution", MONTE_CARLO, *(name for name in RUNGS if name not in
                                                      ("single_distribution", "simulation")))


@dataclass(frozen=True)
class RecordedRun:
    """What a run left behind, as far as error statistics need it."""

    layers: dict                # name -> IntermediateLayerResults
    multipliers: list           # the search space
    chosen: dict                # layer name -> Multiplier of the match
    seed: int


@dataclass(frozen=True)
class Comparison:
    """Predicted against simulated stds; accumulator units and seconds.

    Attributes
    ----------
    simulated : dict of str to array (multipliers,)
        By layer.
    predicted : dict of str to dict of str to array (multipliers,)
        By estimator, then layer.
    seconds : dict of str to float
        By estimator, simulation included, all layers and multipliers together.
    """

    names: list
    simulated: dict
    predicted: dict
    seconds: dict

    def relative_errors(self, estimator, layer):
        """predicted / simulated - 1 of the multipliers that make errors at all."""
        inexact = self.simulated[layer] > 0
        return self.predicted[estimator][layer][inexact] / self.simulated[layer][inexact] - 1

    def mean_error(self, estimator, layer=None):
        """Mean of |relative error| over multipliers, of one layer or of all."""
        layers = [layer] if layer else list(self.simulated)
        return float(np.mean(np.concatenate([np.abs(self.relative_errors(estimator, name)) for name in layers])))


@dataclass(frozen=True)
class LayerLaw:
    """The error of a layer's chosen multiplier: simulated, as exact law of independent activations, as Gaussian."""

    multiplier: str
    errors: np.ndarray          # (fields, neurons)
    law: Law
    mean: float
    std: float
    skewness: float
    excess_kurtosis: float
    data_distance: float        # Kolmogorov distance of the simulated errors to the Gaussian
    law_distance: float         # of the exact law
    bound: float                # Berry-Esseen, mean over neurons
    output_std: float


def read_run(path):
    """The operands, search space and choice of the run in folder `path`."""
    folder, config = RunFolder.open(path)
    checkpoint = folder.load("gradient")
    if checkpoint is None or not (folder.path / "matching.json").exists():
        raise ValueError(f"run {path} has not been matched yet: refapprox run --resume {path} goes on with it.")
    library = make_search_space(config)
    datamodule = make_datamodule(config)
    net = make_net(config, list(library), datamodule, np.random.default_rng(config.seed))
    take_over(net, checkpoint, config)
    rng = np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=(1,)))      # as the run itself does
    maps = get_feature_maps(net, datamodule, rng=rng, num_images=matching_images(net))
    info = MatchingInfo.load(folder.path / "matching.json")
    chosen = {layer.name: library[layer.multiplier_name] for layer in info.layers
              if layer.multiplier_name in library.names}
    return RecordedRun(maps, list(library), chosen, config.seed)


def compare(run, estimators=ESTIMATORS, progress=lambda text: None):
    """Predict the std of every layer and multiplier by every estimator, and simulate it; `progress` hears of each."""
    for name in estimators:
        check_choice("estimators", name, ESTIMATORS)
    predicted, seconds = {}, {}
    for name in ("simulation", *estimators):
        progress(name)
        rng, started = np.random.default_rng(run.seed), time.perf_counter()
        predicted[name] = {layer: by_estimator(name, results, run.multipliers, rng)
                           for layer, results in run.layers.items()}
        seconds[name] = time.perf_counter() - started
    return Comparison([m.name for m in run.multipliers], predicted.pop("simulation"), predicted, seconds)


def by_estimator(name, results, multipliers, rng):
    if name != MONTE_CARLO:
        return predicted_stds(results, multipliers, None, rng=rng, estimator=name)
    operands = layer_operands(results, multipliers, None, rng)
    return np.array([monte_carlo_estimate(m, operands, "single_distribution", MONTE_CARLO_DRAWS,
                                          rng=rng).accumulated_std for m in multipliers])


def layer_laws(run):
    """layer -> LayerLaw, for the layers in which the errors of the chosen multiplier vary."""
    found = {name: layer_law(multiplier, run.layers[name]) for name, multiplier in run.chosen.items()
             if multiplier.error_map.any()}
    return {name: law for name, law in found.items() if law.std > 0}


def layer_law(multiplier, results):
    """The LayerLaw of recorded operands; groups, which share nothing, are mixed."""
    groups = list(group_operands(results, [multiplier], None, None))
    errors = np.concatenate([accumulated_errors(multiplier, operands) for operands in groups])
    pooled = [exact_moments(multiplier, operands).pooled for operands in groups]
    moments = mixture(*np.transpose([(m.mean, m.variance, m.third, m.fourth, m.lower, m.upper) for m in pooled]))
    law = mixed_law([error_law(multiplier, operands, "fixed_weights") for operands in groups])
    bound = np.mean([berry_esseen_bound_fixed_weights(multiplier, operands) for operands in groups])
    return LayerLaw(multiplier.name, errors, law, float(moments.mean), float(moments.std), float(moments.skewness),
                    float(moments.excess_kurtosis), sample_distance(errors.ravel(), moments.mean, moments.std),
                    gaussian_distance(law), float(bound), results.output_std())


def sample_distance(samples, mean, std):
    """Kolmogorov distance between the empirical law of `samples` and N(mean, std^2); 1 for a constant."""
    if std == 0:
        return 1.0
    values, counts = np.unique(samples, return_counts=True)
    return kolmogorov_distance(values, counts / counts.sum(), mean, std)
