"""Tables as text: C arrays (AdaPT, TransAxx), matrices (ApproxFlow, ApproxTorch), triples (AppMult-Aware)."""
import re

import numpy as np

NUMBER = re.compile(r"[-+]?[0-9]{1,12}(?:\.0*)?|[-+]?[0-9](?:\.[0-9]{1,20})?[eE][-+]?[0-9]{1,2}")
ARRAY = re.compile(r"\blut\s*\[\s*([0-9]{1,6})\s*\]\s*\[\s*([0-9]{1,6})\s*\]\s*=\s*\{")
TRIPLES = "LUT for approximate multiplier:"
SIDE = 256


def numbers(text, name, first_line=1):
    """The integers of a text, separated by blanks or commas, int64; the first word that is none is named."""
    words = text.replace(",", " ").split()
    if not all(map(NUMBER.fullmatch, words)):
        word = next(word for word in words if not NUMBER.fullmatch(word))
        line = first_line + text[:text.index(word)].count("\n")
        raise ValueError(f"{name}, line {line}: expected an integer, got {word[:40]!r}.")
    values = np.array(words, dtype=np.float64)       # exact below 2**53; whole numbers may be spelled as floats
    if values.size and (np.abs(values).max() > 2 ** 40 or (values != np.rint(values)).any()):
        word = words[int(np.argmax((np.abs(values) > 2 ** 40) | (values != np.rint(values))))]
        raise ValueError(f"{name}: expected integers of a product table, got {word[:40]!r}.")
    return values.astype(np.int64)


def read_array(text, name):
    """The table of ``... lut[rows][columns] = {{v, v, ...}, ...};`` as it stands."""
    match = ARRAY.search(text)
    if not match:
        raise ValueError(f"{name} must define an array lut[256][256], got none.")
    rows, columns = int(match[1]), int(match[2])
    first_line = 1 + text[:match.end()].count("\n")
    end = text.find(";", match.end())
    if end < 0:
        raise ValueError(f"{name}, line {first_line}: the array lut is not closed by ';': the file is cut off.")
    body = re.sub(r"[{}]", " ", text[match.end():end])
    return shaped(numbers(body, name, first_line), (rows, columns), name)


def shaped(values, shape, name):
    if values.size != shape[0] * shape[1]:
        raise ValueError(f"{name} must hold {shape[0]} x {shape[1]} = {shape[0] * shape[1]} entries, "
                         f"got {values.size}.")
    return values.reshape(shape)


def read_matrix(text, name):
    """A table of 256 x 256 numbers however the lines are broken, or of other sizes with one row per line."""
    values = numbers(text, name)
    if values.size == SIDE ** 2:
        return values.reshape(SIDE, SIDE)
    rows = [line for line in text.splitlines() if line.strip()]
    return shaped(values, (len(rows), max(len(rows[0].replace(",", " ").split()), 1) if rows else 1), name)


def read_triples(text, name):
    """The table of lines ``a b product``, in any order, every pair once."""
    head, found, body = text.partition(TRIPLES)
    if not found:
        head, body = "", text
    values = numbers(body, name, 1 + head.count("\n"))
    if values.size % 3:
        raise ValueError(f"{name} must hold lines of three numbers, a b product, got {values.size} numbers.")
    a, b, product = values.reshape(-1, 3).T
    if values.size == 0 or a.min() < 0 or b.min() < 0 or max(a.max(), b.max()) >= SIDE:
        raise ValueError(f"{name} must hold operands from 0 to {SIDE - 1}.")
    table = np.zeros((int(a.max()) + 1, int(b.max()) + 1), dtype=np.int64)
    seen = np.zeros(table.shape, dtype=np.int64)
    np.add.at(seen, (a, b), 1)
    if (seen != 1).any():
        where = tuple(int(i) for i in np.argwhere(seen != 1)[0])
        raise ValueError(f"{name} must hold every operand pair once, got {where} {seen[where]} times.")
    table[a, b] = product
    return table


def array_text(declaration, table):
    """A C array with one row per line in braces."""
    rows = ",\n".join("{" + ", ".join(map(str, row)) + "}" for row in table.tolist())
    return f"{declaration} = {{{rows}}};\n"


def write_adapt(table):
    return "#include <stdint.h>\n\n" + array_text(f"const int16_t lut [{SIDE}][{SIDE}]", table)


def write_transaxx(table):
    return ("#ifndef LUT_H\n#define LUT_H\n\n" + array_text(f"const __device__ short lut[{SIDE}][{SIDE}]", table)
            + "\n#endif\n")


def write_matrix(table):
    return "".join(" ".join(map(str, row)) + "\n" for row in table.tolist())


def write_triples(table):
    rows = "".join(f"{a} {b} {product}\n" for a, row in enumerate(table.tolist()) for b, product in enumerate(row))
    return f"{TRIPLES}\n{rows}"
