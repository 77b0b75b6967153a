"""`refapprox stats` on a small run: what it prints, writes and refuses."""
import json
import re

import numpy as np
import pytest

from refapprox import files
from refapprox.cli import main
from refapprox.commands import stats
from refapprox.datasets import DataModule
from refapprox.main_job import MainJob, RunConfig, config, error_report, job
from refapprox.main_job.run_folder import RunFolder
from refapprox.matching import select_multipliers
from refapprox.optimizer import StageSettings

STAGE = StageSettings(epochs=1, lr=1e-2, sigma_lr=0.1)
TINY = {"stages": dict.fromkeys(("baseline", "quant", "gradient", "approx"), STAGE), "digits": {}}


def few_blobs(options):
    """32 images of random blobs in place of a data set: enough to record operands from."""
    rng = np.random.default_rng(options.seed)
    images = np.maximum(rng.normal(size=(48, 1, 28, 28)), 0)
    labels = np.arange(48) % 10
    return DataModule(*((images[part], labels[part]) for part in (slice(32), slice(32, 40), slice(40, 48))),
                      num_classes=10, batch_size=16)


class Silent:
    def line(self, text=""):
        pass

    def epoch(self, *record):
        pass

    def batch(self, *progress):
        pass


@pytest.fixture(scope="module")
def matched_run(tmp_path_factory):
    """The folder of a run that ended after its matching."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(config.PRESETS, "tiny", TINY)
        patch.setattr(job, "STEPS", ("baseline", "quant", "gradient"))
        patch.setattr(job, "make_datamodule", few_blobs)
        patch.setattr(error_report, "make_datamodule", few_blobs)
        patch.setattr(job, "MATCHING_IMAGES", 2)
        patch.setattr(error_report, "MONTE_CARLO_DRAWS", 300)
        folder = RunFolder(tmp_path_factory.mktemp("runs") / "run")
        options = RunConfig(preset="tiny", initial_noise=0.3)
        folder.create(options)
        run = MainJob(options, folder, Silent())
        run.run()
        maps = run.feature_maps()
        select_multipliers(run.net, run.datamodule, run.search_space, rng=np.random.default_rng(0),
                           fallback=run.fallback, feature_maps=maps).save(folder.path / "matching.json")
        yield folder.path


def test_every_estimator_is_compared_and_drawn(matched_run, tmp_path, capsys):
    before = sorted(matched_run.rglob("*"))
    assert main(["stats", "--run", str(matched_run), "--estimators", "all", "--out", str(tmp_path / "stats")]) == 0
    printed = capsys.readouterr().out
    named = printed[printed.rindex("columns:"):]      # under the last table too
    assert all(word in named for word in ("SNR: ", "D: ", "data: ", "independent: ", "bound: "))
    assert sorted(matched_run.rglob("*")) == before
    assert all(title in printed for title in stats.TITLES.values())
    document = files.read_json(tmp_path / "stats" / "stats.json")
    errors = document["mean_relative_error"]
    assert set(errors) == set(error_report.ESTIMATORS) and len(document["multipliers"]) == 13
    assert errors["exact_data"] < 1e-9 < errors["single_distribution"]
    assert document["seconds"]["simulation"] > 0
    assert {p.name for p in (tmp_path / "stats" / "figures").iterdir()} == {"error_ladder.png", "error_histograms.png"}


@pytest.mark.slow
def test_some_estimators_of_all(matched_run, load_example, tmp_path, capsys):
    main(["stats", "--run", str(matched_run), "--estimators", "population,exact_data", "--out", str(tmp_path)])
    assert list(json.loads((tmp_path / "stats.json").read_text())["predicted_std"]) == ["population", "exact_data"]
    assert "matched" not in capsys.readouterr().out
    summary = load_example("summarize_stats").main
    summary([tmp_path, tmp_path])
    assert "2 population" in capsys.readouterr().out


def test_the_rules_of_matching_are_compared_by_accuracy(matched_run, load_example, capsys):
    load_example("assignments").main(matched_run, num_images=2)
    rows = [line for line in capsys.readouterr().out.splitlines() if "budget" in line or "threshold" in line]
    assert len(rows) == 6
    energy = [float(re.search(r" (0\.\d{4}) ", row)[1]) for row in rows]
    assert energy[1] <= energy[0] and energy[4] <= energy[3]      # a budget that the threshold rule meets is not dearer


def test_the_recorded_operands_are_those_of_the_matching(matched_run):
    run = error_report.read_run(matched_run)
    assert list(run.layers) == list(run.chosen) == ["conv1", "conv2", "linear1", "linear2", "linear3"]
    errors = error_report.compare(run, ("exact_data",))
    assert errors.mean_error("exact_data") < 1e-9


def test_the_distance_of_a_sample_by_hand():
    # values -1 and +1 equally often: the empirical law jumps to 1/2 at -1, where Phi(-1) = 0.1587
    assert error_report.sample_distance(np.array([-1, 1]), 0.0, 1.0) == pytest.approx(0.5 - 0.15865525, abs=1e-8)


@pytest.mark.parametrize("arguments, message", [
    (["--run", "nowhere"], "not the folder of a run"),
    (["--run", "unmatched"], "has not been matched yet"),
])
def test_a_folder_without_a_matched_run_is_refused(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    RunFolder("unmatched").create(RunConfig())
    assert main(["stats", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_an_unknown_estimator_is_named(capsys):
    with pytest.raises(SystemExit):
        main(["stats", "--run", "x", "--estimators", "population,best"])
    assert "'best' is none of single_distribution" in capsys.readouterr().err
