"""The tokens of a C source: lazily, so that a bad file is given up at its first offence."""
import re
from typing import NamedTuple

from refapprox.multipliers.languages.c.types import literal_type

MAX_SIZE = 4 * 2 ** 20           # bytes; the largest published source has 62 KB
MAX_TOKENS = 200_000             # the largest published source has 20 thousand
HEADERS = ("stdint.h", "stdlib.h", "stdio.h", "inttypes.h")     # they define nothing that the grammar could name

TOKEN = re.compile(r"""
    (?P<space>[ \t\r\n\f\v]+ | //[^\n]* | /\*.*?\*/)
  | (?P<open_comment>/\*)
  | (?P<directive>\#[^\n]*)
  | (?P<number>[0-9][0-9A-Za-z_]*)
  | (?P<name>[A-Za-z_][0-9A-Za-z_]*)
  | (?P<operator><<|>>|\|=|\|\||\+=|\+\+|==|[-(){}\[\];,=|^&~!+*<>/%?:.])
""", re.VERBOSE | re.DOTALL)
NUMBER = re.compile(r"(0[xX][0-9A-Fa-f]+|0|[1-9][0-9]*)([uU]?[lL]{0,2}|[lL]{1,2}[uU])")
INCLUDE = re.compile(r"#\s*include\s*<([^<>\n]+)>\s*")


class Token(NamedTuple):
    """One token: its kind (name, number, operator, end), its text, and where it begins."""

    kind: str
    text: str
    position: int


class SourceError(ValueError):
    """A source that cannot be read; the message names file, line and reason."""


class Source:
    """A source text with its name, which knows the line of every position."""

    def __init__(self, text, name="<text>"):
        self.name = str(name)
        if len(text) > MAX_SIZE:
            raise SourceError(f"{self.name} must have at most {MAX_SIZE} characters, got {len(text)}.")
        self.text = text

    @classmethod
    def from_bytes(cls, content, name):
        """The text of UTF-8 `content`; another encoding is named with the line of its first wrong byte."""
        if len(content) > MAX_SIZE:
            raise SourceError(f"{name} must have at most {MAX_SIZE} bytes, got {len(content)}.")
        try:
            return cls(content.decode("utf-8"), name)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise SourceError(f"{name}, line {line}: must be UTF-8 text, got byte "
                              f"0x{content[error.start]:02x}.") from None

    def line(self, position):
        return self.text.count("\n", 0, position) + 1

    def error(self, position, reason):
        """A `SourceError` that names file and line."""
        return SourceError(f"{self.name}, line {self.line(position)}: {reason}")


def shown(text):
    """A token as it appears in a message: quoted, and cut where it is long."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def tokenize(source):
    """The tokens of `source` in turn, the last one of kind "end"; comments and known includes are left out."""
    text, position, count = source.text, 0, 0
    for match in TOKEN.finditer(text):
        if match.start() != position:
            break
        position = match.end()
        kind = match.lastgroup
        if kind == "space":
            continue
        if kind == "directive":
            check_directive(source, match)
            continue
        if kind == "open_comment":
            raise source.error(match.start(), "a comment is opened and never closed.")
        count += 1
        if count > MAX_TOKENS:
            raise source.error(match.start(), f"more than {MAX_TOKENS} tokens.")
        yield Token(kind, match[0], match.start())
    if position != len(text):
        raise source.error(position, f"unknown token {shown(text[position])}.")
    yield Token("end", "end of file", position)


def check_directive(source, match):
    include = INCLUDE.fullmatch(match[0])
    if not include or include[1].strip() not in HEADERS:
        raise source.error(match.start(), f"{shown(match[0].strip())} is not read: of the preprocessor, only "
                                          f"#include of {', '.join(HEADERS)} may appear.")


def integer_literal(source, token):
    """(value, C type) of a number token."""
    match = NUMBER.fullmatch(token.text)
    if not match or len(token.text) > 30:
        raise source.error(token.position, f"{shown(token.text)} is no integer literal (decimal or hexadecimal).")
    hexadecimal = match[1][:2].lower() == "0x"
    value = int(match[1], 16 if hexadecimal else 10)
    ctype = literal_type(value, hexadecimal, match[2])
    if ctype is None:
        raise source.error(token.position, f"{shown(token.text)} does not fit 64 bits.")
    return value, ctype
