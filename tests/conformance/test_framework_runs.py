"""The adapters with their frameworks present, against what was recorded; and docs/conformance.md against the record.

Each run that cannot be made here is skipped with the name of what is missing. docs/conformance.md says which
environment variables stand in for frameworks that are not installed.
"""
import configparser
import copy
import re
from collections import Counter
from pathlib import Path

import pytest
from framework_runs import (
    ROOT,
    RUNS,
    covered,
    diagnosis_table,
    differences,
    execute,
    missing,
    page_with,
    read_record,
    recorded,
    row_of,
    specification,
    totals,
)

from refapprox.compat.presets import get_preset
from refapprox.conformance.adapters.pipelines import Pipeline
from refapprox.conformance.running import run
from refapprox.conformance.suite import load_suite

RECORD = read_record()
PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
SLOW = {"torchapprox evoapprox"}      # its table maker takes a second a table


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
                                  for name in RUNS])
def test_a_framework_gives_what_was_recorded(name):
    if reason := missing(name):
        pytest.skip(f"{name} is not run: {reason}")
    report = execute(name, list(load_suite()))
    broken = [failure.message for failure in report.failures if failure.kind in ("crashed", "unavailable")]
    assert broken[:1] == []      # a path that is wrong, say
    assert differences(RECORD[name], recorded(report)) == []


# ---- the record itself

@pytest.mark.parametrize("name", RUNS)
def test_the_page_shows_the_record(name):
    cells = [re.match(r"\d*", cell.strip())[0] for cell in row_of(name, PAGE).split("|")[2:5]]
    assert tuple(map(int, cells)) == totals(RECORD[name])


def test_the_page_counts_every_diagnosis_of_the_record():
    assert "\n".join(diagnosis_table(RECORD)) in PAGE
    assert page_with(RECORD, PAGE) == PAGE


def test_the_numbers_of_the_page_can_be_written_anew():
    changed = copy.deepcopy(RECORD)
    changed["agnapprox"]["families"]["matmul"] = [100_000, 20_000, 30_000]
    changed["agnapprox"]["failures"]["matmul/square"] = ["wrong value", "transposed table"]
    page = page_with(changed, PAGE)
    passed, failed, rest = totals(changed["agnapprox"])
    assert f"| {passed} | {failed} | {rest} |" in row_of("agnapprox", page) and passed > 100_000
    column = diagnosis_table(RECORD)[0].split("|").index(" agnapprox ")
    cells = next(line for line in page.splitlines() if line.startswith("| transposed table |")).split("|")
    assert cells[column].strip() == "1" and page_with(RECORD, page) == PAGE


def test_the_record_is_of_this_suite():
    sizes = Counter(case.family for case in load_suite())
    for record in RECORD.values():
        assert all(sum(counts) <= sizes[family] for family, counts in record["families"].items())
        assert set(record["failures"]) <= {case.id for case in load_suite()}
    assert set(RECORD) == set(RUNS)


def test_the_presets_fail_where_the_real_tool_fails():
    """`compat.presets` with torchapprox's CPU defects: the same cases of codes fail, and the same layers."""
    families = ["conv2d", "conv2d_padding", "zero_points", "linear", "layers"]
    cases = [case for case in load_suite().select(families)
             if case.operation in ("linear", "conv2d", "linear_layer", "conv2d_layer")]
    on_cpu = [defect for defect in get_preset("torchapprox").defects if defect != "tile padding looked up"]
    preset = run(cases, Pipeline(f"torchapprox:{','.join(on_cpu)}"))
    applicable = {r.case.id for r in preset.results if r.status != "not applicable"}
    ours = {failure.case.id for failure in preset.failures}
    old = covered(RECORD["torchapprox native"], cases)
    theirs = set(RECORD["torchapprox native"]["failures"])
    assert ours & old == theirs & applicable & old and len(ours) > 20


CHANGES = {
    "a case that passed fails": lambda r: r["failures"].update({"matmul/square": ["wrong value"]}) or
    r["families"].update(matmul=[9, 1, 0]),
    "a failure is gone": lambda r: r["failures"].pop("error_map/exact"),
    "another diagnosis": lambda r: r["failures"].update({"error_map/exact": ["wrong value", "transposed table"]}),
    "another kind": lambda r: r["failures"].update({"error_map/exact": ["raised", "error sign"]}),
    "a family is gone": lambda r: r["families"].pop("matmul"),
    "not applicable instead of passed": lambda r: r["families"].update(matmul=[9, 0, 1]),
    "a grown family with fewer passed": lambda r: r["families"].update(matmul=[9, 0, 5]),
    "another convention": lambda r: r["conventions"].clear(),
}


@pytest.fixture
def record():
    return {"framework": "f", "digest": "d", "conventions": {"accumulator width": "int64"},
            "families": {"matmul": [10, 0, 0], "error_map": [3, 2, 0], "counts": [0, 0, 5]},
            "failures": {"error_map/exact": ["wrong value", "error sign"], "error_map/one": ["raised"]}}


@pytest.mark.parametrize("change", CHANGES)
def test_a_difference_is_seen(record, change):
    found = copy.deepcopy(record)
    CHANGES[change](found)
    assert differences(record, found)


def test_more_cases_are_no_difference(record):
    found = copy.deepcopy(record)
    found["families"] |= {"matmul": [12, 1, 0], "energy": [0, 3, 0], "counts": [6, 0, 0]}
    found["failures"] |= {"matmul/new": ["wrong value"], "error_map/exact": ["wrong value", "new", "error sign"]}
    assert differences(record, found) == [] == differences(record, copy.deepcopy(record))


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for variable in {entry.variable for entry in RUNS.values() if entry.variable}:
        monkeypatch.delenv(variable, raising=False)
    assert missing("torchapprox native") == ("torch and torchapprox cannot be imported; PyTorch comes with the extra "
                                             "crossval")
    assert missing("agnapprox") == "agnapprox cannot be imported, and AGNAPPROX_ERROR_STATS does not name its sources"
    assert missing("evoapproxlib").startswith("REFAPPROX_EVOAPPROX_DIR is not set")
    monkeypatch.setenv("AGNAPPROX_ERROR_STATS", "/somewhere/error_stats.py")
    assert missing("agnapprox") == "" and specification("agnapprox").endswith(":/somewhere/error_stats.py")
    monkeypatch.setenv("AIHWKIT_SOURCE", "/somewhere")
    assert missing("aihwkit float32") == "torch cannot be imported; PyTorch comes with the extra crossval"


def test_the_page_explains_every_variable():
    assert all(f"`{entry.variable}`" in PAGE for entry in RUNS.values() if entry.variable)
    assert Path(ROOT / "tests" / "conformance" / "framework_results.json").name in PAGE


def test_the_extra_lists_what_its_name_is_given_for():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    # torchapprox compiles its kernel through PyTorch, which calls ninja and imports setuptools
    assert config["options.extras_require"]["crossval"].split() == ["torch", "ninja", "setuptools"]
