"""The runner: adapters that misbehave are reported as that, case by case, and the run goes on."""
import re
import sys
from pathlib import Path

import pytest

from refapprox.conformance.program import Program, python_program
from refapprox.conformance.reports import failure_text
from refapprox.conformance.running import InProcess, run
from refapprox.conformance.suite import load_suite

HERE = Path(__file__).parent
CASES = load_suite().select(["energy"])


@pytest.fixture(autouse=True)
def adapters_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("PYTHONPATH", f"{HERE}:{HERE.parents[1]}")


def outcomes(how, isolated=False, timeout=10.0):
    """Report of `Misbehaving(how)` on the five cases of the energy."""
    from adapters_that_misbehave import Misbehaving
    target = python_program(f"adapters_that_misbehave:Misbehaving:{how}", timeout) if isolated else Misbehaving(how)
    return run(CASES, target)


@pytest.mark.parametrize("how, kind, message", [
    ("nan", "not finite", "energy is nan, expected 0.4375"), ("infinite", "not finite", "inf"),
    ("shape", "wrong shape", r"shape \(\), got \(1,\)"), ("dtype", "wrong dtype", "floats, got dtype int64"),
    ("type", "wrong type", "got <class 'list'>"), ("text", "wrong type", "str"), ("none", "wrong type", "NoneType"),
    ("two", "wrong type", "1 output"), ("object", "wrong type", "object"), ("complex", "wrong type", "complex"),
    ("half", "wrong type", "float16"), ("raises", "raised", "KeyError: 'opcounts'"),
    ("mutates", "mutated inputs", "opcounts"), ("mutates dtype", "mutated inputs", "opcounts"),
    ("mutates shape", "mutated inputs", "opcounts")])
@pytest.mark.filterwarnings("ignore:Setting the (dtype|shape):DeprecationWarning")
def test_a_wrong_answer_is_named(how, kind, message):
    report = outcomes(how)
    assert len(report.failures) == len(CASES) and not report.ok
    first = report.failures[0]
    assert first.kind == kind
    assert re.search(message, first.message), first.message


@pytest.mark.parametrize("how, kind", [("nan", "not finite"), ("shape", "wrong shape"), ("dtype", "wrong dtype"),
                                       ("type", "wrong type"), ("raises", "raised"), ("mutates", "mutated inputs")])
def test_a_wrong_answer_is_named_from_a_process_of_its_own_too(how, kind):
    report = outcomes(how, isolated=True)
    assert [r.kind for r in report.failures] == [kind] * len(CASES)


@pytest.mark.parametrize("isolated", [False, True])
def test_one_that_raises_in_one_case_fails_in_that_case(isolated):
    report = outcomes("raises once", isolated)
    assert [(r.case.id, r.kind) for r in report.failures] == [("energy/three-layers", "raised")]
    assert report.count("passed") == len(CASES) - 1 and "three layers are too many" in report.failures[0].message


def test_changes_inside_lists_are_seen():
    from adapters_that_misbehave import MutatesLists
    cases = load_suite().select(["matching/maps-*", "strategy_search/span-*"])
    report = run(cases, MutatesLists())
    # nothing is popped where nothing remains
    assert {r.case.id for r in report.results if r.kind != "mutated inputs"} == {"strategy_search/span-none"}
    assert {r.message for r in report.failures} == {f"the call changed its input {name}." for name in ("luts", "spans")}


def test_one_that_hangs_is_stopped_and_the_run_goes_on():
    report = outcomes("hangs", isolated=True, timeout=1.0)
    assert [r.case.id for r in report.failures] == ["energy/three-layers"]
    assert report.failures[0].kind == "timed out" and report.count("passed") == len(CASES) - 1
    assert report.seconds < 30


def test_one_that_dies_is_started_again():
    report = outcomes("dies", isolated=True)
    assert [(r.case.id, r.kind) for r in report.failures] == [("energy/three-layers", "crashed")]
    assert "code 3" in report.failures[0].message


@pytest.mark.parametrize("specification, message", [
    ("no.such.module:Adapter", "No module named"), ("refapprox.conformance:NoSuchClass", "NoSuchClass"),
    ("adapters_that_misbehave:Misbehaving:constructor", "no license"), ("nonsense", "package.module:Class")])
def test_an_adapter_that_cannot_be_made_fails_every_case(specification, message):
    report = run(CASES, python_program(specification, 10.0))
    assert len(report.failures) == len(CASES)
    assert {r.kind for r in report.failures} == {"unavailable"} and message in report.failures[0].message


def test_operations_that_are_not_offered_are_not_applicable_and_not_a_pass():
    from adapters_that_misbehave import Energy
    report = run(load_suite().select(["energy", "matmul"]), Energy())
    assert report.ok and report.count("passed") == 5 and report.count("not applicable") == 10
    assert not run(load_suite().select(["matmul"]), Energy()).ok


@pytest.mark.parametrize("how", ["right", "array"])
def test_a_program_that_speaks_json_lines(how):
    report = run(load_suite().select(["energy", "top*"]), speaker(how))
    assert report.ok and (report.count("passed"), report.count("not applicable")) == (5, 5)


def speaker(how):
    return Program([sys.executable, str(HERE / "adapters_that_misbehave.py"), how], 10.0)


@pytest.mark.parametrize("how, kind", [
    ("garbage", "bad reply"), ("no outputs", "bad reply"), ("no status", "bad reply"), ("bad array", "bad reply"),
    ("nan", "not finite"), ("error", "raised")])
def test_a_program_that_answers_nonsense(how, kind):
    report = run(CASES[:2], speaker(how))
    assert [r.kind for r in report.failures] == [kind] * 2


def test_a_program_that_does_not_exist():
    report = run(CASES, Program(["/no/such/program"], 10.0))
    assert len(report.failures) == len(CASES) and "cannot be started" in report.failures[0].message


def test_a_reproduction_can_be_pasted(capsys):
    from refapprox.conformance.mutants import Mutant
    case = load_suite().select(["linear/square"])
    source = "refapprox.conformance.mutants:Mutant:transposed table"
    result = run(case, Mutant("transposed table")).failures[0]
    text = failure_text(result, source)
    assert "likely      transposed table" in text
    snippet = text.split("  reproduce\n")[1]
    exec(compile("\n".join(line[4:] for line in snippet.splitlines()), "snippet", "exec"), {})
    printed = capsys.readouterr().out
    assert str(result.answer["y"]).splitlines()[0] in printed and "'refapprox': {'y':" in printed


def test_in_process_and_worker_agree():
    cases = load_suite().select(["conv2d_padding", "histograms", "topk*", "noise_loss/gradient-*"])
    from refapprox.conformance.adapters.native import Refapprox
    here = run(cases, InProcess(Refapprox()))
    there = run(cases, python_program("refapprox.conformance.adapters.native:Refapprox", 10.0))
    assert [(r.status, r.convention) for r in here.results] == [(r.status, r.convention) for r in there.results]
    assert here.ok
