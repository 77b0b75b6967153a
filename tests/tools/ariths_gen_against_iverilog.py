"""ArithsGen's generated circuits in all their formats, read here and simulated by iverilog.

    python tests/tools/ariths_gen_against_iverilog.py CHECKOUT [--bits 4 8 12 16 24 32] [--samples 4096]

For each circuit the flat and the hierarchical Verilog are simulated on all operand pairs of at most 8x8 bits, on
random ones of wider operands; Verilog, C, BLIF (each flat and hierarchical) and the CGP chromosome must all give the
same results. Prints counts for every format: right, wrong, refused, and what differs in iverilog already.
"""
import argparse
import collections
import re
import sys
import tempfile
import time
from pathlib import Path

import iverilog
import numpy as np

from refapprox.multipliers.languages.reader import read_netlist

FORMATS = {"verilog": ".v", "c": ".c", "blif": ".blif", "cgp": ".cgp"}
ADDER = re.compile(r"[su]_(cla|rca|pg_rca|cska)\d+")


def ports_of(path):
    """(module, ports) of a flat Verilog file of ArithsGen."""
    head = re.search(r"module (\w+)\(input \[(\d+):0\] (\w+), input \[(\d+):0\] (\w+), output \[(\d+):0\] (\w+)\)",
                     path.read_text())
    name, x, x_name, w, w_name, p, p_name = head.groups()
    return name, [(x_name, int(x) + 1), (w_name, int(w) + 1), (p_name, int(p) + 1)]


def read(path, name, ports):
    """The netlist of one file; C says neither widths nor operation."""
    stated = {"signed": name.startswith("s_"), "operation": "add" if ADDER.fullmatch(name) else "mul"}
    if path.suffix == ".c":
        stated["bits"] = (ports[0][1], ports[1][1])
    return read_netlist(path, **stated)


def right(netlist, ports, pairs, expected):
    """Whether a netlist has the results of the simulator, bit for bit of the result word."""
    found = netlist.words([np.asarray(operand) for operand in pairs])
    mask = 2 ** ports[2][1] - 1
    return [int(value) & mask for value in found] == list(expected)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--bits", type=int, nargs="+", default=[4, 8, 12, 16, 24, 32])
    parser.add_argument("--samples", type=int, default=4096, help="operand pairs of circuits wider than 8x8 bits")
    parser.add_argument("--only", default="", help="circuits whose name holds this text")
    args = parser.parse_args(argv)
    root, start = args.checkout / "generated_circuits", time.time()
    counts = collections.defaultdict(collections.Counter)
    for path in sorted((root / "verilog_circuits/flat").glob("*.v")):
        name, ports = ports_of(path)
        if ports[0][1] not in args.bits or args.only not in name:
            continue
        wide = ports[0][1] + ports[1][1] > 16
        pairs = iverilog.all_pairs(ports[0][1], ports[1][1], args.samples if wide else 2 ** 16)
        expected = None
        for kind in ("flat", "hier"):
            file = root / f"verilog_circuits/{kind}/{name}.v"
            with tempfile.TemporaryDirectory() as folder:
                found = iverilog.simulate(name, [file], ports, pairs, folder)
            if isinstance(found, str) or expected is not None and list(found) != list(expected):
                print(f"{file}: {found if isinstance(found, str) else 'flat and hier differ in iverilog'}")
                counts["verilog", kind]["no reference"] += 1
            elif expected is None:
                expected = found
        if expected is None:
            continue
        for format_name, suffix in FORMATS.items():
            for kind in ("flat", "hier"):
                file = root / f"{format_name}_circuits/{kind}/{name}{suffix}"
                if not file.exists():
                    continue
                try:
                    verdict = "right" if right(read(file, name, ports), ports, pairs, expected) else "wrong"
                    message = ""
                except ValueError as error:
                    verdict, message = "refused", str(error)
                counts[format_name, kind][verdict] += 1
                if verdict != "right":
                    print(f"{file}: {verdict} {message}", flush=True)
    for (format_name, kind), found in counts.items():
        print(f"{format_name} {kind}: {found['right']} of {sum(found.values())} right, {found['wrong']} wrong, "
              f"{found['refused']} refused" + (f", {found['no reference']} without reference" if found["no reference"]
                                               else ""))
    print(f"{time.time() - start:.0f} s")
    return 1 if any(found["wrong"] for found in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
