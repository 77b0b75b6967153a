"""The one reader and the one writer of files.

Nothing that is read is executed or unpickled, and everything is bounded: what is not a regular file (a pipe would wait
forever), what is larger than `limit`, before or after decompression, what nests too deep or has numbers beyond any
use is refused with a ValueError that names the file and the place, before memory is taken. A file that cannot be
opened is an OSError.

What is written is written whole or not at all: to a temporary file in the same folder, then to the disk, then renamed.
"""
import errno
import gzip
import io
import json
import math
import os
import secrets
import stat
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

LIMIT = 2 ** 28                # bytes, of a file and of what it unpacks to; the largest that are read have 185 MB
JSON_LIMIT = 2 ** 26
MAX_DEPTH = 64                 # of nested lists and objects in JSON
MAX_DIGITS = 400               # of an integer; the largest float has 309
MAX_ARRAYS = 10_000
HEADER_ERRORS = (tokenize.TokenError, SyntaxError)      # what numpy lets through from a mutilated header
PARTIAL = ".partial"           # how the names of unfinished files end


# Reading

def read_bytes(path, *, limit=LIMIT):
    """The bytes of a regular file of at most `limit` bytes."""
    check_named(path)
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError as error:      # a null byte
        raise ValueError(f"{path!r} must be a path: {error}.") from None
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise ValueError(f"{path} must be a regular file, got {kind_of(about.st_mode)}.")
    with os.fdopen(handle, "rb") as file:
        if about.st_size > limit:
            raise ValueError(f"{path} must have at most {limit} bytes, got {about.st_size}.")
        content = file.read(limit + 1)      # a file may grow, and those of /proc state no size
    if len(content) > limit:
        raise ValueError(f"{path} must have at most {limit} bytes, got more.")
    return content


def check_named(path, name="path"):
    """A ValueError where a path names no file: "", which pathlib takes for the folder ".", or "/"."""
    if isinstance(path, (str, os.PathLike)) and not Path(path).name:
        raise ValueError(f"{name} must name a file, got {str(path)!r}.")


def kind_of(mode):
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device",
             stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "something else")


def gunzip(content, name, *, limit=LIMIT):
    """What the bytes of a gzip file unpack to, at most `limit` bytes."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            unpacked = stream.read(limit + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{name} is a damaged or truncated gzip file: {error}") from None
    if len(unpacked) > limit:
        raise ValueError(f"{name} must unpack to at most {limit} bytes, got more.")
    return unpacked


def read_text(path, *, limit=JSON_LIMIT):
    """The text of a file in UTF-8."""
    return decode(read_bytes(path, limit=limit), path)


def decode(content, name):
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} must be text in UTF-8: byte {error.start} is {content[error.start]:#04x}.") from None


def read_json(path, schema=None, *, limit=JSON_LIMIT):
    """The value in a JSON file; see `check_document` for `schema`."""
    value = parse_json(read_text(path, limit=limit), path)
    return value if schema is None else check_document(path, value, schema)


def parse_json(text, name):
    """The value that a JSON text spells: no nan or infinity, no key twice, text that can be written again."""
    def integer(digits):
        if len(digits) > MAX_DIGITS:
            raise ValueError(f"an integer of {len(digits)} digits, where at most {MAX_DIGITS} are read")
        return int(digits)

    def real(digits):
        number = float(digits)
        if math.isinf(number):
            raise ValueError(f"{digits[:20]} is beyond the range of numbers")
        return number

    def constant(word):
        raise ValueError(f"{word} is no JSON")

    def members(pairs):
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} is there twice")
        return found

    try:
        value = json.loads(text, parse_int=integer, parse_float=real, parse_constant=constant,
                           object_pairs_hook=members)
        check_nesting(value)
        (json.dumps(value, ensure_ascii=False) if "\\u" in text else text).encode()
    except RecursionError:
        raise ValueError(f"{name} is not a JSON file that is read: it nests deeper than {MAX_DEPTH}.") from None
    except UnicodeEncodeError:
        raise ValueError(f"{name} is not a JSON file that is read: half a surrogate pair is no character.") from None
    except ValueError as error:      # a JSONDecodeError is one
        raise ValueError(f"{name} is not a JSON file that is read: {error}.") from None
    return value


def check_nesting(value):
    """A ValueError where lists and objects nest deeper than `MAX_DEPTH`."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [item for outer in level if isinstance(outer, (list, dict))
                 for item in (outer.values() if isinstance(outer, dict) else outer) if isinstance(item, (list, dict))]
        if not level:
            return
    raise ValueError(f"it nests deeper than {MAX_DEPTH}")


NAMES = {str: "text", int: "an integer", float: "a number", bool: "true or false", list: "a list", dict: "an object",
         type(None): "null"}


def check_document(where, value, schema):
    """`value`, or a ValueError that names the place in it where it differs from `schema`.

    A schema is a class (float takes integers too, int no bools), a tuple of schemas one of which must fit, a dict of
    schemas by key ("key?" where it may be missing, "*" for all other keys; keys not named are refused), a list with
    the schema of its elements, or None for null.
    """
    if isinstance(schema, tuple):
        for one in schema:
            try:
                return check_document(where, value, one)
            except ValueError as error:
                last = error
        raise last if len(schema) == 1 else ValueError(
            f"{where} must hold {' or '.join(wanted(one) for one in schema)}, got {NAMES[type(value)]}.")
    fits = (isinstance(value, (int, float)) and not isinstance(value, bool) if schema is float
            else type(value) is (schema if isinstance(schema, type) else type(schema)))
    if not fits:
        raise ValueError(f"{where} must hold {wanted(schema)}, got {NAMES[type(value)]}.")
    if isinstance(schema, list):
        for number, item in enumerate(value):
            check_document(f"{where}, element {number}", item, schema[0])
    if isinstance(schema, dict):
        check_members(where, value, schema)
    return value


def wanted(schema):
    return NAMES[schema if isinstance(schema, type) else type(schema)]


def check_members(where, value, schema):
    known = {key.removesuffix("?"): part for key, part in schema.items()}
    for key in schema:
        if not key.endswith("?") and key != "*" and key not in value:
            raise ValueError(f"{where} must hold the key {key!r}, got {', '.join(map(repr, value)) or 'none'}.")
    for key, item in value.items():
        if key not in known and "*" not in known:
            raise ValueError(f"{where} must not hold the key {key!r}; it may hold {', '.join(known)}.")
        check_document(f"{where}, {key!r}", item, known.get(key, known.get("*")))


def read_npy(path, *, limit=LIMIT):
    """The array in an npy file without pickle."""
    return parse_npy(read_bytes(path, limit=limit), path)


def parse_npy(content, name):
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
    except (ValueError, TypeError, EOFError, OverflowError, RecursionError, MemoryError, *HEADER_ERRORS) as error:
        raise ValueError(f"{name} is not a readable npy file without pickle: {error}") from None


def read_npz(path, *, limit=LIMIT):
    """name -> ndarray of an npz file; a truncated, corrupt or pickled one is a ValueError."""
    content = read_bytes(path, limit=limit)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: parse_npy(member, f"array {name!r}")
                    for name, member in members_of(archive, limit).items()}
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError, NotImplementedError, OverflowError,
            RuntimeError, OSError) as error:      # RuntimeError: encrypted; OSError: offsets before the beginning
        raise ValueError(f"{path} is not a readable npz file without pickle: {error}") from None


def members_of(archive, limit):
    """name (without .npy) -> bytes of everything in a zip archive, at most `limit` of them together."""
    entries = archive.infolist()
    if len(entries) > MAX_ARRAYS or len({entry.filename for entry in entries}) < len(entries):
        raise ValueError(f"it must hold at most {MAX_ARRAYS} arrays, each once, got {len(entries)}")
    found = {}
    for entry in entries:
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{entry.filename!r} is packed by method {entry.compress_type}, which is not read")
        if not entry.filename.endswith(".npy"):
            raise ValueError(f"{entry.filename!r} is no npy file")
        if entry.file_size > limit:
            raise ValueError(f"it must unpack to at most {limit} bytes more, {entry.filename!r} has {entry.file_size}")
        with archive.open(entry) as stream:
            content = stream.read(entry.file_size + 1)
        limit -= len(content)
        found[entry.filename.removesuffix(".npy")] = content
    return found


# Writing

def write_bytes(path, content):
    """Write `content` to `path`, whole or not at all.

    A link is followed: what it points to is replaced, with the mode it had; a new file gets the mode that the umask
    leaves. A device or a pipe is written into, never replaced.
    """
    try:
        target = Path(os.path.realpath(path))
        before = os.stat(target)
    except FileNotFoundError:
        before = None
    except ValueError:      # a null byte, or a letter that the system has no bytes for
        raise ValueError(f"path or folder must have a name that the system can write, got {str(path)!a}.") from None
    if before is not None and not stat.S_ISREG(before.st_mode):
        with open(target, "wb") as file:      # of a folder an IsADirectoryError
            file.write(content)
        return
    if before is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    temporary = target.with_name(f".{secrets.token_hex(8)}{PARTIAL}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:      # who asked for `path` need not hear of the temporary name
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        if before is not None:
            os.chmod(temporary, stat.S_IMODE(before.st_mode))
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def sync_folder(folder):
    """The names in `folder` on the disk; where the system cannot do that, it does it in its own time."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def sweep(folder):
    """Remove what writers that were killed left unfinished in `folder`; no other may be writing there."""
    for path in Path(folder).glob(f".*{PARTIAL}"):
        path.unlink(missing_ok=True)


def make_folder(path):
    """The folder `path`, made where it is missing; an OSError that names it where it cannot be."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except UnicodeEncodeError:
        raise ValueError(f"folder must have a name that the system can write, got {str(path)!a}.") from None
    except OSError as error:
        reason = "a file is in the way" if isinstance(error, (FileExistsError, NotADirectoryError)) else error.strerror
        raise OSError(error.errno, f"this folder cannot be made: {reason}", str(path)) from None
    return path


def write_text(path, text):
    """`text` in UTF-8, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path, value):
    """`value` as indented JSON. nan has no JSON form and is refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


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
