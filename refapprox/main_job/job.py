"""The steps of the main job, one after the other, each ending in a checkpoint.

    baseline -> quant -> gradient -> match -> approx -> uniform

`approx` retrains with the matched multipliers, `uniform` from the same state, with the same epochs and seed, with
one multiplier everywhere: the one whose relative energy is nearest that of the match.
"""
from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refapprox import files, nets
from refapprox.datasets import load_dataset
from refapprox.main_job.config import CALIBRATION, PRESETS, RunConfig, environment
from refapprox.main_job.console import Pace, duration
from refapprox.main_job.run_folder import Checkpoint, RunFolder, differing
from refapprox.matching import (
    IntermediateLayerResults,
    MatchingInfo,
    deploy_multipliers,
    deploy_uniform,
    exact_fallback,
    get_feature_maps,
    matching_info,
    matching_problem,
    nearest_uniform,
    simulated_stds,
    threshold_assignment,
)
from refapprox.matching.feature_maps import images_that_fit
from refapprox.matching.prediction import products_simulated
from refapprox.multipliers import MultiplierLibrary, load_library
from refapprox.ops.threads import cores
from refapprox.quantization import LayerQuantization
from refapprox.training import STAGES as TRAINING_STAGES
from refapprox.training import Progress, seconds_of_passes, trained_parameters
from refapprox.validation import check_choice

MATCHING_IMAGES = 128
REPORT = 2.5, 0.08      # seconds that its figures take, and those of one more layer
STEPS = ("baseline", "quant", "gradient", "match", "approx", "uniform")


class MainJob:
    """A run in its folder.

    Parameters
    ----------
    config : RunConfig
    folder : RunFolder
        Read for where to go on; written to only by `run`.
    console : object with `line`, `epoch` and `batch`, as `Console`

    Examples
    --------
    >>> import tempfile
    >>> from refapprox.main_job import RunConfig
    >>> from refapprox.main_job.console import Console
    >>> config, folder = RunConfig(preset="smoke"), RunFolder(tempfile.mkdtemp())
    >>> folder.create(config)
    >>> MainJob(config, folder, Console()).finished      # run() does the rest
    False
    """

    def __init__(self, config: RunConfig, folder: RunFolder, console: Any) -> None:
        self.config, self.folder, self.console = config, folder, console
        folder.config = config
        self.search_space = list(make_search_space(config))
        self.fallback = exact_fallback(self.search_space)
        self.library = MultiplierLibrary(dict.fromkeys([*self.search_space, self.fallback]), config.multipliers)
        self.datamodule = make_datamodule(config)
        self.net = make_net(config, self.search_space, self.datamodule, self._rng(0))
        self.net.use_workers(cores())
        if config.recalibrate and not self.net.batch_norms:
            raise ValueError(f"recalibrate needs batch norm, which {self.net.name} does not have.")
        trained_parameters(self.net, config.retrain)      # refuses at once what the last stage could not train
        self.state = self._last_state() or Checkpoint(STEPS[0], entropy=self.net.entropy)
        if self.state.network:
            take_over(self.net, self.state, config)

    @property
    def results(self) -> dict[str, Any]:
        """Accuracies, energies and stds so far, as results.json will hold them."""
        return self.state.results

    @property
    def conditions(self) -> str:
        """How the network is quantized and retrained, on how many images and whether of known files, in words."""
        config, data = self.config, self.datamodule
        n_train, n_val, n_test = (len(part.labels) for part in (data.train, data.val, data.test))
        parts = [f"{'batch norm folded, ' if config.fold else ''}ranges of activations {config.ranges}"]
        if config.ranges == "static":
            parts.append(f"calibrated on {min(CALIBRATION, n_train)} training images")
        if config.recalibrate:
            parts.append(f"batch norm recalibrated on {min(config.recalibrate, n_train)} training images")
        parts.append(f"retrained under the multipliers: {config.retrain.replace('_', ' ')}; {n_train} images for "
                     f"training, {n_val} for validation, {n_test} for the tests")
        if data.digests:
            others = [name for name, file in data.digests.items() if not file["known"]]
            parts.append(f"not known by their md5 sums: {' '.join(others)}" if others else "from the files of record")
        return ", ".join(parts)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.state.step == "done"

    def _last_state(self):
        """The newest whole checkpoint, else None; a damaged file is named, and what it held is done again."""
        state, damaged = self.folder.first_of(("latest", *reversed(STEPS)))
        if state is not None and state.step not in (*STEPS, "done"):
            raise ValueError(f"{self.folder.path} goes on at a step {state.step!r}, which a run does not have.")
        if state is not None and (changed := differing(state.environment, environment())):
            self.console.line(f"made with {changed[0]}, goes on with {changed[1]}: the last bits may differ.")
        if state is not None and state.step in ("approx", "uniform", "done"):
            try:
                self.matching()
            except (ValueError, OSError) as error:
                damaged.append(str(error))
                state = self.folder.load("gradient")
        for text in damaged:
            where = f"from step {state.step}, epoch {state.epoch + 1}" if state else "from the start"
            self.console.line(f"{text} Going on {where}.")
        return state

    def run(self, last: str | None = None) -> dict[str, Any]:
        """Do every step that is left, up to the step `last` if one is given; returns the results."""
        with self.folder.locked():
            return self._run(last)

    def _run(self, last):
        self.folder.rewind(self.state)
        steps = [step for step in STEPS if self.config.uniform or step != "uniform"]
        first = steps.index(self.state.step) if self.state.step in steps else len(steps)
        beyond = len(steps) if last is None else steps.index(check_choice("last", last, steps)) + 1
        if first < beyond:
            started = time.perf_counter()
            self.pace = Pace(self._foretold(steps[:beyond]))
            measuring, left = time.perf_counter() - started, self.pace.left(steps[first], self.state.epoch)
            about = (f"{duration(left)} left" if first or self.state.epoch else
                     f"{duration(left + measuring)} in all")      # of a short run measuring is a good part
            self.console.line(f"about {about}, measured on a batch")
        for step in steps[first:beyond]:
            getattr(self, f"_{step}")()
            position = steps.index(step) + 1
            following = steps[position] if position < len(steps) else "done"
            self.folder.save(self._checkpoint(following), step)
            self.state = self._checkpoint(following)
            self.folder.save(self.state)
        files.write_json(self.folder.path / "results.json", self.results)
        return self.results

    # ---- steps

    def _baseline(self):
        self._train("baseline", self.net.train_baseline)
        self._test("baseline")
        if self.config.fold:
            self.net.fold_batch_norm()
        if self.config.ranges == "static":
            self.net.calibrate(self._training_images(CALIBRATION, 4), "training images")

    def _quant(self):
        self._train("quant", self.net.train_quant)
        self._test("quantized")

    def _gradient(self):
        self._train("gradient", self.net.train_gradient, lmbd=self.config.lmbd,
                    initial_noise=self.config.initial_noise)

    def _match(self):
        maps = self.feature_maps()
        candidates = [*self.search_space, self.fallback]
        problem = matching_problem(self.net, self.datamodule, candidates, rng=self._rng(2), feature_maps=maps)
        info = matching_info(self.net, candidates, problem,
                             threshold_assignment(problem, fallback=len(candidates) - 1))
        info.save(self.folder.path / "matching.json")
        self.results["relative_energy"] = info.relative_energy_consumption
        self.console.line(f"   match chosen; for the report every layer is simulated with each of "
                          f"{len(self.search_space)} multipliers")
        self.results["error_stds"] = self.error_stds(maps, problem.stds)
        deploy_multipliers(self.net, info, self.library)
        self._test("deployed")
        self._recalibrate("recalibrated")

    def _approx(self):
        deploy_multipliers(self.net, self.matching(), self.library)
        self._train("approx", self.net.train_approx)
        self._test("retrained")

    def _uniform(self):
        info = self.matching()
        multiplier = nearest_uniform(info, self.search_space)
        if self.state.epoch == 0:
            self.net.load_state(self._matched().network)      # the state that `approx` started from
        deploy_uniform(self.net, multiplier)
        if self.state.epoch == 0:
            self.results["uniform_multiplier"] = multiplier.name
            self.results["uniform_relative_energy"] = multiplier.performance_metric / info.metric_max
            self._test("uniform_deployed")
            self._recalibrate("uniform_recalibrated")
        self._train("approx", self.net.train_approx, step="uniform")
        self._test("uniform_retrained")

    # ---- what the steps share

    def _foretold(self, steps):
        """step -> (epochs, seconds of one, seconds beside them), from the time of one batch in every mode."""
        images, _ = next(self.datamodule.train_batches(self._rng(5)))
        by_cost = sorted(self.search_space, key=lambda multiplier: multiplier.performance_metric)
        deploy_uniform(self.net, by_cost[len(by_cost) // 2])
        seconds = seconds_of_passes(self.net, images)
        train, val, test = (len(part.labels) / len(images) for part in
                            (self.datamodule.train, self.datamodule.val, self.datamodule.test))

        def trained(stage, tests, beside=0.0):
            forward = seconds[TRAINING_STAGES[stage]]
            return (self.config.stages[stage].epochs, train * (forward + seconds["backward"]) + val * forward,
                    tests * test * forward + beside)

        forward, recorded = seconds["approximate"], matching_images(self.net)
        recalibration = forward * (self.config.recalibrate / len(images) + test) if self.config.recalibrate else 0.0
        simulated = sum(products_simulated(layer, recorded) for _, layer in self.net.noisy_modules)
        matching = (2 * seconds["quantized"] * recorded + forward * len(self.search_space) * simulated
                    / self.net.total_ops) / len(images)
        found = {"baseline": trained("baseline", 1), "quant": trained("quant", 1), "gradient": trained("gradient", 0),
                 "match": (0, 0.0, matching + forward * test + recalibration), "approx": trained("approx", 1),
                 "uniform": trained("approx", 2, recalibration)}
        figures, of_a_layer = REPORT
        return {step: found[step] for step in steps} | {
            "report": (0, 0.0, figures + of_a_layer * len(self.net.noisy_modules))}

    def _recalibrate(self, name):
        """Measure batch norm under the deployed multipliers, where the run is to, and test."""
        if self.config.recalibrate:
            self.net.recalibrate_batch_norm(self._training_images(self.config.recalibrate, 6), "training images")
            self._test(name)

    def _training_images(self, n, purpose):
        """`n` random training images, all of them where there are fewer."""
        return self.datamodule.sample(min(n, len(self.datamodule.train.labels)), self._rng(purpose))

    def _matched(self):
        """The checkpoint after the match; it trains nothing, so the one before it holds the same network."""
        found, damaged = self.folder.first_of(("match", "gradient"))
        if found is None:
            raise ValueError(f"{self.folder.checkpoints} lacks match.npz and gradient.npz, from which the uniform "
                             f"assignment starts: remove latest.npz to train again. {' '.join(damaged)}")
        return found

    def matching(self) -> MatchingInfo:
        """The stored MatchingInfo."""
        return MatchingInfo.load(self.folder.path / "matching.json")

    def feature_maps(self) -> dict[str, IntermediateLayerResults]:
        """Operands of every layer over training images, the same ones in every call: 128, fewer of a large network."""
        self.results["matching_images"] = num_images = matching_images(self.net)
        return get_feature_maps(self.net, self.datamodule, rng=self._rng(1), num_images=num_images)

    def error_stds(self, maps: dict[str, IntermediateLayerResults],
                   predicted_stds: NDArray[np.float64]) -> dict[str, dict[str, dict[str, float]]]:
        """layer -> multiplier -> std of the accumulated error as it was predicted for the choice, and simulated.

        Parameters
        ----------
        maps : dict of str to IntermediateLayerResults
        predicted_stds : float array, shape (layers, multipliers)
            Of the matching problem; further columns are those of the fallback.
        """
        rng, table = self._rng(3), {}
        for (name, results), predicted in zip(maps.items(), predicted_stds, strict=True):
            simulated = simulated_stds(results, self.search_space, rng=rng)
            table[name] = {m.name: {"predicted": float(p), "simulated": float(s)}
                           for m, p, s in zip(self.search_space, predicted[:len(simulated)], simulated, strict=True)}
        return table

    def _train(self, stage, train, step=None, **options):
        step = step or stage
        epochs = self.config.stages[stage].epochs
        progress = Progress(stage, self.state.epoch, self.state.velocity) if self.state.epoch else None
        finished = self.state.epoch
        self.pace.left(step, finished)

        def on_epoch(progress):
            nonlocal finished
            finished = progress.epoch
            record = progress.record | {"step": step}
            self.folder.log(record)
            self.folder.save(self._checkpoint(step, progress))
            self.console.epoch(record, epochs, self.pace.left(step, finished))

        def on_batch(done, total):
            self.console.batch(step, finished + 1, epochs, done, total, self.pace.left(step, finished + done / total))

        train(self.datamodule, progress=progress, on_epoch=on_epoch, on_batch=on_batch, **options)

    def _test(self, name):
        loss, accuracy = self.net.test(self.datamodule)
        self.results[name] = accuracy
        self.folder.log({"evaluation": name, "test_loss": loss, "test_accuracy": accuracy})
        self.console.line(f"{name.replace('_', ' ')}: test accuracy {100 * accuracy:.2f} %")

    def _checkpoint(self, step, progress=None):
        progress = progress or Progress("")
        return Checkpoint(step, progress.epoch, self.net.entropy, self.net.state(),
                          {name: v.copy() for name, v in progress.velocity.items()}, dict(self.results))

    def _rng(self, purpose):
        return np.random.default_rng(np.random.SeedSequence(self.config.seed, spawn_key=(purpose,)))


def matching_images(net):
    """How many training images the operands of a matching are recorded over."""
    return min(MATCHING_IMAGES, images_that_fit(net))


def make_search_space(config):
    """The `MultiplierLibrary` that `config` asks for, as tables, every one with its cost."""
    library = load_library(config.multipliers, signed=config.signed, bits=config.bits, costs=config.costs,
                           **config.circuit)
    return MultiplierLibrary([multiplier.to_multiplier() for multiplier in library.search_space()], library.source)


def make_net(config, multipliers, datamodule, rng):
    """The network that `config` asks for, untrained, with codes that its multipliers take."""
    return nets.make_net(config.net, datamodule.image_shape, datamodule.num_classes, rng=rng, stages=config.stages,
                         quantization=LayerQuantization.for_multiplier(multipliers[0], config.ranges))


def take_over(net, checkpoint, config):
    """Give `net`, as `make_net` made it, the state that the run with the options `config` stored in `checkpoint`."""
    if config.fold and checkpoint.step != STEPS[0]:
        net.fold_batch_norm()      # its results come with the state
    net.load_state(checkpoint.network)
    net.entropy = checkpoint.entropy


def make_datamodule(config):
    """The data set that `config` asks for, or the first of its images where a few will do."""
    preset = PRESETS[config.preset]
    if config.dataset == "synthetic":
        data = load_dataset("synthetic", seed=config.seed, **preset["digits"])
    else:
        data = load_dataset(config.dataset, config.data_dir)
    n_train, n_test = config.images, None
    if "multiplications" in preset:
        n_train, n_test = n_train or preset["digits"]["n_train"], preset["digits"]["n_test"]
        if config.images is None:
            net = nets.make_net(config.net, data.image_shape, data.num_classes, rng=np.random.default_rng(0))
            batches = preset["multiplications"] // (net.total_ops * data.batch_size)
            n_train = min(n_train, max(1, int(batches)) * data.batch_size)
        n_test = min(n_test, n_train)
    return data if n_train is None else data.first(n_train, n_test)
