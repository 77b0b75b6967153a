"""pytest in a fork of a process that has NumPy, SciPy, pytest and Hypothesis, but not the package, in memory."""
import contextlib
import json
import os
import resource
import shutil
import signal
import sys
import time
from pathlib import Path

import hypothesis.extra.numpy  # noqa: F401  (what every test file imports is imported once)
import matplotlib.pyplot  # noqa: F401
import numpy.testing  # noqa: F401
import pytest
import scipy.optimize
import scipy.signal
import scipy.stats  # noqa: F401
from hypothesis import Phase, settings

MEMORY = 8 * 2**30


def copy_of(checkout, work):
    """A copy of what tests read, in which sources can be changed."""
    copy = Path(work) / "copy"
    for part in ("refapprox", "tests", "examples", "docs", ".ci"):
        shutil.rmtree(copy / part, ignore_errors=True)
        shutil.copytree(Path(checkout) / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "_build"))
    for path in Path(checkout).iterdir():
        if path.is_file() and path.name != ".git":
            shutil.copy(path, copy)
    return copy


def in_fork(copy, arguments, make_plugin, seconds, *, write_bytecode=False):
    """What `make_plugin().result()` is after pytest ran in `copy`, or why there is none.

    `seconds` of processor time are the limit: a busy machine makes no test fail.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run(copy, arguments, make_plugin, seconds, write_bytecode, writing)
    os.close(writing)
    patience = time.monotonic() + 60 + 20 * seconds
    os.set_blocking(reading, False)
    said = b""
    while True:
        try:
            part = os.read(reading, 1 << 20)
        except BlockingIOError:
            if time.monotonic() > patience:
                break
            time.sleep(0.02)
            continue
        if not part:
            break
        said += part
    os.close(reading)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)                         # what a test may have left behind, too
    status = os.waitpid(child, 0)[1]
    try:
        return json.loads(said)
    except ValueError:
        return {"ended": f"wait status {status}"}


def _run(copy, arguments, make_plugin, seconds, write_bytecode, writing):
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.chdir(copy)
    sys.dont_write_bytecode = not write_bytecode
    os.environ["PYTHONPATH"] = str(copy)
    if not write_bytecode:
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.path[0] = str(copy)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "refapprox")]:
        del sys.modules[name]
    # a counterexample is enough, the smallest is not wanted
    settings.register_profile("mutation", deadline=None, derandomize=True, max_examples=25, database=None,
                              phases=(Phase.explicit, Phase.generate))
    os.environ["HYPOTHESIS_PROFILE"] = "mutation"
    try:
        plugin = make_plugin()
        pytest.main([*arguments, "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning",
                     f"--basetemp={Path(copy).parent / 'temporary'}"],
                    plugins=[plugin])
        said = plugin.result()
    except BaseException as error:
        said = {"ended": repr(error)}
    with os.fdopen(writing, "wb") as answer:
        answer.write(json.dumps(said).encode())
    os._exit(0)
