"""The tokens of a C source, with constants of the preprocessor put in."""
import re
from typing import NamedTuple

from refapprox.multipliers.languages.c.types import literal_type

MAX_SIZE = 4 * 2 ** 20           # bytes; the largest published source has 62 KB
MAX_TOKENS = 1_000_000         # the largest of ArithsGen has 470 thousand
HEADERS = ("stdint.h", "stdlib.h", "stdio.h", "inttypes.h", "stdbool.h", "stddef.h", "limits.h", "assert.h",
           "string.h", "math.h")     # but for the types, they define nothing that the grammar could name

TOKEN = re.compile(r"""
    (?P<space>[ \t\r\n\f\v]+ | //[^\n]* | /\*.*?\*/)
  | (?P<open_comment>/\*)
  | (?P<directive>\#(?:\\\r?\n|[^\n])*)
  | (?P<number>[0-9][0-9A-Za-z_]*)
  | (?P<name>[A-Za-z_][0-9A-Za-z_]*)
  | (?P<operator><<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|->|[-+*/%&|^]=|[-(){}\[\];,=|^&~!+*<>/%?:.\#"'\\])
""", re.VERBOSE | re.DOTALL)
NUMBER = re.compile(r"(0[xX][0-9A-Fa-f]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)([uU]?[lL]{0,2}|[lL]{1,2}[uU])")
INCLUDE = re.compile(r"#\s*include\s*<([^<>\n]+)>\s*(?://.*|/\*.*\*/\s*)?")
DEFINE = re.compile(r"#\s*define\s+([A-Za-z_]\w*)(\(?)((?:\\\r?\n|[^\n])*)")
MAX_MACRO = 64                   # tokens of one constant of the preprocessor, constants in it put in


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
    """All tokens of `source`, the last one of kind "end"; comments and known includes are left out.

    A name that ``#define`` gives a constant becomes the tokens of that constant, at the place of the name.
    """
    tokens, macros = [], {"true": [("number", "1")], "false": [("number", "0")]}
    for kind, text, position in plain_tokens(source, source.text, 0):
        if kind == "directive":
            directive(source, text, position, macros)
            continue
        if kind == "name" and text in macros:
            tokens.extend(Token(*inner, position) for inner in macros[text])
        else:
            tokens.append(Token(kind, text, position))
        if len(tokens) > MAX_TOKENS:
            raise source.error(position, f"more than {MAX_TOKENS} tokens.")
    return [*tokens, Token("end", "end of file", len(source.text))]


def plain_tokens(source, text, offset):
    """Tokens and directives of `text`, which begins at `offset` of the source."""
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise source.error(offset + position, f"unknown token {shown(text[position])}.")
        if match.lastgroup == "open_comment":
            raise source.error(offset + position, "a comment is opened and never closed.")
        if match.lastgroup != "space":
            yield Token(match.lastgroup, match[0], offset + position)
        position = match.end()


def directive(source, text, position, macros):
    """Take a constant of ``#define`` into `macros`; refuse what is neither that nor a known include."""
    include, define = INCLUDE.fullmatch(text), DEFINE.fullmatch(text)
    if include and include[1].strip() in HEADERS or text.split()[0] == "#pragma":
        return
    if not define or define[2]:
        raise source.error(position, f"{shown(text.strip())} is not read: of the preprocessor, #include of "
                                     f"{', '.join(HEADERS)} and #define NAME CONSTANT are. Compile it: --compile.")
    body = []
    for token in plain_tokens(source, re.sub(r"\\\r?\n", " ", define[3]), position):
        body.extend(macros.get(token.text, [token[:2]]))
    if len(body) > MAX_MACRO or any(text == define[1] for _, text in body):
        raise source.error(position, f"{define[1]} must stand for at most {MAX_MACRO} tokens, and not for itself.")
    macros[define[1]] = body


def integer_literal(source, token):
    """(value, C type) of a number token."""
    match = NUMBER.fullmatch(token.text)
    if not match or len(token.text) > 80:
        raise source.error(token.position, f"{shown(token.text)} is no integer literal.")
    digits = match[1].lower()
    base = 16 if digits[:2] == "0x" else 2 if digits[:2] == "0b" else 8 if digits[0] == "0" and digits != "0" else 10
    value = int(digits[2:] if base in (2, 16) else digits, base)
    ctype = literal_type(value, base == 10, match[2])
    if ctype is None:
        raise source.error(token.position, f"{shown(token.text)} does not fit 64 bits.")
    return value, ctype
