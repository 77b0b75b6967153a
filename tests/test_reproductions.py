"""Every script of examples/reproductions runs on what it brings itself, and on others' data where these are here."""
import importlib
import os
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples" / "reproductions"
# script -> (environment variable that names its data, what must come of it with and without them)
SCRIPTS = {
    "appmult_gradients": ("REFAPPROX_APPMULT_DIR", {"same digits": 33, "differs": 12}, {"cannot be tried": 1}),
    "bias_dominates": (None, None, {"holds": 8, "differs": 2, "no figure published": 60}),
    "date2025_table1": ("REFAPPROX_APPMULT_DIR", {"same digits": 51, "differs": 6},
                        {"same digits": 9, "differs": 3, "cannot be tried": 12}),
    "evoapprox_headers": ("REFAPPROX_EVOAPPROX_DIR", {"same digits": 389, "differs": 3},
                          {"same digits": 6, "cannot be tried": 1}),
    "family_papers": (None, None, {"same digits": 17, "within the stated spread": 3, "differs": 3}),
    "lmul": (None, None, {"holds": 17, "differs": 15, "no figure published": 28}),
}


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))

    def load(name):
        module = importlib.import_module(name)
        return module, importlib.import_module("figures")
    yield load
    for name in (*SCRIPTS, "figures"):
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
    variable, expected, _ = SCRIPTS[name]
    folder = os.environ.get(variable, "").split(os.pathsep)[0]
    if not folder:
        pytest.skip(f"{variable} is not set: the data of {name} are not here")
    module, figures = script(name)
    assert dict(figures.show(module, Path(folder), lambda line: None)) == expected


def test_verdicts(script):
    _, figures = script("evoapprox_headers")
    assert figures.compared("x", "1.25", 1.2549).verdict == "same digits"
    assert figures.compared("x", "1.25", 1.26, spread=0.02).verdict == "within the stated spread"
    assert figures.compared("x", "1.25", 1.28, spread=0.02).verdict == "differs"
    assert figures.untried("x", "1", "why").computed is None


def test_every_script_is_listed():
    assert {path.stem for path in FOLDER.glob("*.py")} - {"figures"} == set(SCRIPTS)
    page = (FOLDER.parents[1] / "docs" / "reproductions.md").read_text()
    assert all(f"{name}.py" in page for name in SCRIPTS)
