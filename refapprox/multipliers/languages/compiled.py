"""Whole C programs, compiled and tabulated; only where that is asked for, since it runs what the file says."""
import re
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from refapprox.multipliers.codes import MAX_BITS, code_range
from refapprox.multipliers.languages.c.tokens import SourceError
from refapprox.multipliers.languages.c.types import NAMED, QUALIFIERS, WORDS
from refapprox.validation import shown

SECONDS = 60
MEMORY = 2 ** 30
DEFINITION = re.compile(r"([A-Za-z_][\w\s]*?)\b([A-Za-z_]\w*)\s*\(([^(){};]*)\)\s*\{")
HARNESS = """#define main program_of_the_file
#include "source0.c"
#undef main
#include <stdio.h>
int main(void) {{
    FILE *table = fopen("table.bin", "wb");
    long long entry = sizeof({name}(0, 0));
    fwrite(&entry, sizeof entry, 1, table);
    for (long long x = {x_low}LL; x <= {x_high}LL; x++)
        for (long long w = {w_low}LL; w <= {w_high}LL; w++) {{
            entry = (long long) {name}(x, w);
            fwrite(&entry, sizeof entry, 1, table);
        }}
    return fclose(table);
}}
"""


class Signature(NamedTuple):
    """A function of two integers: its name, and the words of its parameters' types."""

    name: str
    words: tuple


def find_function(file, top=None):
    """The `Signature` of the function `top`, or of the only one with two integer parameters that nothing else calls."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", file.text(), flags=re.DOTALL)
    found = {}
    for result, name, parameters in DEFINITION.findall(text):
        words = tuple(tuple(word for word in part.split()[:-1] if word not in QUALIFIERS)
                      for part in parameters.split(","))
        if len(words) == 2 and all(words) and "*" not in parameters and result.split()[-1:] != ["return"] and \
                name not in ("main", "if", "for", "while", "switch"):
            found[name] = Signature(name, words)
    if top is not None:
        if top not in found:
            raise SourceError(f"{file.path}: top must be a function of two integers "
                              f"({', '.join(found) or 'there is none'}), got {shown(top)}.")
        return found[top]
    roots = [name for name in found if len(re.findall(rf"\b{name}\s*\(", text)) == 1] or list(found)
    if len(roots) != 1:
        raise SourceError(f"{file.path}: expected one function of two integers, got {', '.join(roots[:12]) or 'none'}: "
                          f"name it with top= (--top NAME).")
    return found[roots[0]]


def tabulate(files, signature, bits, signed):
    """The table of a compiled function, int64, value order, and the bits of its result type; at most 8x8 `bits`.

    The function is in the first of `files`; the others are compiled with it. A SourceError has the compiler's own line,
    or tells how the program ended.
    """
    from refapprox.multipliers.languages.process import run_limited

    path = files[0].path
    if max(bits) > MAX_BITS:
        raise SourceError(f"{path}: a compiled program is tabulated, at most {MAX_BITS}x{MAX_BITS} bits, got "
                          f"{bits[0]}x{bits[1]}.")
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise SourceError(f"{path}: --compile needs a C compiler (cc, gcc or clang) on the PATH.")
    (x_low, x_high), (w_low, w_high) = (code_range(width, signed) for width in bits)
    with tempfile.TemporaryDirectory(prefix="refapprox-compiled-") as name:
        folder = Path(name)
        for number, file in enumerate(files):
            (folder / f"source{number}.c").write_bytes(file.content)
        (folder / "harness.c").write_text(HARNESS.format(name=signature.name, x_low=x_low, x_high=x_high, w_low=w_low,
                                                         w_high=w_high))
        others = [f"source{number}.c" for number in range(1, len(files))]
        built = run_limited([compiler, "-O1", "-w", "-iquote", str(path.resolve().parent), "-o", "program", "harness.c",
                             *others, "-lm"], folder, SECONDS, 4 * MEMORY)
        if built.code != 0:
            lines = built.output.splitlines() or ["nothing"]
            lines = [line for line in lines if "error" in line] or lines
            raise SourceError(f"{path}: {Path(compiler).name} says: {lines[0].replace('source0.c', str(path))[:300]}")
        finished = run_limited([str(folder / "program")], folder, SECONDS, MEMORY)
        result = folder / "table.bin"
        wanted = 8 * (1 + 2 ** sum(bits))
        if finished.code != 0 or not result.is_file() or result.stat().st_size != wanted:
            ended = f"took more than {SECONDS} s" if finished.code is None else f"ended with exit code {finished.code}"
            raise SourceError(f"{path}: the compiled program {ended} within {MEMORY >> 20} MiB.")
        entries = np.fromfile(result, dtype="=i8")
    return entries[1:].reshape(2 ** bits[0], 2 ** bits[1]), 8 * int(entries[0])


def known_words(words):
    """Whether the words spell one of C's integer types."""
    return all(word in NAMED or word in WORDS for word in words)
