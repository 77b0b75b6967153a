"""The one reader and the one writer: what they refuse, in bounded time and memory, and that nothing is half written."""
import gzip
import io
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import tracemalloc
import zipfile

import numpy as np
import pytest

from refapprox import files

# Reading

def test_only_regular_files_of_bounded_size_are_read(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert files.read_bytes(path, limit=3) == b"abc"
    with pytest.raises(ValueError, match="x must have at most 2 bytes, got 3"):
        files.read_bytes(path, limit=2)
    with pytest.raises(OSError, match="none"):
        files.read_bytes(tmp_path / "none")
    with pytest.raises(ValueError, match="must be a regular file, got a folder"):
        files.read_bytes(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_at_once_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe must be a regular file, got a pipe"):
        files.read_json(tmp_path / "pipe")
    with pytest.raises(ValueError, match="got a device"):
        files.read_bytes("/dev/zero")


def test_text_is_utf8(tmp_path):
    (tmp_path / "x").write_bytes("\ufeffé".encode())
    assert files.read_text(tmp_path / "x") == "é"
    (tmp_path / "x").write_bytes(b"ab\xff")
    with pytest.raises(ValueError, match="x must be text in UTF-8: byte 2 is 0xff"):
        files.read_text(tmp_path / "x")


@pytest.mark.parametrize("text, message", [
    ("[1,", "line 1 column 4"), ("NaN", "NaN is no JSON"), ("[1e999]", "1e999 is beyond"),
    ("-" + "1" * 500, "501 digits"),
    ('{"a": 1, "b": 2, "a": 3}', "'a' is there twice"), ("[" * 100 + "]" * 100, "nests deeper than 64"),
    ("[" * 10 ** 6, "nests deeper than 64"), ('{"a":' * 10 ** 5 + "1" + "}" * 10 ** 5, "nests deeper"),
    ('"\\ud800"', "half a surrogate pair"), ("", "Expecting value"),
])
def test_what_is_no_json_that_is_read(tmp_path, text, message):
    (tmp_path / "x.json").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=f"x.json is not a JSON file that is read: .*{message}"):
        files.read_json(tmp_path / "x.json")


def test_what_json_is_read(tmp_path):
    value = {"a": [1, -2.5, None, True, "é\U0001f600"], "b": {}, "deep": [[[[]]]], "big": 10 ** 300}
    files.write_json(tmp_path / "x.json", value)
    assert files.read_json(tmp_path / "x.json") == value
    with pytest.raises(ValueError, match="Out of range"):
        files.write_json(tmp_path / "x.json", float("nan"))


SCHEMA = {"name": str, "layers": [{"fan_in": int, "sigma": (float, None)}], "note?": str}


@pytest.mark.parametrize("change, message", [
    ({"name": 3}, "run.json, 'name' must hold text, got an integer"),
    ({"layers": [{"fan_in": True, "sigma": 1}]}, "element 0, 'fan_in' must hold an integer, got true or false"),
    ({"layers": [{"fan_in": 1}]}, "element 0 must hold the key 'sigma', got 'fan_in'"),
    ({"layers": [{"fan_in": 1, "sigma": "a"}]}, "'sigma' must hold a number or null, got text"),
    ({"layers": {}}, "'layers' must hold a list, got an object"),
    ({"other": 1}, "must not hold the key 'other'; it may hold name, layers, note"),
])
def test_a_document_is_held_against_its_schema(change, message):
    right = {"name": "a", "layers": [{"fan_in": 3, "sigma": 1}, {"fan_in": 3, "sigma": None}]}
    assert files.check_document("run.json", right, SCHEMA) is right
    assert files.check_document("run.json", {"x": 1, "y": 2.5}, {"*": float})
    with pytest.raises(ValueError, match=message):
        files.check_document("run.json", right | change, SCHEMA)


def npz(compression=zipfile.ZIP_DEFLATED, name="x.npy", content=None):
    """The bytes of an npz file with one array."""
    buffer, array = io.BytesIO(), io.BytesIO()
    np.save(array, np.arange(3))
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr(name, array.getvalue() if content is None else content)
    return buffer.getvalue()


@pytest.mark.parametrize("content, message", [
    (npz(zipfile.ZIP_LZMA), "packed by method 14"), (npz(zipfile.ZIP_BZIP2), "packed by method 12"),
    (npz(name="../x.txt"), "is no npy file"), (npz()[:-30], "not a zip file|not a readable"), (b"", "not a zip file"),
    (npz(content=b"abc"), "array 'x' is not a readable npy file"),
])
def test_npz_files_that_are_refused(tmp_path, content, message):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ValueError, match=f"x.npz is not a readable npz file without pickle: .*({message})"):
        files.read_npz(tmp_path / "x.npz")


def test_bombs_are_refused_before_they_unpack(tmp_path):
    zeros = b"\x93NUMPY" + bytes(200 * 2 ** 20)
    (tmp_path / "x.npz").write_bytes(npz(content=zeros))
    packed = gzip.compress(zeros)
    del zeros
    tracemalloc.start()
    with pytest.raises(ValueError, match="must unpack to at most"):
        files.read_npz(tmp_path / "x.npz", limit=2 ** 20)
    with pytest.raises(ValueError, match="x.gz must unpack to at most 1048576 bytes"):
        files.gunzip(packed, "x.gz", limit=2 ** 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2 ** 20
    with pytest.raises(ValueError, match="x.gz is a damaged or truncated gzip file"):
        files.gunzip(packed[:100], "x.gz")


def test_pickles_are_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="x.npy is not a readable npy file without pickle: it holds Python objects"):
        files.read_npy(tmp_path / "x.npy")


def test_arrays_come_back(tmp_path):
    arrays = {"a": np.arange(6).reshape(2, 3), "b/c": np.array("text"), "empty": np.zeros((0, 4), np.int8)}
    files.write_npz(tmp_path / "x.npz", arrays)
    found = files.read_npz(tmp_path / "x.npz")
    assert all(np.array_equal(found[name], array) and found[name].dtype == array.dtype
               for name, array in arrays.items())


# Writing

def test_modes_and_the_umask_are_respected(tmp_path):
    before = os.umask(0o027)
    try:
        files.write_text(tmp_path / "new", "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    (tmp_path / "new").chmod(0o600)
    files.write_text(tmp_path / "new", "b")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600 and (tmp_path / "new").read_text() == "b"


def test_links_are_followed_and_stay(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "target").write_text("old")
    (tmp_path / "link").symlink_to("folder/target")
    (tmp_path / "dangling").symlink_to("folder/fresh")
    files.write_text(tmp_path / "link", "new")
    files.write_text(tmp_path / "dangling", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "folder" / "target").read_text() == "new"
    assert (tmp_path / "folder" / "fresh").read_text() == "new"
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_not_a_regular_file_is_written_into_and_never_replaced(tmp_path):
    files.write_text("/dev/null", "x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    files.write_text(tmp_path / "pipe", "through")
    reader.join(timeout=60)
    assert got == [b"through"] and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    with pytest.raises(OSError, match="folder"):
        files.make_folder(tmp_path / "folder")
        files.write_text(tmp_path / "folder", "x")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    files.write_text(tmp_path / "x", "old")
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    files.write_text(tmp_path / "x", "new")
    assert len(synced) == 2      # the content before the rename, the folder after it

    def full(handle):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_text(tmp_path / "x", "newer")
    assert (tmp_path / "x").read_text() == "new" and os.listdir(tmp_path) == ["x"]
    with pytest.raises(OSError, match="absent/x"):
        files.write_text(tmp_path / "absent" / "x", "new")


def test_a_killed_writer_leaves_the_old_file_and_sweep_removes_the_rest(tmp_path):
    files.write_json(tmp_path / "x.json", {"old": True})
    program = ("import os, signal, sys\nfrom refapprox import files\n"
               "os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)\n"
               "files.write_json(sys.argv[1], {'new': True})")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "x.json")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert json.loads((tmp_path / "x.json").read_text()) == {"old": True} and len(os.listdir(tmp_path)) == 2
    files.sweep(tmp_path)
    assert os.listdir(tmp_path) == ["x.json"]
