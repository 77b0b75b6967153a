"""The runner: adapters that misbehave are reported as that, case by case, and the run goes on."""
import json
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refapprox.conformance import Adapter
from refapprox.conformance.arrays import DTYPES
from refapprox.conformance.mutants import Mutant
from refapprox.conformance.program import Program, SetupError, python_program
from refapprox.conformance.reports import failure_text, junit, page, summary, text
from refapprox.conformance.running import InProcess, run
from refapprox.conformance.suite import load_suite
from refapprox.conformance.worker import answer

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
    cases = load_suite().select(["matching/maps-*", "expected_loss/baseline-*"])
    report = run(cases, MutatesLists())
    assert {r.kind for r in report.results} == {"mutated inputs"}
    assert {r.message for r in report.failures} == {
        f"the call changed its input {name}." for name in ("luts", "t_steps")}


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
def test_an_adapter_that_cannot_be_made_is_one_error(specification, message):
    with pytest.raises(SetupError, match=message):
        run(CASES, python_program(specification, 10.0))


@pytest.mark.parametrize("command, message", [
    (["/no/such/program"], "cannot be started"),
    ([sys.executable, "/no/such/file.py"], "ended with code 2.*No such file"),
    (["true"], "the process (ended|closed)")])
def test_a_program_that_cannot_be_used_is_one_error(command, message):
    with pytest.raises(SetupError, match=f"(?s){command[0]}.*{message}"):
        run(CASES, Program(command, 10.0))


def test_a_whole_suite_is_taken_as_its_cases_are():
    class Nothing(Adapter):
        """Offers no operation."""

    report, suite = run(load_suite(), Nothing()), load_suite()
    assert (len(report.results), report.digest) == (len(suite), suite.digest)


def test_a_run_ends_after_so_many_failures():
    from adapters_that_misbehave import Misbehaving
    seen = []
    report = run(CASES, Misbehaving("nan"), maxfail=2, progress=seen.append)
    assert len(report.failures) == len(report.results) == len(seen) == 2 and not report.ok
    assert report.remarks == ["stopped after 2 failure(s): 3 case(s) were not run"]
    assert run(CASES, Misbehaving("raises once"), maxfail=2).remarks == []


def test_an_adapter_of_an_earlier_suite_keeps_working_and_is_told():
    """One that offers an operation which is asked no more: a remark, not a failure."""
    from adapters_that_misbehave import Energy

    class Earlier(Energy):
        def stop_criterion(self, *, objective):
            return int(objective < 0)

    report = run(CASES, Earlier())
    assert report.ok and report.remarks == ["stop_criterion is no operation of this suite any more"]
    assert "remark: stop_criterion is no operation" in text(report, "")


def test_a_misnamed_operation_is_not_passed_over_in_silence():
    from adapters_that_misbehave import Energy

    class Misnamed(Energy):
        def lut_matmul(self, *, x, w, lut, signed):
            return x @ w

        def helper(self):
            return 0

    assert run(CASES, Misnamed()).remarks == [
        "lut_matmul is no operation of this suite and was not called. Did you mean matmul?"]


def test_operations_that_are_not_offered_are_not_applicable_and_not_a_pass():
    from adapters_that_misbehave import Energy
    report = run(load_suite().select(["energy", "matmul"]), Energy())
    assert report.ok and report.count("passed") == 5 and report.count("not applicable") == 10
    assert not run(load_suite().select(["matmul"]), Energy()).ok


@pytest.mark.parametrize("how", ["right", "array", "integers"])
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


HOSTILE = {      # what a program writes instead of its reply -> what the one failed case says
    "bool": ("wrong dtype", "floats, got dtype bool"), "bare": ("bad reply", "does not hold the outputs"),
    "list": ("bad reply", "does not hold the outputs"), "deep": ("bad reply", "nests deeper than 64"),
    "surrogate": ("bad reply", "half a surrogate"), "control": ("raised", ""), "no newline": ("bad reply", "longer"),
    "another id": ("bad reply", "the reply is to 'energy/free', asked was"), "two": ("bad reply", "nobody asked for"),
    "digits": ("bad reply", "not what the protocol asks for"), "not UTF-8": ("bad reply", "not what the protocol"),
    "huge shape": ("bad reply", "Maximum allowed dimension|array is too big"), "number": ("bad reply", "an object"),
    "message": ("raised", "17"), "dies": ("crashed", "code 7"), "hangs": ("timed out", "within 0.5 s")}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_reply_is_one_failed_case(how):
    """The others pass: the program is hostile in one case only."""
    target = Program([sys.executable, str(HERE / "adapters_that_misbehave.py"), f"hostile {how}"],
                     0.5 if how == "hangs" else 20.0)
    report = run(CASES, target)
    kind, message = HOSTILE[how]
    failed = [(r.case.id, r.kind) for r in report.failures]
    wanted = "energy/one-layer" if how == "two" else "energy/three-layers"      # the second line comes to the next case
    assert failed == [(wanted, kind)] and re.search(message, report.failures[0].message), report.failures
    assert report.count("passed") == len(CASES) - 1
    for written in (text(report, "p"), junit(report, "p"), page(report, "p")):
        assert not set(written) & set("\x00\x1b\x07\ud800") and written.encode()
    ElementTree.fromstring(junit(report, "p"))


KEYS = st.sampled_from(["dtype", "shape", "data", "energy", "table", "x"])
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8)
ARRAYS = st.fixed_dictionaries({"dtype": st.sampled_from([*DTYPES, "object", 3]), "shape": JSON, "data": JSON})
REPLIES = st.fixed_dictionaries({"status": st.sampled_from(["ok", "refused", "error", "mutated inputs", "odd"]) | JSON,
                                 "outputs": st.fixed_dictionaries({"energy": ARRAYS | JSON}) | JSON},
                                optional={"id": JSON, "message": JSON, "traceback": JSON})


class Replaying(Program):
    """Answers what it is told to."""

    def __init__(self, answer):
        super().__init__(["replay"], 1.0)
        self.answer = answer

    def _start(self):
        self._process = self._unread = b""

    def _exchange(self, line, timeout):
        return self.answer

    def close(self):
        self._process = None


@given(answer=st.binary(max_size=40) | REPLIES.map(lambda reply: json.dumps(reply).encode()))
@settings(max_examples=150)
def test_whatever_is_answered_every_case_has_a_result(answer):
    report = run(CASES[:2], Replaying(answer))
    assert len(report.results) == 2 and report.count("passed") + report.count("failed") + report.count(
        "not applicable") == 2
    for written in (text(report, "p"), junit(report, "p"), page(report, "p")):
        assert written.encode()


def test_a_hostile_description_is_borne():
    target = Program([sys.executable, str(HERE / "adapters_that_misbehave.py"), "hostile description"], 10.0)
    report = run(CASES, target)
    assert report.ok and report.conventions == {} and summary(report).encode()


@pytest.mark.parametrize("line", [
    "nonsense", "[1]", "3", "null", "{}", '{"operation": 3}', '{"operation": "relative_energy"}', "[" * 100_000,
    '{"operation": "relative_energy", "inputs": 3}', '{"operation": "no_such", "inputs": {}}', "\udcff",
    '{"operation": "relative_energy", "inputs": {"opcounts": {"dtype": "float8", "shape": [], "data": []}}}',
    '{"operation": "matmul", "inputs": {"lut": {"table": "no such"}}}',
    '{"operation": "describe", "id": ' + "9" * 5000])
def test_a_worker_survives_any_request(line):
    from adapters_that_misbehave import Energy
    assert json.loads(json.dumps(answer(Energy(), line)))["status"] in ("error", "not applicable")


INPUTS = st.dictionaries(st.sampled_from(["opcounts", "costs", "cost_max", "x", "w", "lut"]), ARRAYS | JSON)
REQUESTS = st.fixed_dictionaries({"operation": st.sampled_from(["describe", "relative_energy", "matmul"]) | JSON,
                                  "inputs": INPUTS | JSON}, optional={"id": JSON})


@given(line=st.text(max_size=20) | REQUESTS.map(json.dumps))
@settings(max_examples=200)
def test_a_worker_answers_whatever_it_is_asked(line):
    assert isinstance(json.loads(json.dumps(answer(Mutant(), line)))["status"], str)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_leaves_no_adapter_alive(how, tmp_path):
    """Not even one that hangs, and what it has started."""
    source = f"""
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)      # started in the background, a process ignores it
from refapprox.conformance.program import python_program
from refapprox.conformance.running import run
from refapprox.conformance.suite import load_suite
run(load_suite().select(["energy"]), python_program("adapters_that_misbehave:Hanging:{tmp_path}/pids", 60.0))
"""
    process = subprocess.Popen([sys.executable, "-c", source], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "pids").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2 and all(map(alive, pids))
    process.send_signal(how)
    process.wait(60)
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))


def alive(pid):
    """Whether a process runs: a zombie that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_the_worker_warns_of_nothing():
    done = subprocess.run([sys.executable, "-W", "error", "-m", "refapprox.conformance.worker",
                           "adapters_that_misbehave:Energy"], input='{"operation": "describe"}\n', capture_output=True,
                          text=True, check=False)
    assert done.stderr == "" and json.loads(done.stdout)["name"] == "energy only"


def test_a_reproduction_can_be_pasted(capsys):
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
