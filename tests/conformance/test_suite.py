"""The cases: their numbers, their reproducible making, and what is refused."""
import json
import shutil
from collections import Counter

import numpy as np
import pytest

from refapprox.conformance.adapter import OUTPUTS
from refapprox.conformance.comparing import KINDS
from refapprox.conformance.generator.writing import write_suite
from refapprox.conformance.mistakes import MISTAKES
from refapprox.conformance.suite import FOLDER, Suite, digest, load_suite

CASES = list(load_suite())


def test_the_committed_generator_writes_the_committed_cases(tmp_path):
    write_suite(tmp_path)
    written = {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    committed = {str(p.relative_to(FOLDER)): p.read_bytes() for p in FOLDER.rglob("*") if p.is_file()}
    assert written.keys() == committed.keys()
    assert [name for name in written if written[name] != committed[name]] == []


def test_there_are_enough_cases_and_they_are_small():
    assert len(CASES) >= 150 and len({case.family for case in CASES}) >= 15
    assert sum(p.stat().st_size for p in FOLDER.rglob("*") if p.is_file()) < 3 * 2 ** 20


def test_every_known_mistake_shows_in_at_least_two_cases():
    seen = Counter(name for case in CASES for name in case.mistakes)
    assert {name: seen[name] for name in MISTAKES if seen[name] < 2} == {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_is_complete(case):
    assert case.operation in OUTPUTS and case.check["kind"] in KINDS and case.check["reason"] and case.probes
    assert (len(case.expected) > 1) == bool(case.question)
    for outputs in [*case.expected.values(), *case.mistakes.values()]:
        assert set(outputs) == set(OUTPUTS[case.operation])


def test_inputs_are_fresh_at_every_access():
    case = load_suite()["matmul/square"]
    case.inputs["x"][:] = 0
    case.inputs["lut"][:] = 0
    assert case.inputs["x"].any() and case.inputs["lut"].any()


def test_the_hash_of_the_manifest_ignores_the_order_of_its_keys():
    manifest = load_suite().manifest
    assert digest(dict(reversed(manifest.items()))) == manifest["digest"]


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(FOLDER, tmp_path / "cases")


def test_an_altered_case_file_is_refused(copy):
    text = (copy / "energy.json").read_text()
    (copy / "energy.json").write_text(text.replace("100", "101", 1))
    with pytest.raises(ValueError, match=r"energy\.json was altered"):
        Suite(copy)


def test_an_altered_table_is_refused(copy):
    table = np.load(copy / "tables" / "exact_s8.npy")
    table[0, 0] += 1
    np.save(copy / "tables" / "exact_s8.npy", table)
    with pytest.raises(ValueError, match=r"exact_s8\.npy was altered"):
        Suite(copy)


def test_an_altered_manifest_is_refused(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["sha256"]["energy.json"] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"manifest\.json was altered"):
        Suite(copy)


def test_a_missing_file_and_another_format_are_refused(copy):
    (copy / "energy.json").unlink()
    with pytest.raises(ValueError, match=r"energy\.json is missing"):
        Suite(copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "version": 2}))
    with pytest.raises(ValueError, match="version 1"):
        Suite(copy)
    with pytest.raises(ValueError, match=r"manifest\.json is missing"):
        Suite(copy / "tables")


def test_unknown_cases_and_patterns_are_named():
    with pytest.raises(ValueError, match="no case 'nonsense'"):
        load_suite()["nonsense"]
    with pytest.raises(ValueError, match="no case matches nonsense"):
        load_suite().select(["nonsense"])
    assert {case.family for case in load_suite().select(["conv2d*", "energy/two-layers"])} == {
        "conv2d", "conv2d_padding", "energy"}
