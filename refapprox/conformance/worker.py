"""The process that holds a Python adapter: one JSON object a line in, one out.

    python -m refapprox.conformance.worker MODULE:CLASS[:ARGUMENT]

speaks the protocol of docs/conformance.md, as any program may. What the adapter prints goes to stderr.
"""
import importlib
import json
import os
import sys

from refapprox.conformance.arrays import decode, encode
from refapprox.conformance.calling import call


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
    """Answer `requests` until they end."""
    sys.path.insert(0, os.getcwd())
    adapter = None
    for line in requests:
        request = json.loads(line)
        if request["operation"] == "describe":
            try:
                adapter = make_adapter(specification)
                reply = describe(adapter)
            except ValueError as error:
                reply = {"status": "error", "message": str(error)}
        else:
            reply = call(adapter, request["operation"], decode(request["inputs"]))
        replies.write(json.dumps({"id": request.get("id"), **encode(reply)}) + "\n")
        replies.flush()


def main():
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)                       # what the adapter or its libraries print must not end up among the replies
    serve(sys.argv[1], sys.stdin, replies)


if __name__ == "__main__":
    main()
