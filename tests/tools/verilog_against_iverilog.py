"""Hand-written multipliers of other repositories, read here and simulated by iverilog, on all operand pairs.

    python tests/tools/verilog_against_iverilog.py CHECKOUT... [--bits 8] [--verbose]

A candidate is a module with two inputs of 2 or more bits and one output that is as wide as both together, or one bit
wider; the files that define what it instantiates are looked for in its own folder first. Candidates that iverilog
cannot simulate, or whose result holds x or z, are counted apart. Operands of more than --bits bits are left out.
Prints for each checkout how many are read rightly, wrongly, and refused with which message.
"""
import argparse
import collections
import functools
import sys
import tempfile
from pathlib import Path

import iverilog

from refapprox.multipliers.languages.ports import fault_of
from refapprox.multipliers.languages.reader import read_netlist
from refapprox.multipliers.languages.verilog.flatten import words_of_module
from refapprox.multipliers.languages.verilog.parser import Parser
from refapprox.multipliers.languages.verilog.source import VerilogError
from refapprox.multipliers.languages.verilog.syntax import Module
from refapprox.multipliers.languages.verilog.tokens import tokenize


def text_of(path):
    return path.read_bytes().decode("utf-8", errors="replace").removeprefix("\ufeff")


def defined_in(folder):
    """name -> list of (file, names in the module) of every module below a folder."""
    found = collections.defaultdict(list)
    for path in sorted([*folder.rglob("*.v"), *folder.rglob("*.sv")]):
        if not path.is_file() or path.stat().st_size > 4_000_000:
            continue
        try:
            tokens = tokenize(text_of(path))
        except VerilogError:
            continue
        name, inside = None, set()
        for before, token in zip([None, *tokens], tokens, strict=False):
            if before is not None and before.text == "module":
                name, inside = token.text, set()
            elif token.text == "endmodule" and name:
                found[name].append((path, inside))
                name = None
            elif token.kind == "name":
                inside.add(token.text)
    return found


def closure(name, path, modules):
    """The files that define a module and all that it instantiates, nearest first."""
    files, pending, known = [path], [(name, path)], {name}
    while pending:
        name, origin = pending.pop()
        choices = modules[name]
        found = min(choices, key=lambda choice: (choice[0] not in files, choice[0] != origin,
                                                 choice[0].parent != origin.parent, str(choice[0])))
        if found[0] not in files:
            files.append(found[0])
        for inner in sorted(found[1] & set(modules) - known):
            known.add(inner)
            pending.append((inner, found[0]))
    return files


def candidates(modules, bits):
    """(name, file, Words) of every module with the ports of a multiplier, told natively or by its declarations."""
    for name, places in sorted(modules.items()):
        for path, _ in places[:1]:
            module = parsed(path).get(name)
            try:
                words = words_of_module(module) if isinstance(module, Module) else declared_words(path, name)
            except ValueError:
                continue
            if words is None or fault_of(words):
                continue
            (_, x), (_, w), (_, p) = *words.operands, words.results[0]
            if min(len(x), len(w)) >= 2 and max(len(x), len(w)) <= bits and 0 <= len(p) - len(x) - len(w) <= 1:
                yield name, path, words


@functools.cache
def parsed(path):
    """name -> module of a file, as far as it is read natively."""
    try:
        return {module.name: module for module in Parser(text_of(path)).file()}
    except VerilogError:
        return {}


def declared_words(path, name):
    """The `Words` of a module that is not read natively, of its header alone."""
    tokens = [token.text for token in tokenize(text_of(path))]
    start = next(i for i in range(len(tokens)) if tokens[i:i + 2] == ["module", name])
    body = tokens[start:start + tokens[start:].index("endmodule") + 1]
    kept, keep = [], True
    for text in body:                                  # header and port declarations only, "reg" left out
        if text == ";":
            keep = False
            kept.append(";") if kept[-1:] != [";"] else None
        elif not keep and text in ("input", "output", "parameter", "localparam"):
            keep = True
        if keep and text not in ("reg", ";"):
            kept.append(text)
    try:
        (module,) = Parser(" ".join([*kept, "endmodule"])).file()
    except ValueError:
        return None
    return words_of_module(module) if isinstance(module, Module) else None


def check(name, files, words, folder):
    """("right" | "wrong" | "refused" | "no reference", message)."""
    ports = [(port, len(bits)) for port, bits in (*words.operands, words.results[0])]
    pairs = iverilog.all_pairs(ports[0][1], ports[1][1])
    expected = iverilog.simulate(name, files, ports, pairs, folder)
    try:
        netlist = read_netlist(files, top=name, signed=False)
    except ValueError as error:
        return ("no reference" if isinstance(expected, str) else "refused"), str(error)
    if isinstance(expected, str):
        return "no reference", expected
    return ("right" if iverilog.agrees(netlist, pairs, expected) else "wrong"), ""


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkouts", nargs="+", type=Path)
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args(argv)
    totals = collections.Counter()
    for checkout in args.checkouts:
        counts, messages = collections.Counter(), collections.Counter()
        modules = defined_in(checkout)
        for name, path, words in candidates(modules, args.bits):
            with tempfile.TemporaryDirectory() as folder:
                verdict, message = check(name, closure(name, path, modules), words, folder)
            counts[verdict] += 1
            messages[verdict, message] += 1
            if args.verbose:
                print(f"  {name}: {verdict} {message}", flush=True)
        totals.update(counts)
        print(f"{checkout.name}: {told(counts)}", flush=True)
        for (verdict, message), count in messages.most_common():
            if message and not args.verbose:
                print(f"  {count} {verdict}: {message}")
    print(f"all: {told(totals)}")
    return 1 if totals["wrong"] else 0


def told(counts):
    total = counts["right"] + counts["wrong"] + counts["refused"]
    return (f"{counts['right']} of {total} read, {counts['wrong']} wrongly, {counts['refused']} refused; "
            f"{counts['no reference']} have no reference")


if __name__ == "__main__":
    sys.exit(main())
