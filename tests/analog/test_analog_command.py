"""The command line, the figures, and the loading of weights."""
import os
import subprocess
import sys

import numpy as np
import pytest

from refapprox import analog
from refapprox.cli import main
from refapprox.commands.analog import load_weights, parse_factors
from refapprox.files import read_json
from refapprox.plotting import analog as plotting

QUICK = ["--maxiter", "2", "--popsize", "2", "--runs", "2", "--nbins", "2"]
FIGURES = ["convergence.png", "device.png", "loss_over_time.png", "strategies.png", "weight_errors.png"]


def test_command_prints_and_writes(tmp_path, capsys):
    assert main(["analog", *QUICK, "--t-steps", "1,3600", "--out", str(tmp_path / "new" / "folder")]) == 0
    printed = capsys.readouterr().out
    for wanted in ("generation    1: best", "baseline", "plain [1, 2.5]", "best plain [1, 2", "optimized",
                   "expected", "± s.e.", "% simulated"):
        assert wanted in printed
    folder = tmp_path / "new" / "folder"
    assert sorted(path.name for path in folder.iterdir()) == [*FIGURES[:3], "results.json", *FIGURES[3:]]
    results = read_json(folder / "results.json")
    strategy = analog.CustomPairConductanceConverter(
        results["strategy"]["f_lst"], results["strategy"]["g_lst"], results["strategy"]["g_max"],
        results["strategy"]["g_min"], w_lst=results["strategy"]["w_lst"])
    loss = analog.expected_tnmse(strategy, load_weights("gaussian", 100), analog.PCMLikeNoiseModel(), [1, 3600])
    assert np.isclose(loss, results["losses"][-1]["expected"], rtol=1e-9)
    assert results["improvement"] > 0.1 and not results["interrupted"]


@pytest.mark.parametrize("device, times, compensation", [
    ("reram-wan2022", "1,86400", "none"),
    *(pytest.param(*case, marks=pytest.mark.slow) for case in [
        ("hermes-1-device", "1,3600", "exact-reference"), ("state-independent", "60", "per-column"),
        ("reram-cmo", "1,86400", "global")])])
def test_other_devices(device, times, compensation, tmp_path, capsys):
    np.save(tmp_path / "small.npy", np.random.default_rng(0).normal(size=(20, 8)))
    assert main(["analog", *QUICK, "--device", device, "--t-steps", times, "--compensation", compensation,
                 "--asymmetric", "--weights", str(tmp_path / "small.npy")]) == 0
    assert "optimized" in capsys.readouterr().out


def test_weights_from_files(tmp_path):
    weights = np.random.default_rng(0).normal(size=(4, 3))
    np.save(tmp_path / "one.npy", weights)
    np.savez(tmp_path / "several.npz", first=weights, second=weights[0], step=np.arange(3))
    np.savetxt(tmp_path / "some.csv", weights, delimiter=",")
    assert np.array_equal(load_weights(str(tmp_path / "one.npy"), 0), weights)
    assert np.array_equal(load_weights(str(tmp_path / "several.npz"), 0), np.concatenate([weights.ravel(), weights[0]]))
    assert np.allclose(load_weights(str(tmp_path / "some.csv"), 0), weights)


def test_factors():
    assert parse_factors("--f-lst", "1, none,2.5") == [1.0, None, 2.5]


@pytest.mark.parametrize("arguments, message", [
    (["--weights", "/nowhere.npy"], "nowhere"), (["--f-lst", "1,x"], "--f-lst must be numbers"),
    (["--f-lst", "none,none"], "at least one factor"), (["--baseline-f-lst", "1,none"], "--baseline-f-lst"),
    (["--t-steps", "-1"], "t must be at least 0"), (["--g-max", "20", "--g-min", "20"], "must be above --g-min"),
    (["--runs", "1"], "--runs must be at least 2")])
def test_bad_arguments_are_named(arguments, message, capsys):
    quick = [] if "--runs" in arguments else QUICK      # no option is taken twice
    assert main(["analog", *quick, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_poisoned_file_is_refused(tmp_path, capsys):
    np.save(tmp_path / "bad.npy", np.array([1.0, np.nan]))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    for name, message in (("bad.npy", "must be finite"), ("objects.npy", "Python objects")):
        assert main(["analog", "--weights", str(tmp_path / name)]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize("name, content, message", [
    ("pipe", None, "must be a regular file, got a pipe"), ("words.txt", b"a few words", "must hold numbers"),
    ("latin.csv", b"\xff\xfe1,2", "UTF-8"), ("cut.npz", b"PK\x03\x04cut", "not a readable npz"),
    ("huge.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }"
     + b" " * 50 + b"\n", "not a readable npy"), ("empty.csv", b"", "empty")])
def test_files_that_are_none_of_weights(name, content, message, tmp_path, capsys):
    path = tmp_path / name
    if content is None:
        os.mkfifo(path)
    else:
        path.write_bytes(content)
    assert main(["analog", "--weights", str(path)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("phase", ["search", "table"])
def test_interrupted_by_the_keyboard_it_tells_what_it_has(phase, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    target = "WeightProgrammingOptimizer._evolve" if phase == "search" else "DualPairConductanceConverter.__init__"
    monkeypatch.setattr(analog.WeightProgrammingOptimizer if phase == "search" else analog.DualPairConductanceConverter,
                        target.split(".")[1], interrupted)
    assert main(["analog", *QUICK, "--t-steps", "1"]) == 130
    printed = capsys.readouterr()
    assert printed.err == "" and "optimized" in printed.out and "below the baseline" in printed.out


def test_help_as_a_program():
    done = subprocess.run([sys.executable, "-m", "refapprox", "analog", "--help"], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and "--f-lst" in done.stdout


def test_figures_have_labeled_axes():
    """Every visible axis of every figure says what it shows."""
    strategies = {"a": analog.DualPairConductanceConverter([1, 2]), "b": analog.SinglePairConductanceConverter()}
    weights, device = np.linspace(-1, 1, 50), analog.PCMLikeNoiseModel()
    figures = [plotting.plot_device(device, [1.0, 60.0]), plotting.plot_strategies(strategies),
               plotting.plot_weight_errors(strategies, weights, device, [1.0, 3600.0],
                                           analog.GlobalDriftCompensation()),
               plotting.plot_loss_over_time(strategies, weights, device, [1.0, 3600.0], None)]
    relaxing = analog.ReRamWan2022NoiseModel()               # no drift exponent, few times
    plotting.plot_device(relaxing, [1.0])
    plotting.plot_loss_over_time(strategies, weights, relaxing, [1.0, 86400.0], None)
    for figure in figures:
        for axis in figure.axes:
            assert axis.get_xlabel() and axis.get_title()
        assert figure.axes[0].get_ylabel()
    assert [plotting.time_label(t) for t in (0.5, 1, 90, 31536000)] == ["0.5 s", "1 s", "1.5 min", "1 y"]
