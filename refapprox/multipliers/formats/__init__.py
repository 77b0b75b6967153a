"""Table files of other tools, read and written; the one place that knows another order than value order.

| format | file | layout |
|---|---|---|
| npy, npz | .npy .npz | integer array, value or code order (torchapprox, agnapprox: code order) |
| tfapprox | .bin | 131072 bytes, little-endian 16 bits at 2 (256 x + w), code order |
| adapt | .h | ``const int16_t lut [256][256]``, code order |
| transaxx | .h | ``const __device__ short lut[256][256]``, code order |
| approxflow | .csv .txt | 256 x 256 unsigned numbers |
| approxtorch | .txt | 256 x 256 numbers, value order |
| appmult | .txt | lines ``a b product``, unsigned |
| approxtrain | _m.bin | products of m-bit float significands, read only: `read_mantissa_table` |

The row of every table is taken as the activation x. Some tools mean the weight: `transposed=True` swaps the operands.
"""
import io
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox.multipliers.formats import mantissas, text
from refapprox.multipliers.formats.mantissas import MantissaTable
from refapprox.multipliers.formats.orders import ORDERS, Reading, reading_of, readings, swap_order
from refapprox.multipliers.multiplier import Multiplier
from refapprox.validation import check_choice

__all__ = ["FORMATS", "MantissaTable", "ORDERS", "Reading", "bounded", "detect", "is_table_text", "raw_table",
           "read_mantissa_table", "read_table",
           "readings", "swap_order", "write_table"]

FORMATS = ("npy", "npz", "tfapprox", "adapt", "transaxx", "approxflow", "approxtorch", "appmult", "approxtrain")
SUFFIXES = {".npy": "npy", ".npz": "npz", ".bin": "tfapprox", ".h": "adapt", ".csv": "approxflow",
            ".txt": "approxtorch"}          # what a file is written as unless a format is named
MAX_SIZE = 64 * 2 ** 20                     # bytes; the largest of these files, AppMult's triples, have 1 MB
TFAPPROX_SIZE = 2 * 256 * 256
CODE_ORDER = ("tfapprox", "adapt", "transaxx")
ORDER_OF = dict.fromkeys(CODE_ORDER, "code") | {"approxtorch": "value"}
TEXT_FORMATS = {"adapt": text.read_array, "transaxx": text.read_array, "approxflow": text.read_matrix,
                "approxtorch": text.read_matrix, "appmult": text.read_triples}
TEXT_WRITERS = {"adapt": text.write_adapt, "transaxx": text.write_transaxx, "approxflow": text.write_matrix,
                "approxtorch": text.write_matrix, "appmult": text.write_triples}
UNSIGNED_ONLY = ("approxflow", "appmult")


def detect(content, name="file"):
    """The format of a file's bytes, one of `FORMATS`."""
    if content.startswith(b"\x93NUMPY"):
        return "npy"
    if content.startswith(b"PK\x03\x04"):
        return "npz"
    if len(content) == TFAPPROX_SIZE and not is_text(content):
        return "tfapprox"
    if not is_text(content):
        if mantissas.mantissa_bits_of(len(content)):
            return "approxtrain"
        raise ValueError(f"{name} has no known format: {len(content)} bytes of binary data are neither npy, npz, "
                         f"TFApprox's 131072 bytes nor ApproxTrain's 4**m.")
    decoded = content.decode("ascii")
    if text.ARRAY.search(decoded):
        return "transaxx" if "__device__" in decoded else "adapt"
    lines = decoded.strip().splitlines()
    if text.TRIPLES in decoded or (lines and len(lines) > 4 and len(lines[-1].split()) == 3):
        return "appmult"
    return "approxtorch" if "-" in decoded else "approxflow"


def is_text(content):
    """Whether the bytes are printable ASCII."""
    return not content.translate(None, bytes([9, 10, 13, *range(32, 127)]))


def is_table_text(content):
    """Whether the bytes are text that begins like one of the table formats."""
    if not is_text(content):
        return False
    decoded = content.decode("ascii")
    words = decoded.replace(",", " ").split(maxsplit=1)
    return bool(words) and (text.TRIPLES in decoded or text.NUMBER.fullmatch(words[0]) is not None)


def read_table(path, format=None, *, signed=None, order=None, transposed=False, name=None,
               performance_metric=float("nan"), release=""):
    """A table file as a `Multiplier`.

    Parameters
    ----------
    path : path
    format : str, optional
        One of `FORMATS`; by default told from the content.
    signed, order : bool and "value" or "code", optional
        By default the format's own, and where that is open, the reading that is clearly nearest to exact products.
    transposed : bool, optional
        Whether the row of the file is the weight.
    name, performance_metric, release : optional
        Of the multiplier; the name is that of the file by default.

    Raises
    ------
    ValueError
        If the file is no valid table, or signedness and order are not clear from it.
    """
    path = Path(path)
    table, format = entries(path, format)
    if format in UNSIGNED_ONLY:
        if signed:
            raise ValueError(f"format {format} of {path} knows unsigned operands only.")
        signed = False
    if order is None:
        order = ORDER_OF.get(format)
    reading = reading_of(table, path, signed, order)
    lut = reading.lut.T if transposed else reading.lut
    return Multiplier(path.stem if name is None else name, lut, reading.signed, performance_metric, release,
                      {"file": str(path), "format": format, "order": reading.order})


def raw_table(path, format=None):
    """(table as it stands in a file, int64; the order that its format is in, None where both occur)."""
    table, format = entries(Path(path), format)
    return table, ORDER_OF.get(format)


def bounded(path):
    """The bytes of a file of at most `MAX_SIZE`."""
    return files.read_bytes(path, limit=MAX_SIZE)


def entries(path, format=None):
    """(table as it stands in a file, int64; its format)."""
    content = bounded(path)
    format = check_choice("format", detect(content, path) if format is None else format, FORMATS)
    if format == "approxtrain":
        raise ValueError(f"{path} holds products of float significands, no integers: see read_mantissa_table.")
    return check_table(parse(content, format, path), path), format


def parse(content, format, path):
    """The array in a file's bytes."""
    if format == "npy":
        return files.parse_npy(content, path)
    if format == "npz":
        arrays = files.read_npz(path, limit=MAX_SIZE)
        if len(arrays) != 1:
            raise ValueError(f"{path} must hold one table, got {', '.join(arrays) or 'none'}; load_library reads many.")
        return next(iter(arrays.values()))
    if format == "tfapprox":
        if len(content) != TFAPPROX_SIZE:
            raise ValueError(f"{path} must have {TFAPPROX_SIZE} bytes for format tfapprox, got {len(content)}.")
        return np.frombuffer(content, dtype="<u2").reshape(256, 256).astype(np.int64)
    if not is_text(content):
        raise ValueError(f"{path} must be ASCII text for format {format}.")
    return TEXT_FORMATS[format](content.decode("ascii"), path)


def check_table(table, path):
    """`table` as an int64 array of a multiplier's shape; whole floats are taken."""
    table = np.asarray(table)
    if table.dtype.kind == "f" and np.isfinite(table).all() and (table == np.rint(table)).all():
        table = table.astype(np.int64)
    return Multiplier(str(path), table).lut.astype(np.int64)      # a Multiplier checks shape, kind and range


def write_table(path, multiplier, format=None, *, order=None, transposed=False):
    """Write a table file, whole or not at all.

    Parameters
    ----------
    path : path
    multiplier : Multiplier
    format : str, optional
        One of `FORMATS` but approxtrain; by default what the suffix of `path` suggests.
    order : "value" or "code", optional
        Of npy and npz only, which know both; "value" by default.
    transposed : bool, optional
        Let the row be the weight.

    Raises
    ------
    ValueError
        If the format cannot hold this table: other widths than 8x8, signed operands, or entries beyond 16 bits.
    """
    path = Path(path)
    if format is None:
        format = SUFFIXES.get(path.suffix)
        if format is None:
            raise ValueError(f"format must be named for {path}: its suffix {path.suffix!r} is none of "
                             f"{', '.join(SUFFIXES)}.")
    check_choice("format", format, [f for f in FORMATS if f != "approxtrain"])
    table = multiplier.lut.T if transposed else multiplier.lut
    if format in ("npy", "npz"):
        order = check_choice("order", "value" if order is None else order, ORDERS)
        stored = swap_order(table) if order == "code" and multiplier.signed else table
        if format == "npz":
            return files.write_npz(path, {multiplier.name: stored})
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(stored))
        return files.write_bytes(path, buffer.getvalue())
    if order is not None:
        raise ValueError(f"order is fixed by format {format}: only npy and npz come in both, got order={order!r}.")
    check_fits(multiplier, format)
    if format in CODE_ORDER and multiplier.signed:
        table = swap_order(table)
    if format == "tfapprox":
        return files.write_bytes(path, (table & 0xFFFF).astype("<u2").tobytes())
    return files.write_text(path, TEXT_WRITERS[format](table))


def check_fits(multiplier, format):
    """A ValueError if `format` cannot hold the table of `multiplier`."""
    what = f"{multiplier.name} cannot be written as {format}"
    if multiplier.lut.shape != (256, 256):
        raise ValueError(f"{what}: the format holds 8x8 bits, got {multiplier.bits_x}x{multiplier.bits_w}.")
    if format in UNSIGNED_ONLY and multiplier.signed:
        raise ValueError(f"{what}: the format knows unsigned operands only.")
    limits = {"adapt": np.int16, "transaxx": np.int16, "approxflow": np.uint16,
              "tfapprox": np.int16 if multiplier.signed else np.uint16}
    if format in limits:
        low, high = multiplier.lut.min(), multiplier.lut.max()
        info = np.iinfo(limits[format])
        if low < info.min or high > info.max:
            raise ValueError(f"{what}: its entries are {info.dtype}, got values from {low} to {high}, which would "
                             f"wrap.")


def read_mantissa_table(path):
    """An ApproxTrain file as a `MantissaTable`."""
    path = Path(path)
    return mantissas.read_mantissas(bounded(path), path.stem)
