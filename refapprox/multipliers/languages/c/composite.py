"""16x16 multipliers put together from four 8x8 ones, the only published sources with loops.

Their wrapper fills four tables on its first call and then adds four looked-up quarter products,

    a * b ~ LL(a0, b0) + (LH(a0, b1) << 8) + (HL(a1, b0) << 8) + (HH(a1, b1) << 16),    a = a0 + 256 a1.

Nothing of that is run: the wrapper is recognized token by token, and what counts is which function fills which
table, and which bytes and shift each term has.
"""
from typing import NamedTuple

from refapprox.multipliers.languages.c.parser import Function

QUARTERS = 4
TABLE_SIDE = 256


class Term(NamedTuple):
    """One quarter product: ``function(byte x_byte of a, byte w_byte of b) << shift``, stored as `stored_type`."""

    function: Function
    stored_type: tuple
    x_byte: int
    w_byte: int
    shift: int


class Composite(NamedTuple):
    """A sum of quarter products in the type `sum_type`."""

    name: str
    result_type: tuple
    parameters: tuple
    sum_type: tuple
    terms: list
    position: int
    words: tuple = ()


def parse_composite(parser, name, result_type, parameters, position, functions):
    """The wrapper whose signature was just read, up to its closing brace."""
    tables = {}                                      # table -> type of its entries
    for _ in range(QUARTERS):
        parser.expect("static")
        entry_type = parser.take_type()
        parser.expect("*")
        tables[parser.take("name", "the name of a table")] = entry_type
        tokens(parser, "= NULL ;")
    first_call(parser, tables)
    filled = {}                                      # table -> function
    for _ in range(QUARTERS):
        table = known(parser, tables, "a table")
        tokens(parser, f"[ i * {TABLE_SIDE} + j ] =")
        filled[table] = known(parser, functions, "a function defined above")
        tokens(parser, "( i , j ) ;")
    tokens(parser, "} } }")
    sum_type = parser.take_type()
    total = parser.take("name", "the name of the sum")
    tokens(parser, "= 0 ;")
    terms = []
    for _ in range(QUARTERS):
        tokens(parser, f"{total} += (")
        if parser.take_type() != sum_type:
            raise parser.error(f"the terms of {name} must be cast to the type of their sum.")
        parser.expect(")")
        table = known(parser, filled, "a table")
        parser.expect("[")
        x_byte = byte_of(parser, parameters[0][0])
        tokens(parser, f"* {TABLE_SIDE} +")
        w_byte = byte_of(parser, parameters[1][0])
        parser.expect("]")
        shift = parser.number() if parser.accept("<<") else 0
        if shift not in (0, 8, 16):
            raise parser.error(f"a quarter product is shifted by 0, 8 or 16 bits, got {shift}.")
        parser.expect(";")
        terms.append(Term(functions[filled[table]], tables[table], x_byte, w_byte, shift))
    tokens(parser, f"return {total} ; }}")
    return Composite(name, result_type, parameters, sum_type, terms, position)


def first_call(parser, tables):
    """Allocation of the tables and the head of the two loops that fill them."""
    parser.expect("int")
    flag = parser.take("name", "the name of a flag")
    parser.expect("=")
    for quarter in range(QUARTERS):
        known(parser, tables, "a table")
        tokens(parser, "== NULL" + (" ||" if quarter < QUARTERS - 1 else " ;"))
    for _ in range(QUARTERS):
        tokens(parser, "if ( !")
        table = known(parser, tables, "a table")
        tokens(parser, f") {table} = (")
        parser.take_type()
        tokens(parser, f"* ) malloc ( {TABLE_SIDE} * {TABLE_SIDE} * sizeof (")
        parser.take_type()
        tokens(parser, ") ) ;")
    tokens(parser, f"if ( {flag} ) {{")
    for index in "ij":
        tokens(parser, f"for ( int {index} = 0 ; {index} < {TABLE_SIDE} ; {index} ++ ) {{")


def tokens(parser, texts):
    """Expect these tokens, separated by blanks, one after the other."""
    for text in texts.split():
        parser.expect(text)


def known(parser, names, what):
    """The next token, which must be one of `names`."""
    if parser.text not in names:
        raise parser.error(f"expected {what} ({', '.join(names) or 'there is none'}), got {parser.text[:40]!r}.")
    name = parser.text
    parser.advance()
    return name


def byte_of(parser, parameter):
    """0 for ``(p & 0xFF)``, 1 for ``((p >> 8) & 0xFF)``."""
    parser.expect("(")
    high = parser.accept("(")
    parser.expect(parameter)
    if high:
        tokens(parser, ">> 8 )")
    tokens(parser, "& 0xFF )")
    return int(high is not None)
