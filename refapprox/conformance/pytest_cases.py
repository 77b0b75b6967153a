"""The suite as a parametrized test of a framework's own test suite. Three lines:

    from refapprox.conformance.pytest_cases import conformance_test
    from mypackage.adapter import MyAdapter
    test_conformance = conformance_test(MyAdapter)

Every case is a test of its own, named by its id; operations that the adapter does not offer are skipped. By its name,
``conformance_test("mypackage.adapter:MyAdapter")``, the adapter runs in a process of its own, under a time limit for
each case. pytest is imported here only.
"""
import atexit
from functools import cache

import pytest

from refapprox.conformance.adapter import offers
from refapprox.conformance.program import SetupError, python_program
from refapprox.conformance.reports import failure_text
from refapprox.conformance.running import DEFAULT_TIMEOUT, FAILED, NOT_APPLICABLE, InProcess, judged
from refapprox.conformance.suite import load_suite


def conformance_test(make_adapter, select=(), *, timeout=DEFAULT_TIMEOUT):
    """A test function, parametrized over the cases.

    Parameters
    ----------
    make_adapter : callable or str
        The adapter's class, or a function that returns an adapter, called once for each case; or
        "package.module:Class[:argument]", for one process that serves all cases.
    select : sequence of str, optional
        Patterns of cases or families.
    timeout : float, optional
        Seconds that a case may take in a process of its own. An adapter in this process has no limit.

    Returns
    -------
    callable
        To be bound to a name that pytest collects.

    Raises
    ------
    ValueError
        If no case matches `select`.
    """
    answers = {}      # question -> convention of the first case that told
    source = make_adapter if isinstance(make_adapter, str) else named(make_adapter)

    @cache
    def program():
        """(program, its conventions, what is wrong with it)."""
        target = python_program(make_adapter, timeout)
        atexit.register(target.close)
        try:
            return target, target.describe()["conventions"], ""
        except SetupError as error:
            return target, {}, str(error)

    @pytest.mark.parametrize("case", load_suite().select(list(select)), ids=lambda case: case.id)
    def test_conformance(case):
        if isinstance(make_adapter, str):
            target, conventions, broken = program()
            if broken:
                pytest.fail(broken, pytrace=False)
        else:
            adapter = make_adapter()
            if not offers(adapter, case.operation):
                pytest.skip(f"{case.operation} is not offered")
            target = InProcess(adapter)
            conventions = target.describe()["conventions"]
        result = judged(case, target.call(case), conventions)
        if result.status == NOT_APPLICABLE:
            pytest.skip(result.message or f"{case.operation} is not offered")
        if result.status == FAILED:
            pytest.fail(failure_text(result, source), pytrace=False)
        if result.convention and answers.setdefault(case.question, result.convention) != result.convention:
            pytest.fail(f"{case.id} answers by convention {result.convention!r} of {case.question!r}, an earlier case "
                        f"by {answers[case.question]!r}.", pytrace=False)

    return test_conformance


def named(make_adapter):
    """"module:name" of a class or function that can be imported by its name; "" of a lambda and the like."""
    name = getattr(make_adapter, "__qualname__", "")
    return f"{make_adapter.__module__}:{name}" if name.isidentifier() else ""
