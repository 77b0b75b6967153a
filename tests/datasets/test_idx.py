"""IDX files: every type comes back, and every way of being damaged is refused by name."""
import gzip
import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox.datasets.idx import TYPES, parse_idx, read_idx


def idx(array, code=0x08):
    """The IDX bytes of `array`, written independently of the reader."""
    header = bytes([0, 0, code, array.ndim]) + b"".join(struct.pack(">I", side) for side in array.shape)
    return header + array.astype(TYPES[code]).tobytes()


@given(code=st.sampled_from(sorted(TYPES)), shape=st.lists(st.integers(0, 4), max_size=3), seed=st.integers(0, 99),
       zipped=st.booleans())
def test_arrays_of_every_type_come_back(code, shape, seed, zipped):
    low = 0 if code == 0x08 else -100
    array = np.random.default_rng(seed).integers(low, 100, shape)
    content = idx(array, code)
    stored = gzip.compress(content, mtime=0) if zipped else content
    read = parse_idx(stored, "bytes", md5=hashlib.md5(content).hexdigest())
    assert np.array_equal(read, array) and read.dtype.isnative and read.shape == tuple(shape)


def test_multi_byte_elements_are_big_endian():
    assert parse_idx(bytes([0, 0, 0x0C, 1, 0, 0, 0, 1, 0, 0, 1, 2]), "bytes").tolist() == [258]


LABELS = idx(np.arange(10))
ZIPPED = gzip.compress(LABELS, mtime=0)


@pytest.mark.parametrize("content, options, message", [
    (b"", {}, "is truncated: 4 more bytes wanted, got 0"),
    (LABELS[:6], {}, "is truncated: 4 more bytes wanted, got 2"),
    (LABELS[:-1], {}, "is truncated: 10 more bytes wanted, got 9"),
    (LABELS + b"x", {}, r"goes on after the 10 elements of its shape \(10,\)"),
    (b"PK\3\4" + LABELS, {}, "is not an IDX file: it starts with 50 4b 03 04"),
    (b"\0\0\7\1" + LABELS[4:], {}, "is not an IDX file: it starts with 00 00 07 01"),
    (LABELS, {"ndim": 3}, r"must hold an array of 3 dimension\(s\), got 1: .* exchanged"),
    (LABELS, {"md5": "0" * 32}, "has the md5 sum .* wanted 0000.*Fashion"),
    (idx(np.arange(10)[::-1]), {"md5": hashlib.md5(LABELS).hexdigest()}, "has the md5 sum"),
    (ZIPPED[:-9], {}, "damaged or truncated gzip file"),
    (ZIPPED[:12] + b"\xff" * 8 + ZIPPED[20:], {}, "damaged or truncated gzip file"),
    (ZIPPED[:-6] + bytes([ZIPPED[-6] ^ 1]) + ZIPPED[-5:], {}, "damaged or truncated gzip file: CRC"),
    (bytes([0, 0, 8, 3]) + b"\xff" * 12, {}, "claims 79228162458924105385300197375 bytes"),
])
def test_damage_is_named_with_the_file(tmp_path, content, options, message):
    path = tmp_path / "some-file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"some-file .*{message}"):
        read_idx(path, **options)


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "absent")
