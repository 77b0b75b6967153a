"""The steps of agnapprox's QoS experiment: several settings of the noise search share a few multipliers.

For every weight lambda of the noise term the noise levels are searched anew; k-means over all layers of all searches
finds groups that tolerate similar multipliers, each takes one, and every search is retrained with what it was given.

Reference: agnapprox, `experiments/experiment.py` and `experiments/qos_experiment.py`; E. Trommer, B. Waschneck,
A. Kumar, "QoS-Nets", arXiv:2410.07762. `refapprox.matching.operating_points` solves the same question exactly.
"""
from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from refapprox import files
from refapprox.compat.agnapprox.datamodules import native_datamodule
from refapprox.compat.torchapprox.utils.evoapprox import load_multiplier, module_names
from refapprox.matching import AssignmentProblem, kmeans_assignment, matching_problem
from refapprox.multipliers import Multiplier
from refapprox.validation import generator_or_fresh, shown

__all__ = ["ApproxExperiment", "GradientSearchParams", "LayerResult", "QoSExperiment", "n_multiplier_search"]


@dataclass
class GradientSearchParams:
    """Settings of the noise searches.

    Parameters
    ----------
    lmbd : float or sequence of float
        Weights of the noise term; a search for each.
    sigma_max : float
        Cap of the noise levels in the noise loss.
    sigma_initial : float
        Noise level that every layer starts with.

    Examples
    --------
    >>> GradientSearchParams([0.5, 0.05], 1.0, 0.5).sigma_initial
    0.5
    """

    lmbd: float | Sequence[float]
    sigma_max: float
    sigma_initial: float


@dataclass
class LayerResult:
    """What one layer of one search tolerates, and what it was given; a row of the published data frame.

    Parameters
    ----------
    layer : str
    lmbd : float
    ops : int
        Multiplications per image.
    std_max : float
        What the layer tolerates, in units of its accumulator.
    stds : dict of str to float
        Predicted std of the accumulated error, by multiplier.
    assignment : str
    pwr_factor : float
        Power of `assignment` as a share of the largest in the search space.

    Examples
    --------
    >>> LayerResult("model.conv1", 0.5, 10, 2.0, {"a": 1.0}, "a", 0.5).assignment
    'a'
    """

    layer: str
    lmbd: float
    ops: int
    std_max: float
    stds: dict[str, float]
    assignment: str
    pwr_factor: float


class ApproxExperiment:
    """Trains what is not in `model_dir` yet, and loads what is.

    Parameters
    ----------
    model : refapprox.compat.agnapprox.nets.ApproxNet
    datamodule : ApproxDataModule
        Prepared and set up here.
    model_dir : path, optional
        Weights are kept here, as .npz.
    test : bool, optional
        Test after every training.

    Examples
    --------
    >>> ApproxExperiment(LeNet5(), MNIST(), "models").baseline_model      # doctest: +SKIP
    """

    def __init__(self, model: Any, datamodule: Any, model_dir: str = "./models", test: bool = False) -> None:
        self.model_fp32, self.datamodule, self.model_dir, self.test = model, datamodule, Path(model_dir), test
        self.datamodule.prepare_data()
        self.datamodule.setup()

    @property
    def baseline_model(self) -> Any:
        """A copy of the model, trained with float products."""
        return self._stored("baseline", lambda model: model.train_baseline(self.datamodule))

    def quantized_model(self, qconfig: Any = None, qtype: str = "quant") -> Any:
        """A copy of the model, trained on from its baseline with quantized products.

        Parameters
        ----------
        qconfig : None
            The quantization is that of the model: ``LeNet5(...).net`` takes `quantization=`.
        qtype : str, optional
            Goes into the name of the file.

        Raises
        ------
        ValueError
            If a qconfig is given.
        """
        def train(model):
            model.net.load_state(self.baseline_model.net.state())
            model.train_quant(self.datamodule, test=self.test)

        check_qconfig(qconfig)
        return self._stored(qtype, train)

    def _stored(self, stage, train):
        """A copy of the model in the state of `stage`, which is trained where no file holds it."""
        model = copy.deepcopy(self.model_fp32)
        path = self.model_dir / f"{self.model_fp32.name.lower()}_{stage.lower()}.npz"
        if not path.exists():
            train(model)
            self.model_dir.mkdir(parents=True, exist_ok=True)
            files.write_npz(path, model.net.state())
        model.net.load_state(files.read_npz(path))
        return model


class QoSExperiment(ApproxExperiment):
    """The steps for one network.

    Parameters
    ----------
    model, datamodule, model_dir, test
        As of `ApproxExperiment`.
    mul_filter_str : str
        Part of the names of the multipliers to choose from, of `torchapprox.utils.evoapprox`; signed ones.
    qconfig : None

    Raises
    ------
    ValueError
        If a qconfig is given, or no signed multiplier has `mul_filter_str` in its name.

    Examples
    --------
    >>> QoSExperiment(LeNet5(), MNIST(), "mul8s").search_space()          # doctest: +SKIP
    """

    def __init__(self, model: Any, datamodule: Any, mul_filter_str: str, qconfig: Any = None,
                 model_dir: str = "./models", test: bool = False) -> None:
        self.mul_filter_str, self.qconfig = mul_filter_str, check_qconfig(qconfig)
        if not self.search_space():
            raise ValueError(f"mul_filter_str must be part of the name of a signed multiplier, whose codes the layers "
                             f"have, got {shown(mul_filter_str)}; there are {', '.join(module_names('mul8s'))}.")
        super().__init__(model, datamodule, model_dir, test)

    def search_space(self) -> dict[str, Multiplier]:
        """name -> multiplier, with `error_map` and `performance_metric`."""
        return {name: load_multiplier(name) for name in module_names(self.mul_filter_str) if name.startswith("mul8s")}

    def gradient_model(self, sigma_initial: float, sigma_max: float, lmbd: float) -> Any:
        """The baseline with noise levels learned at weight `lmbd`."""
        model = self.baseline_model
        model.sigma_max = sigma_max
        model.train_gradient(self.datamodule, lmbd=lmbd, initial_noise=sigma_initial, test=self.test)
        return model

    def test_mul_config(self, multipliers: Sequence[str], mlf_extra_params: dict | None = None) -> float:
        """Accuracy on the test set after retraining with a multiplier for every layer.

        Parameters
        ----------
        multipliers : sequence of str
            Names, in the order of the layers.
        mlf_extra_params : dict, optional
            Without effect: nothing is logged here.

        Returns
        -------
        float
        """
        model = self.quantized_model(self.qconfig, "8sx8s_t")
        for name, (_, module) in zip(multipliers, model.noisy_modules, strict=True):
            module.layer.multiplier = load_multiplier(name)
        model.train_approx(self.datamodule)
        _, accuracy = model.net.test(native_datamodule(self.datamodule))
        return accuracy


def n_multiplier_search(experiment: QoSExperiment, mul_search_params: GradientSearchParams, n_multipliers: int,
                        prune: bool = False, *, rng: np.random.Generator | None = None,
                        ) -> tuple[list[LayerResult], dict[float, tuple[float, float]]]:
    """Search at every weight, share `n_multipliers` among all layers of all searches, retrain and test each.

    Parameters
    ----------
    experiment : QoSExperiment
    mul_search_params : GradientSearchParams
    n_multipliers : int
        Number of clusters.
    prune : bool, optional
        False only; upstream has not written it either.
    rng : numpy.random.Generator, optional
        Draws images, receptive fields and starts of k-means; a fresh one where it is None.

    Returns
    -------
    layers : list of LayerResult
        The layers of each search in turn.
    points : dict of float to (float, float)
        lambda -> share of the power that is left, accuracy. What upstream logs as power_reduction is this share.

    Raises
    ------
    ValueError
        If prune is True, or there are more clusters than layers.

    Examples
    --------
    >>> n_multiplier_search(experiment, GradientSearchParams([0.5, 0.05], 1.0, 0.5), 3)   # doctest: +SKIP
    """
    if prune:
        raise ValueError("prune of n_multiplier_search must be False: pruning is not implemented, upstream neither.")
    rng, candidates = generator_or_fresh(rng), list(experiment.search_space().values())
    weights, names, problems = np.atleast_1d(mul_search_params.lmbd).tolist(), [], []
    for lmbd in weights:
        model = experiment.gradient_model(mul_search_params.sigma_initial, mul_search_params.sigma_max, lmbd)
        names = [name for name, _ in model.noisy_modules]
        problems.append(matching_problem(model.net, native_datamodule(experiment.datamodule), candidates, rng=rng))
    whole = AssignmentProblem(*(np.concatenate([getattr(problem, part) for problem in problems])
                                for part in ("stds", "allowed", "opcounts")), problems[0].costs)
    choice = kmeans_assignment(whole, n_multipliers, rng=rng).choice
    rows = [LayerResult(names[i % len(names)], weights[i // len(names)], int(whole.opcounts[i]),
                        float(whole.allowed[i]), {c.name: float(std) for c, std in
                                                  zip(candidates, whole.stds[i], strict=True)},
                        candidates[m].name, float(whole.costs[m] / whole.costs.max())) for i, m in enumerate(choice)]
    points = {}
    for lmbd in weights:
        of_search = [row for row in rows if row.lmbd == lmbd]
        power = sum(row.ops * row.pwr_factor for row in of_search) / sum(row.ops for row in of_search)
        points[lmbd] = power, experiment.test_mul_config([row.assignment for row in of_search])
    return rows, points


def check_qconfig(qconfig):
    """None; a ValueError for anything else."""
    if qconfig is not None:
        raise ValueError("qconfig must be None: a model has its quantization from the start, see quantization= of "
                         "refapprox.nets.LeNet5.")
