"""The lmbd sweep: one shared training, points that any executor may spread, and the front."""
import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from refapprox.datasets import DataModule
from refapprox.main_job import RunConfig, config, job
from refapprox.main_job.run_folder import RunFolder
from refapprox.main_job.sweep import SweepPoint, lambda_sweep, pareto_front
from refapprox.optimizer import StageSettings
from refapprox.plotting.stats import energy_accuracy

STAGE = StageSettings(epochs=1, lr=1e-2, sigma_lr=0.5)


@pytest.fixture
def tiny(monkeypatch):
    """LeNet-5 on 160 images of blobs; the error table of the matching, which costs most here, is left out."""
    rng = np.random.default_rng(0)
    images, labels = np.maximum(rng.normal(size=(176, 1, 28, 28)), 0), np.arange(176) % 10
    data = DataModule(*((images[part], labels[part]) for part in (slice(160), slice(160, 168), slice(168, 176))),
                      num_classes=10, batch_size=80)
    stages = dict.fromkeys(("baseline", "quant", "gradient", "approx"), STAGE)
    monkeypatch.setitem(config.PRESETS, "tiny", {"stages": stages, "digits": {}})
    monkeypatch.setattr(job, "make_datamodule", lambda options: data)
    monkeypatch.setattr(job.MainJob, "error_stds", lambda *given: {})
    return RunConfig(preset="tiny", initial_noise=0.01)


def test_a_sweep_trains_once_and_may_be_spread(tiny, tmp_path):
    lmbds = [0.0, 20.0]
    points = lambda_sweep(tiny, lmbds, tmp_path / "one")
    with ThreadPoolExecutor(2) as executor:
        spread = lambda_sweep(tiny, lmbds, tmp_path / "two", executor=executor)
    assert [p.lmbd for p in points] == lmbds
    for one, two in zip(points, spread, strict=True):
        assert (one.relative_energy, one.deployed, one.retrained) == (two.relative_energy, two.deployed, two.retrained)
    assert points[1].relative_energy < points[0].relative_energy      # a larger lmbd allows more error
    shared = RunFolder(tmp_path / "one" / "shared")
    assert shared.load().step == "gradient" and shared.load("gradient") is None
    assert lambda_sweep(tiny, lmbds, tmp_path / "one") == points      # nothing is done twice
    energy_accuracy(points, pareto_front(points))


def test_the_example_prints_and_draws_the_front(tiny, load_example, tmp_path, capsys):
    example = load_example("lambda_sweep").main
    points = example(tmp_path / "sweep", lmbds=(0.0, 20.0), preset="tiny", initial_noise=0.01)
    assert len(points) == 2 and (tmp_path / "sweep" / "pareto.png").stat().st_size > 5000
    assert "on the front" in capsys.readouterr().out


def test_a_shared_training_stops_and_can_go_on(tiny, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create(tiny)
    console = type("Silent", (), {"line": lambda *a: None, "epoch": lambda *a: None, "batch": lambda *a: None})()
    job.MainJob(tiny, folder, console).run(last="baseline")
    assert folder.load().step == "quant"
    again = job.MainJob(tiny, folder, console)
    assert set(again.run(last="quant")) == {"baseline", "quantized"}
    with pytest.raises(ValueError, match="last must be one of baseline"):
        again.run(last="end")


def test_the_front_holds_what_nothing_beats():
    points = [SweepPoint(0, energy, 0.5, accuracy, "") for energy, accuracy in
              [(0.5, 0.9), (0.3, 0.9), (0.4, 0.8), (0.2, 0.7), (0.9, 0.95), (0.3, 0.85)]]
    assert [(p.relative_energy, p.retrained) for p in pareto_front(points)] == [(0.2, 0.7), (0.3, 0.9), (0.9, 0.95)]


def test_a_folder_of_other_options_is_refused(tiny, tmp_path):
    lambda_sweep(tiny, [0.5], tmp_path)
    with pytest.raises(ValueError, match="shared holds a run with seed 0 instead of 1"):
        lambda_sweep(dataclasses.replace(tiny, seed=1), [0.5], tmp_path)
    lambda_sweep(dataclasses.replace(tiny, lmbd=0.7), [0.5], tmp_path)      # lmbd of the config is not used


def test_nearby_values_have_folders_of_their_own(tiny, tmp_path):
    points = lambda_sweep(tiny, [0.1234567, 0.1234568], tmp_path)
    assert [Path(p.path).name for p in points] == ["lmbd-0.1234567", "lmbd-0.1234568"]


def test_a_sweep_needs_distinct_values(tiny, tmp_path):
    for lmbds in ([], [0.1, 0.1]):
        with pytest.raises(ValueError, match="lmbds must hold"):
            lambda_sweep(tiny, lmbds, tmp_path)
    with pytest.raises(ValueError, match="lmbd must be at least 0"):
        lambda_sweep(tiny, [-1], tmp_path)
