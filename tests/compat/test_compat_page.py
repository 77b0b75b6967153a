"""docs/compat.md: its imports can be made, its first example runs, its presets are the ones there are."""
import importlib
import re
from pathlib import Path

import pytest

from refapprox.compat.presets import PRESETS

PAGE = (Path(__file__).parents[2] / "docs" / "compat.md").read_text(encoding="utf-8")
IMPORTS = sorted({line for line in re.findall(r"(from refapprox\.compat[\w.]* import [\w, ]+)", PAGE)})
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("line", IMPORTS)
def test_an_import_can_be_made(line):
    exec(compile(line, "docs/compat.md", "exec"), {})


def test_the_layers_example_runs():
    (source,) = [block for block in BLOCKS if "ApproxLinear" in block]
    names = {}
    exec(compile(source, "docs/compat.md", "exec"), names)
    assert names["y"].shape == (4, 10) and names["dx"].shape == (4, 20) and names["layer"].weight_grad.shape == (10, 20)


def test_names_in_the_table_of_aihwkit_are_there():
    row = next(line for line in PAGE.splitlines() if "NoiseModel` | the same; your own coefficients" in line)
    module = importlib.import_module("refapprox.compat.aihwkit.inference")
    assert all(hasattr(module, f"{name}NoiseModel") for name in re.search(r"\{(.*?)\}NoiseModel", row)[1].split(","))


def test_every_defect_is_explained():
    for name, preset in PRESETS.items():
        assert f"| `{name}` |" in PAGE
        assert all(re.search(rf"^\| `.*`{name}`|^\| `{name}`", PAGE, re.MULTILINE) and f"| `{defect}` |" in PAGE
                   for defect in preset.defects)
