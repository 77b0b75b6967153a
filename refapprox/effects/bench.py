"""What one multiplier, or several, do to a trained network: in half a minute, with nothing to train.

The network is `LeNet5.pretrained`, with codes of the multiplier's sign and width. What a layer tolerates and whether
a multiplier fits are decided by `matching`; errors are predicted by the rungs of `error_stats` and simulated on the
operands of 128 training images; accuracies are counted on the test images.
"""
from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from refapprox.datasets import MNIST, SyntheticDigits
from refapprox.effects.result import EffectReport, LayerEffect, MultiplierEffect
from refapprox.effects.standing import known_circuits, standing
from refapprox.error_stats import estimate
from refapprox.matching import deploy_uniform, get_feature_maps, matching_problem, simulated_stds
from refapprox.matching.prediction import layer_operands
from refapprox.multipliers import exact, load_library
from refapprox.multipliers.codes import MAX_BITS
from refapprox.multipliers.costs import with_estimated_costs
from refapprox.multipliers.operator import BinaryOperator
from refapprox.nets import LeNet5
from refapprox.nets.pretrained import DATASETS
from refapprox.quantization import LayerQuantization
from refapprox.validation import check_choice, check_integer

Sources = str | os.PathLike | BinaryOperator | Sequence[str | os.PathLike | BinaryOperator]
BEST_RUNG = "correlated_taps"      # of those that predict; exact_data and simulation go through the data themselves
SEED = 0                           # of the data that the networks were trained on


def effect(multipliers: Sources, *, dataset: str = "synthetic", data_dir: str | os.PathLike | None = None,
           retrain: int = 0, images: int | None = None, costs: Mapping[str, float] | None = None,
           signed: bool | None = None, bits: int | None = None, circuit: Mapping[str, Any] | None = None,
           progress: Callable[[str], None] | None = None) -> EffectReport:
    """What multipliers do to a trained LeNet-5, layer by layer and as a whole.

    Parameters
    ----------
    multipliers : str, path, Multiplier, Circuit, or a list of these
        Sources as of ``refapprox effect``: "builtin", files, folders, families such as "drum(k=6)", names.
    dataset : {"synthetic", "mnist"}, optional
        The drawn digits, or MNIST, whose files must be at hand.
    data_dir : path, optional
        Folder with MNIST; else the environment variable REFAPPROX_DATA_DIR.
    retrain : int, optional
        Epochs of retraining through every multiplier's table; 0 for none.
    images : int, optional
        Test images to use, the first ones; all by default.
    costs : dict of str to float, optional
        Cost by name, in mW beside the built-in multipliers.
    signed, bits : bool and int, optional
        Which multipliers of a source to take, and what a source is taken for that does not tell.
    circuit : dict, optional
        What else is stated of files, as `load_library` takes it: order, top, liberty, compiled.
    progress : callable, optional
        Called with a line of text before each piece of work.

    Returns
    -------
    EffectReport

    Raises
    ------
    ValueError
        If a source is not valid, a multiplier is wider than 8x8 bits, or MNIST is not at hand.

    Examples
    --------
    >>> import refapprox
    >>> report = refapprox.effect("mul8s_1KVL", images=200)
    >>> [layer.name for layer in report[0].layers if not layer.fits]
    ['linear3']
    """
    progress = progress or (lambda text: None)
    check_choice("dataset of effect", dataset, DATASETS)
    retrain = check_integer("retrain of effect", retrain, minimum=0)
    library = load_library(multipliers, signed=signed, bits=bits, costs=costs, **(circuit or {}))
    found = [narrow(m) for m in with_estimated_costs(library, required=False)]
    progress(f"reading {'MNIST' if dataset == 'mnist' else 'the drawn digits'}")
    data = MNIST(data_dir=data_dir) if dataset == "mnist" else drawn_digits()
    images = len(data.test.labels) if images is None else check_integer("images of effect", images, minimum=1,
                                                                        maximum=len(data.test.labels))
    benches = {}
    effects = []
    for multiplier in found:
        kind = multiplier.signed, multiplier.bits_x, multiplier.bits_w
        if kind not in benches:
            benches[kind] = Bench(multiplier, dataset, data, images, retrain, progress)
        effects.append(benches[kind].measure(multiplier))
    return EffectReport(dataset, images, retrain, effects)


@functools.cache
def drawn_digits():
    """The drawn digits, drawn once: nobody changes them here."""
    return SyntheticDigits(seed=SEED)


def narrow(multiplier):
    """`multiplier` as a table; a ValueError that says why where there can be none, or no codes for it."""
    widths = f"{multiplier.bits_x}x{multiplier.bits_w} bits"
    if getattr(multiplier, "operation", "mul") != "mul":
        raise ValueError(f"{multiplier.name} is an adder; effect is about multipliers.")
    if max(multiplier.bits_x, multiplier.bits_w) > MAX_BITS:
        raise ValueError(f"{multiplier.name} takes {widths}: networks run on tables, of at most {MAX_BITS}x{MAX_BITS} "
                         f"bits. Its figures: refapprox multipliers show.")
    if multiplier.signed and min(multiplier.bits_x, multiplier.bits_w) < 2:
        raise ValueError(f"{multiplier.name} takes {widths} with a sign: that leaves no positive code.")
    return multiplier.to_multiplier()


class Bench:
    """A pretrained network with the codes of one kind of multiplier, and what is known before one is tried."""

    def __init__(self, multiplier, dataset, data, images, retrain, progress):
        self.dataset, self.data, self.images, self.retrain, self.progress = dataset, data, images, retrain, progress
        self.codes = LayerQuantization.for_multiplier(multiplier)
        self.net = LeNet5.pretrained(dataset, signed=multiplier.signed, quantization=self.codes)
        kind = f"{multiplier.bits_x}x{multiplier.bits_w} {'signed' if multiplier.signed else 'unsigned'}"
        progress(f"exact products of {kind} codes on {images} images")
        self.exact_right = self.right_answers()
        self.maps = get_feature_maps(self.net, data, rng=np.random.default_rng(SEED))
        self.known = known_circuits(multiplier)
        self.exact_retrained = None
        if retrain:
            progress(f"retraining with exact products, {retrain} epoch{'s' if retrain > 1 else ''}")
            self.exact_retrained = self.retrained(free(exact_like(multiplier)))

    def measure(self, multiplier):
        """The MultiplierEffect of one multiplier."""
        self.progress(f"{multiplier.name}: errors predicted and simulated")
        together = [free(multiplier), *self.known]
        problem = self.problem(together, "population")
        best = self.problem(together[:1], BEST_RUNG)
        used = np.sqrt(problem.ratios.mean(axis=0))
        self.progress(f"{multiplier.name}: accuracy everywhere and in single layers")
        right = self.right_answers(multiplier)
        layers = [self.layer(row, name, layer, multiplier, problem, best)
                  for row, (name, layer) in enumerate(self.net.noisy_modules)]
        place = standing(multiplier, problem.stds[:, 0], self.known, problem.stds[:, 1:], float(used[0]),
                         used[1:]) if self.known else None
        retrained = None
        if self.retrain:
            self.progress(f"{multiplier.name}: retraining")
            retrained = self.retrained(multiplier)
        change = right.astype(float) - self.exact_right
        return MultiplierEffect(multiplier, layers, float(right.mean()), float(self.exact_right.mean()),
                                float(change.std(ddof=0) / np.sqrt(change.size)), float(used[0]),
                                multiplier.metrics(), place, retrained, self.exact_retrained)

    def problem(self, multipliers, estimator):
        return matching_problem(self.net, self.data, multipliers, rng=np.random.default_rng(SEED),
                                feature_maps=self.maps, estimator=estimator)

    def layer(self, row, name, layer, multiplier, problem, best):
        results = self.maps[name]
        simulated, = simulated_stds(results, [multiplier], rng=np.random.default_rng(SEED))
        mean = estimate(multiplier, layer_operands(results, [multiplier], None, None), "exact_data")
        return LayerEffect(name, results.fan_in, layer.opcount / self.net.total_ops, float(layer.stdev),
                           float(problem.allowed[row]), float(problem.stds[row, 0]), float(best.stds[row, 0]),
                           float(simulated), float(mean.accumulated_mean), bool(problem.ratios[row, 0] <= 1),
                           float(self.right_answers(multiplier, only=name).mean()))

    def right_answers(self, multiplier=None, only=None):
        """Which test images are classified rightly, with `multiplier` everywhere, in one layer, or nowhere."""
        self.net.set_mode("quantized")
        for name, layer in self.net.noisy_modules:
            if multiplier is not None and only in (None, name):
                layer.multiplier = multiplier
                layer.set_mode("approximate")
        return answered_rightly(self.net, self.data, self.images)

    def retrained(self, multiplier):
        """Accuracy after retraining through the table of `multiplier`, from the shipped state."""
        net = LeNet5.pretrained(self.dataset, signed=multiplier.signed, quantization=self.codes)
        deploy_uniform(net, multiplier)
        net.train_approx(self.data, epochs=self.retrain)
        return float(answered_rightly(net, self.data, self.images).mean())


def answered_rightly(net, data, images):
    """bool array (images,): which of the first test images `net` classifies rightly in its present mode."""
    right = []
    for batch in data.test_batches():
        right.extend(net.forward(batch.images).argmax(axis=1) == batch.labels)
        if len(right) >= images:
            break
    return np.array(right[:images])


def free(multiplier):
    """`multiplier` with a cost, since a matching problem needs one and what a layer tolerates does not depend on it."""
    return dataclasses.replace(multiplier, performance_metric=1.0)


def exact_like(multiplier):
    """Exact products of the operands of `multiplier`, whose widths may differ."""
    if multiplier.bits_x == multiplier.bits_w:
        return exact(multiplier.bits_x, multiplier.signed)
    return dataclasses.replace(multiplier, name="exact", lut=multiplier.exact_products)
