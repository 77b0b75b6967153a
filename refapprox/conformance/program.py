"""A program at the other end of two pipes: requests and replies of one JSON line each, under a time limit.

A program that hangs is killed and started anew for the next request; so is one that dies, or answers another request
than the one that was asked. Whatever it writes is one failed case. When the run ends, by whatever way, so does it.
"""
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

from refapprox import files
from refapprox.conformance.adapter import OUTPUTS
from refapprox.conformance.arrays import decode, encode
from refapprox.conformance.calling import named_outputs

START_UP_SECONDS = 180.0      # frameworks that compile a kernel when they are imported take a minute or two
LONGEST_LINE = 2 ** 24        # bytes of a reply; a table of 256 x 256 numbers takes less than 2**20
# waits for the end of a pipe that only the run holds open, and then ends the program's process group
GUARD = 'read _; kill -s KILL -- "-$1"'
REPLY = {"status": str, "*": (dict, list, str, float, bool, None)}
ENDED = ("crashed", "timed out", "unavailable")      # what a first reply cannot be, if the program is to be used


class SetupError(ValueError):
    """An adapter or a program that cannot be used at all: not found, not importable, dead before its first answer."""


class Program:
    """Calls operations of an external program; a call may take `timeout` seconds.

    One that `has_tables` can look a ``{"table": name}`` up by itself; else tables stand in the requests in full.
    """

    def __init__(self, command, timeout, has_tables=False):
        self.command, self.timeout, self.has_tables = list(command), timeout, has_tables
        self._process = None

    def describe(self):
        """What the program states: name, conventions, and operations of earlier suites that it offers, as a dict.

        A SetupError if it cannot be started, or ends before it answers.
        """
        reply = self._request({"operation": "describe"}, START_UP_SECONDS)
        if reply["status"] in ENDED:
            raise SetupError(f"{self.command[0]} cannot be used: {reply.get('message', reply['status'])}"
                             if not self.has_tables else str(reply.get("message", reply["status"])))
        stated = {"name": reply.get("name") or self.command[0], **reply}
        return described(stated)

    def call(self, case):
        """The outcome of one case; see `calling`."""
        if self._process is None:
            self._request({"operation": "describe"}, START_UP_SECONDS)
        asked = request(case, case.raw_inputs) if self.has_tables else request(case)
        reply = self._request(asked, self.timeout)
        if reply["status"] != "ok":
            return reply
        try:
            outputs, wanted = decode(reply["outputs"]), next(iter(case.expected.values()))
            values = tuple(as_wanted(outputs[name], wanted[name]) for name in OUTPUTS[case.operation])
            return named_outputs(OUTPUTS[case.operation], values)
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            return {"status": "bad reply", "message": f"the reply does not hold the outputs: {error!r}"}

    def close(self):
        """End the program."""
        process, self._process = self._process, None
        if process is None:
            return
        self._guard.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)      # its own group: what it started goes with it
        process.wait()
        self._guard.wait()
        for stream in (process.stdin, process.stdout, self._guard.stdin, self._errors):
            with contextlib.suppress(OSError):
                stream.close()

    def _start(self):
        errors = tempfile.TemporaryFile()      # noqa: SIM115, as it lives as long as the process
        try:
            process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                       start_new_session=True)
        except OSError as error:
            errors.close()
            raise SetupError(f"{self.command[0]} cannot be started: {error}") from error
        self._errors, self._process, self._unread = errors, process, bytearray()
        self._guard = subprocess.Popen(["/bin/sh", "-c", GUARD, "guard", str(process.pid)], stdin=subprocess.PIPE,
                                       start_new_session=True)
        for stream in (process.stdin, process.stdout):
            os.set_blocking(stream.fileno(), False)

    def _request(self, message, timeout):
        if self._process is None:
            self._start()
        answer = self._exchange((json.dumps(message) + "\n").encode(), timeout)
        if isinstance(answer, dict):
            return answer
        try:
            reply = files.check_document("it", files.parse_json(files.decode(answer, "it"), "it"), REPLY)
        except ValueError as error:
            return {"status": "bad reply", "message": f"the reply is not what the protocol asks for ({error}): "
                                                      f"{answer[:80]!r}"}
        if reply.get("id", message.get("id")) != message.get("id"):
            self.close()      # what comes next may be late as well
            return {"status": "bad reply",
                    "message": f"the reply is to {reply['id']!r}, asked was {message.get('id')!r}."}
        return reply

    def _exchange(self, line, timeout):
        """Write a line, and give the next one that comes back; or a dict that says why there is none."""
        deadline, to_write = time.monotonic() + timeout, memoryview(line)
        if self._unread:
            self.close()
            return {"status": "bad reply", "message": "the program wrote what nobody asked for."}
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdin, selectors.EVENT_WRITE)
            selector.register(self._process.stdout, selectors.EVENT_READ)
            piece = b""
            while b"\n" not in piece:
                ready = selector.select(max(deadline - time.monotonic(), 0))
                if not ready:
                    self.close()
                    return {"status": "timed out", "message": f"no answer within {timeout:g} s."}
                for key, _ in ready:
                    if key.fileobj is self._process.stdin:
                        try:
                            to_write = to_write[os.write(key.fd, to_write[:2 ** 16]):]
                        except OSError:
                            to_write = to_write[:0]      # it is gone: what it left to be read says why
                        if not to_write:
                            selector.unregister(key.fileobj)
                    else:
                        piece = os.read(key.fd, 2 ** 16)
                        if not piece:
                            return self._post_mortem()
                        self._unread += piece
                if len(self._unread) > LONGEST_LINE:
                    self.close()
                    return {"status": "bad reply", "message": f"the reply is longer than {LONGEST_LINE} bytes."}
        answer, _, self._unread = self._unread.partition(b"\n")
        return bytes(answer)

    def _post_mortem(self):
        """What a program that ended left behind."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)      # it has closed its output; it may live on
        code = self._process.poll()
        self._errors.seek(0)
        last = self._errors.read()[-400:].decode(errors="replace").strip()
        self.close()
        ended = "closed its output" if code is None else f"ended with code {code}"
        return {"status": "crashed", "message": f"the process {ended}. {last}".strip()}


def as_wanted(value, wanted):
    """A plain JSON number as a float where one is expected: many languages write 1 for 1.0."""
    return float(value) if type(value) is int and np.asarray(wanted).dtype.kind == "f" else value


def described(stated):
    """name, conventions and remarks of what an adapter or a program states, whatever that is."""
    conventions, remarks = stated.get("conventions"), stated.get("remarks")
    return {"name": str(stated.get("name")), "conventions": dict(conventions) if isinstance(conventions, dict) else {},
            "remarks": [str(remark) for remark in remarks] if isinstance(remarks, list) else []}


def python_program(specification, timeout):
    """A `Program` that runs a Python adapter in a process of its own."""
    return Program([sys.executable, "-m", "refapprox.conformance.worker", specification], timeout, has_tables=True)


def request(case, inputs=None):
    """The request for one case, ready for `json.dumps`; tables stand in it in full unless `inputs` are given."""
    return {"id": case.id, "operation": case.operation, "inputs": inputs or encode(case.inputs)}
