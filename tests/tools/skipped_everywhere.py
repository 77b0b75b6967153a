"""Tests that no stage of .ci/full ran: python -m tests.tools.skipped_everywhere FIRST.xml SECOND.xml ...

A test may be skipped in one stage (PyTorch is not there for the newest Python) as long as another one runs it.
"""
import sys
from xml.etree import ElementTree


def outcomes(path):
    """(ids of the tests that ran, id -> reason of those that were skipped) of a JUnit file."""
    ran, skipped = set(), {}
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}".strip(".")
        reason = case.find("skipped")
        if reason is None:
            ran.add(name)
        elif reason.get("type") != "pytest.xfail":
            skipped[name] = reason.get("message", "")
    return ran, skipped


def never_run(paths):
    """id -> reason of what was skipped wherever it was met; a module that was skipped whole counts as run elsewhere
    where any of its tests ran."""
    ran, skipped = set(), {}
    for path in paths:
        here, left_out = outcomes(path)
        ran |= here
        skipped |= left_out
    modules = {name[:end] for name in ran for end in (i for i, letter in enumerate(name) if letter == ".")}
    return {name: reason for name, reason in skipped.items() if name not in ran and name not in modules}


def main():
    missing = never_run(sys.argv[1:])
    for name, reason in sorted(missing.items()):
        print(f"skipped everywhere: {name}: {reason}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
