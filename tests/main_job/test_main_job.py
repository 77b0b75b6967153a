"""The run folder, resuming to the same bits, and the command line."""
import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from refapprox import files
from refapprox.cli import main
from refapprox.main_job import MainJob, RunConfig, config, console, job
from refapprox.main_job.run_folder import Checkpoint, RunFolder
from refapprox.matching import MatchingInfo
from refapprox.optimizer import StageSettings

STAGE = StageSettings(epochs=2, lr=1e-2, sigma_lr=0.1)
TINY = {"stages": dict.fromkeys(("baseline", "quant", "gradient", "approx"), STAGE),
        "digits": {"n_train": 256, "n_test": 64}}


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(config.PRESETS, "tiny", TINY)
    return RunConfig(preset="tiny", seed=3)


class Quiet:
    """A console that counts batches and interrupts, as Ctrl-C does, at one of them."""

    def __init__(self, interrupt_at=None):
        self.batches, self.interrupt_at, self.said = 0, interrupt_at, ""

    def line(self, text=""):
        self.said += text

    def epoch(self, record, epochs, left=None):
        pass

    def batch(self, *progress):
        self.batches += 1
        if self.batches == self.interrupt_at:
            raise KeyboardInterrupt


def new_folder(path, options):
    folder = RunFolder(path)
    folder.create(options)
    return folder


def finished_arrays(folder):
    last = folder.load()
    return {name: array for part in (last.network, last.velocity) for name, array in part.items()}


def without_seconds(folder):
    lines = (folder.path / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def test_an_interrupted_run_resumes_to_the_same_bits(tiny, tmp_path):
    whole = new_folder(tmp_path / "whole", tiny)
    console = Quiet()
    expected = MainJob(tiny, whole, console).run()
    assert set(expected) >= {"baseline", "quantized", "deployed", "retrained", "uniform_deployed",
                             "uniform_retrained", "relative_energy", "uniform_multiplier"}
    parts = new_folder(tmp_path / "parts", tiny)
    per_epoch = console.batches // 10      # ten epochs in all: 2 for each of five trainings
    for interrupt_at in (1, per_epoch + 2, 2 * per_epoch + 1, 3 * per_epoch, 3 * per_epoch):
        with pytest.raises(KeyboardInterrupt):
            folder, again = RunFolder.open(parts.path)
            MainJob(again, folder, Quiet(interrupt_at)).run()
    folder, again = RunFolder.open(parts.path)
    assert MainJob(again, folder, Quiet()).run() == expected
    one, other = finished_arrays(whole), finished_arrays(folder)
    assert one.keys() == other.keys() and all(np.array_equal(one[n], other[n], equal_nan=True) for n in one)
    assert without_seconds(whole) == without_seconds(folder)
    assert MatchingInfo.load(whole.path / "matching.json") == MatchingInfo.load(folder.path / "matching.json")
    again_job = MainJob(again, folder, Quiet(interrupt_at=1))
    assert again_job.run() == expected      # a finished run has nothing left to do


def test_the_uniform_retraining_starts_from_the_matched_state(tiny, tmp_path):
    """Not from the retrained network: the first uniform evaluation is that of the untouched weights."""
    folder = new_folder(tmp_path / "run", tiny)
    job = MainJob(tiny, folder, Quiet())
    results = job.run()
    from refapprox.matching import deploy_uniform
    job.net.load_state(folder.load("match").network)
    deploy_uniform(job.net, job.library[results["uniform_multiplier"]])
    assert job.net.test(job.datamodule)[1] == results["uniform_deployed"]


def test_a_diverging_run_keeps_its_last_good_checkpoint(monkeypatch, tmp_path):
    stages = TINY["stages"] | {"quant": StageSettings(epochs=1, lr=1e30)}
    monkeypatch.setitem(config.PRESETS, "tiny", TINY | {"stages": stages})
    folder = new_folder(tmp_path / "run", RunConfig(preset="tiny"))
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="stage quant, epoch 1, batch"):
        MainJob(RunConfig(preset="tiny"), folder, Quiet()).run()
    last = folder.load()
    assert last.step == "quant" and last.epoch == 0
    assert all(np.isfinite(array).all() for name, array in last.network.items() if "x_range" not in name)


def test_one_damaged_file_never_blocks_what_the_others_hold(tiny, tmp_path):
    """Whatever one file is cut short, the run goes on from what is whole, says so, and ends with the same numbers."""
    folder = new_folder(tmp_path / "run", tiny)
    expected = MainJob(tiny, folder, Quiet()).run()
    for names, step in ((["checkpoints/latest.npz"], "done"), (["matching.json"], "match"),
                        (["checkpoints/latest.npz", "checkpoints/uniform.npz"], "uniform"),
                        (["metrics.jsonl"], "done")):
        for name in names:
            path = folder.path / name
            path.write_bytes(path.read_bytes()[:-40])
        console = Quiet()
        job = MainJob(tiny, RunFolder(folder.path), console)
        assert job.state.step == step and job.run() == expected
        assert names == ["metrics.jsonl"] or "Going on from step" in console.said
    for path in folder.checkpoints.iterdir():
        path.write_bytes(b"")
    console = Quiet()
    assert MainJob(tiny, RunFolder(folder.path), console).state.step == "baseline"
    assert "Going on from the start" in console.said


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """(options, a finished run in its folder): copied by the tests that spoil it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(config.PRESETS, "tiny", TINY)
        options = RunConfig(preset="tiny", seed=3)
        folder = new_folder(tmp_path_factory.mktemp("finished") / "run", options)
        MainJob(options, folder, Quiet()).run()
    return options, folder


@pytest.fixture
def spoiled(tiny, finished, tmp_path):
    """A copy of a finished run, its folder."""
    shutil.copytree(finished[1].path, tmp_path / "run")
    return tmp_path / "run"


def resume(path):
    folder, options = RunFolder.open(path)
    console = Quiet()
    return MainJob(options, folder, console), console


def edited(path, **changes):
    document = json.loads(path.read_text())
    document.get("options", document).update(changes)
    path.write_text(json.dumps(document))


def test_an_edited_option_is_refused_with_both_values(spoiled):
    edited(spoiled / "config.json", lmbd=0.4)
    with pytest.raises(ValueError, match=r"latest.npz was made with lmbd 0.2, config.json asks for lmbd 0.4"):
        resume(spoiled)


def test_options_that_no_run_has_are_named_with_their_file(spoiled):
    for change, message in (({"lmbd": "much"}, "lmbd must be a real number"), ({"colour": 1}, "colour")):
        edited(spoiled / "config.json", **change)
        with pytest.raises(ValueError, match=f"config.json does not hold the options of a run: .*{message}"):
            RunFolder.open(spoiled)


def test_an_edited_matching_is_refused(spoiled):
    edited(spoiled / "matching.json", metric_max=2.0)
    with pytest.raises(ValueError, match="matching.json was changed after checkpoints/latest.npz had followed it"):
        resume(spoiled)


def test_parts_without_their_options_are_no_folder_for_another_run(spoiled, capsys, monkeypatch):
    """run --seed 3 --out D; rm D/config.json; run --seed 7 --out D printed seed 3's accuracies as seed 7's."""
    monkeypatch.setattr("refapprox.commands.run.PRESETS", config.PRESETS)
    (spoiled / "config.json").unlink()
    assert main(["run", "--preset", "tiny", "--seed", "7", "--out", str(spoiled)]) == 2
    assert "of another run, without its config.json" in capsys.readouterr().err
    job, _ = resume(spoiled)
    assert job.config.seed == 3 and job.finished
    job.run()
    assert json.loads((spoiled / "config.json").read_text())["options"]["seed"] == 3


@pytest.mark.parametrize("remove", [
    ["metrics.jsonl"], ["config.json", "metrics.jsonl", "figures"], ["results.json"],
    ["checkpoints/match.npz", "checkpoints/uniform.npz", "checkpoints/latest.npz"]], ids=" ".join)
def test_what_is_missing_is_made_again(spoiled, finished, remove):
    wanted = finished[1].load().results
    for name in remove:
        path = spoiled / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    job, _ = resume(spoiled)
    assert job.run() == wanted == json.loads((spoiled / "results.json").read_text())
    assert without_seconds(job.folder) == without_seconds(finished[1])
    assert (spoiled / "figures").is_dir() and (spoiled / "config.json").exists()


def test_cut_files_are_made_again(spoiled, finished):
    for name in ("metrics.jsonl", "config.json"):
        content = (spoiled / name).read_bytes()
        (spoiled / name).write_bytes(content[:len(content) // 2])
    job, _ = resume(spoiled)
    job.run()
    assert without_seconds(job.folder) == without_seconds(finished[1])
    assert json.loads((spoiled / "config.json").read_text())["options"]["seed"] == 3


def test_the_match_trains_nothing_so_its_network_can_be_taken_from_the_step_before(finished):
    one, other = (finished[1].load(name).network for name in ("match", "gradient"))
    assert one.keys() == other.keys() and all(np.array_equal(one[n], other[n], equal_nan=True) for n in one)


@pytest.mark.parametrize("change, message", [
    (lambda c: c.network.update({"conv1.weight": c.network["conv1.weight"] * np.nan}), "conv1.weight is not finite"),
    (lambda c: setattr(c, "step", "polish"), "goes on at a step 'polish'"),
    (lambda c: setattr(c, "epoch", "two"), "'epoch' must hold an integer"),
])
def test_what_no_run_writes_is_refused(spoiled, change, message):
    checkpoint = Checkpoint.load(spoiled / "checkpoints" / "latest.npz")
    change(checkpoint)
    for path in (spoiled / "checkpoints").glob("*.npz"):
        checkpoint.save(path)
    with pytest.raises(ValueError, match=message):
        job, console = resume(spoiled)
        raise ValueError(console.said)      # damaged files are told, and the run starts again


def test_another_environment_is_told(spoiled, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    _, console = resume(spoiled)
    assert "made with threads {" in console.said and "'OMP_NUM_THREADS': '7'" in console.said


def test_two_processes_do_not_work_on_one_run(spoiled):
    job, _ = resume(spoiled)
    other = RunFolder.open(spoiled)[0]
    with other.locked(), pytest.raises(ValueError, match="is being worked on by another process"):
        job.run()
    job.run()      # and afterwards it may


def test_files_that_a_killed_writer_left_are_swept(spoiled):
    left = spoiled / "checkpoints" / f".0123456789abcdef{files.PARTIAL}"
    left.write_bytes(b"half")
    resume(spoiled)[0].run()
    assert not left.exists()


@pytest.mark.parametrize("options, error, message", [
    ({"uniform": "no"}, TypeError, "uniform must be True or False"),
    ({"lmbd": "0.5"}, TypeError, "lmbd must be a real number"),
    ({"seed": 1.5}, TypeError, "seed must be an integer"),
    ({"multipliers": None}, TypeError, "multipliers must be of type str"),
    ({"costs": {"a": np.nan}}, ValueError, "costs.* must be finite"),
    ({"signed": "unsigned"}, TypeError, "signed must be True or False"),
])
def test_options_of_a_wrong_kind_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        RunConfig(**options)


def test_a_checkpoint_of_another_network_is_refused(tiny, tmp_path):
    folder = new_folder(tmp_path / "run", tiny)
    with pytest.raises(KeyboardInterrupt):
        MainJob(tiny, folder, Quiet(interrupt_at=4)).run()
    path = folder.checkpoints / "latest.npz"
    files.write_npz(folder.checkpoints / "other.npz", {"a": np.zeros(3)})
    with pytest.raises(ValueError, match="not a checkpoint of refapprox"):
        folder.load("other")
    checkpoint = Checkpoint.load(path)
    checkpoint.network.pop("conv1.weight")
    checkpoint.save(path)
    with pytest.raises(ValueError, match=r"conv1\.weight"):
        MainJob(tiny, folder, Quiet())


def test_a_library_without_an_exact_multiplier_falls_back_to_one(tiny, tmp_path):
    from refapprox import load_library
    tables = tmp_path / "tables"
    tables.mkdir()
    np.save(tables / "coarse.npy", load_library()["mul8s_1KR3"].lut)
    files.write_json(tables / "coarse.json", {"performance_metric": 0.5, "signed": True, "order": "value"})
    folder = new_folder(tmp_path / "run", RunConfig(preset="tiny", multipliers=str(tables), uniform=False))
    _, options = RunFolder.open(folder.path)
    results = MainJob(options, folder, Quiet()).run()
    info = MatchingInfo.load(folder.path / "matching.json")
    assert "exact8s" in {layer.multiplier_name for layer in info.layers}
    assert results["relative_energy"] == pytest.approx(1.0) and "uniform_retrained" not in results


# ---- command line

def test_run_from_the_command_line_draws_and_reports(tiny, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("refapprox.commands.run.PRESETS", config.PRESETS)
    out = tmp_path / "run"
    assert main(["run", "--preset", "tiny", "--out", str(out), "--no-uniform"]) == 0
    printed = capsys.readouterr().out
    for words in ("baseline epoch 1/2", "gradient epoch 2/2", "sigma   conv1", "predicted std  allowed std",
                  "approximate, after retraining", "report.html"):
        assert words in printed
    assert {p.name for p in (out / "figures").iterdir()} == {
        "energy.png", "training.png", "sigma.png", "error_maps.png", "predicted_std.png"}
    page = (out / "report.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 5 and "http" not in page
    assert "% less energy than" in page and "seed</dt><dd>0" in page and "refapprox run --preset tiny" in page
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert sum("epoch" in r for r in records) == 8
    assert json.loads((out / "config.json").read_text())["environment"]["blas"]
    stds = json.loads((out / "results.json").read_text())["error_stds"]
    for layer in json.loads((out / "matching.json").read_text())["layers"]:      # one run, one prediction
        assert stds[layer["name"]][layer["multiplier_name"]]["predicted"] == layer["predicted_std"]
    assert main(["run", "--preset", "tiny", "--out", str(out)]) == 2
    assert "holds a run already" in capsys.readouterr().err
    drawn = []
    monkeypatch.setattr("refapprox.commands.run.draw_report", lambda *of: drawn.append(of))
    assert main(["run", "--resume", str(out)]) == 0 and len(drawn) == 1
    assert "this run is finished" in capsys.readouterr().out
    assert main(["run", "--resume", str(out), "--seed", "1"]) == 2
    assert "leave out --seed" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_the_progress_within_an_epoch_and_the_time_that_is_left(tiny, tmp_path):
    stream = Terminal()
    MainJob(tiny, new_folder(tmp_path / "run", tiny), console.Console(stream)).run(last="quant")
    lines = stream.getvalue().split("\n")
    assert any("baseline epoch 1/2   batch" in line and "\r\x1b[2K" in line for line in lines)
    assert all(not line.split("\x1b[2K")[-1].startswith(" batch") for line in lines)
    assert any("   quant epoch 1/2   loss" in line and " left" in line for line in lines)


def test_many_noise_levels_are_told_by_their_extremes():
    stream = io.StringIO()
    numbers = dict.fromkeys(("epoch", "loss", "val_loss", "val_accuracy", "seconds"), 0)
    for count, words in ((10, "sigma   layer0 +0.0000   layer1 +0.1000"),
                         (11, "sigma   of 11 layers   least: layer0 +0.0000   largest: layer10 -1.0000\n")):
        levels = {f"layer{i}": -1.0 if i == 10 else 0.1 * i for i in range(count)}
        console.Console(stream).epoch({"step": "gradient", "sigma": levels} | numbers, 1)
        assert words in stream.getvalue()


def test_the_pace_by_hand(monkeypatch):
    """Foretold are 2 epochs of 5 s, a test of 1 s, 1 s of matching, 2 epochs of 4 s, a test of 1 s: 21 s. What was
    foretold as 11 s takes 22 s, so the remaining 10 s will take 20."""
    clock = iter([100.0, 122.0, 142.0])
    monkeypatch.setattr(console.time, "perf_counter", lambda: next(clock))
    pace = console.Pace({"baseline": (2, 5.0, 1.0), "match": (0, 0.0, 1.0), "approx": (2, 4.0, 1.0)})
    assert pace.left("baseline", 0) == 21
    assert pace.left("match", 0) == pytest.approx(20)
    assert pace.left(None, 0) == 0


def test_what_is_foretold_follows_the_counts_of_batches(tiny, tmp_path, monkeypatch):
    """Four passes of 1, 2, 3 and 4 s a batch and backward passes of 10 s: 235 training, 21 validation and 64 test
    images in batches of 128."""
    monkeypatch.setattr(job, "seconds_of_passes", lambda net, images: {
        "float": 1, "quantized": 2, "noise": 3, "approximate": 4, "backward": 10})
    found = MainJob(tiny, new_folder(tmp_path / "run", tiny), Quiet())._foretold(job.STEPS)
    train, val, test = 235 / 128, 21 / 128, 0.5
    assert found["quant"] == (2, pytest.approx(12 * train + 2 * val), 2 * test)
    assert found["gradient"] == (2, pytest.approx(13 * train + 3 * val), 0)
    assert found["uniform"] == (2, pytest.approx(14 * train + 4 * val), 2 * 4 * test)


def test_what_is_told_counts_the_measuring_and_the_figures(tiny, tmp_path, monkeypatch):
    """1,000 s of measuring, 2.9 of figures of five layers, passes that take no time."""
    clock, told = iter([0.0, 1000.0]), Quiet(1)
    monkeypatch.setattr(job, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    monkeypatch.setattr(job, "seconds_of_passes", lambda net, images: dict.fromkeys(
        ("float", "quantized", "noise", "approximate", "backward"), 0.0))
    with pytest.raises(KeyboardInterrupt):
        MainJob(tiny, new_folder(tmp_path / "run", tiny), told).run()
    assert told.said.startswith("about 16:43 min in all, measured on a batch")


def test_unsigned_multipliers_are_a_search_space_as_well(tiny, tmp_path):
    """Exact and three broken arrays, unsigned, with affine codes: codes lose little to floats."""
    space = "v1.1:mul8u_1JFF,broken_array(h=0, v=4),broken_array(h=1, v=7),operand_truncated(t=2)"
    options = dataclasses.replace(tiny, multipliers=space, signed=False)
    folder = new_folder(tmp_path / "run", options)
    job = MainJob(RunFolder.open(folder.path)[1], folder, Quiet())
    results = job.run()
    layer = job.net.noisy_modules[1][1]
    assert (layer.quantization.x.qmin, layer.quantization.w.qmax) == (0, 255)
    assert results["relative_energy"] <= 1 and abs(results["quantized"] - results["baseline"]) < 0.2
    assert {m.signed for m in job.search_space} == {False}


@pytest.mark.parametrize("arguments, message", [
    (["--lmbd", "-1"], "--lmbd must be at least 0"),
    (["--seed", "-1"], "--seed must be at least 0"),
    (["--initial-noise", "nan"], "--initial-noise must be finite"),
    (["--multipliers", "/nowhere"], "there is no file or folder /nowhere"),
    (["--multipliers", "builtin,,"], "must name sources between its commas"),
    (["--cost", "nobody=0.1"], "there is no multiplier to give a cost 'nobody'"),
    (["--multipliers", "drum(k=6)"], "the cost of drum(k=6)_8s is not known"),
    (["--multipliers", "builtin,v1.1:mul8u_1JFF"], "must have one sign and one width"),
    (["--data-dir", "/nowhere"], "the drawn digits come from no file"),
    (["--resume", "/nowhere"], "leave out --out, --preset"),
    (["--dataset", "mnist", "--data-dir", "/nowhere"], "/nowhere"),
])
def test_wrong_options_are_named(arguments, message, capsys, tmp_path):
    assert main(["run", "--preset", "smoke", "--out", str(tmp_path / "run"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_none_is_not_resumed(capsys):
    assert main(["run", "--resume", "/nowhere"]) == 2
    assert "/nowhere is not the folder of a run" in capsys.readouterr().err


def test_an_unwritable_folder_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert main(["run", "--preset", "smoke", "--out", str(tmp_path / "file" / "run")]) == 2
    assert "cannot be written to" in capsys.readouterr().err


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env=os.environ | {"PYTHONPATH": os.getcwd()}).stdout


def test_importing_is_quick_and_leaves_matplotlib_alone():
    """Best of three fresh interpreters, against 0.35 s; a busy machine is no reason to fail, so three times that."""
    code = ("import time; t = time.perf_counter(); import refapprox, sys; "
            "print(time.perf_counter() - t, 'matplotlib' in sys.modules, 'scipy.optimize' in sys.modules)")
    seconds, *loaded = min(run_python(code).split() for _ in range(3))
    assert loaded == ["False", "False"]
    assert float(seconds) < 3 * 0.35


def test_runs_are_compared_as_far_as_they_went(tiny, tmp_path, capsys):
    for seed in (3, 4):
        options = dataclasses.replace(tiny, seed=seed, uniform=False)
        MainJob(options, new_folder(tmp_path / f"seed{seed}", options), Quiet()).run()
    options = dataclasses.replace(tiny, lmbd=0.5)
    MainJob(options, new_folder(tmp_path / "started", options), Quiet()).run(last="baseline")
    (tmp_path / "seed4" / "checkpoints" / "latest.npz").write_bytes(b"cut")
    page = tmp_path / "pages" / "compare.html"
    runs = [str(tmp_path / name) for name in ("seed3", "seed4", "started")]
    assert main(["compare", *runs, "--out", str(page)]) == 0
    printed = capsys.readouterr().out
    results = [files.read_json(tmp_path / name / "results.json")["retrained"] for name in ("seed3", "seed4")]
    spread = f"{100 * np.mean(results):.2f} ± {100 * np.std(results, ddof=1):.2f} %"
    for words in (f"{100 * results[0]:.2f} %", spread, "(not finished: quant is next)", "--lmbd", "--seed", "3, 4",
                  "is the most accurate"):
        assert words in printed
    text = page.read_text()
    assert spread in text and text.count("image/svg+xml") == 1 and "--multipliers" not in printed
    options = dataclasses.replace(tiny, net="resnet8", uniform=False, images=128,      # whose layers have other names
                                  epochs=dict.fromkeys(("baseline", "quant", "gradient"), 1))
    MainJob(options, new_folder(tmp_path / "other", options), Quiet()).run(last="match")
    assert main(["compare", runs[0], str(tmp_path / "other"), "--out", str(page)]) == 0
    assert page.read_text().count("<th scope='col'>layer</th>") == 2
