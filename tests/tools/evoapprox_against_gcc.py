"""Every circuit of a checkout of EvoApproxLib against its own C source, compiled with gcc.

    python tests/tools/evoapprox_against_gcc.py CHECKOUT [--pairs N] [--limit N]

Three independent ways to one number: the gates that refapprox synthesizes, its plain interpretation of the same
source, and what gcc makes of it. Tables of at most 8x8 bits are compared in full, everything else on N random operand
pairs (default 3000) and all pairs of extreme operands. Operands are handed to C both sign-extended and by their own
bits alone. Exit code 1 if a single bit differs or a source is refused.
"""
import argparse
import collections
import ctypes
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from c_interpretation import evaluate

from refapprox.multipliers.codes import all_pairs
from refapprox.multipliers.languages.c.source import read_program
from refapprox.multipliers.languages.c.tokens import Source
from refapprox.multipliers.languages.evoapprox.checkout import source_files
from refapprox.multipliers.languages.reader import read_circuit
from refapprox.multipliers.names import shape_of

DRIVER = """#include "{source}"
void run(const int64_t *x, const int64_t *w, int64_t *result, int64_t count)
{{
    for (int64_t i = 0; i < count; i++) result[i] = (int64_t) {name}(x[i], w[i]);
}}
"""
INT64_ARRAY = np.ctypeslib.ndpointer(dtype=np.int64, ndim=1, flags="C_CONTIGUOUS")


def compiled(path, folder):
    """The function of a source as a Python function of two int64 arrays, built by gcc in `folder`."""
    driver, library = folder / f"{path.stem}.c", folder / f"{path.stem}.so"
    driver.write_text(DRIVER.format(source=path.resolve(), name=path.stem))
    subprocess.run(["gcc", "-O1", "-w", "-shared", "-fPIC", "-o", library, driver], check=True)
    run = ctypes.CDLL(str(library)).run
    run.argtypes, run.restype = [INT64_ARRAY, INT64_ARRAY, INT64_ARRAY, ctypes.c_int64], None

    def call(x, w):
        result = np.empty(x.size, dtype=np.int64)
        run(x, w, result, x.size)
        return result

    return call


def operand_pairs(circuit, count, rng):
    """All pairs of a small circuit; random ones and those of extreme operands of a wide one."""
    if circuit.bits_x + circuit.bits_w <= 16:
        return all_pairs(circuit)
    random = circuit.sample_operands(count, rng=rng)
    extremes = [sorted({low, -1, 0, 1, high} & set(range(low, high + 1)))
                for low, high in (circuit.range_x, circuit.range_w)]
    corners = np.meshgrid(*extremes, indexing="ij")
    return tuple(np.concatenate([r, c.ravel()]) for r, c in zip(random, corners, strict=True))


def value_of(pattern, shape):
    """What the low output bits of a returned pattern mean."""
    low = pattern & (2 ** shape.output_bits - 1)
    return low - (low >> (shape.output_bits - 1) << shape.output_bits) if shape.signed else pattern


def own_bits(values, bits):
    return values & (2 ** bits - 1)


def differences(path, folder, count, rng):
    """(pairs compared, pairs in which one of the ways differs)."""
    shape = shape_of(path.stem)
    circuit = read_circuit(path)
    x, w = operand_pairs(circuit, count, rng)
    ours = circuit(x, w).astype(np.int64)
    c_function = compiled(path, folder)
    program = read_program(Source.from_bytes(path.read_bytes(), path))
    raw = own_bits(x, shape.bits_x), own_bits(w, shape.bits_w)
    others = [c_function(x, w), c_function(*raw), evaluate(program, x, w), evaluate(program, *raw)]
    wrong = np.zeros(x.shape, dtype=bool)
    for pattern in others:
        wrong |= value_of(pattern, shape) != ours
    return x.size, int(wrong.sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--pairs", type=int, default=3000, help="random operand pairs of a wide circuit")
    parser.add_argument("--limit", type=int, help="only the first so many circuits")
    args = parser.parse_args()
    if shutil.which("gcc") is None:
        parser.error("gcc is needed and was not found.")
    rng = np.random.default_rng(0)
    table, failed = collections.defaultdict(collections.Counter), 0
    with tempfile.TemporaryDirectory() as folder:
        for name, path in list(source_files(args.checkout).items())[:args.limit]:
            kind = name.split("_")[0]
            try:
                pairs, wrong = differences(path, Path(folder), args.pairs, rng)
            except ValueError as error:
                print(f"refused: {error}")
                pairs, wrong = 0, 1
            table[kind].update(circuits=1, pairs=pairs, identical=int(wrong == 0))
            if wrong:
                failed += 1
                print(f"{name}: {wrong} of {pairs} operand pairs differ")
    print(f"{'kind':<10}{'circuits':>10}{'identical':>11}{'operand pairs':>15}")
    for kind, counts in sorted(table.items()):
        print(f"{kind:<10}{counts['circuits']:>10}{counts['identical']:>11}{counts['pairs']:>15}")
    total = sum(table.values(), collections.Counter())
    print(f"{'all':<10}{total['circuits']:>10}{total['identical']:>11}{total['pairs']:>15}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
