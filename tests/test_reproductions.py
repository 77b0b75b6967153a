"""Every script of examples/reproductions runs on what it brings itself, and on others' data where these are here."""
import importlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from refapprox.datasets import SyntheticDigits
from refapprox.multipliers import Multiplier, from_family, load_library
from refapprox.network import Parameter

FOLDER = Path(__file__).parents[1] / "examples" / "reproductions"
# script -> (environment variables that name its data, what must come of it with and without them, options with them)
SCRIPTS = {
    "agnapprox_tutorial": (None, None, {"same digits": 12, "cannot be tried": 2}),
    "aihwkit_inference": (None, None,
                          {"same digits": 22, "differs": 6, "cannot be tried": 2, "no figure published": 2}),
    "appmult_gradients": ("REFAPPROX_APPMULT_DIR", {"same digits": 33, "differs": 12}, {"cannot be tried": 1}),
    "approxflow": ("REFAPPROX_APPROXFLOW_DIR REFAPPROX_DATA_DIR",
                   {"same digits": 5, "differs": 1, "holds": 2, "no figure published": 20, "cannot be tried": 1},
                   {"no figure published": 5, "cannot be tried": 2}, {"tested": 100}),
    "bias_dominates": (None, None, {"holds": 8, "differs": 2, "no figure published": 60}),
    "date2025_table1": ("REFAPPROX_APPMULT_DIR", {"same digits": 51, "differs": 6},
                        {"same digits": 9, "differs": 3, "cannot be tried": 12}),
    "date2025_table2": (None, None, {"no figure published": 22, "cannot be tried": 2}),
    "evoapprox_headers": ("REFAPPROX_EVOAPPROX_DIR", {"same digits": 389, "differs": 3},
                          {"same digits": 6, "cannot be tried": 1}),
    "family_papers": (None, None, {"same digits": 17, "within the stated spread": 3, "differs": 3}),
    "lmul": (None, None, {"holds": 17, "differs": 15, "no figure published": 28}),
    "tfapprox_circuits": ("REFAPPROX_TFAPPROX_DIR REFAPPROX_DATA_DIR", {"no figure published": 10},
                          {"cannot be tried": 1}, {"images": 20, "names": ["mul8u_1JFF", "mul8u_17QU"]}),
    "tfapprox_readme": ("REFAPPROX_TFAPPROX_DIR REFAPPROX_DATA_DIR", {"same digits": 2},
                        {"same digits": 1, "cannot be tried": 1}, {"batches": [3]}),
}
TOOLS = {"figures", "tensorflow_graph", "tensorflow_ops"}      # what scripts share


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))

    def load(name):
        module = importlib.import_module(name)
        return module, importlib.import_module("figures")
    yield load
    for name in (*SCRIPTS, *TOOLS):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", [
    name if name not in ("lmul", "family_papers") else pytest.param(name, marks=pytest.mark.slow) for name in SCRIPTS])
def test_what_needs_no_data_is_computed(script, name):
    module, figures = script(name)
    lines = []
    counts = figures.show(module, None, lines.append)
    assert dict(counts) == SCRIPTS[name][2]
    assert lines[0] == module.SOURCE and lines[1].startswith("Protocol: ") and len(lines) == sum(counts.values()) + 4


@pytest.mark.parametrize("name", [name for name, (variable, *_) in SCRIPTS.items() if variable])
def test_shipped_data_are_tried_where_they_are_here(script, name):
    variable, expected, _, *options = SCRIPTS[name]
    missing = [one for one in variable.split() if not os.environ.get(one)]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not set: the data of {name} are not here")
    folder = os.environ[variable.split()[0]].split(os.pathsep)[0]
    module, figures = script(name)
    assert dict(figures.show(module, Path(folder), lambda line: None, **(options[0] if options else {}))) == expected


def test_verdicts(script):
    _, figures = script("evoapprox_headers")
    assert figures.compared("x", "1.25", 1.2549).verdict == "same digits"
    assert figures.compared("x", "1.25", 1.26, spread=0.02).verdict == "within the stated spread"
    assert figures.compared("x", "1.25", 1.28, spread=0.02).verdict == "differs"
    assert figures.untried("x", "1", "why").computed is None


def test_every_script_is_listed():
    assert {path.stem for path in FOLDER.glob("*.py")} - TOOLS == set(SCRIPTS)
    page = (FOLDER.parents[1] / "docs" / "reproductions.md").read_text()
    assert all(f"{name}.py" in page for name in SCRIPTS)


def test_approxflow_computes_what_its_sources_say(script, tmp_path):
    """Random small networks against loops with one operation a line, as in Headers/NDArrayApproxCPU.h."""
    approxflow, _ = script("approxflow")
    rng = np.random.default_rng(0)
    multiplier = approxflow.RULES["OU(L.1)"]      # not symmetric in its rows, and not zero at zero
    multiplier = Multiplier("asymmetric", np.minimum(multiplier.lut + np.arange(256)[:, None], 65_535), signed=False)
    x_scale = 1 / 255
    for name, k, m in (("Conv1", 25, 2), ("Conv2", 50, 3), ("Conv3", 75, 4), ("FC1", 16, 6), ("FC_Logits", 6, 5)):
        w_scale = rng.uniform(0.001, 0.003)
        y_scale = x_scale * w_scale * 50 * np.sqrt(k)      # so that codes neither vanish nor saturate
        write = {"weights": (w_scale, 128, *rng.integers(256, size=k * m)),
                 "biases": (1, 0, *rng.integers(-2000, 2000, size=m)),
                 "activations": (y_scale, 119 if name == "FC_Logits" else 0)}
        for what, numbers in write.items():
            (tmp_path / f"{name}_{what}.txt").write_text(" ".join(map(str, numbers)))
        x_scale = y_scale
    layers = approxflow.read_network(tmp_path)
    images = rng.integers(256, size=(4, 1, 10, 10))      # then maps of 5, 3, 2
    codes = approxflow.logits(layers, images, multiplier).tolist()
    assert codes == [approxflow_by_loops(tmp_path, image[0], multiplier.lut.tolist()) for image in images.tolist()]
    assert len({tuple(row) for row in codes}) > 2      # no network that says the same of everything
    # from 2**31 on the carry is always added: to 2**32, whose bit 31 is not set, as well
    layer = layers[0]._replace(scale=2 ** 30, shift=0, zero_point=100)
    sums = np.array([1, 2, 3, 4, 5, -4, -5])
    assert approxflow.requantized(sums, layer).tolist() == [100, 101, 101, 102, 102, 98, 98]


def approxflow_by_loops(folder, image, lut):
    """Codes of the logits for rows of pixels, in the order of the C++ program."""
    x, x_scale = [[[pixel] for pixel in row] for row in image], np.float32(1 / 255)
    for name in ("Conv1", "Conv2", "Conv3", "FC1", "FC_Logits"):
        (w_scale, w_zero, *w), (_, _, *biases), (y_scale, y_zero) = (
            (folder / f"{name}_{what}.txt").read_text().split() for what in ("weights", "biases", "activations"))
        factor, shift = x_scale * np.float32(w_scale) / np.float32(y_scale), 0
        while factor < 0.5:
            factor, shift = factor * np.float32(2), shift + 1
        scale, x_scale = round(float(factor) * 2 ** 32), np.float32(y_scale)

        def row_by_column(codes, j, w=w, w_zero=w_zero, biases=biases, scale=scale, shift=shift, y_zero=y_zero):
            total = int(biases[j]) - int(w_zero) * sum(codes)
            for code, weight in zip(codes, w[j::len(biases)], strict=True):
                total += lut[code][int(weight)]
            product = abs(total) * scale
            carry = product & 0xFFFF_FFFF_8000_0000 > 0      # 1 << 31, widened with its sign
            size = (product // 2 ** 32 + carry) // 2 ** shift
            return min(max((size if total > 0 else -size) + int(y_zero), 0), 255)

        if not name.startswith("Conv"):
            codes = [code for row in x for position in row for code in position]
            x = [[[row_by_column(codes, j) for j in range(len(biases))]]]
            continue
        size = len(x)
        y = [[[row_by_column([x[p + i][q + j][c] if 0 <= p + i < size and 0 <= q + j < size else 0
                              for i in range(-2, 3) for j in range(-2, 3) for c in range(len(x[0][0]))], m)
               for m in range(len(biases))] for q in range(size)] for p in range(size)]
        half = range((size + 1) // 2)
        x = [[[max(y[p][q][m] for p in (2 * i, 2 * i + 1) for q in (2 * j, 2 * j + 1) if p < size and q < size)
               for m in range(len(biases))] for j in half] for i in half]
    return x[0][0]


def test_the_tutorial_of_agnapprox_on_a_few_digits(script):
    tutorial, _ = script("agnapprox_tutorial")
    runs = [tutorial.tutorial(SyntheticDigits(n_train=240, n_test=100), list(load_library()), seed) for seed in (0, 1)]
    rows = list(tutorial.trained(runs))
    assert len(rows) == 14 and not {row.verdict for row in rows} & {"cannot be tried", "no figure published"}
    assert rows[0].computed == pytest.approx(np.mean([run["accuracies"][0] for run in runs]))
    assert tutorial.among("x", "0.5", [0.6, 0.62, 0.64]).verdict == "differs"             # 6 s.d. from the mean
    assert tutorial.among("x", "0.55", [0.6, 0.62, 0.64]).verdict == "within the stated spread"


def test_a_study_goes_on_where_it_was_stopped(script, tmp_path, monkeypatch):
    table2, _ = script("date2025_table2")
    monkeypatch.setattr(table2, "multipliers", lambda folder: {
        "mul8u_rm8": from_family("truncated", k=8, signed=False)})
    study = table2.SMALL._replace(pretrained_on=128, images=64, tested=64)
    whole = table2.runs(study, None, [0], tmp_path / "whole.jsonl")
    assert [gradient for *_, gradient in whole] == ["straight-through", "published", "regression"]
    lines = (tmp_path / "whole.jsonl").read_text().splitlines()
    (tmp_path / "part.jsonl").write_text("\n".join(lines[:1]) + "\n")
    assert table2.runs(study, None, [0], tmp_path / "part.jsonl") == whole
    assert (tmp_path / "part.jsonl").read_text().splitlines() == lines


def test_adam_takes_the_steps_of_its_paper(script):
    """Algorithm 1 by hand: the first step is the rate itself, whatever the gradient's size."""
    table2, _ = script("date2025_table2")
    p = Parameter(np.array([1.0, 1.0]))
    adam = table2.Adam({"p": p})
    p.grad = np.array([1e-3, -5.0])
    adam.step({"p": 0.1})
    np.testing.assert_allclose(p.value, [0.9, 1.1], rtol=1e-5)
    p.grad = np.array([3e-3, 0.0])
    adam.step({"p": 0.1})
    mean = np.array([0.9 * 0.1 * 1e-3 + 0.1 * 3e-3, 0.9 * 0.1 * -5]) / (1 - 0.9 ** 2)
    square = np.array([0.999 * 1e-3 * 1e-6 + 1e-3 * 9e-6, 0.999 * 1e-3 * 25]) / (1 - 0.999 ** 2)
    np.testing.assert_allclose(p.value, [0.9, 1.1] - 0.1 * mean / np.sqrt(square), rtol=1e-5)
