"""Circuits that others wrote, as a `Multiplier`, a `Circuit` or a `Netlist`: the public doors to all languages.

Row of the table, and first operand of the call, is the first parameter of the C function, or the first input port.
Many unsigned 8x8 sources of EvoApproxLib declare ``f(B, A)``: their Verilog module has the ports A, B, and its first
port is the column then.
"""
from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable
from pathlib import Path

from refapprox.files import parse_json
from refapprox.multipliers import declaration, side_file
from refapprox.multipliers.circuit import Circuit
from refapprox.multipliers.circuits.netlist import Netlist
from refapprox.multipliers.codes import MAX_BITS
from refapprox.multipliers.declaration import Claim, Reading
from refapprox.multipliers.languages import sources
from refapprox.multipliers.languages.c.source import read_program
from refapprox.multipliers.languages.c.synthesize import synthesize
from refapprox.multipliers.languages.c.tokens import Source, SourceError
from refapprox.multipliers.languages.compiled import find_function, tabulate
from refapprox.multipliers.languages.evoapprox import cache, header
from refapprox.multipliers.languages.functions import decided, result_bits
from refapprox.multipliers.languages.sources import SUFFIXES
from refapprox.multipliers.multiplier import Multiplier
from refapprox.multipliers.names import pair
from refapprox.validation import shown

__all__ = ["SUFFIXES", "read_circuit", "read_netlist", "verify"]

Paths = str | Path | Iterable[str | Path]
VERIFIED_PAIRS = 2 ** 18      # header figures are verified at load time where all operand pairs are at most so many


def read_circuit(path_or_paths: Paths, *, top: str | None = None, signed: bool | None = None,
                 bits: int | tuple | None = None, operation: str | None = None, liberty: Paths | None = None,
                 compiled: bool = False, release: str = "", first_operand: str | None = None) -> Multiplier | Circuit:
    """A multiplier or adder from the source of its circuit.

    Parameters
    ----------
    path_or_paths : path or sequence of paths
        C (.c), Verilog (.v, .sv), BLIF (.blif), a chromosome of ArithsGen (.cgp, .chr) or Yosys' JSON (.json); more
        than one where a Verilog, BLIF or C design is spread over files. Nothing of them is executed.
    top : str, optional
        The module, model or function to read; by default the only one that looks like a multiplier.
    signed : bool, optional
        Two's-complement operands and result, or unsigned ones. By default as `declaration.decide` finds: the side
        file, ports or parameters declared so, a name such as ``mul8u_2AC``, or the products themselves.
    bits : int or (int, int), optional
        Widths of the operands, where the source does not fix them: C, and chromosomes of unequal operands.
    operation : "mul" or "add", optional
        "mul" by default.
    liberty : path or sequence of paths, optional
        Liberty files with the standard cells of a mapped netlist: pins and their ``function``.
    compiled : bool, optional
        For C with loops or calls of a library: build it with the C compiler on the PATH and run it on all operand
        pairs, in a temporary folder under limits of time and memory. At most 8x8 bits. This executes the file.
    release : str, optional
        The release that gives a published name its meaning.
    first_operand : str, optional
        Name of the operand that is to be the row, upper or lower case; by default the first one of the file.

    Returns
    -------
    Multiplier or Circuit
        The first for products of at most 8x8 bits. `info` holds "file", "origins" (where sign and widths come from),
        "netlist" (its gates; None where it was compiled), "first_operand" and "published", the figures of the header
        of an EvoApproxLib file; `performance_metric` is the side file's, or the published power in mW.

    Raises
    ------
    UndeclaredError
        A ValueError: sign or widths are not known, and how to state them.
    ValueError
        If a file is outside of what is read; the message names file, line, what was found, and the next step.

    Warns
    -----
    HeaderMismatch
        Where a published figure is not the computed circuit's, for at most 2**18 operand pairs.
    ContradictionWarning
        Where two origins say different things; the message says which one was followed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "low.v"
    >>> _ = file.write_text("module low(input [1:0] a, b, output [3:0] p); assign p = (a & 2'b10) * b; endmodule")
    >>> read_circuit(file, signed=False)(3, [0, 1, 2, 3]).tolist()
    [0, 2, 4, 6]
    """
    language, files = sources.files_of(path_or_paths)
    found, decision, about = read(language, files, top, signed, bits, operation, liberty, compiled)
    operation = decision.operation or "mul"
    if first_operand is not None:
        found = with_first(found, first_operand)
    path = files[0].path
    figures = header.read_header(files[0].content[:header.MAX_HEADER].decode("utf-8", errors="replace")) \
        if language in ("C", "Verilog") else {}
    netlist = None if compiled else found
    info = decision.info() | {"published": figures, "file": str(path), "netlist": netlist,
                              "first_operand": netlist.operands[0][0] if netlist else ""}
    name = about.get("name") or (path.stem if len(files) == 1 and top is None else found.name)
    details = {"performance_metric": about.get("performance_metric", float(figures.get(header.POWER, "nan"))),
               "release": release or about.get("release", ""), "info": info}
    if compiled:
        circuit = dataclasses.replace(found, name=name, **details)
    elif operation == "mul" and max(netlist.bits_x, netlist.bits_w) <= MAX_BITS:
        circuit = netlist.to_multiplier(name, **details)
    else:
        circuit = Circuit(name, lambda x, w: netlist.words([x, w]), netlist.bits_x, netlist.bits_w, netlist.signed,
                          operation=operation, output_bits=netlist.output_bits, **details)
    verify(circuit)
    return circuit


def read_netlist(path_or_paths: Paths, *, top: str | None = None, signed: bool | None = None,
                 bits: int | tuple | None = None, operation: str | None = None,
                 liberty: Paths | None = None) -> Netlist:
    """The gates of a source, simplified.

    Parameters
    ----------
    path_or_paths, top, signed, bits, operation, liberty
        As of `read_circuit`.

    Returns
    -------
    Netlist

    Raises
    ------
    UndeclaredError, ValueError
        As of `read_circuit`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "low.v"
    >>> _ = file.write_text("module low(input [1:0] a, b, output [1:0] p); assign p = a & b; endmodule")
    >>> read_netlist(file, signed=False).gate_counts()
    {'AND': 2}
    """
    return read(*sources.files_of(path_or_paths), top, signed, bits, operation, liberty)[0]


def read(language, files, top, signed, bits, operation, liberty, compiled=False):
    """(netlist or table, `Decision`, side file) of files, from the cache where it knows their bytes."""
    path = files[0].path
    bits = declaration.checked_bits(path, bits)
    if compiled and language != "C":
        raise SourceError(f"{path}: only C is compiled (--compile).")
    if language == "C":
        sources.refuse(files, liberty=liberty)
    beside = side_file.beside(path)
    about = side_file.read(beside) if beside else {}
    if compiled:
        return *read_compiled(files, top, signed, bits, operation, about), about
    key = cache.key_of(b"\0".join(file.content for file in files), language, path.stem, len(files), top, signed, bits,
                       operation, json.dumps(about, sort_keys=True))
    stored = cache.load(key) if liberty is None else None
    if stored is not None:
        decision = declaration.Decision(**parse_json(stored[1], "the note of a stored circuit"))
        decision = decision._replace(bits=tuple(decision.bits), remarks=())
        return dataclasses.replace(stored[0], operation=decision.operation or "mul"), decision, about
    found = read_c if language == "C" else read_ports
    netlist, decision = found(language, files, top, signed, bits, operation, liberty, about)
    if liberty is None and not decision.remarks:
        cache.store(key, netlist, json.dumps(decision._asdict()))
    return netlist, decision, about


def with_first(netlist, label):
    """A netlist with the operand called `label` first."""
    names = [name for name, _ in netlist.operands]
    lowered = [name.lower() for name in names]
    if label.lower() not in lowered:
        raise ValueError(f"first_operand of {netlist.name} must be one of {', '.join(names)}, got {shown(label)}.")
    return netlist if lowered[0] == label.lower() else netlist.reordered(names[1], names[0])


def read_ports(language, files, top, signed, bits, operation, liberty, about):
    """(netlist, `Decision`) of a language whose circuits have ports."""
    split = bits if bits is not None else about.get("bits")
    split = pair(split) if language == "CGP" and split is not None else None
    netlist, declared = sources.netlist_of_files(language, files, top=top, bits=split,
                                                 library=sources.liberty_of(liberty))
    claim = Claim("its ports", declared, (netlist.bits_x, netlist.bits_w), fixed_bits=True)
    decision = declaration.decide(
        files[0].path, signed=signed, bits=bits, operation=operation, about=about, declared=claim,
        readings=lambda: [Reading(sign, None, dataclasses.replace(netlist, signed=sign)) for sign in (False, True)])
    return dataclasses.replace(netlist, signed=decision.signed, operation=decision.operation or "mul"), decision


def read_c(language, files, top, signed, bits, operation, liberty, about):
    """(netlist, `Decision`) of a C function without loops."""
    path = files[0].path
    if len(files) > 1:
        raise SourceError(f"{path}: several C files are read by compiling them (--compile).")
    source = Source.from_bytes(files[0].content, path)
    try:
        program = read_program(source, top)
    except SourceError as error:
        hint = "" if "--" in str(error) else " Whole programs, with loops and calls, can be compiled: --compile."
        raise SourceError(f"{error}{hint}") from None

    @functools.cache
    def netlist(sign, widths, kind):
        return synthesize(program, source, bits_x=widths[0], bits_w=widths[1], signed=sign,
                          output_bits=result_bits(path, widths, kind, program.result_type.width))

    decision, widths = decided(path, program.words, signed, bits, operation, about, netlist)
    kind = decision.operation or "mul"
    return dataclasses.replace(netlist(decision.signed, widths, kind), operation=kind), decision


def read_compiled(files, top, signed, bits, operation, about):
    """(Multiplier, `Decision`) of a C program that is compiled and run."""
    path = files[0].path
    signature = find_function(files[0], top)

    @functools.cache
    def table(sign, widths, kind):
        if kind != "mul":
            raise SourceError(f"{path}: a compiled program is a table of products, not an adder.")
        entries, result_width = tabulate(files, signature, widths, sign)
        width = result_bits(path, widths, kind, result_width)
        if sign:                                       # as in hardware: the low bits, the top one of them the sign
            entries = (entries & (2 ** width - 1)) - ((entries >> (width - 1) & 1) << width)
        elif entries.min() < 0 or entries.max() >= 2 ** 31:
            worst = entries.min() if entries.min() < 0 else entries.max()
            raise SourceError(f"{path}: {signature.name} returns {worst}, which is no unsigned product.")
        return Multiplier(signature.name, entries, sign)

    decision, widths = decided(path, signature.words, signed, bits, operation, about, table)
    return table(decision.signed, widths, decision.operation or "mul"), decision


def verify(circuit, max_pairs=VERIFIED_PAIRS):
    """Mismatches of the published figures with the circuit over all its operand pairs; None where those are more."""
    published = circuit.info.get("published", {})
    if 2 ** (circuit.bits_x + circuit.bits_w) > max_pairs:
        return None
    if not any(key in published for key in header.ERROR_FIGURES):
        return []
    mismatches = header.compare(published, circuit.metrics(num_samples=max_pairs))
    header.warn_of(circuit.name, mismatches)
    return mismatches
