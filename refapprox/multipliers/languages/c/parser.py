"""Recursive-descent parser of straight-line C functions; what it returns is checked and can be evaluated as it is.

    function   := type name '(' parameter (',' parameter)* ')' '{' statement* 'return' expression ';' '}'
    statement  := type declarator (',' declarator)* ';' | place operator expression ';' | place ('++' | '--') ';'
                | ('++' | '--') place ';' | '{' statement* '}' | ';'
    declarator := name ['[' constant ']'] ['=' expression]
    place      := name ['[' number ']'];   operator := '=' or one of the compound ones, such as '+='
    expression := ?: || && | ^ & (== !=) (< <= > >=) (<< >>) (+ -) (* / %) from loosest to tightest,
                  unary ~ ! - + (type)
    primary    := place | number | '(' expression ')' | name '(' expression (',' expression)* ')'

No loops, branches or pointers; what is called is a function of the same kind, defined above. Both sides of ``?:``
are computed, which makes no difference without them. Every variable is declared before it is used and assigned before
it is read. An expression is kept in postfix order, a list of (operator, argument), so that evaluating it needs no
recursion.
"""
from typing import NamedTuple

from refapprox.multipliers.languages.c.expressions import CONTROL, LEVELS, ExpressionParser, spelled
from refapprox.multipliers.languages.c.tokens import shown

MAX_ELEMENTS = 64        # of an array
MAX_PARAMETERS = 64
COMPOUND = {f"{operator}=": operator for level in LEVELS[2:5] + LEVELS[7:] for operator in level}


class Assignment(NamedTuple):
    """``name[index] = postfix`` (index None for a plain variable); compound ones are spelled out."""

    place: tuple             # (name, index or None)
    postfix: list            # of (operator, argument)
    position: int


class Function(NamedTuple):
    """A checked straight-line function."""

    name: str
    result_type: tuple
    parameters: tuple        # of (name, CType)
    variables: dict          # name -> CType
    assignments: list
    result: list             # postfix of the returned expression
    position: int
    words: tuple = ()        # how the types of the parameters are spelled


class Parser(ExpressionParser):
    """Signatures and statements of one `Source`."""

    def signature(self):
        """``type name(parameters)`` as (name, result type, parameters, position, words of the parameters' types)."""
        position = self.position
        result_type = self.take_type()
        name = self.take("name", "the name of a function")
        self.expect("(")
        parameters, words = [], []
        while not parameters or self.accept(","):
            ctype = self.take_type()
            words.append(tuple(self.type_words))
            parameters.append((self.take("name", "the name of a parameter"), ctype))
            if len(parameters) > MAX_PARAMETERS:
                raise self.error(f"{name} has more than {MAX_PARAMETERS} parameters.", position)
        self.expect(")")
        names = [parameter for parameter, _ in parameters]
        for parameter in names:
            if names.count(parameter) > 1:
                raise self.error(f"{name} has two parameters named {shown(parameter)}.", position)
        return name, result_type, tuple(parameters), position, tuple(words)

    def body(self, name, result_type, parameters, position, declarations=()):
        """The statements up to the closing brace, as a `Function`; `declarations` are tokens that come before them."""
        self.types = dict(parameters)                # name -> CType
        self.sizes = {}                              # array -> number of elements
        self.assigned = {(parameter, None) for parameter in self.types}
        self.assignments = []
        if declarations:
            where, self.tokens, self.index = (self.tokens, self.index), declarations, -1
            self.advance()
            while self.kind != "end":
                self.declaration()
            self.tokens, self.index = where[0], where[1] - 1
            self.advance()
        while self.text != "return":
            self.statement(name)
        self.advance()
        result = self.expression()
        self.expect(";")
        self.expect("}")
        return Function(name, result_type, parameters, self.types, self.assignments, result, position)

    def statement(self, name):
        if self.at_type():
            self.declaration()
        elif self.kind == "name" or self.text in ("++", "--"):
            if self.text in CONTROL:
                raise self.error(f"expected a statement of {name} without branches and loops, got {self.text!r}. "
                                 f"Compile it: --compile.")
            self.assignment()
        elif self.accept("{"):
            self.deeper()
            while not self.accept("}"):
                self.statement(name)
            self.depth -= 1
        elif not self.accept(";"):
            raise self.error(f"expected a statement of {name}, got {shown(self.text)}.")

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
        before = self.accept("++", "--")
        place = self.place()
        operator = before or self.accept("=", "++", "--", *COMPOUND)
        if operator == "=":
            postfix = self.expression()
        elif operator in ("++", "--"):
            postfix = [self.load(place, position), ("constant", (1, self.named["int32_t"])), (operator[0], None)]
        elif operator:
            postfix = [self.load(place, position), *self.expression(), (COMPOUND[operator], None)]
        else:
            raise self.error(f"expected '=' or another assignment to {spelled(place)}, got {shown(self.text)}.")
        self.expect(";")
        self.assignments.append(Assignment(place, postfix, position))
        self.assigned.add(place)
