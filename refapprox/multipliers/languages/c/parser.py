"""Recursive-descent parser of straight-line C functions; what it returns is checked and can be evaluated as it is.

    file       := function* ;
    function   := type name '(' parameter ',' parameter ')' '{' statement* 'return' expression ';' '}'
    parameter  := ['const'] type name
    statement  := type declarator (',' declarator)* ';'
                | place ('=' | '|=') expression ';'
    declarator := name ['[' number ']'] ['=' expression]
    place      := name ['[' number ']']
    expression :  binary | ^ & (<< >>) + * from loosest to tightest, unary ~ ! (type); shifts by literals only
    primary    := place | number | '(' expression ')'

No calls, loops, branches or comparisons. Every variable is declared before it is used and assigned before it is
read; a value that is overwritten unread is refused as an assignment made twice. An expression is kept in postfix
order, a list of (operator, argument), so that evaluating it needs no recursion.
"""
from typing import NamedTuple

from refapprox.multipliers.languages.c.tokens import integer_literal, shown, tokenize
from refapprox.multipliers.languages.c.types import C_TYPES

MAX_DEPTH = 40           # nested parentheses; published sources nest 6 deep
MAX_ELEMENTS = 64        # of an array
PRECEDENCE = {"|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "*": 6}
UNARY = ("~", "!")
RESERVED = {*C_TYPES, "const", "return", "static", "if", "for", "sizeof", "malloc", "NULL"}


class Assignment(NamedTuple):
    """``name[index] = postfix`` (index None for a plain variable); "|=" is spelled out as an OR with the old value."""

    place: tuple             # (name, index or None)
    postfix: list            # of (operator, argument)
    position: int


class Function(NamedTuple):
    """A checked straight-line function of two parameters."""

    name: str
    result_type: tuple
    parameters: tuple        # of (name, CType), two
    variables: dict          # name -> CType
    assignments: list
    result: list             # postfix of the returned expression
    position: int


class Parser:
    """Reads the functions of one `Source`, one token ahead."""

    def __init__(self, source):
        self.source = source
        self.tokens = tokenize(source)
        self.advance()

    def advance(self):
        self.kind, self.text, self.position = next(self.tokens)

    def error(self, reason, position=None):
        return self.source.error(self.position if position is None else position, reason)

    def expect(self, text):
        if self.text != text or self.kind == "end":
            raise self.error(f"expected {text!r}, got {shown(self.text)}.")
        self.advance()

    def accept(self, text):
        found = self.text == text
        if found:
            self.advance()
        return found

    def take(self, kind, what):
        if self.kind != kind or self.text in RESERVED:
            raise self.error(f"expected {what}, got {shown(self.text)}.")
        text = self.text
        self.advance()
        return text

    def take_type(self):
        if self.text not in C_TYPES:
            raise self.error(f"expected a type ({', '.join(C_TYPES)}), got {shown(self.text)}.")
        ctype = C_TYPES[self.text]
        self.advance()
        return ctype

    def signature(self):
        """``type name(parameter, parameter) {`` as (name, result type, parameters, position)."""
        position = self.position
        result_type = self.take_type()
        name = self.take("name", "the name of a function")
        self.expect("(")
        parameters = [self.parameter()]
        self.expect(",")
        parameters.append(self.parameter())
        self.expect(")")
        self.expect("{")
        if parameters[0][0] == parameters[1][0]:
            raise self.error(f"{name} has two parameters named {shown(parameters[0][0])}.", position)
        return name, result_type, tuple(parameters), position

    def parameter(self):
        self.accept("const")
        ctype = self.take_type()
        return self.take("name", "the name of a parameter"), ctype

    def body(self, name, result_type, parameters, position):
        """The statements up to the closing brace, as a `Function`."""
        self.types = dict(parameters)                # name -> CType
        self.sizes = {}                              # array -> number of elements
        self.assigned = {(parameter, None) for parameter in self.types}
        self.unread = {}                             # place -> position of an assignment that nothing read so far
        self.assignments = []
        while self.text != "return":
            if self.text in C_TYPES:
                self.declaration()
            elif self.kind == "name":
                self.assignment()
            else:
                raise self.error(f"expected a statement of {name}, got {shown(self.text)}.")
        self.advance()
        result = self.expression()
        self.expect(";")
        self.expect("}")
        return Function(name, result_type, parameters, self.types, self.assignments, result, position)

    def declaration(self):
        ctype = self.take_type()
        while True:
            position = self.position
            name = self.take("name", "the name of a variable")
            if name in self.types:
                raise self.error(f"{shown(name)} is declared twice.", position)
            if self.accept("["):
                size = self.number()
                if not 1 <= size <= MAX_ELEMENTS:
                    raise self.error(f"array {shown(name)} must have 1 to {MAX_ELEMENTS} elements, got {size}.",
                                     position)
                self.sizes[name] = size
                self.expect("]")
            elif self.accept("="):
                self.assignments.append(Assignment((name, None), self.expression(), position))
                self.assigned.add((name, None))
            self.types[name] = ctype
            if not self.accept(","):
                break
        self.expect(";")

    def assignment(self):
        position = self.position
        place = self.place()
        if self.accept("="):
            postfix = self.expression()
            if place in self.unread:
                line = self.source.line(self.unread[place])
                raise self.error(f"{spelled(place)} is assigned twice: nothing reads its value of line {line}.",
                                 position)
        elif self.accept("|="):
            postfix = [self.load(place, position), *self.expression(), ("|", None)]
        else:
            raise self.error(f"expected '=' or '|=' after {spelled(place)}, got {shown(self.text)}.")
        self.expect(";")
        self.assignments.append(Assignment(place, postfix, position))
        self.assigned.add(place)
        self.unread[place] = position

    def place(self):
        position = self.position
        name = self.take("name", "a variable")
        if self.text == "(":
            raise self.error(f"{shown(name)} is called: calls of functions are not read.", position)
        if name not in self.types:
            raise self.error(f"{shown(name)} is not declared.", position)
        if name not in self.sizes:
            return name, None
        self.expect("[")
        index = self.number()
        if index >= self.sizes[name]:
            raise self.error(f"{name}[{index}] lies outside of an array of {self.sizes[name]}.", position)
        self.expect("]")
        return name, index

    def load(self, place, position):
        if place not in self.assigned:
            raise self.error(f"{spelled(place)} is read but was never assigned.", position)
        self.unread.pop(place, None)
        return "load", place

    def number(self):
        if self.kind != "number":
            raise self.error(f"expected a number, got {shown(self.text)}.")
        value, _ = integer_literal(self.source, self)
        self.advance()
        return value

    def expression(self):
        """One expression in postfix order."""
        postfix = []
        self.binary(postfix, 1, 0)
        return postfix

    def binary(self, postfix, loosest, depth):
        self.unary(postfix, depth)
        while PRECEDENCE.get(self.text, 0) >= loosest:
            operator, position = self.text, self.position
            self.advance()
            start = len(postfix)
            self.binary(postfix, PRECEDENCE[operator] + 1, depth)
            if operator in ("<<", ">>"):
                if len(postfix) != start + 1 or postfix[-1][0] != "constant":
                    raise self.error(f"the amount of {operator} must be an integer literal.", position)
                amount, _ = postfix.pop()[1]
                if amount > 63:
                    raise self.error(f"a shift by {amount} is as wide as its operand or wider.", position)
                postfix.append((operator, amount))
            else:
                postfix.append((operator, None))

    def unary(self, postfix, depth):
        waiting = []                                 # prefix operators, applied innermost first
        while True:
            if self.text in UNARY:
                waiting.append((self.text, None))
                self.advance()
            elif self.text == "(":
                self.advance()
                if self.text not in C_TYPES:
                    self.parenthesized(postfix, depth + 1)
                    break
                waiting.append(("cast", self.take_type()))
                self.expect(")")
            else:
                self.primary(postfix)
                break
        postfix.extend(reversed(waiting))

    def parenthesized(self, postfix, depth):
        if depth > MAX_DEPTH:
            raise self.error(f"parentheses are nested more than {MAX_DEPTH} deep.")
        self.binary(postfix, 1, depth)
        self.expect(")")

    def primary(self, postfix):
        if self.kind == "number":
            postfix.append(("constant", integer_literal(self.source, self)))
            self.advance()
        elif self.kind == "name":
            position = self.position
            postfix.append(self.load(self.place(), position))
        else:
            raise self.error(f"expected a variable, a number or '(', got {shown(self.text)}.")


def spelled(place):
    name, index = place
    return shown(name if index is None else f"{name}[{index}]")
