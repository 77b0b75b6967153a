"""Calls of doors that no example in the documentation passes."""

CALLS = {}


def examples():
    """(name, lines of code, names they may use)."""
    for name, source in CALLS.items():
        yield name, [line + "\n" for line in source.strip().splitlines()], {}
