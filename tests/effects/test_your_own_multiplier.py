"""The page docs/your_own_multiplier.md, run from top to bottom as a reader would, in an empty folder."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from refapprox import load_library

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```", (ROOT / "docs/your_own_multiplier.md").read_text(), re.S | re.M)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """(folder, output of every block)."""
    folder = tmp_path_factory.mktemp("walk")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
    outputs = []
    for language, text in BLOCKS:
        if language == "sh":
            command = ["bash", "-euc", f'refapprox() {{ "{sys.executable}" -m refapprox "$@"; }}\n{text}']
        else:
            command = [sys.executable, "-W", "error", "-c", text]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == "", f"{text}\n{done.stdout}\n{done.stderr}"
        outputs.append(done.stdout)
    return folder, outputs


def layer_table(output):
    """The rows of the layers in an output, as text."""
    return re.findall(r"^(?:conv|linear)\d .*$", output, re.M)


@pytest.mark.slow
def test_every_way_in_leads_to_the_same_answer(walked):
    _, (verilog, code, function, table, *_, out) = walked
    assert "8x8 bits, signed (as told by its ports)" in verilog
    assert len(layer_table(verilog)) == 5
    assert layer_table(verilog) == layer_table(code) == layer_table(table) == layer_table(out)[:5]
    assert "estimated from its gates" in verilog and "0.33 mW, as stated" in table
    tolerated = [row.split()[0] for row in layer_table(verilog) if row.endswith("tolerated")]
    assert str(tolerated) in function


@pytest.mark.slow
def test_the_page_the_run_and_the_files_are_there(walked):
    folder, outputs = walked
    document = json.loads((folder / "effect" / "effect.json").read_text())
    assert [found["multiplier"]["name"] for found in document["effects"]][1:3] == ["rule", "mul8s_1L2D"]
    assert "<svg" not in (folder / "effect" / "effect.html").read_text()      # pictures are embedded whole
    assert "rule" in outputs[5] and (folder / "run" / "report.html").exists()
    back = load_library(folder / "rule.h")["rule"]
    assert np.array_equal(back.lut, np.load(folder / "rule.npy"))
