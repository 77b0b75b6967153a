"""refapprox against its own suite: green on every route, here as any framework would run it."""
import pytest
from framework_runs import missing, specification

from refapprox.conformance.adapters.evoapproxlib import EvoApproxLib
from refapprox.conformance.adapters.native import Refapprox
from refapprox.conformance.pytest_cases import conformance_test
from refapprox.conformance.running import run
from refapprox.conformance.suite import load_suite
from refapprox.ops.lut_matmul import METHODS


class WithSources(Refapprox):
    """The few circuits that have no formula are read from a checkout of EvoApproxLib, where there is one."""

    def circuit(self, *, release, name):
        try:
            return super().circuit(release=release, name=name)
        except NotImplementedError:
            if missing("evoapproxlib"):
                raise
            return EvoApproxLib(specification("evoapproxlib").partition("EvoApproxLib:")[2]).circuit(
                release=release, name=name)


test_conformance = conformance_test(WithSources)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "auto"])
def test_every_route_of_the_table_product(method):
    cases = [case for case in load_suite() if case.operation in ("matmul", "linear", "conv2d")]
    report = run(cases, Refapprox(method))
    assert report.ok and report.count("passed") == len(cases), report.failures[:1]
