"""The hints of the public surface as mypy sees them from outside: a program that is right, calls that are wrong."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import refapprox

pytest.importorskip("mypy", reason="mypy is not installed")
KINDS_OF_REFUSAL = re.compile(r"[^:]*:(\d+): error: .*\[(arg-type|attr-defined|call-overload)\]$")
FOLDER = Path(__file__).parent / "typing"


def mypy(path, tmp_path):
    """What mypy --strict says about one file; what it finds inside refapprox is not a user's concern."""
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-error-summary",
               "--config-file=", f"--cache-dir={tmp_path}", str(path)]
    root = str(Path(refapprox.__file__).parents[1])
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER, env=os.environ | {"MYPYPATH": root})
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("mypy")


def test_a_typed_consumer_passes(cache):
    assert mypy(FOLDER / "consumer.py", cache) == []
    assert (Path(refapprox.__file__).parent / "py.typed").exists()


def test_wrong_calls_are_refused(cache):
    path = FOLDER / "mistakes.py"
    calls = {i for i, line in enumerate(path.read_text("utf-8").splitlines(), 1) if "(" in line and i > 6}
    refused = {int(found[1]) for line in mypy(path, cache) if (found := KINDS_OF_REFUSAL.match(line))}
    assert refused == calls
