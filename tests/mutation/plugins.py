"""What is asked of pytest: which test enters which function, and whether chosen tests notice a change."""
import subprocess
import sys
import threading
import time

import pytest

STARTS_A_PROCESS = subprocess.Popen.__init__.__code__


class Reach:
    """For each test its outcome, its processor time and the functions of the package that ran in it.

    What a fixture of a wider scope or a parametrization runs belongs to every test of the file.
    """

    def __init__(self, package):
        self.package, self.shared, self.tests = f"{package}/", set(), {}
        self.current = self.shared
        threading.settrace(self.trace)
        sys.settrace(self.trace)

    def trace(self, frame, event, argument):
        code = frame.f_code
        if code.co_filename.startswith(self.package):
            self.current.add((code.co_filename, code.co_qualname.replace(".<locals>", "")))
        elif code is STARTS_A_PROCESS:
            self.current.add(("", "a process"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.current, began = set(), time.process_time()
        sys.settrace(self.trace)
        self.tests[item.nodeid] = {"passed": True}
        result = yield
        self.tests[item.nodeid].update(seconds=round(time.process_time() - began, 3), reached=self.current)
        self.current = self.shared
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        before = self.current
        if fixturedef.scope != "function":
            self.current = self.shared
        try:
            return (yield)
        finally:
            self.current = before

    def pytest_runtest_logreport(self, report):
        if not report.passed:
            self.tests[report.nodeid]["passed"] = False

    def result(self):
        sys.settrace(None)
        names = sorted(set().union(self.shared, *(test["reached"] for test in self.tests.values())))
        number = {name: i for i, name in enumerate(names)}
        for test in self.tests.values():
            test["reached"] = sorted(number[name] for name in test["reached"])
        return {"functions": [f"{file.removeprefix(self.package)}:{where}" for file, where in names],
                "shared": sorted(map(number.get, self.shared)), "tests": self.tests}


class Chosen:
    """Runs chosen tests, and all of chosen files, in their order up to the first that fails."""

    def __init__(self, nodeids):
        self.order, self.failed, self.ran = {nodeid: i for i, nodeid in enumerate(nodeids)}, None, 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        def place(item):
            return self.order.get(item.nodeid, self.order.get(item.nodeid.partition("::")[0]))

        items[:] = sorted((item for item in items if place(item) is not None), key=place)

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed = f"{report.nodeid}: not collected"

    def pytest_runtest_logreport(self, report):
        self.ran += report.when == "call"
        if report.failed:
            self.failed = report.nodeid

    def result(self):
        return {"failed": self.failed, "ran": self.ran}
