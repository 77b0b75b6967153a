"""The process that holds a Python adapter: one JSON object a line in, one out.

    python -m refapprox.conformance.worker MODULE:CLASS[:ARGUMENT]

speaks the protocol of docs/conformance.md, as any program may.
"""
import importlib
import json
import os
import sys

from refapprox.conformance.arrays import decode, encode
from refapprox.conformance.calling import call
from refapprox.conformance.suite import Suite


def make_adapter(specification):
    """The adapter named "package.module:Class" or "package.module:Class:argument" (a string for its constructor).

    Raises
    ------
    ValueError
        If the specification has another form, the module cannot be imported, or the class is not there or fails.
    """
    parts = str(specification).split(":", 2)
    if len(parts) < 2 or not all(parts):
        raise ValueError(f"adapter must be package.module:Class, got {specification!r}.")
    try:
        made = getattr(importlib.import_module(parts[0]), parts[1])
        return made(*parts[2:])
    except Exception as error:
        raise ValueError(f"the adapter {specification} cannot be made: {type(error).__name__}: {error}") from error


def describe(adapter):
    return {"status": "ok", "name": str(getattr(adapter, "name", type(adapter).__name__)),
            "conventions": dict(getattr(adapter, "conventions", {}))}


def serve(specification, requests, replies):
    """Answer `requests` until they end; an adapter that cannot be made answers each with the reason."""
    sys.path.insert(0, os.getcwd())
    adapter = failure = None
    tables = Suite().table
    try:
        adapter = make_adapter(specification)
    except ValueError as error:
        failure = {"status": "unavailable", "message": str(error)}
    for line in requests:
        asked = json.loads(line)
        if failure:
            reply = failure
        elif asked["operation"] == "describe":
            reply = describe(adapter)
        else:
            reply = call(adapter, asked["operation"], decode(asked["inputs"], tables))
        replies.write(json.dumps({"id": asked.get("id"), **encode(reply)}) + "\n")
        replies.flush()


def main():
    """The protocol has descriptors of its own: what the adapter prints goes to stderr, and it has nothing to read."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    serve(sys.argv[1], requests, replies)


if __name__ == "__main__":
    main()
