"""Adapters of other frameworks without them: a clear word where one is missing. With them: `test_framework_runs`."""
import importlib.util
import os
import sys

import numpy as np
import pytest

from refapprox.conformance.adapters.agnapprox import AgnApproxStatistics
from refapprox.conformance.adapters.evoapproxlib import EvoApproxLib
from refapprox.conformance.adapters.table_files import TableFiles
from refapprox.conformance.running import run
from refapprox.conformance.suite import load_suite
from refapprox.conformance.worker import make_adapter
from refapprox.multipliers.closed_forms import closed_form
from refapprox.multipliers.formats import write_table
from refapprox.multipliers.multiplier import Multiplier, exact

ADAPTERS = "refapprox.conformance.adapters"


@pytest.mark.parametrize("module, name, package", [
    ("torch_float", "Torch", "torch"), ("torchapprox", "TorchApprox", "torchapprox"), ("aihwkit", "AIHWKit", "aihwkit"),
    ("agnapprox", "AgnApproxStatistics", "agnapprox")])
def test_a_missing_framework_is_named(module, name, package, monkeypatch):
    for missing in ("torch", package):
        monkeypatch.setitem(sys.modules, missing, None)      # importing it raises, whether it is installed or not
    with pytest.raises(ValueError, match=f"{name} cannot be made: (ModuleNotFound|Import)Error: .*(torch|{package})"):
        make_adapter(f"{ADAPTERS}.{module}:{name}")


def test_importing_the_adapters_imports_no_framework():
    for module in ("torch_float", "torchapprox", "agnapprox", "aihwkit", "evoapproxlib", "table_files"):
        source = importlib.util.find_spec(f"{ADAPTERS}.{module}").loader.get_source(f"{ADAPTERS}.{module}")
        heads = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
        assert not [line for line in heads if line.split()[1].split(".")[0] in ("torch", "torchapprox", "aihwkit")]


STATISTICS = '''
import numpy as np
def to_distribution(tensor, low, high):
    counts = np.zeros(high - low + 1)
    for code in tensor:
        counts[code + low] += 1
    return None, counts / len(tensor)
def error_calculation(accurate, approximate, fan_in):
    error = (approximate.astype(float) - accurate) / fan_in
    return error.mean(), error.std()
def get_sample_population(tensor, num_samples):
    return tensor[np.random.choice(len(tensor), num_samples)]
'''


def test_statistics_from_a_file(tmp_path):
    path = tmp_path / "statistics.py"
    path.write_text(STATISTICS)
    cases = load_suite().select(["histograms", "error_calculation", "monte_carlo/pop*"])
    report = run(cases, AgnApproxStatistics(path))
    assert report.likely_mistakes[:2] == [("error sign", 6), ("histogram index by wraparound", 5)]
    assert len(report.failures) == 11 and report.count("passed") == 7


def test_tables_that_tools_ship_are_read_and_their_defects_named(tmp_path):
    wrong = closed_form("v1.1", "mul8s_1L2H").lut.copy()
    magnitudes = np.r_[0, np.arange(255, 128, -1)]      # where those of -128 to -1 stand; -128 is its own in 8 bits
    wrong[:128, :128] = wrong[np.ix_(magnitudes, magnitudes)]
    last = exact(signed=False).lut.copy()
    last[255, 255] = 64770
    (tmp_path / "tool").mkdir()
    write_table(tmp_path / "tool" / "mul8s_1L2H.h", Multiplier("wrong", wrong), "adapt")
    write_table(tmp_path / "accurate.csv", Multiplier("last", last, signed=False), "approxflow")
    write_table(tmp_path / "mul8u_1JFF.bin", exact(signed=False), "tfapprox")
    report = run(load_suite().select(["circuits"]), TableFiles(str(tmp_path)))
    assert {r.case.id: r.diagnoses for r in report.failures} == {
        "circuits/v1.1-mul8s_1L2H": ["negative quadrant from magnitudes"],
        "circuits/ApproxFlow-accurate": ["last entry repeated"]}
    assert [r.case.id for r in report.results if r.status == "passed"] == ["circuits/v1.1-mul8u_1JFF"]


def test_a_path_that_is_no_python_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="must be that of a Python file"):
        AgnApproxStatistics(str(tmp_path / "statistics.txt"))
    with pytest.raises(ValueError, match="release=path"):
        EvoApproxLib("/somewhere")
    with pytest.raises(ValueError, match="must be existing folders, got '/no/such'"):
        TableFiles(f"{tmp_path}{os.pathsep}/no/such")
