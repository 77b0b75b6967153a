"""One source file, C or structural Verilog, as a `Multiplier` or a `Circuit`.

Row of the table, and first operand of the call, is the first parameter of the C function. Many unsigned 8x8 sources
declare ``f(B, A)``: their Verilog module has the ports A, B, and its first port is the column then.
"""
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox.multipliers.circuit import MAX_OPERAND_BITS, Circuit
from refapprox.multipliers.languages.c.source import read_program
from refapprox.multipliers.languages.c.synthesize import synthesize
from refapprox.multipliers.languages.c.tokens import MAX_SIZE, Source, SourceError
from refapprox.multipliers.languages.evoapprox import cache, header
from refapprox.multipliers.languages.verilog import source as verilog
from refapprox.multipliers.multiplier import MAX_BITS, Multiplier
from refapprox.multipliers.names import Shape, pair, shape_of
from refapprox.validation import check_choice, check_integer

SUFFIXES = (".c", ".v")
VERIFIED_PAIRS = 2 ** 18      # header figures are verified at load time where all operand pairs are at most so many


def read_circuit(path, *, signed=None, bits=None, operation=None, release="", first_operand=None):
    """The circuit of one source file; nothing of the file is executed.

    Parameters
    ----------
    path : path
        A ``.c`` file with one straight-line function of two parameters (or a 16x16 one made of 8x8 ones), or a
        structural ``.v`` file. A name such as ``mul8u_2AC.c`` tells operation, widths and signedness.
    signed : bool, optional
        For other names: two's-complement operands and result. By default as the parameter types say.
    bits : int or (int, int), optional
        For other names: widths of the operands. By default those of the parameter types.
    operation : "mul" or "add", optional
        For other names; "mul" by default.
    release : str, optional
        The release that gives the name its meaning.
    first_operand : str, optional
        Name of the operand that is to be the row, upper or lower case; by default the first one of the file.

    Returns
    -------
    Multiplier or Circuit
        The first for products of at most 8x8 bits. `info` holds "published", the figures of the header, "file", and
        "first_operand", the name of the first parameter; `performance_metric` is the published power in mW.

    Raises
    ------
    ValueError
        If the file is not readable within the grammar; the message names file, line and token.

    Warns
    -----
    HeaderMismatch
        Where a published figure is not the computed circuit's, for at most 2**18 operand pairs.
    """
    path = Path(path)
    given = shape_of(path.stem.removesuffix("_pdk45")) or (signed, bits, operation)
    netlist, lut, content = load(path, given)
    if first_operand is not None:
        netlist, lut = with_first(netlist, lut, first_operand)
    figures = header.read_header(content.decode("utf-8", errors="replace"))
    circuit = as_circuit(netlist, lut, path, figures, given, release)
    verify(circuit)
    return circuit


def read_netlist(path, *, signed=None, bits=None, operation=None):
    """The gates of one source file, simplified; arguments and errors as of `read_circuit`."""
    path = Path(path)
    return load(path, shape_of(path.stem.removesuffix("_pdk45")) or (signed, bits, operation))[0]


def with_first(netlist, lut, label):
    """A netlist and its table, if there is one, with the operand called `label` first."""
    names = [name for name, _ in netlist.operands]
    lowered = [name.lower() for name in names]
    if label.lower() not in lowered:
        raise ValueError(f"first_operand of {netlist.name} must be one of {', '.join(names)}, got {label!r}.")
    if lowered[0] == label.lower():
        return netlist, lut
    return netlist.reordered(names[1], names[0]), None if lut is None else np.ascontiguousarray(lut.T)


def load(path, given):
    """(netlist, table or None, bytes) of a source, from the cache where it knows these bytes.

    `given` is a `Shape`, or (signed, bits, operation) with None for what is not known.
    """
    check_choice("suffix of a circuit file", path.suffix, SUFFIXES)
    content = files.read_bytes(path, limit=MAX_SIZE)
    key = cache.key_of(content, path.suffix, path.stem, *given)
    found = cache.load(key)
    if found is not None:
        return *found, content
    netlist = parse(path, content, given)
    operation = given.operation if isinstance(given, Shape) else given[2]
    small = operation != "add" and max(netlist.bits_x, netlist.bits_w) <= MAX_BITS
    lut = netlist.lut if small else None
    cache.store(key, netlist, lut)
    return netlist, lut, content


def parse(path, content, given):
    """The netlist that the bytes of a source spell."""
    if path.suffix == ".v":
        try:
            netlist = verilog.read(content, signed=given.signed if isinstance(given, Shape) else given[0], fold=True)
        except ValueError as error:
            raise SourceError(f"{path}: {error}") from None
        if len(netlist.operands) != 2:
            raise SourceError(f"{path} must have two operands, got {len(netlist.operands)}.")
        return netlist
    source = Source.from_bytes(content, path)
    program = read_program(source)
    shape = given if isinstance(given, Shape) else shape_of_types(program, source, *given)
    return synthesize(program, source, bits_x=shape.bits_x, bits_w=shape.bits_w,
                      output_bits=shape.output_bits, signed=shape.signed)


def shape_of_types(program, source, signed, bits, operation):
    """The `Shape` of a function whose name does not tell, from its types where nothing is given."""
    types = [ctype for _, ctype in program.parameters]
    if signed is None:
        if types[0].signed != types[1].signed:
            raise source.error(program.position, f"one parameter of {program.name} is signed and one is not: pass "
                                                 f"signed=.")
        signed = types[0].signed
    if bits is None and max(ctype.width for ctype in types) > 32:
        raise source.error(program.position, f"the parameters of {program.name} do not tell the widths of the "
                                             f"operands: pass bits=.")
    bits_x, bits_w = (ctype.width for ctype in types) if bits is None else pair(bits)
    for width in (bits_x, bits_w):
        check_integer(f"bits of {source.name}", width, minimum=1, maximum=MAX_OPERAND_BITS)
    operation = check_choice(f"operation of {source.name}", operation or "mul", ("mul", "add"))
    output_bits = bits_x + bits_w if operation == "mul" else max(bits_x, bits_w) + 1
    return Shape(operation, bits_x, bits_w, min(output_bits, program.result_type.width), signed)


def as_circuit(netlist, lut, path, figures, given, release):
    """The netlist, with what its file says of it, as a `Multiplier` or a `Circuit`."""
    name = path.stem
    operation = (given.operation if isinstance(given, Shape) else given[2]) or "mul"
    power = float(figures.get(header.POWER, "nan"))
    info = {"published": figures, "file": str(path), "first_operand": netlist.operands[0][0]}
    if lut is not None:
        return Multiplier(name, lut, netlist.signed, power, release, info)
    return Circuit(name, lambda x, w: netlist.words([x, w]), netlist.bits_x, netlist.bits_w, netlist.signed, power,
                   release, info, operation, netlist.output_bits)


def verify(circuit, max_pairs=VERIFIED_PAIRS):
    """Compare the published figures with the circuit over all its operand pairs; None where those are more.

    Returns
    -------
    list of header.Mismatch or None
    """
    published = circuit.info.get("published", {})
    if 2 ** (circuit.bits_x + circuit.bits_w) > max_pairs:
        return None
    if not any(key in published for key in header.ERROR_FIGURES):
        return []
    mismatches = header.compare(published, circuit.metrics(num_samples=max_pairs))
    header.warn_of(circuit.name, mismatches)
    return mismatches
