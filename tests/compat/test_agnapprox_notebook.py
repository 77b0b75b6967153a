"""The published notebook of Tutorial 1 itself, where AGNAPPROX_NOTEBOOK names it: its cells run with other imports."""
import json
import os
import sys
from pathlib import Path

import matplotlib
import pytest
from test_agnapprox_tutorial import LAYERS, data_dir  # noqa: F401, a fixture

IMPORTS = {"from agnapprox.": "from refapprox.compat.agnapprox.",
           "from evoapproxlib": "from refapprox.compat.evoapproxlib",
           "import pytorch_lightning as pl": "from refapprox.compat import lightning as pl"}


def cells(notebook):
    """Source of its code cells, imports changed; IPython's own commands are left out."""
    for cell in json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            source = "".join(line for line in cell["source"] if not line.startswith("%"))
            for published, ours in IMPORTS.items():
                source = source.replace(published, ours)
            yield source


def test_the_published_notebook_runs(data_dir, monkeypatch, capsys):      # noqa: F811
    notebook = os.environ.get("AGNAPPROX_NOTEBOOK")
    if not notebook:
        pytest.skip("AGNAPPROX_NOTEBOOK does not name agnapprox's docs/1_mnist.ipynb")
    monkeypatch.setenv("AGNAPPROX_DATA_DIR", str(data_dir))
    matplotlib.use("Agg")
    names = {"sys": sys}      # the notebook of release 0.1 uses it without importing it
    for source in cells(notebook):
        exec(compile(source, notebook, "exec"), names)
    names["plt"].close("all")
    model = names["model"]
    assert model.mode == "approx" and [name for name, _ in model.noisy_modules] == LAYERS == names["labels"]
    assert capsys.readouterr().out.count("test_acc_top1") == 3      # as often as the notebook tests
