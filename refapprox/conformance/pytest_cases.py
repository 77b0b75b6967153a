"""The suite as a parametrized test of a framework's own test suite. Three lines:

    from refapprox.conformance.pytest_cases import conformance_test
    from mypackage.adapter import MyAdapter
    test_conformance = conformance_test(MyAdapter)

Every case is a test of its own, named by its id; operations that the adapter does not offer are skipped. pytest is
imported here only.
"""
import pytest

from refapprox.conformance.adapter import offers
from refapprox.conformance.reports import failure_text
from refapprox.conformance.running import FAILED, NOT_APPLICABLE, InProcess, judge
from refapprox.conformance.suite import load_suite


def conformance_test(make_adapter, select=()):
    """A test function, parametrized over the cases.

    Parameters
    ----------
    make_adapter : callable
        The adapter's class, or a function that returns an adapter; called once for each case.
    select : sequence of str, optional
        Patterns of cases or families.
    """
    @pytest.mark.parametrize("case", load_suite().select(list(select)), ids=lambda case: case.id)
    def test_conformance(case):
        adapter = make_adapter()
        if not offers(adapter, case.operation):
            pytest.skip(f"{case.operation} is not offered")
        target = InProcess(adapter)
        result = judge(case, target.call(case), target.describe()[1])
        if result.status == NOT_APPLICABLE:
            pytest.skip(result.message or "not applicable")
        if result.status == FAILED:
            module, name = getattr(make_adapter, "__module__", "adapter"), getattr(make_adapter, "__qualname__",
                                                                                   "Adapter")
            pytest.fail(failure_text(result, f"{module}:{name}"), pytrace=False)

    return test_conformance
