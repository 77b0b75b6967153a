"""Every Verilog file of a checkout of EvoApproxLib against the C model beside it, compiled with gcc, port by port.

    python tests/tools/evoapprox_verilog_against_gcc.py CHECKOUT [--pairs N]

Both describe one circuit, so each N random operand pairs (default 4096) must give the same words. Where they do not,
one of two causes is looked for:

- `!` in the C source: the negation of an integer that is all ones there, of one bit in Verilog;
- a 16x16 circuit of 8x8 parts, whose C code hands the operands to its parts in the other order: the Verilog with the
  ports A and B of its parts exchanged then agrees with the C.

Exit code 1 if a difference has neither cause.
"""
import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from evoapprox_against_gcc import compiled, own_bits, value_of

from refapprox.multipliers.languages.c.source import read_program
from refapprox.multipliers.languages.c.tokens import Source
from refapprox.multipliers.languages.evoapprox.checkout import source_files
from refapprox.multipliers.languages.verilog import source as verilog
from refapprox.multipliers.names import shape_of


def share_of_differences(text, ports, shape, operands, words):
    """Share of operand pairs for which the netlist of a Verilog text gives other words."""
    netlist = verilog.read(text, signed=shape.signed, fold=True)
    labels = {name.lower(): name for name, _ in netlist.operands}
    netlist = netlist.reordered(*[labels[port] for port in ports])
    return float(np.mean(netlist(*operands) != words))


def with_parts_exchanged(text, name):
    """The Verilog of a composite whose parts get B at their port A, and A at B."""
    top = text.index(f"module {name}")
    return text[:top] + re.sub(r"\.A\((\w+\[\w+:\w+\])\), \.B\((\w+\[\w+:\w+\])\)", r".A(\2), .B(\1)", text[top:])


def compare(c_file, folder, pairs, rng):
    """(share of differences, what explains them or None) of a C model and the Verilog beside it."""
    shape = shape_of(c_file.stem)
    text = c_file.with_suffix(".v").read_text()
    program = read_program(Source.from_bytes(c_file.read_bytes(), c_file))
    ports = [name.lower() for name, _ in program.parameters]
    widths = shape.bits_x, shape.bits_w
    low = [-(2 ** (bits - 1)) if shape.signed else 0 for bits in widths]
    operands = [start + rng.integers(2 ** bits, size=pairs) for start, bits in zip(low, widths, strict=True)]
    c_words = compiled(c_file, folder)(*[own_bits(values, bits) for values, bits in zip(operands, widths, strict=True)])
    words = value_of(c_words, shape)
    share = share_of_differences(text, ports, shape, operands, words)
    if share == 0:
        return share, None
    if "malloc" in c_file.read_text():
        exchanged = with_parts_exchanged(text, c_file.stem)
        agrees = share_of_differences(exchanged, ports, shape, operands, words) == 0
        return share, "agrees with the operands of its parts exchanged" if agrees else None
    return share, "! in C" if re.search(r"!\s*\w", c_file.read_text().split("***/")[-1]) else None


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--pairs", type=int, default=4096, help="random operand pairs of every circuit")
    args = parser.parse_args(argv)
    if shutil.which("gcc") is None:
        parser.error("gcc is needed and was not found.")
    rng, different, unexplained = np.random.default_rng(0), 0, 0
    files = [path for path in source_files(args.checkout).values() if path.with_suffix(".v").exists()]
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            share, cause = compare(path, Path(folder), args.pairs, rng)
            if share:
                different += 1
                unexplained += cause is None
                print(f"{path.stem}: {100 * share:.1f} % of {args.pairs} pairs differ; {cause or 'UNEXPLAINED'}")
    print(f"{len(files)} circuits, {different} differ, {unexplained} of them unexplained")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
