"""What a run writes: JUnit XML of the usual shape, a page that needs nothing else, reproductions that can be pasted."""
import contextlib
import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pytest

from refapprox.cli import main
from refapprox.conformance.adapter import OUTPUTS
from refapprox.conformance.adapters.native import Refapprox
from refapprox.conformance.mutants import Mutant
from refapprox.conformance.reports import junit, page
from refapprox.conformance.reproducing import reproduction
from refapprox.conformance.running import FAILED, Result, run
from refapprox.conformance.suite import load_suite

CASES = load_suite().select(["linear", "energy", "histograms", "circuits/*KV8*"])

# the common part of the schemas of Ant, Jenkins and pytest: element -> (required attributes, others, children)
SCHEMA = {
    "testsuite": ({"name", "tests", "failures", "errors", "time"}, {"skipped", "timestamp", "hostname"}, {"testcase"}),
    "testcase": ({"name", "classname", "time"}, set(), {"failure", "error", "skipped"}),
    "failure": ({"type", "message"}, set(), set()), "error": ({"type", "message"}, set(), set()),
    "skipped": (set(), {"message"}, set()),
}


class Odd(Mutant):
    """Wrong, with a name and messages that markup has to be protected from."""

    def __init__(self):
        super().__init__("transposed table")
        self.name = 'odd \x07 <name> & "quotes"'

    def relative_energy(self, **_):
        raise RuntimeError("<b>\x00 & \x1b[31m]]>")


def check_element(element):
    """Complaints about an element and what is in it."""
    required, others, children = SCHEMA.get(element.tag, (set(), set(), set()))
    complaints = [] if element.tag in SCHEMA else [f"unknown element {element.tag}"]
    complaints += [f"{element.tag} has no {name}" for name in required - element.attrib.keys()]
    complaints += [f"{element.tag} has {name}" for name in element.attrib.keys() - required - others]
    complaints += [f"{child.tag} in {element.tag}" for child in element if child.tag not in children]
    for name in ("tests", "failures", "errors", "skipped"):
        if element.tag == "testsuite" and not element.get(name, "0").isdigit():
            complaints.append(f"{name} is {element.get(name)}")
    if "time" in element.attrib and not re.fullmatch(r"\d+\.\d{3}", element.get("time")):
        complaints.append(f"time is {element.get('time')}")
    return complaints + [complaint for child in element for complaint in check_element(child)]


@pytest.fixture(scope="module")
def report():
    report = run(CASES, Odd())
    assert len(report.failures) > 5 and report.count("passed") and report.count("not applicable") == 0
    return report


def test_junit_has_the_usual_shape(report):
    suite = ElementTree.fromstring(junit(report, "tests:Odd"))
    assert suite.tag == "testsuite" and check_element(suite) == []
    found = {"tests": len(suite), "failures": len(suite.findall("testcase/failure")), "errors": 0,
             "skipped": len(suite.findall("testcase/skipped"))}
    assert {name: int(suite.get(name)) for name in found} == found and found["tests"] == len(CASES)
    names = [(case.get("classname"), case.get("name")) for case in suite]
    assert names == [(case.family, case.id) for case in CASES]
    assert abs(sum(float(case.get("time")) for case in suite) - float(suite.get("time"))) < 1 + 0.001 * len(CASES)
    assert suite.get("name") == 'refapprox conformance of odd  <name> & "quotes"'


def test_the_check_of_the_shape_rejects_others():
    for text in ('<testsuite name="a" tests="1" failures="0" errors="0" time="0.1"/>',
                 '<testsuite name="a" tests="x" failures="0" errors="0" time="0.100"/>',
                 '<testsuite tests="1" failures="0" errors="0" time="0.100"/>',
                 '<testsuite name="a" tests="1" failures="0" errors="0" time="0.100"><failure/></testsuite>',
                 "<report/>"):
        assert check_element(ElementTree.fromstring(text))


class References(HTMLParser):
    """Everything in a page that would be fetched or run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "link", "img", "iframe", "object", "embed", "base"):
            self.found.append(tag)
        self.found += [f"{name}={value}" for name, value in attributes
                       if name in ("src", "href", "action", "srcset") or name.startswith("on")]


def test_the_page_needs_nothing_else(report):
    text, parser = page(report, "tests:Odd"), References()
    parser.feed(text)
    assert parser.found == [] and not re.search(r"@import|url\(", text)
    assert "<b>" not in text and "&lt;name&gt;" in text and "\x00" not in text and "\x07" not in text
    assert all(failure.case.id in text for failure in report.failures)


# ---- reproductions

def pasted(lines):
    """What the lines print."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(lines, "pasted", "exec"), {})
    return printed.getvalue()


@pytest.mark.parametrize("operation", OUTPUTS)
def test_the_reproduction_of_every_operation_runs(operation):
    """On refapprox, whose answers are the expected ones: both are printed."""
    case = next(case for case in load_suite() if case.operation == operation and case.check["kind"] != "refused")
    lines = reproduction(Result(case, FAILED), "refapprox.conformance.adapters.native:Refapprox")
    result = run([case], Refapprox()).results[0]
    values = tuple(result.answer.values())
    printed = pasted(lines)
    assert f"load_case(\"{case.id}\")" in lines and str(case.expected) in printed
    first = printed[:printed.index(str(case.expected))].strip()
    # numbers are printed as the operation returned them, Python's or NumPy's: compare what they say, not how
    assert numbers(first) == pytest.approx(numbers(" ".join(map(str, values))), rel=1e-6)


def numbers(text):
    return [float(word) for word in re.findall(r"(?<![\w.])-?\d+\.?\d*(?:e[+-]?\d+)?", text)]


def test_a_reproduction_from_the_command_line_runs_by_itself(capsys):
    """Cut out of the runner's output, with other eyes: in an interpreter that knows of nothing."""
    adapter = "refapprox.conformance.mutants:Mutant:transposed table"
    assert main(["conformance", "run", "--adapter", adapter, "--select", "linear/wide"]) == 1
    text = capsys.readouterr().out
    snippet = "\n".join(line[4:] for line in text.split("  reproduce\n")[1].splitlines() if line.startswith("    "))
    done = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, check=False, timeout=60)
    wrong = Mutant("transposed table").linear(**load_suite()["linear/wide"].inputs)
    assert done.returncode == 0 and done.stdout.startswith(str(wrong).splitlines()[0]), done.stderr
    assert not np.array_equal(wrong, load_suite()["linear/wide"].expected["refapprox"]["y"])


def test_an_adapter_without_a_name_is_left_to_the_reader():
    case = load_suite()["energy/exact"]
    lines = reproduction(Result(case, FAILED), "")
    assert pasted(lines.replace("adapter = ...", "from refapprox.conformance.adapters.native import Refapprox\n"
                                                 "adapter = Refapprox()")).startswith("1.0")


def test_the_reproduction_of_a_program_is_a_line_for_the_shell(tmp_path):
    case = load_suite()["energy/exact"]
    line = reproduction(Result(case, FAILED), "cat -")
    assert line == "refapprox conformance show energy/exact --request | cat -"
    done = subprocess.run(line.replace("refapprox ", f"{sys.executable} -m refapprox "), shell=True,
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.startswith('{"id": "energy/exact", "operation": "relative_energy"')
