"""Tokens of structural Verilog: numbers, names and symbols with their lines; comments are skipped."""
import re
from typing import NamedTuple

MAX_CHARACTERS = 1_000_000     # the largest of EvoApproxLib has 62,456
DIRECTIVES = ("timescale", "default_nettype", "celldefine", "endcelldefine", "resetall")

TOKEN = re.compile(r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/|\(\*.*?\*\))
                     |(?P<open>/\*|\(\*)
                     |(?P<directive>`[A-Za-z_]\w*[^\n]*)
                     |(?P<number>\d+\s*'\s*[sS]?[bBdDhHoO]\s*[0-9a-fA-F_]+|\d[\d_]*)
                     |(?P<name>\\\S+|\$?[A-Za-z_][\w$]*)
                     |(?P<symbol>~\^|\^~|[()\[\]{},;:.=~!&|^+*-])""", re.VERBOSE | re.DOTALL)
RADIX = {"b": 2, "d": 10, "h": 16, "o": 8}


class VerilogError(ValueError):
    """Text that is not a structural netlist; the message names line and token."""


class Token(NamedTuple):
    kind: str          # number, name, symbol, end
    text: str
    line: int


def tokenize(text):
    """Tokens of `text`, comments and harmless directives left out, closed by an end token."""
    if len(text) > MAX_CHARACTERS:
        raise VerilogError(f"Verilog text must have at most {MAX_CHARACTERS} characters, got {len(text)}.")
    tokens, position, line = [], 0, 1
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise VerilogError(f"line {line}: unexpected {text[position:position + 10]!r}.")
        found, kind = match.group(), match.lastgroup
        if kind == "open":
            raise VerilogError(f"line {line}: {found} is never closed.")
        if kind == "directive" and found[1:].split()[0] not in DIRECTIVES:
            raise VerilogError(f"line {line}: directive {found.split()[0]} is not supported in a netlist.")
        if kind not in ("skip", "directive"):
            tokens.append(Token(kind, found, line))
        line += found.count("\n")
        position = match.end()
    tokens.append(Token("end", "end of text", line))
    return tokens


def parse_number(text, line):
    """(value, width, signed) of a literal; unsized ones are 32 bits wide and signed."""
    if "'" not in text:
        digits = text.replace("_", "")
        if len(digits) > 20:
            raise VerilogError(f"line {line}: number {text[:20]}... is too long.")
        return int(digits), 32, True
    size, literal = (part.strip() for part in text.split("'"))
    signed = literal[0] in "sS"
    literal = literal[1:] if signed else literal
    if len(size) > 4 or not 1 <= int(size) <= 1024 or len(literal) > 1100:
        raise VerilogError(f"line {line}: literal {text[:30]} must be 1 to 1024 bits wide.")
    try:
        value = int(literal[1:].strip().replace("_", ""), RADIX[literal[0].lower()])
    except ValueError:
        raise VerilogError(f"line {line}: literal {text[:30]} has a digit outside its base.") from None
    return value % 2 ** int(size), int(size), signed
