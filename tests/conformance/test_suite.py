"""The cases: their numbers, their reproducible making, what is exported, and what is refused."""
import json
import shutil

import numpy as np
import pytest

from refapprox.conformance.arrays import decode
from refapprox.conformance.building import case_of, digest, export, write_pack
from refapprox.conformance.comparing import KINDS
from refapprox.conformance.spec import FAMILIES, MISTAKES, OPERATIONS
from refapprox.conformance.spec.tables import TABLES, tabulated
from refapprox.conformance.suite import FOLDER, Suite, load_suite

CASES = list(load_suite())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_specification_gives_the_committed_cases(family):
    """Identical within rounding: other versions of NumPy, Python and the C library round other last bits. Numbers agree
    to 1e-11 of the largest of their array, or of the largest term that the case's check names."""
    made = {case["id"]: case for case in (case_of(family, example) for example in FAMILIES[family]())}
    committed = {case.id: load_suite().stored(case.id) for case in CASES if case.family == family}
    assert list(made) == list(committed)
    for case_id, case in committed.items():
        sizes = case["check"].get("scale", {})
        assert set(made[case_id]) == set(case)
        for key in case:
            assert close(decode(made[case_id][key], tabulated), decode(case[key], tabulated),
                         max(sizes.values(), default=0.0)), (case_id, key)


def close(one, other, size):
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(
            close(one[key], other[key], size) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(
            close(*items, size) for items in zip(one, other, strict=True))
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or one.dtype.kind != other.dtype.kind:
        return False
    if one.dtype.kind != "f":
        return np.array_equal(one, other)
    return bool(np.all(np.abs(one - other) <= 1e-11 * max(size, np.abs(other).max(initial=0.0))))


def test_the_comparison_of_regenerated_cases_sees_differences():
    right = {"y": np.array([1.0, 2.0]), "n": 3}
    assert close(right, {"y": np.array([1.0, 2.0 + 1e-15]), "n": 3}, 0.0)
    for wrong in ({"y": np.array([1.0, 2.001]), "n": 3}, {"y": np.array([1.0, 2.0]), "n": 4},
                  {"y": np.array([1.0, 2.0])}, {"y": np.array([1, 2]), "n": 3}, {"y": np.array([[1.0, 2.0]]), "n": 3}):
        assert not close(right, wrong, 0.0)


def test_there_are_enough_cases_and_they_are_small():
    assert len(CASES) >= 150 and len({case.family for case in CASES}) >= 15
    assert sum(p.stat().st_size for p in FOLDER.rglob("*") if p.is_file()) < 0.6 * 2 ** 20
    assert {p.stem for p in FOLDER.glob("*.json")} == {*FAMILIES, "manifest"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_is_complete(case):
    assert case.operation in OPERATIONS and case.check["kind"] in KINDS and case.check["reason"] and case.probes
    assert (len(case.expected) > 1) == bool(case.question)
    operation = OPERATIONS[case.operation]
    assert all(set(outputs) == set(operation.outputs) for outputs in case.expected.values())
    assert set(case.inputs) == set(operation.signature.parameters)


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
    (copy / "manifest.json").write_text(json.dumps({**manifest, "version": 1}))
    with pytest.raises(ValueError, match="version 2, got refapprox-conformance, 1"):
        Suite(copy)
    with pytest.raises(ValueError, match=r"manifest\.json is missing"):
        Suite(copy.parent)


def test_unknown_cases_and_patterns_are_named():
    with pytest.raises(KeyError, match="no case 'energy/exakt'. Did you mean energy/exact"):
        load_suite()["energy/exakt"]
    with pytest.raises(ValueError, match="no table 'nonsense'"):
        tabulated("nonsense")
    with pytest.raises(ValueError, match="no case matches nonsense"):
        load_suite().select(["nonsense"])
    assert {case.family for case in load_suite().select(["conv2d*", "energy/two-layers"])} == {
        "conv2d", "conv2d_padding", "energy"}


# ---- the pack for readers without Python: everything literal


def test_the_exported_pack_is_complete_and_literal(tmp_path):
    """Read with json and numpy alone; two families of the suite."""
    write_pack(tmp_path / "suite", {family: [load_suite().stored(case.id) for case in CASES if case.family == family]
                                    for family in ("matmul", "energy")})
    suite, tmp_path = Suite(tmp_path / "suite"), tmp_path / "pack"
    export(tmp_path, suite, with_mistakes=True)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["mistakes"] == MISTAKES and set(manifest["operations"]) == set(OPERATIONS)
    stored = {case["id"]: case for family in manifest["families"]
              for case in json.loads((tmp_path / f"{family}.json").read_text())["cases"]}
    assert list(stored) == [case.id for case in suite]
    case = stored["matmul/inexact-at-zero"]
    x, w = (np.reshape(case["inputs"][key]["data"], case["inputs"][key]["shape"]) for key in "xw")
    table = np.load(tmp_path / "tables" / f"{case['inputs']['lut']['table']}.npy")
    y = table[x[:, :, None] + 128, w[None] + 128].sum(axis=1)
    assert y.ravel().tolist() == case["expected"]["refapprox"]["y"]["data"]
    assert case["mistakes"]["exact instead of table"]["y"]["data"] == (x @ w).ravel().tolist()
    assert case["reference"] == "docs/conformance.md#matrix-product"
    assert {path.stem for path in (tmp_path / "tables").iterdir()} == set(TABLES)
    assert Suite(tmp_path).digest == manifest["digest"]      # and refapprox reads it as any suite


def test_mistakes_are_left_out_unless_asked_for(tmp_path):
    export(tmp_path, load_suite())
    assert '"mistakes"' not in (tmp_path / "matmul.json").read_text()
