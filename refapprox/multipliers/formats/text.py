"""Tables as text: C arrays, matrices, lines ``a b product``, memory files; read by one set of rules.

Numbers may be separated by blanks, tabs, commas, semicolons or bars. Lines that begin with a word are headings: those
before the first number are skipped, one after the table ends it (gradients follow there in AppMult's files). Comments
begin with # or //. A matrix may carry its operands as first row and first column.
"""
import re
from typing import NamedTuple

import numpy as np

NUMBER = re.compile(r"[-+]?[0-9]{1,12}(?:\.0*)?|[-+]?[0-9](?:\.[0-9]{1,20})?[eE][-+]?[0-9]{1,2}")
C_NUMBER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]{1,10}|[0-9]{1,12})[uUlL]{0,3}|" + NUMBER.pattern)
SEPARATORS = re.compile(r"[\s,;|]+")
ARRAY = re.compile(r"\b\w+\s*(?:\[\s*([0-9]{1,6})\s*\])?\s*\[\s*([0-9]{1,6})\s*\]\s*=\s*\{")
APPMULT = "LUT for approximate multiplier:"
COMMENT = re.compile(r"#.*|//.*")
BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
HEX_WORD = re.compile(r"[0-9a-fA-F_]{1,16}")
MAX_ENTRIES = 2 ** 16


class TextTable(NamedTuple):
    """Entries as they stand, what the operands written beside them are (None where none are), and a remark."""

    entries: np.ndarray
    operands: str | None = None          # "signed" or "unsigned"
    remark: str = ""


def read_text(text, name, bits=None):
    """The table of a matrix or of lines ``a b product``."""
    header, rows, remark = first_block(text, name)
    if not rows:
        raise ValueError(f"{name} must hold numbers, got none.")
    widths = {len(words) for _, words in rows}
    labels = None if widths == {3} else column_labels(header, rows)
    if labels is not None:
        return labelled(labels, rows, name, remark)
    column = product_column(header, widths)
    if column is not None:
        values = np.array([numbers([words[0], words[1], words[column]], name, line) for line, words in rows])
        return triples(*values.T, name, remark)
    values = np.concatenate([numbers(words, name, line) for line, words in rows])
    return TextTable(shaped(values, len(rows), widths, bits, name), None, remark)


def first_block(text, name):
    """(words of the heading, [(line, words), ...] of the first block of numbers, a remark on what follows it)."""
    header, rows = [], []
    for number, line in enumerate(text.splitlines(), 1):
        words = [word.strip("\"'") for word in SEPARATORS.split(COMMENT.sub("", line)) if word.strip("\"'")]
        if not words:
            continue
        if NUMBER.fullmatch(words[0]) or re.match(r"[-+]?[0-9]", words[0]):
            rows.append((number, words))
            if len(rows) > 4 * MAX_ENTRIES:
                raise ValueError(f"{name}, line {number}: a table has at most {MAX_ENTRIES} entries, the file goes on.")
        elif rows:
            return header, rows, f"what follows from line {number} ({' '.join(words)[:60]!r}) is not read"
        else:
            header = words
    return header, rows, ""


def numbers(words, name, line, pattern=NUMBER):
    """The integers of a line, int64; the first word that is none is named."""
    values = []
    for word in words:
        if not pattern.fullmatch(word):
            raise ValueError(f"{name}, line {line}: expected an integer, got {word[:40]!r}.")
        plain = word.rstrip("uUlL") if pattern is C_NUMBER else word
        value = int(plain, 16) if "x" in plain.lower() else float(plain)       # exact below 2**53
        if value != int(value) or abs(value) > 2 ** 40:
            raise ValueError(f"{name}, line {line}: expected integers of a product table, got {word[:40]!r}.")
        values.append(int(value))
    return np.array(values, dtype=np.int64)


def is_power(number):
    return number > 1 and number & (number - 1) == 0


def column_labels(header, rows):
    """Operands above the columns of a matrix whose rows begin with theirs, as words; None where there are none."""
    lengths = [len(words) for _, words in rows]
    columns = lengths[-1] - 1
    if not is_power(columns) or len(set(lengths[1:])) > 1:
        return None
    above = [word for word in header if NUMBER.fullmatch(word)]
    if len(above) == columns and is_power(len(rows)) and lengths[0] == columns + 1:
        return above, rows
    first, rest = rows[0][1], rows[1:]
    if is_power(len(rest)) and len(first) in (columns, columns + 1):
        return first[-columns:], rest
    return None


def labelled(labels, rows, name, remark):
    """The table of a matrix with its operands beside it."""
    columns, rows = labels
    w = numbers(columns, name, rows[0][0])
    lines = [numbers(words, name, line) for line, words in rows]
    body = np.array(lines)
    x = np.repeat(body[:, 0], w.size)
    return triples(x, np.tile(w, len(rows)), body[:, 1:].ravel(), name, remark)


def product_column(header, widths):
    """Which column of ``a b ... product`` holds the product, or None where the lines are no such list."""
    if widths == {3}:
        return 2
    named = [i for i, word in enumerate(header) if word.lower().startswith(("approx", "prod")) and i > 1]
    named = [] if header and header[-1].endswith(":") else named             # a heading, not names of columns
    return named[0] if len(widths) == 1 and widths == {len(header)} and len(header) > 3 and named else None


def triples(a, b, product, name, remark=""):
    """The table of operand pairs in any order, every pair once; rows in the order of the operands."""
    ranges = [operand_range(values, side, name) for values, side in ((a, "first"), (b, "second"))]
    (low_a, high_a), (low_b, high_b) = ranges
    shape = (high_a - low_a + 1, high_b - low_b + 1)
    seen, table = np.zeros((2, *shape), dtype=np.int64)
    np.add.at(seen, (a - low_a, b - low_b), 1)
    if (seen != 1).any():
        i, j = (int(k) for k in np.argwhere(seen != 1)[0])
        raise ValueError(f"{name} must hold every operand pair once, got {(i + low_a, j + low_b)} {seen[i, j]} times.")
    table[a - low_a, b - low_b] = product
    return TextTable(table, "signed" if low_a < 0 or low_b < 0 else "unsigned", remark)


def operand_range(values, side, name):
    """(smallest, largest) of the operands of one side, which must be all codes of some width."""
    low, high = int(values.min()), int(values.max())
    count = high - low + 1
    if not is_power(count) or low not in (0, -count // 2) or count > 256:
        raise ValueError(f"{name} must hold lines of three numbers, a b product, whose operands are all codes of 1 to "
                         f"8 bits, such as 0 to 255 or -128 to 127: the {side} ones go from {low} to {high}.")
    return low, high


def shaped(values, rows, widths, bits, name):
    """Numbers as a matrix: with the widths given, one row a line, or, where lines break anywhere, square."""
    if bits is not None and values.size == 2 ** sum(bits):
        return values.reshape(2 ** bits[0], 2 ** bits[1])
    if len(widths) == 1 and rows > 1 and min(widths) > 1 and not (values.size == MAX_ENTRIES and rows != 256):
        return values.reshape(rows, *widths)
    side = round(values.size ** 0.5)
    if side * side != values.size or not is_power(side):
        raise ValueError(f"{name} must hold a table of 2**bits_x rows of 2**bits_w entries, or lines of three numbers, "
                         f"a b product: got {values.size} numbers in {rows} line(s) of {', '.join(map(str, widths))}.")
    return values.reshape(side, side)


def read_array(text, name, bits=None):
    """The table of ``... lut[rows][columns] = {{v, v, ...}, ...};``, or of one dimension, as it stands."""
    match = ARRAY.search(text)
    if not match:
        raise ValueError(f"{name} must define an array such as lut[256][256] = {{...}}, got none.")
    first_line = 1 + text[:match.end()].count("\n")
    end = text.find(";", match.end())
    if end < 0:
        raise ValueError(f"{name}, line {first_line}: the array lut is not closed by ';': the file is cut off.")
    body = BLOCK_COMMENT.sub(" ", text[match.end():end])
    values = [numbers([word for word in re.split(r"[\s,{}]+", COMMENT.sub("", line)) if word], name, number, C_NUMBER)
              for number, line in enumerate(body.splitlines(), first_line)]
    values = np.concatenate(values)
    if match[1] is None:
        return TextTable(shaped(values, 1, {values.size}, bits, name))
    shape = int(match[1]), int(match[2])
    if values.size != shape[0] * shape[1]:
        raise ValueError(f"{name} must hold {shape[0]} x {shape[1]} = {shape[0] * shape[1]} entries, "
                         f"got {values.size}.")
    return TextTable(values.reshape(shape))


def read_memory(text, name, bits=None):
    """The table of a ``$readmemh`` file: word number {a, b} is the pattern of a product."""
    content = BLOCK_COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    words, address = {}, 0
    for number, line in enumerate(content.splitlines(), 1):
        for word in COMMENT.sub("", line).split():
            if word.startswith("@") and HEX_WORD.fullmatch(word[1:]):
                address = int(word[1:].replace("_", ""), 16)
                continue
            if not HEX_WORD.fullmatch(word):
                raise ValueError(f"{name}, line {number}: expected a hexadecimal word of $readmemh, got {word[:40]!r}.")
            if address >= MAX_ENTRIES:
                raise ValueError(f"{name}, line {number}: a table has at most {MAX_ENTRIES} words, got address "
                                 f"{address:#x}.")
            words[address] = int(word.replace("_", "") or "0", 16)
            address += 1
    missing = next((i for i in range(max(words, default=0) + 1) if i not in words), None)
    if missing is not None:
        raise ValueError(f"{name} must hold a word at every address from 0 on, got none at {missing:#x}.")
    values = np.array([words[i] for i in range(len(words))], dtype=np.float64)
    if values.max() >= 2 ** 40:
        raise ValueError(f"{name} must hold products, got a word of {int(values.max()):#x}.")
    return TextTable(shaped(values.astype(np.int64), 1, {values.size}, bits, name))


def array_text(declaration, table):
    """A C array with one row a line in braces."""
    rows = ",\n".join("{" + ", ".join(map(str, row)) + "}" for row in table.tolist())
    return f"{declaration} = {{{rows}}};\n"


def write_adapt(table):
    return "#include <stdint.h>\n\n" + array_text(f"const int16_t lut [{table.shape[0]}][{table.shape[1]}]", table)


def write_transaxx(table):
    rows, columns = table.shape
    return ("#ifndef LUT_H\n#define LUT_H\n\n" + array_text(f"const __device__ short lut[{rows}][{columns}]", table)
            + "\n#endif\n")


def write_matrix(table):
    return "".join(" ".join(map(str, row)) + "\n" for row in table.tolist())


def write_triples(table):
    rows = "".join(f"{a} {b} {product}\n" for a, row in enumerate(table.tolist()) for b, product in enumerate(row))
    return f"{APPMULT}\n{rows}"


def write_memory(table):
    """Words of a ``$readmemh`` file; `table` in code order, its products as wide as both operands together."""
    bits = sum(side.bit_length() - 1 for side in table.shape)
    digits = -(-bits // 4)
    return "".join(f"{value & (1 << bits) - 1:0{digits}x}\n" for value in table.ravel().tolist())
