"""The process that holds a Python adapter: one JSON object a line in, one out.

    python -m refapprox.conformance.worker MODULE:CLASS[:ARGUMENT]

speaks the protocol of docs/conformance.md, as any program may. It answers every line that it gets, whatever is in it.
"""
import importlib
import json
import os
import sys

from refapprox import files
from refapprox.conformance.adapter import OUTPUTS, remarks
from refapprox.conformance.arrays import decode, encode
from refapprox.conformance.calling import call
from refapprox.conformance.spec.tables import tabulated
from refapprox.validation import shown

REQUEST = {"operation": str, "inputs?": dict, "*": (dict, list, str, float, bool, None)}


def make_adapter(specification):
    """The adapter named "package.module:Class" or "package.module:Class:argument" (a string for its constructor).

    A ValueError if that has another form, the module cannot be imported, or the class is not there or fails.
    """
    parts = str(specification).split(":", 2)
    if len(parts) < 2 or not all(parts):
        raise ValueError(f"adapter must be package.module:Class, got {shown(specification)}.")
    try:
        made = getattr(importlib.import_module(parts[0]), parts[1])
        return made(*parts[2:])
    except Exception as error:
        raise ValueError(f"the adapter {specification} cannot be made: {type(error).__name__}: {error}") from error


def describe(adapter):
    """What an adapter states of itself."""
    return {"status": "ok", "name": str(getattr(adapter, "name", type(adapter).__name__)),
            "conventions": dict(getattr(adapter, "conventions", {})), "remarks": remarks(adapter)}


def answer(adapter, line):
    """The reply to one line, ready for `json.dumps`."""
    asked = {}
    try:
        asked = files.check_document("the request", files.parse_json(line, "the request"), REQUEST)
        if asked["operation"] == "describe":
            return {"id": asked.get("id"), **encode(describe(adapter))}
        if asked["operation"] not in OUTPUTS:
            return {"id": asked.get("id"), "status": "not applicable"}
        inputs = decode(asked["inputs"], tabulated)
        return {"id": asked.get("id"), **encode(call(adapter, asked["operation"], inputs))}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        return {"id": asked.get("id") if isinstance(asked, dict) else None, "status": "error",
                "message": f"the request cannot be answered: {type(error).__name__}: {error}"}


def serve(specification, requests, replies):
    """Answer `requests` until they end; an adapter that cannot be made answers each with the reason."""
    sys.path.insert(0, os.getcwd())
    adapter = failure = None
    try:
        adapter = make_adapter(specification)
    except ValueError as error:
        failure = {"status": "unavailable", "message": str(error)}
    for line in requests:
        replies.write(json.dumps(failure or answer(adapter, line)) + "\n")
        replies.flush()


def main():
    """The protocol has descriptors of its own: what the adapter prints goes to stderr, and it has nothing to read."""
    with (os.fdopen(os.dup(0), encoding="utf-8", errors="replace") as requests,
          os.fdopen(os.dup(1), "w", encoding="utf-8") as replies):
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        serve(sys.argv[1], requests, replies)


if __name__ == "__main__":
    main()
