"""Files of circuits in any language, as a netlist and what they declare of themselves."""
from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from refapprox import files as bounded_files
from refapprox.multipliers.languages import yosys
from refapprox.multipliers.languages.blif import read_blif
from refapprox.multipliers.languages.c.tokens import SourceError
from refapprox.multipliers.languages.cells import MAX_LIBERTY, read_liberty
from refapprox.multipliers.languages.cgp import read_cgp
from refapprox.multipliers.languages.verilog.source import NotStructural, read_modules, without_testbenches
from refapprox.multipliers.languages.verilog.tokens import UndefinedModule
from refapprox.multipliers.languages.yosys_json import CoarseCell, read_json
from refapprox.validation import check_instance, shown

LANGUAGES = {".c": "C", ".v": "Verilog", ".sv": "Verilog", ".blif": "BLIF", ".cgp": "CGP", ".chr": "CGP",
             ".json": "Yosys JSON"}
SUFFIXES = tuple(suffix for suffix in LANGUAGES if suffix != ".json")     # a .json is a netlist only where it is named
MAX_SIZE = {"C": 4 * 2 ** 20, "Verilog": 16 * 2 ** 20, "BLIF": 16 * 2 ** 20, "CGP": 16 * 2 ** 20,
            "Yosys JSON": 256 * 2 ** 20}
COMPARED_PAIRS = 2 ** 16
MAX_BESIDE = 500           # files of a folder that are searched for a module
NATIVE = "Read natively are structural modules (assign, gates, instances, parameters, generate); the rest by Yosys: "


class File(NamedTuple):
    """One file and its bytes."""

    path: Path
    content: bytes

    def text(self):
        """UTF-8 text, or Latin-1 as in comments of old files."""
        if self.content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in self.content[:4096]:
            raise SourceError(f"{self.path}: must be UTF-8 text, got UTF-16 or binary data. Save it as UTF-8.")
        content = self.content.removeprefix(b"\xef\xbb\xbf")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            return content.decode("latin-1")


def files_of(path_or_paths):
    """(language, list of `File`) of one path or of several of one language, read whole and bounded."""
    check_instance("path_or_paths", path_or_paths, (str, os.PathLike, list, tuple))
    paths = [path_or_paths] if isinstance(path_or_paths, (str, os.PathLike)) else path_or_paths
    paths = [Path(check_instance("path_or_paths", path, (str, os.PathLike))) for path in paths]
    if not paths:
        raise ValueError("path_or_paths of read_circuit must name at least one file, got none.")
    for path in paths:
        bounded_files.check_named(path)
        if path.suffix.lower() not in LANGUAGES:
            raise SourceError(f"{path}: the suffix of a circuit file must be one of {', '.join(LANGUAGES)}, got "
                              f"{path.suffix or 'none'}.")
    languages = {LANGUAGES[path.suffix.lower()] for path in paths}
    if len(languages) != 1 or len(paths) > 1 and languages <= {"CGP", "Yosys JSON"}:
        raise ValueError(f"several files must be of one language, Verilog, BLIF or C, got "
                         f"{', '.join(path.name for path in paths)}.")
    (language,) = languages
    return language, [File(path, bounded_files.read_bytes(path, limit=MAX_SIZE[language])) for path in paths]


def liberty_of(paths):
    """name -> `Cell` of one Liberty file or of several, or None."""
    if paths is None:
        return None
    cells = {}
    for path in [paths] if isinstance(paths, (str, os.PathLike)) else paths:
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"liberty must be a path or several, got {shown(path)}.")
        bounded_files.check_named(path, "liberty")
        file = File(Path(path), bounded_files.read_bytes(path, limit=MAX_LIBERTY))
        cells.update(read_liberty(file.text(), str(path)))
    return cells


def netlist_of_files(language, files, *, top=None, bits=None, library=None):
    """(unsigned netlist, True where every input is declared signed, else None) of files that are not C.

    `bits` are the widths of the operands of a chromosome, which does not tell them. A SourceError names file, line and
    reason, and what to do next.
    """
    where = f"{files[0].path}, "
    try:
        if language == "Verilog":
            netlist, signed = verilog(files, top, library)
        elif language == "BLIF":
            text = "\n".join(file.text() for file in files)
            netlist, signed = read_blif(text, where, top=top, library=library)
        elif language == "CGP":
            refuse(files, top=top, liberty=library)
            netlist, signed = read_cgp(files[0].text(), where, name=files[0].path.stem, bits=bits)
        else:
            netlist, signed = yosys_json(files, top, library)
    except (SourceError, RecursionError) as error:
        raise error if isinstance(error, SourceError) else SourceError(f"{where}it is nested too deep.") from None
    except ValueError as error:
        raise SourceError(str(error)) from None
    return netlist, signed or None


def refuse(files, **given):
    """Options that say nothing of this kind of file."""
    for name, value in given.items():
        if value is not None:
            raise SourceError(f"{files[0].path}: {name} (--{name}) says nothing of a {files[0].path.suffix} file.")


def verilog(files, top, library):
    """Verilog, natively or, where it describes behavior, by way of Yosys."""
    texts = [(f"{file.path}, ", file.text()) for file in files]
    try:
        return read_modules(texts, top=top, library=library)
    except NotStructural as error:
        reason = str(error)
    except UndefinedModule as error:
        beside = defined_beside(files[0].path, error.module)
        raise SourceError(f"{error} {beside} defines it." if beside else str(error)) from None
    try:
        trees = yosys.gates_of([(file.path, without_testbenches(file.text()).encode()) for file in files], top=top)
    except yosys.YosysError as error:
        raise SourceError(f"{reason} {NATIVE}{error}") from None
    return same_function([read_json(tree, f"{files[0].path}, by way of Yosys, ", top=top, library=library)
                          for tree in trees], files[0].path)


def defined_beside(path, module):
    """A Verilog file in the folder of `path` that defines a module, or None."""
    pattern = re.compile(rb"\bmodule\s+" + re.escape(module.encode()) + rb"\b")
    for other in sorted(path.parent.iterdir())[:MAX_BESIDE]:
        if LANGUAGES.get(other.suffix.lower()) == "Verilog" and other.is_file() and \
                other.stat().st_size <= MAX_SIZE["Verilog"] and pattern.search(other.read_bytes()):
            return other
    return None


def yosys_json(files, top, library):
    """A JSON netlist; word-level cells in it become gates by way of Yosys."""
    where = f"{files[0].path}, "
    try:
        return read_json(bounded_files.read_json(files[0].path), where, top=top, library=library)
    except CoarseCell as error:
        reason = str(error)
    try:
        trees = yosys.gates_of([(file.path, file.content) for file in files], top=top, from_json=True)
    except yosys.YosysError as error:
        raise SourceError(f"{reason} {error}") from None
    return same_function([read_json(tree, where, top=top, library=library) for tree in trees], files[0].path)


def same_function(readings, path):
    """The first of two readings, whose undefined values were set to 0 and to 1, if these make no difference."""
    (netlist, signed), (other, _) = readings
    if netlist.bits_x + netlist.bits_w <= COMPARED_PAIRS.bit_length() - 1:
        pairs = np.arange(2 ** (netlist.bits_x + netlist.bits_w))
        x, w = pairs >> netlist.bits_w, pairs & (2 ** netlist.bits_w - 1)
    else:
        rng = np.random.default_rng(0)
        x, w = (rng.integers(0, 2 ** bits, COMPARED_PAIRS) for bits in (netlist.bits_x, netlist.bits_w))
    differing = np.flatnonzero(netlist(x, w) != other(x, w))
    if differing.size:
        raise SourceError(f"{path}: an undefined value (x, or a net that nothing drives) decides the result of "
                          f"{x[differing[0]]} and {w[differing[0]]}.")
    return netlist, signed
