"""Table files of other tools, read and written; the one place that knows another order than value order.

| format | file | layout |
|---|---|---|
| npy, npz | .npy .npz | integer array, value or code order (torchapprox, agnapprox: code order) |
| tfapprox | .bin | 2 * 4**bits bytes, little-endian 16 bits at 2 (2**bits x + w), code order |
| adapt | .h | ``const int16_t lut [256][256]``, code order |
| transaxx | .h | ``const __device__ short lut[256][256]``, code order |
| c | .h .c | any other C array of one or two dimensions |
| approxflow | .csv .txt | 256 x 256 unsigned numbers |
| approxtorch | .txt | 256 x 256 numbers, value order |
| appmult | .txt | lines ``a b product``, unsigned, gradients behind them |
| text | .csv .txt | any matrix, or lines ``a b product``, see `text` |
| readmemh | .hex .mem .txt | hexadecimal words, word {a, b} is the pattern of a product |
| approxtrain | _m.bin | products of m-bit float significands, read only: `read_mantissa_table` |

The row of every table is taken as the activation x. Some tools mean the weight: `transposed=True` swaps the operands.
Sign, widths and order are decided by `declaration.decide`, whatever the format.
"""
from __future__ import annotations

import io
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from refapprox import files
from refapprox._lazy import doors
from refapprox.multipliers import side_file
from refapprox.multipliers.declaration import (
    NEARLY_ALL,
    ORDERS,
    Claim,
    UnfitError,
    checked_bits,
    decide,
    product_share,
    worded,
)
from refapprox.multipliers.formats import mantissas, text
from refapprox.multipliers.formats.detection import decoded, detect, tfapprox_bits
from refapprox.multipliers.formats.mantissas import MantissaTable
from refapprox.multipliers.formats.orders import entries_as, fits, readings, swap_order
from refapprox.multipliers.multiplier import Multiplier
from refapprox.validation import check_choice

__all__ = ["FORMATS", "MantissaTable", "ORDERS", "read_mantissa_table", "read_table", "swap_order", "write_table"]

FORMATS = ("npy", "npz", "tfapprox", "adapt", "transaxx", "c", "approxflow", "approxtorch", "appmult", "text",
           "readmemh", "approxtrain")
SUFFIXES = {".npy": "npy", ".npz": "npz", ".bin": "tfapprox", ".h": "adapt", ".csv": "approxflow",
            ".txt": "approxtorch", ".hex": "readmemh", ".mem": "readmemh"}   # as a file is written if nothing is named
READ_SUFFIXES = tuple(SUFFIXES)
MAX_SIZE = 64 * 2 ** 20                     # bytes of a file
MAX_TEXT = 16 * 2 ** 20                     # of text; the largest of these files, AppMult's triples, have 4 MB
CLAIMS = {name: Claim(f"its format, {name}", order="code") for name in ("tfapprox", "adapt", "transaxx", "readmemh")} \
    | {name: Claim(f"its format, {name}", signed=False) for name in ("approxflow", "appmult")} \
    | {"approxtorch": Claim("its format, approxtorch", order="value")}
PATTERNS = ("tfapprox", "readmemh")         # entries are bit patterns
TEXT_READERS = {"adapt": text.read_array, "transaxx": text.read_array, "c": text.read_array,
                "approxflow": text.read_text, "approxtorch": text.read_text, "appmult": text.read_text,
                "text": text.read_text, "readmemh": text.read_memory}
TEXT_WRITERS = {"adapt": text.write_adapt, "transaxx": text.write_transaxx, "approxflow": text.write_matrix,
                "approxtorch": text.write_matrix, "appmult": text.write_triples, "text": text.write_matrix,
                "readmemh": text.write_memory}
WRITTEN = ("npy", "npz", "tfapprox", *TEXT_WRITERS)
UNSIGNED_ONLY = ("approxflow", "appmult")
ANY_WIDTH = ("appmult", "text", "readmemh", "npy", "npz")


class Stored(NamedTuple):
    """A table as it stands in a file: int64 entries, format, what the file declares, dtype (None for text), remark."""

    entries: np.ndarray
    format: str
    declared: Claim
    dtype: np.dtype | None = None
    remark: str = ""

    @property
    def bits(self):
        """Widths of the operands, by the shape."""
        return tuple(side.bit_length() - 1 for side in self.entries.shape)


def read_table(path: str | PathLike, format: str | None = None, *, signed: bool | None = None,
               order: str | None = None, bits: int | tuple | None = None, transposed: bool | None = None,
               name: str | None = None, performance_metric: float | None = None,
               release: str | None = None) -> Multiplier:
    """A table file as a `Multiplier`.

    Parameters
    ----------
    path : path
    format : str, optional
        One of `FORMATS`; by default told from the content.
    signed, order, bits : bool, "value" or "code", and int or (int, int); optional
        What you state of the file; what you do not is decided by `declaration.decide`.
    transposed : bool, optional
        Whether the row of the file is the weight; by default as the side file says, else not.
    name, performance_metric, release : optional
        Of the multiplier; by default what the side file says, and the name of the file.

    Returns
    -------
    Multiplier
        ``info`` holds the file, its format and order, and under "origins" where sign, widths and order are from.

    Raises
    ------
    ValueError
        If the file is no valid table, does not fit what is stated of it, or does not tell sign or order
        (`declaration.UndeclaredError`).

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "and.csv"
    >>> _ = path.write_text("x;w;product\\n0;0;0\\n0;1;0\\n1;0;0\\n1;1;1\\n")
    >>> read_table(path).lut.tolist()
    [[0, 0], [0, 1]]
    """
    path = Path(path)
    side = side_file.beside(path)
    about = side_file.read(side) if side else {}
    stored = stored_table(path, format or about.get("format"), bits if bits is not None else about.get("bits"))
    given = {"name": name, "performance_metric": performance_metric, "release": release}
    return as_multiplier(stored, path, about | {key: value for key, value in given.items() if value is not None},
                         path.stem, signed=signed, order=order, bits=bits, transposed=transposed)


def as_multiplier(stored, source, about, stem, *, signed=None, order=None, bits=None, transposed=None):
    """A stored table, with what is said of it, as a `Multiplier`; `source` is named in messages."""
    patterns = holds_patterns(stored)
    decision = decide(source, signed=signed, bits=bits, order=order, about=about, name=about.get("name", stem),
                      declared=stored.declared, dtype=stored.dtype, shape=stored.bits, needs=("signed", "order"),
                      readings=lambda: [r for r in readings(stored.entries, patterns)
                                        if fits(r.operator.lut, r.signed)])
    lut = entries_as(stored.entries, decision.signed, decision.order, patterns)
    if not fits(lut, decision.signed):
        raise UnfitError(f"{source} cannot be {worded('signed', decision.signed)}, as "
                         f"{decision.origins['signed']} says: its entries go from {lut.min()} to {lut.max()}.")
    info = {"file": str(source), "format": stored.format, "order": decision.order} | decision.info()
    info |= {key: about[key] for key in ("provenance",) if key in about}
    if stored.remark:
        info["remarks"] = [*info.get("remarks", []), stored.remark]
    turned = about.get("transposed", False) if transposed is None else transposed
    return Multiplier(about.get("name", stem), lut.T if turned else lut, decision.signed,
                      about.get("performance_metric", float("nan")), about.get("release", ""), info)


def holds_patterns(stored):
    """Whether entries are bit patterns: by their format, or of an unsigned dtype and so those of signed products."""
    if stored.format in PATTERNS:
        return True
    return stored.dtype is not None and stored.dtype.kind == "u" and any(
        product_share(reading.operator) >= NEARLY_ALL for reading in readings(stored.entries, True) if reading.signed)


def stored_table(path, format=None, bits=None):
    """The table of a file as it stands: a `Stored`."""
    content = bounded(path)
    format = check_choice("format", detect(content, path) if format is None else format, FORMATS)
    if format == "approxtrain":
        raise ValueError(f"{path} holds products of float significands, no integers: see read_mantissa_table.")
    if format == "npy":
        return checked(files.parse_npy(content, path), path, format)
    if format == "npz":
        arrays = files.read_npz(path, limit=MAX_SIZE)
        if len(arrays) != 1:
            raise ValueError(f"{path} must hold one table, got {', '.join(arrays) or 'none'}; load_library reads many.")
        return checked(next(iter(arrays.values())), path, format)
    if format == "tfapprox":
        width = tfapprox_bits(len(content))
        if width is None:
            raise ValueError(f"{path} must have 2 * 4**bits bytes for format tfapprox, such as 131072 for 8 bits, "
                             f"got {len(content)}.")
        return checked(np.frombuffer(content, dtype="<u2").reshape(2 ** width, 2 ** width), path, format, text=True)
    found = decoded(content)
    if found is None or len(content) > MAX_TEXT:
        raise ValueError(f"{path} must be text of at most {MAX_TEXT} bytes for format {format}.")
    table = TEXT_READERS[format](found, path, checked_bits(path, bits))
    stored = checked(table.entries, path, format, text=True)
    if table.operands is not None and format == "text" and (table.operands == "signed" or stored.entries.min() >= 0):
        claim = Claim("the operands beside its entries", table.operands == "signed", None,
                      "value" if table.operands == "signed" else None)
        stored = stored._replace(declared=claim)
    elif table.operands == "signed":
        raise ValueError(f"{path} holds operands below zero, but format {format} knows unsigned operands only.")
    elif table.operands is None and format == "appmult":
        raise ValueError(f"{path} must hold lines of three numbers, a b product, for format appmult.")
    return stored._replace(remark=table.remark)


def checked(table, path, format, text=False):
    """An array as a `Stored` table of a multiplier's shape; whole floats are taken."""
    table = np.asarray(table)
    dtype = None if text else table.dtype
    if table.dtype.kind == "f" and np.isfinite(table).all() and (table == np.rint(table)).all():
        table = table.astype(np.int64)
    entries = Multiplier(str(path), table).lut.astype(np.int64)      # a Multiplier checks shape, kind and range
    return Stored(entries, format, CLAIMS.get(format, Claim("its format")), dtype)


def bounded(path):
    """The bytes of a regular file of at most `MAX_SIZE`."""
    return files.read_bytes(path, limit=MAX_SIZE)


def write_table(path: str | PathLike, multiplier: Multiplier, format: str | None = None, *,
                order: str | None = None, transposed: bool = False) -> None:
    """Write a table file, whole or not at all; `consumers.export` writes it for one tool, with all that goes with it.

    Parameters
    ----------
    path : path
    multiplier : Multiplier
    format : str, optional
        One of `FORMATS` but c and approxtrain; by default what the suffix of `path` suggests.
    order : "value" or "code", optional
        Of npy and npz only, which know both; "value" by default.
    transposed : bool, optional
        Let the row be the weight.

    Raises
    ------
    ValueError
        If the format cannot hold this table: its widths, signed operands, or entries beyond 16 bits.

    Examples
    --------
    >>> import tempfile
    >>> from refapprox import exact
    >>> path = f"{tempfile.mkdtemp()}/exact.bin"
    >>> write_table(path, exact(8, signed=False))
    >>> int(read_table(path)(200, 57))
    11400
    """
    path = Path(path)
    if format is None:
        format = SUFFIXES.get(path.suffix)
        if format is None:
            raise ValueError(f"format must be named for {path}: its suffix {path.suffix!r} is none of "
                             f"{', '.join(SUFFIXES)}.")
    check_choice("format", format, WRITTEN)
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
    if multiplier.signed and CLAIMS.get(format, Claim("")).order == "code":
        table = swap_order(table)
    if format == "tfapprox":
        return files.write_bytes(path, (table & 0xFFFF).astype("<u2").tobytes())
    return files.write_text(path, TEXT_WRITERS[format](table))


def check_fits(multiplier, format):
    """A ValueError if `format` cannot hold the table of `multiplier`."""
    what = f"{multiplier.name} cannot be written as {format}"
    if format not in ANY_WIDTH and multiplier.lut.shape != (256, 256):
        raise ValueError(f"{what}: the format holds 8x8 bits, got {multiplier.bits_x}x{multiplier.bits_w}.")
    if format in UNSIGNED_ONLY and multiplier.signed:
        raise ValueError(f"{what}: the format knows unsigned operands only.")
    product = -(-multiplier.output_bits // 4) * 4
    limits = {"adapt": (-2 ** 15, 2 ** 15 - 1), "transaxx": (-2 ** 15, 2 ** 15 - 1), "approxflow": (0, 2 ** 16 - 1),
              "tfapprox": (-2 ** 15, 2 ** 15 - 1) if multiplier.signed else (0, 2 ** 16 - 1),
              "readmemh": (-2 ** (product - 1), 2 ** (product - 1) - 1) if multiplier.signed else (0, 2 ** product - 1)}
    low, high = int(multiplier.lut.min()), int(multiplier.lut.max())
    smallest, largest = limits.get(format, (low, high))
    if low < smallest or high > largest:
        raise ValueError(f"{what}: it holds entries from {smallest} to {largest}, got {low} to {high}, which would "
                         f"wrap.")


def read_mantissa_table(path: str | PathLike) -> MantissaTable:
    """An ApproxTrain file as a `MantissaTable`.

    Parameters
    ----------
    path : path

    Returns
    -------
    MantissaTable

    Raises
    ------
    ValueError
        If the file has no size of such a table.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "exact_1.bin"
    >>> _ = path.write_bytes(bytes([0, 64, 64, 128]))          # 1.1 * 1.1 = 10.01, kept as 10.0
    >>> read_mantissa_table(path).products.tolist()
    [[1.0, 1.5], [1.5, 2.0]]
    """
    path = Path(path)
    return mantissas.read_mantissas(bounded(path), path)


doors(__name__)
