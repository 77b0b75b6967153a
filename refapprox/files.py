"""Files are written whole or not at all, and nothing that is read is executed or unpickled."""
import io
import json
import math
import os
import tempfile
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

HEADER_ERRORS = (tokenize.TokenError, SyntaxError)      # what numpy lets through from a mutilated header

def write_bytes(path, content):
    """Write `content` to `path` by way of a temporary file in the same folder and an atomic rename."""
    path = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:      # who asked for `path` need not hear of the temporary name
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def make_folder(path):
    """The folder `path`, made where it is missing; an OSError that names it where it cannot be."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "a file is in the way" if isinstance(error, (FileExistsError, NotADirectoryError)) else error.strerror
        raise OSError(error.errno, f"this folder cannot be made: {reason}", str(path)) from None
    return path


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


def read_npy(content, name):
    """The array in the bytes of an npy file; a ValueError for a pickled one, or where shape and size disagree.

    The size is checked before anything is allocated: a header may claim terabytes.
    """
    buffer = io.BytesIO(content)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        version = np.lib.format.read_magic(buffer)
        if version not in readers:
            raise ValueError(f"version {version[0]}.{version[1]} of the format is not known")
        shape, _, dtype = readers[version](buffer)
        if dtype.hasobject:
            raise ValueError("it holds Python objects")
        wanted = math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or wanted != len(content) - buffer.tell():
            raise ValueError(f"shape {shape} of {dtype} takes {wanted} bytes, got {len(content) - buffer.tell()}")
        return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except (ValueError, TypeError, EOFError, RecursionError, MemoryError, *HEADER_ERRORS) as error:
        raise ValueError(f"{name} is not a readable npy file without pickle: {error}") from None


def read_npz(path):
    """name -> ndarray of an npz file; a truncated, corrupt or pickled one is a ValueError."""
    try:
        with open(path, "rb") as file:
            stored = np.load(file, allow_pickle=False)
            if not hasattr(stored, "files"):
                raise ValueError("it holds a single array")
            return {name: stored[name] for name in stored.files}
    except (zipfile.BadZipFile, zlib.error, ValueError, TypeError, EOFError, KeyError, OSError, MemoryError,
            OverflowError, RuntimeError, *HEADER_ERRORS) as error:      # RuntimeError: encrypted, or so compressed
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{path} is not a readable npz file without pickle: {error}") from None
