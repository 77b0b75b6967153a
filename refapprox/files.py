"""Files are written whole or not at all, and nothing that is read is executed or unpickled."""
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np


def write_bytes(path, content):
    """Write `content` to `path` by way of a temporary file in the same folder and an atomic rename."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path, text):
    write_bytes(path, text.encode("utf-8"))


def write_json(path, value):
    """`value` as indented JSON. nan has no JSON form and is refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path):
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a JSON file: {error}") from None


def write_npz(path, arrays):
    """`arrays` (name -> ndarray) as an uncompressed npz without pickle."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: plain(name, array) for name, array in arrays.items()})
    write_bytes(path, buffer.getvalue())


def plain(name, array):
    """`array` as an ndarray that needs no pickle."""
    array = np.asarray(array)
    if array.dtype.hasobject:
        raise TypeError(f"array {name!r} holds Python objects, which only pickle could store.")
    return array


def read_npz(path):
    """name -> ndarray of an npz file; a truncated, corrupt or pickled one is a ValueError."""
    try:
        with open(path, "rb") as file:
            stored = np.load(file, allow_pickle=False)
            if not hasattr(stored, "files"):
                raise ValueError("it holds a single array")
            return {name: stored[name] for name in stored.files}
    except (zipfile.BadZipFile, ValueError, EOFError, KeyError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{path} is not a readable npz file without pickle: {error}") from None
