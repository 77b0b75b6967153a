"""Tables by who will read them: the layout, sign and width that a tool takes, and the line that loads the file there.

A ``.npy`` in value order is wrong for torchapprox, and nothing in the file says so. `export` therefore takes the name
of the consumer, writes what that one reads, refuses what it cannot take, and tells what it wrote.
"""
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from refapprox import files
from refapprox.multipliers import side_file
from refapprox.multipliers.codes import MAX_BITS
from refapprox.multipliers.costs import known_netlist
from refapprox.multipliers.formats import text, write_table
from refapprox.multipliers.formats.orders import swap_order
from refapprox.multipliers.languages.verilog import source as verilog
from refapprox.multipliers.operator import BinaryOperator
from refapprox.validation import check_choice


class Consumer(NamedTuple):
    """What a tool reads: suffixes, signs, widths (None: any), order, dtype, and the line that loads it there.

    `write` makes the text of a multiplier; without it `format` names a table format.
    """

    suffixes: tuple
    signs: tuple
    bits: int | None
    order: str
    dtype: str
    loads: str
    format: str | None = None
    write: Callable | None = None


class Written(NamedTuple):
    """What `export` wrote: the file, its side file, and sentences about it."""

    path: Path
    side: Path
    lines: tuple


def identifier(name):
    """`name` as a name of C and Verilog."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)
    return plain if plain and not plain[0].isdigit() else f"m_{plain}"


def c_text(multiplier):
    """A C header with the table in code order and a function that looks products up."""
    table = swap_order(multiplier.lut) if multiplier.signed else multiplier.lut
    entry, name = c_type(table), identifier(multiplier.name)
    operand = "int8_t" if multiplier.signed else "uint8_t"
    rows, columns = table.shape
    return (f"/* {multiplier.name}: products, row x, column w, both by their two's-complement codes */\n"
            f"#include <stdint.h>\n\n{text.array_text(f'static const {entry} {name}_lut[{rows}][{columns}]', table)}\n"
            f"static inline int32_t {name}({operand} x, {operand} w)\n"
            f"{{ return {name}_lut[x & {rows - 1}][w & {columns - 1}]; }}\n")


def c_type(table):
    """The narrowest C type that holds the entries."""
    return next(f"{np.dtype(kind).name}_t" for kind in (np.int16, np.uint16, np.int32)
                if np.iinfo(kind).min <= table.min() and table.max() <= np.iinfo(kind).max)


def verilog_text(operator):
    """Structural Verilog where the gates are known, else one case for every operand pair."""
    netlist = known_netlist(operator)
    if netlist is not None:
        return verilog.write(netlist)
    multiplier = operator.to_multiplier()
    table = swap_order(multiplier.lut) if multiplier.signed else multiplier.lut
    bits_x, bits_w, width = multiplier.bits_x, multiplier.bits_w, multiplier.output_bits
    sign = "signed " if multiplier.signed else ""
    cases = "".join(f"    {bits_x + bits_w}'d{address}: p = {width}'d{value & (1 << width) - 1};\n"
                    for address, value in enumerate(table.ravel().tolist()))
    return (f"module {identifier(multiplier.name)}(input {sign}[{bits_x - 1}:0] x, input {sign}[{bits_w - 1}:0] w, "
            f"output reg {sign}[{width - 1}:0] p);\n  always @* case ({{x, w}})\n{cases}"
            f"    default: p = {width}'d0;\n  endcase\nendmodule\n")


BOTH, UNSIGNED, SIGNED = (True, False), (False,), (True,)
CONSUMERS = {
    "torchapprox": Consumer((".npy",), SIGNED, 8, "code", "int32", "layer.lut = numpy.load({file!r})", "npy"),
    "tfapprox": Consumer((".bin",), UNSIGNED, 8, "code", "little-endian uint16",
                         "FakeApproxConv2D(..., mul_map_file={file!r})", "tfapprox"),
    "adapt": Consumer((".h",), SIGNED, 8, "code", "int16", 'AdaPT_Conv2d(..., axx_mult={stem!r})   # the file lies in '
                      "adapt/cpu-kernels/axx_mults", "adapt"),
    "transaxx": Consumer((".h",), SIGNED, 8, "code", "int16", "AdaptConv2D(..., axx_mult={stem!r})   # the file lies "
                         "in ext_modules/include/nn/cuda/axx_mults", "transaxx"),
    "approxflow": Consumer((".csv", ".txt"), UNSIGNED, 8, "value", "decimal numbers",
                           'LUT = numpy.loadtxt({file!r}, dtype="uint16")', "approxflow"),
    "approxtorch": Consumer((".txt",), BOTH, 8, "value", "decimal numbers",
                            "lut = torch.from_numpy(numpy.loadtxt({file!r})).int()", "approxtorch"),
    "appmult": Consumer((".txt",), UNSIGNED, None, "value", "decimal numbers, a line a b product",
                        "python app_train.py ... with {file!r} as the table of the multiplier", "appmult"),
    "verilog": Consumer((".v",), BOTH, None, "", "gates, or a case for every operand pair",
                        "iverilog -o simulation testbench.v {file}", write=verilog_text),
    "readmemh": Consumer((".hex", ".mem", ".txt"), BOTH, None, "code", "hexadecimal words",
                         'reg [{top}:0] rom [0:{last}]; initial $readmemh("{file}", rom);   '
                         "// rom[{{x, w}}] is the product",
                         "readmemh"),
    "c": Consumer((".h",), BOTH, None, "code", "the narrowest integer type",
                  '#include "{file}"   // int32_t {name}(x, w), array {name}_lut', write=c_text),
    "numpy": Consumer((".npy", ".npz"), BOTH, None, "value", "int32",
                      "refapprox.load_library({file!r})   # or numpy.load: entry [x - qmin, w - qmin]"),
}
BY_SUFFIX = {".npy": "numpy", ".npz": "numpy", ".bin": "tfapprox", ".csv": "approxflow", ".v": "verilog",
             ".hex": "readmemh", ".mem": "readmemh"}


def export(path: str | PathLike, operator: BinaryOperator, consumer: str | None = None, *,
           transposed: bool = False) -> Written:
    """Write a multiplier for the tool that will read it, and a side file with what is known of it.

    `consumer` is one of `CONSUMERS`, by default what only one of them reads, by the suffix of `path`; `transposed` lets
    the row be the weight. The lines of what is returned say what was written, and how it is loaded. A ValueError where
    the consumer cannot take this sign, width or range of entries, or the suffix is not one that it reads.

    >>> import tempfile
    >>> from refapprox import exact
    >>> written = export(f"{tempfile.mkdtemp()}/exact.npy", exact(8), "torchapprox")
    >>> written.lines[0]
    "signed 8x8 bits, two's-complement code order, int32, row x, column w"
    """
    path = Path(path)
    if consumer is None:
        consumer = BY_SUFFIX.get(path.suffix)
        if consumer is None:
            raise ValueError(f"consumer must be named for {path}: who reads it, one of {', '.join(CONSUMERS)}.")
    reader = CONSUMERS[check_choice("consumer", consumer, CONSUMERS)]
    check_taken(operator, consumer, reader, path)
    shown = operator.transposed() if transposed else operator
    multiplier = shown.to_multiplier() if shown.has_table else shown
    order = {"order": reader.order} if multiplier.signed and reader.order else {}
    if reader.write is not None:
        files.write_text(path, reader.write(shown if consumer == "verilog" else multiplier))
    else:
        write_table(path, multiplier, reader.format, **(order if reader.format in (None, "npy") else {}))
    more = order | ({"transposed": True} if transposed else {}) | ({"format": reader.format} if reader.format else {})
    side = side_file.write(path, operator, **({} if consumer == "verilog" else more))
    return Written(path, side, told(path, multiplier, consumer, reader, transposed))


def check_taken(operator, consumer, reader, path):
    """A ValueError where the consumer cannot take the sign or width of an operator, or this suffix."""
    if path.suffix not in reader.suffixes:
        raise ValueError(f"{consumer} reads {' or '.join(reader.suffixes)} files, got {path}.")
    sign = "signed" if operator.signed else "unsigned"
    if operator.signed not in reader.signs:
        other = "unsigned" if operator.signed else "signed"
        raise ValueError(f"{consumer} takes {other} multipliers only, {operator.name} is {sign}.")
    if reader.bits is not None and (operator.bits_x, operator.bits_w) != (reader.bits, reader.bits):
        raise ValueError(f"{consumer} takes {reader.bits}x{reader.bits} bits only, {operator.name} has "
                         f"{operator.bits_x}x{operator.bits_w}.")
    if not operator.has_table and (consumer != "verilog" or known_netlist(operator) is None):
        raise ValueError(f"{operator.name} has no table to write: it is a {operator.described()}, and tables go up to "
                         f"{MAX_BITS}x{MAX_BITS} bits.")


def told(path, multiplier, consumer, reader, transposed):
    """What was written, in sentences."""
    sign = "signed" if multiplier.signed else "unsigned"
    order = {"code": "two's-complement code order" if multiplier.signed else "order of codes from 0 on",
             "value": "value order" if multiplier.signed else "order of codes from 0 on", "": "ports in order"}
    row = "row w, column x" if transposed else "row x, column w"
    what = f"{sign} {multiplier.bits_x}x{multiplier.bits_w} bits, {order[reader.order]}, {reader.dtype}, {row}"
    line = reader.loads.format(file=str(path), stem=path.stem, name=identifier(multiplier.name),
                               top=multiplier.output_bits - 1, last=2 ** (multiplier.bits_x + multiplier.bits_w) - 1)
    return what, f"for {consumer}: {line}"
