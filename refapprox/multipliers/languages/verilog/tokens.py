"""Tokens of Verilog: numbers, names and symbols with their lines; comments and attributes are skipped."""
import re
from typing import NamedTuple

MAX_CHARACTERS = 4_000_000     # the largest of EvoApproxLib has 62,456, of ArithsGen 1.6 million

# `define and `undef may stand where they like: what uses a macro is not read, see the kind "macro"
TOKEN = re.compile(r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/|\(\*(?!\s*\)).*?\*\)
                              |`(?:timescale|default_nettype|celldefine|endcelldefine|resetall)\b[^\n]*
                              |`(?:define|undef)\b(?:\\\r?\n|[^\n])*)
                     |(?P<open>/\*|\(\*(?!\s*\)))
                     |(?P<macro>`[A-Za-z_]\w*)
                     |(?P<number>\d[\d_]*\s*'\s*[sS]?[bBdDhHoO]\s*[0-9a-fA-F_xXzZ?]+|\d[\d_]*)
                     |(?P<name>\\\S+|\$?[A-Za-z_][\w$]*)
                     |(?P<string>"(?:\\.|[^"\\\n])*")
                     |(?P<symbol>===|!==|<<<|>>>|<<|>>|<=|>=|==|!=|&&|\|\||~\^|\^~|~&|~\||\*\*|\+:|-:|\+=|\+\+|'
                                 |[()\[\]{},;:.=~!&|^+*/%<>?@\#-])""", re.VERBOSE | re.DOTALL)
RADIX = {"b": 2, "d": 10, "h": 16, "o": 8}


class VerilogError(ValueError):
    """Text that is not a netlist; the message names line and token."""


class NotStructural(VerilogError):
    """Verilog that is not read natively, and may be read by way of Yosys."""


class UndefinedModule(VerilogError):
    """An instance of a module that no text defines; `module` is its name."""

    module = ""


class Token(NamedTuple):
    kind: str          # number, name, string, symbol, macro, end
    text: str
    line: int
    start: int         # where it begins


def tokenize(text, where=""):
    """Tokens of `text`, comments, attributes and directives without effect left out, closed by an end token.

    `where` begins every message, such as "mine.v, ".
    """
    if len(text) > MAX_CHARACTERS:
        raise VerilogError(f"{where}Verilog text must have at most {MAX_CHARACTERS} characters, got {len(text)}.")
    tokens, position, line = [], 0, 1
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise VerilogError(f"{where}line {line}: unexpected {text[position:position + 10]!r}.")
        found, kind = match.group(), match.lastgroup
        if kind == "open":
            raise VerilogError(f"{where}line {line}: {found} is never closed.")
        if kind != "skip":
            tokens.append(Token(kind, found, line, position))
        line += found.count("\n")
        position = match.end()
    tokens.append(Token("end", "end of text", line, len(text)))
    return tokens


def parse_number(text, where):
    """(value, width, signed) of a literal; unsized ones are 32 bits wide and signed."""
    if "'" not in text:
        digits = text.replace("_", "")
        if len(digits) > 10 or int(digits) >= 2 ** 31:
            raise VerilogError(f"{where}number {text[:20]} does not fit 32 bits: give its width, as in 64'd5.")
        return int(digits), 32, True
    size, literal = (part.strip() for part in text.split("'"))
    size = size.replace("_", "")
    signed = literal[0] in "sS"
    literal = literal[1:] if signed else literal
    if len(size) > 4 or not 1 <= int(size) <= 1024 or len(literal) > 1100:
        raise VerilogError(f"{where}literal {text[:30]} must be 1 to 1024 bits wide.")
    digits = literal[1:].strip().replace("_", "")
    if re.search(r"[xXzZ?]", digits):
        raise NotStructural(f"{where}literal {text[:30]} holds x or z, which no circuit computes.")
    try:
        value = int(digits, RADIX[literal[0].lower()])
    except ValueError:
        raise VerilogError(f"{where}literal {text[:30]} has a digit outside its base.") from None
    return value % 2 ** int(size), int(size), signed
