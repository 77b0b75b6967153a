"""Programs of others, run in a folder of their own under a time and a memory limit; nothing of them is left behind."""
import contextlib
import os
import signal
import subprocess
import sys
from typing import NamedTuple

PATIENCE = 4               # clock time for a second of the processor, which others may be using
MAX_OUTPUT = 2 ** 20       # characters of a program's messages that are kept
LIMITED = ("import os, resource, sys; m, s = int(sys.argv[1]), int(sys.argv[2]); "
           "m and resource.setrlimit(resource.RLIMIT_AS, (m, m)); "
           "resource.setrlimit(resource.RLIMIT_CPU, (s, s + 1)); resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
           "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30)); os.execvp(sys.argv[3], sys.argv[3:])")


class Finished(NamedTuple):
    """How a program ended: its exit code (None where its time was over), and what it printed."""

    code: int
    output: str


def run_limited(command, folder, seconds, memory=0):
    """Run a program to its end in `folder`, where its messages and its own temporary files go.

    It may take so many `seconds` of the processor, and `PATIENCE` times as many by the clock; then it is killed with
    its children. `memory` limits its address space, in bytes; 0 does not.
    """
    limited = [sys.executable, "-c", LIMITED, str(memory), str(seconds), *command] if os.name == "posix" else command
    log = os.path.join(folder, "messages.txt")
    with open(log, "wb") as messages:
        process = subprocess.Popen(limited, cwd=folder, stdin=subprocess.DEVNULL, stdout=messages,
                                   stderr=subprocess.STDOUT, start_new_session=True,
                                   env=os.environ | {"TMPDIR": str(folder)})
        try:
            code = process.wait(timeout=PATIENCE * seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:                                       # its children too, also where we are interrupted
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    with open(log, encoding="utf-8", errors="replace") as messages:
        output = messages.read(MAX_OUTPUT)
    return Finished(None if code in (-signal.SIGXCPU, 128 + signal.SIGXCPU) else code, output)
