"""refapprox against its own suite: green on every route, here as any framework would run it."""
import pytest

from refapprox.conformance.adapters.native import Refapprox
from refapprox.conformance.pytest_cases import conformance_test
from refapprox.conformance.running import run
from refapprox.conformance.suite import load_suite
from refapprox.ops.lut_matmul import METHODS

test_conformance = conformance_test(Refapprox)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "auto"])
def test_every_route_of_the_table_product(method):
    cases = [case for case in load_suite() if case.operation in ("matmul", "linear", "conv2d")]
    report = run(cases, Refapprox(method))
    assert report.ok and report.count("passed") == len(cases), report.failures[:1]
