"""The command line, and what it writes."""
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from refapprox.cli import main
from refapprox.conformance.spec import MISTAKES

TRANSPOSED = ["--adapter", "refapprox.conformance.mutants:Mutant:transposed table", "--select", "linear"]


def test_a_run_of_refapprox_itself_covers_every_route_and_succeeds(capsys):
    assert main(["conformance", "run", "--select", "matmul/k-1*", "--select", "energy"]) == 0
    out = capsys.readouterr().out
    assert all(f"refapprox, route {method}: conforms" in out for method in ("auto", "index"))


def test_a_failing_run_says_so_by_its_exit_code_and_names_the_mistake(capsys):
    assert main(["conformance", "run", *TRANSPOSED]) == 1
    out = capsys.readouterr().out
    assert f"likely      transposed table: {MISTAKES['transposed table']}" in out
    assert "likely mistake in 5 case(s): transposed table" in out and "FAILED linear/wide: wrong value" in out


def test_junit_and_html(tmp_path):
    junit, page = tmp_path / "out.xml", tmp_path / "out.html"
    assert main(["conformance", "run", *TRANSPOSED, "--select", "hist*", "--junit", str(junit), "--html",
                 str(page), "--brief"]) == 1
    suite = ElementTree.parse(junit).getroot()
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped")} == {
        "tests": str(len(suite)), "failures": "5", "skipped": str(len(suite.findall("./testcase/skipped")))}
    assert "transposed table" in suite.find("./testcase/failure").text
    html = page.read_text()
    assert "Likely mistakes" in html and "linear/wide" in html
    assert "<script" not in html and "http" not in html.replace("docs/", "")
    ElementTree.fromstring(html.replace("<!doctype html>", "").replace('<meta charset="utf-8">', ""))


def test_list_and_show(capsys):
    assert main(["conformance", "list", "--select", "energy"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5
    assert main(["conformance", "show", "energy/exact"]) == 0
    assert "opcount" in capsys.readouterr().out
    assert main(["conformance", "show", "energy/exact", "--request"]) == 0
    assert capsys.readouterr().out.startswith('{"id": "energy/exact", "operation": "relative_energy"')


@pytest.mark.parametrize("arguments, message", [
    (["run", "--select", "nonsense"], "no case matches nonsense"),
    (["run", "--adapter", "a:b", "--program", "c"], "exclude each other"),
    (["run", "--timeout", "0"], "timeout must be positive"), (["show", "nonsense"], "no case 'nonsense'"),
    (["run", "--maxfail", "0"], "--maxfail must be at least 1")])
def test_wrong_arguments(arguments, message, capsys):
    assert main(["conformance", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments, message", [
    (["--adapter", "no.such:Adapter"], "the adapter no.such:Adapter cannot be made: ModuleNotFoundError"),
    (["--adapter", "refapprox:NoSuch"], "NoSuch"),
    (["--program", "/no/such/binary"], "/no/such/binary cannot be started")])
def test_a_setup_error_is_one_line_and_exit_code_2(arguments, message, capsys):
    assert main(["conformance", "run", *arguments, "--select", "energy"]) == 2
    printed = capsys.readouterr()
    assert message in printed.err and printed.err.count("\n") == 1 and printed.out == ""


def test_what_does_not_apply_is_left_out(capsys):
    main(["conformance", "run", *TRANSPOSED, "--select", "energy", "--maxfail", "2", "--brief"])
    out = capsys.readouterr().out
    assert re.search(r"^linear +2 failed$", out, re.MULTILINE) and "0 passed" not in out.split("mutant:")[0]
    assert "remark: stopped after 2 failure(s): 8 case(s) were not run" in out


def test_export(tmp_path, capsys):
    assert main(["conformance", "export", str(tmp_path / "pack")]) == 0
    assert "450 cases in 34 families written" in capsys.readouterr().out
    assert (tmp_path / "pack" / "tables" / "exact_s8.npy").is_file()


def test_the_command_as_a_program():
    done = subprocess.run([sys.executable, "-m", "refapprox", "conformance", "run", "--select", "energy/exact"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "refapprox, route auto: conforms: 1 passed" in done.stdout, done.stderr
