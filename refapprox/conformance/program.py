"""A program at the other end of two pipes: requests and replies of one JSON line each, under a time limit.

A program that hangs is killed and started anew for the next request; so is one that dies.
"""
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading

from refapprox.conformance.adapter import OUTPUTS
from refapprox.conformance.arrays import decode, encode
from refapprox.conformance.calling import named_outputs

START_UP_SECONDS = 180.0      # frameworks that compile a kernel when they are imported take a minute or two


class Program:
    """Calls operations of an external program.

    Parameters
    ----------
    command : list of str
    timeout : float
        Seconds that a call may take.
    has_tables : bool, optional
        The program can look a ``{"table": name}`` up by itself; else tables stand in the requests in full.
    """

    def __init__(self, command, timeout, has_tables=False):
        self.command, self.timeout, self.has_tables = list(command), timeout, has_tables
        self._process = None
        self.broken = ""            # why no call can succeed, once that is known

    def describe(self):
        """(name, conventions) as the program states them; one that answers "not applicable" has none to state."""
        reply = self._request({"operation": "describe"}, START_UP_SECONDS)
        if reply["status"] not in ("ok", "not applicable"):
            self.broken = reply.get("message") or reply["status"]
        conventions = reply.get("conventions")
        return str(reply.get("name") or self.command[0]), dict(conventions) if isinstance(conventions, dict) else {}

    def call(self, case):
        """The outcome of one case; see `calling`."""
        if self.broken:
            return {"status": "unavailable", "message": self.broken}
        if self._process is None:
            self._request({"operation": "describe"}, START_UP_SECONDS)
        asked = request(case, case.raw_inputs) if self.has_tables else request(case)
        reply = self._request(asked, self.timeout)
        if reply["status"] != "ok":
            return reply
        try:
            outputs = decode(reply["outputs"])
            return named_outputs(OUTPUTS[case.operation], tuple(outputs[name] for name in OUTPUTS[case.operation]))
        except (KeyError, TypeError, ValueError) as error:
            return {"status": "bad reply", "message": f"the reply does not hold the outputs: {error!r}"}

    def close(self):
        """End the program."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)      # its own group: what it started goes with it
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        self._errors.close()

    def _start(self):
        self._errors = tempfile.TemporaryFile()      # noqa: SIM115, as it lives as long as the process
        self._process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=self._errors, start_new_session=True)
        self._lines = queue.Queue()
        threading.Thread(target=read_lines, args=(self._process.stdout, self._lines), daemon=True).start()

    def _request(self, message, timeout):
        if self._process is None:
            try:
                self._start()
            except OSError as error:
                self._errors.close()
                return {"status": "error", "message": f"{self.command[0]} cannot be started: {error}"}
        line = (json.dumps(message) + "\n").encode()
        threading.Thread(target=write_line, args=(self._process.stdin, line), daemon=True).start()
        try:
            answer = self._lines.get(timeout=timeout)
        except queue.Empty:
            self.close()
            return {"status": "timed out", "message": f"no answer within {timeout:g} s."}
        if answer is None:
            return self._post_mortem()
        try:
            reply = json.loads(answer)
            if not isinstance(reply, dict) or not isinstance(reply.get("status"), str):
                raise ValueError("not an object with a status")
            return reply
        except ValueError as error:
            return {"status": "bad reply", "message": f"the reply is not what the protocol asks for ({error}): "
                                                      f"{answer[:80]!r}"}

    def _post_mortem(self):
        """What a program that ended left behind."""
        code = self._process.wait()
        self._errors.seek(0)
        last = self._errors.read()[-400:].decode(errors="replace").strip()
        self.close()
        return {"status": "crashed", "message": f"the process ended with code {code}. {last}".strip()}


def python_program(specification, timeout):
    """A `Program` that runs a Python adapter in a process of its own."""
    return Program([sys.executable, "-m", "refapprox.conformance.worker", specification], timeout, has_tables=True)


def request(case, inputs=None):
    """The request for one case, ready for `json.dumps`; tables stand in it in full unless `inputs` are given."""
    return {"id": case.id, "operation": case.operation, "inputs": inputs or encode(case.inputs)}


def read_lines(stream, lines):
    with contextlib.suppress(OSError, ValueError):
        for line in stream:
            lines.put(line)
    lines.put(None)


def write_line(stream, line):
    with contextlib.suppress(OSError, ValueError):      # the reader sees that the program is gone
        stream.write(line)
        stream.flush()
