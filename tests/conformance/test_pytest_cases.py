"""The suite in a framework's own tests: the documented three lines and their variants, run by pytest itself."""
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from refapprox.conformance.suite import load_suite

HERE = Path(__file__).parent
ENERGY = len(load_suite().select(["energy"]))
SOURCE = """
from refapprox.conformance.pytest_cases import conformance_test
from adapters_that_misbehave import Energy
test_three_lines = conformance_test(Energy)

from refapprox.conformance.mutants import Mutant
test_mutant = conformance_test(lambda: Mutant('transposed table'), select=['linear'])

test_by_name = conformance_test('adapters_that_misbehave:Misbehaving:hangs', ['energy', 'topk*'], timeout=1.0)

from refapprox.conformance.adapters.native import Refapprox
class Mixed(Refapprox):
    conventions = {}
    def noise_layer_gradient(self, *, dy, x, sigma, eps):
        dx, dsigma = super().noise_layer_gradient(dy=dy, x=x, sigma=sigma, eps=eps)
        return dx if x.ndim == 1 else dy, dsigma
test_mixture = conformance_test(Mixed, ["noise_layer"])
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What pytest printed for a framework's test file with these lines."""
    folder = tmp_path_factory.mktemp("framework")
    (folder / "test_framework.py").write_text(SOURCE)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parents[1])))}
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "test_framework.py",
               "-k", "energy or matmul or test_mutant or test_mixture or topk"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False,
                          timeout=120).stdout


def counts(printed, name):
    """(passed, failed) of one of its test functions; skips are counted by place, not by name."""
    found = Counter(re.findall(rf"^(PASSED|FAILED) test_framework.py::{name}\[", printed, re.MULTILINE))
    return found["PASSED"], found["FAILED"]


def test_three_lines(printed):
    assert counts(printed, "test_three_lines") == (ENERGY, 0), printed
    assert "matmul is not offered" in printed and "test_three_lines[energy/exact]" in printed


def test_a_failure_reads_as_in_the_runner(printed):
    assert counts(printed, "test_mutant") == (0, len(load_suite().select(["linear"])))
    assert "likely      transposed table" in printed and "Traceback" not in printed
    # a lambda has no name to be imported by
    assert "adapter = ...      # the one that was tested" in printed and "print(adapter.linear(" in printed


def test_by_name_a_case_has_a_time_limit(printed):
    assert counts(printed, "test_by_name") == (ENERGY - 1, 1)
    assert "energy/three-layers: timed out" in printed and "topk_accuracy is not offered" in printed


def test_a_mixture_of_conventions_fails(printed):
    """std attached in vectors, detached in everything else: each alone would be right."""
    passed, failed = counts(printed, "test_mixture")
    assert passed and failed
    assert "'std detached' of 'gradient through std', an earlier case by 'std attached'" in printed
