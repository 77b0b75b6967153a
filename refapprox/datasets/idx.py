"""IDX files, the format of MNIST: gzipped or not, checked to the last byte.

    0 0 type ndim | ndim sizes, 4 bytes each | elements in C order,   everything big-endian

Reference: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section "file formats".
"""
import hashlib
import io
import math
import struct

import numpy as np

from refapprox import files

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"
MAX_BYTES = 1 << 30      # of elements; a damaged or hostile header must not ask for all memory


def read_idx(path, *, md5=None, ndim=None, digests=None):
    """The array in an IDX file, gzipped or not, in the byte order of the machine.

    `md5` is what the uncompressed bytes must hash to, `ndim` how many dimensions there must be; `digests` takes the
    path -> md5 sum of the uncompressed bytes. FileNotFoundError if there is no such file; ValueError if it is truncated
    or too long, not IDX, of another dimension, or not what `md5` says.
    """
    return parse_idx(files.read_bytes(path), str(path), md5=md5, ndim=ndim, digests=digests)


def parse_idx(content, where, *, md5=None, ndim=None, digests=None):
    """`read_idx` of bytes in memory; `where` names them in messages."""
    if content[:2] == GZIP_MAGIC:
        content = files.gunzip(content, where, limit=MAX_BYTES)
    stream = io.BytesIO(content)
    magic = take(stream, 4, where)
    if magic[:2] != b"\0\0" or magic[2] not in TYPES:
        raise ValueError(f"{where} is not an IDX file: it starts with {magic.hex(' ')}, "
                         "wanted 00 00, a type from 08 to 0e, and the number of dimensions.")
    if ndim is not None and magic[3] != ndim:
        raise ValueError(f"{where} must hold an array of {ndim} dimension(s), got {magic[3]}: "
                         "images have 3 dimensions, labels 1; were the files exchanged?")
    shape = struct.unpack(f">{magic[3]}I", take(stream, 4 * magic[3], where))
    dtype = np.dtype(TYPES[magic[2]])
    elements = take(stream, math.prod(shape) * dtype.itemsize, where)
    if stream.read(1):
        raise ValueError(f"{where} goes on after the {math.prod(shape)} elements of its shape {shape}.")
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 is not None and digest != md5:
        raise ValueError(f"{where} has the md5 sum {digest} (uncompressed), wanted {md5}: it is damaged, "
                         "or of another data set that uses the same file names, as Fashion-MNIST does.")
    if digests is not None:
        digests[where] = digest
    return np.frombuffer(elements, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def take(stream, count, where):
    """The next `count` bytes."""
    if count > MAX_BYTES:
        raise ValueError(f"{where} claims {count} bytes of elements, more than the {MAX_BYTES} that are read.")
    taken = stream.read(count)
    if len(taken) < count:
        raise ValueError(f"{where} is truncated: {count} more bytes wanted, got {len(taken)}.")
    return taken
