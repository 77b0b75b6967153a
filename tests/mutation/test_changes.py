"""The program that changes the package: what it changes, what it leaves, and that it tells noticed from not noticed."""
import json
import textwrap

import pytest

from tests.mutation import __main__ as program
from tests.mutation import changes
from tests.mutation.changes import changes_of, draw, key_of, named

SOURCE = textwrap.dedent('''
    """1 + 1 in a docstring stays."""
    import numpy as np
    BLOCK = 4096                     # how much at a time
    def variance(x, rows: "1 + 1", *, ddof=0):
        if len(x) < 2 and ddof:
            raise ValueError(f"{len(x) + 1} is not enough")
        total = -np.abs(x[1:]).sum(axis=1)   # of - all
        return total - rows
    def image_blocks(x):
        return x + 1
''').encode()


def test_every_kind_of_change_and_nothing_else():
    found = {(change.kind, change.before, change.after) for change in changes_of("ops/sample.py", SOURCE)}
    header, condition = 'def variance(x, rows: "1 + 1", *, ddof={}):', "if len(x) < 2 and ddof:"
    total, back = "total = -np.abs(x[1:]).sum(axis=1) # of - all", "return total - rows"
    assert found == {
        ("constant", header.format(0), header.format(1)),
        ("condition", condition, "if not (len(x) < 2 and ddof):"),
        ("logic", condition, "if len(x) < 2 or ddof:"),
        ("comparison", condition, "if len(x) <= 2 and ddof:"),
        ("constant", condition, "if len(x) < 3 and ddof:"),
        ("sign", total, total.replace("-np", "np")),
        ("dropped", total, total.replace("np.abs(x[1:])", "(x[1:])")),
        ("slice", total, total.replace("1:", ":")),
        ("constant", total, total.replace("1:", "2:")),
        ("constant", total, total.replace("1:", "0:")),
        ("function", total, total.replace("sum", "mean")),
        ("constant", total, total.replace("axis=1", "axis=2")),
        ("constant", total, total.replace("axis=1", "axis=0")),
        ("arithmetic", back, "return total + rows"),
        ("dropped", back, "return total"),
    }


def test_a_change_survives_that_lines_move():
    before, after = (changes_of("ops/sample.py", source) for source in (SOURCE, b"# one line more\n" + SOURCE))
    assert {change.key for change in before} == {change.key for change in after}
    assert all(b"# one line more" in change.applied(b"# one line more\n" + SOURCE) for change in after)


def test_the_draw_is_that_of_its_seed_and_takes_from_every_file(tmp_path):
    package = tmp_path / "refapprox"
    for file in ("ops/one.py", "ops/two.py", "ops/threads.py", "nets/other.py"):
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).write_bytes(SOURCE)
    keys = [[change.key for change in draw(tmp_path, 12, seed)] for seed in (0, 0, 1)]
    assert keys[0] == keys[1] != keys[2] and len(keys[0]) == len(set(keys[0])) == 12
    drawn = draw(tmp_path, 12, 0)
    assert [change.file for change in drawn] == 6 * ["ops/one.py"] + 6 * ["ops/two.py"]
    (package / "ops/one.py").write_bytes(SOURCE.replace(b"rows", b"lines"))
    assert [change.key for change in draw(tmp_path, 12, 0)[6:]] == keys[0][6:]


def test_changes_that_no_longer_fit_are_named(tmp_path):
    (tmp_path / "refapprox" / "ops").mkdir(parents=True)
    (tmp_path / "refapprox" / "ops" / "one.py").write_bytes(SOURCE)
    entry = {"file": "ops/one.py", "where": "variance", "before": "return total - rows", "after": "return total + rows"}
    old = {**entry, "before": "return total - lines"}
    found, gone = named(tmp_path, [entry, old])
    assert [change.key for change in found] == [key_of(entry)] and gone == [old]


@pytest.mark.parametrize("name", ["equivalent.json", "once_survived.json"])
def test_the_lists_can_be_read_and_say_why(name):
    entries = json.loads((program.HERE / name).read_text("utf-8"))
    for entry in entries:
        assert entry["before"] != entry["after"] and entry["file"] in set(changes.sources(program.CHECKOUT))
        assert name != "equivalent.json" or len(entry["reason"]) > 20
    assert len({key_of(entry) for entry in entries}) == len(entries)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A package of one function with a test that sees its sign and not its boundary."""
    for part in ("refapprox/ops", "tests/ops", "examples", "docs", ".ci"):
        (tmp_path / "checkout" / part).mkdir(parents=True)
    top = tmp_path / "checkout"
    (top / "refapprox/__init__.py").write_text("")
    (top / "refapprox/ops/__init__.py").write_text("")
    (top / "refapprox/ops/clamp.py").write_text("def clamp(x, low):\n    return low if x < low else -x\n")
    (top / "tests/ops/test_clamp.py").write_text(
        "from refapprox.ops.clamp import clamp\n\n\ndef test_clamp():\n    assert clamp(3, 2) == -3\n\n\n"
        "def test_low():\n    assert clamp(1, 2) == 2\n\n\ndef test_not_about_it():\n    assert True\n")
    monkeypatch.setattr(program, "CHECKOUT", top)
    return top


def test_a_run_from_trace_to_report(checkout, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    program.main(["reach", *out])
    program.main(["run", *out, "--count", "10", "--at-most", "1"])
    program.main(["run", *out, "--count", "10"])                                     # goes on where it stopped
    results = program.lines(tmp_path / "out" / "results.jsonl")
    assert {entry["after"]: entry["noticed"] for entry in results} == {
        "return low if not (x < low) else -x": True, "return low if x < low else x": True,
        "return low if x <= low else -x": False} and len(results) == 3
    assert [entry["by"] for entry in results if entry["after"].endswith("else x")] == [
        "tests/ops/test_clamp.py::test_clamp"]
    assert all(entry["tests"] == 2 for entry in results)                  # the third does not enter the function
    capsys.readouterr()
    assert program.main(["report", *out, "--count", "10"]) == 1           # one is left
    said = capsys.readouterr().out
    assert "3 changes in 1 files: 2 noticed, 0 equivalent, 1 not noticed" in said and "x <= low" in said
    assert (checkout / "refapprox/ops/clamp.py").read_text().endswith("return low if x < low else -x\n")
