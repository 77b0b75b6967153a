"""Tokens one after the other, and the expressions of C: the half of `parser.Parser` that knows no statements.

An expression is kept in postfix order, a list of (operator, argument), so that evaluating it needs no recursion.
"""
from refapprox.multipliers.languages.c.tokens import integer_literal, shown
from refapprox.multipliers.languages.c.types import C_TYPES, NAMED, QUALIFIERS, WORDS, type_of_words

MAX_DEPTH = 40           # nested parentheses, choices and calls; published sources nest 6 deep
LEVELS = (("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", "<=", ">", ">="), ("<<", ">>"), ("+", "-"),
          ("*", "/", "%"))
PRECEDENCE = {operator: level for level, operators in enumerate(LEVELS, 1) for operator in operators}
UNARY = ("~", "!", "-", "+")
CONTROL = ("if", "else", "for", "while", "do", "switch", "goto", "break", "continue", "struct", "union", "enum",
           "typedef")
RESERVED = {*C_TYPES, *QUALIFIERS, *CONTROL, "return", "sizeof", "malloc", "NULL", "void", "float", "double"}


class ExpressionParser:
    """Reads from the tokens of one `Source`, one token ahead.

    `functions` tells the `Function` of a name, or None; `types` are names of types that the file defines.
    """

    def __init__(self, source, tokens, types=None):
        self.source, self.tokens = source, tokens
        self.named = {**NAMED, **(types or {})}
        self.functions = lambda name: None
        self.index, self.depth = -1, 0
        self.advance()

    def advance(self):
        self.index += 1
        self.kind, self.text, self.position = self.tokens[min(self.index, len(self.tokens) - 1)]

    def error(self, reason, position=None):
        return self.source.error(self.position if position is None else position, reason)

    def expect(self, text):
        if self.text != text or self.kind == "end":
            raise self.error(f"expected {text!r}, got {shown(self.text)}.")
        self.advance()

    def accept(self, *texts):
        """The next token's text if it is one of `texts`, consumed; else None."""
        found = self.text
        if found not in texts or self.kind == "end":
            return None
        self.advance()
        return found

    def take(self, kind, what):
        if self.kind != kind or self.text in RESERVED:
            raise self.error(f"expected {what}, got {shown(self.text)}.")
        text = self.text
        self.advance()
        return text

    def at_type(self):
        return self.text in self.named or self.text in WORDS or self.text in QUALIFIERS

    def take_type(self):
        """The `CType` of a type, qualifiers left out; its words stay in `self.type_words`."""
        self.type_words, position = [], self.position
        while self.at_type():
            if self.text in self.named and self.type_words:
                break
            if self.text not in QUALIFIERS:
                self.type_words.append(self.text)
            self.advance()
            if self.type_words and self.type_words[0] in self.named:
                while self.accept(*QUALIFIERS):
                    pass
                return self.named[self.type_words[0]]
        ctype = type_of_words(self.type_words) if self.type_words else None
        if ctype is None:
            got = " ".join(self.type_words) or self.text
            raise self.error(f"expected a type ({', '.join(C_TYPES)}), got {shown(got)}.",
                             position if self.type_words else None)
        return ctype

    def deeper(self):
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"parentheses are nested more than {MAX_DEPTH} deep.")

    def place(self):
        position = self.position
        name = self.take("name", "a variable")
        if self.text == "(":
            raise self.error(f"{shown(name)} is called: only functions above are, for their value. Compile it: "
                             f"--compile.", position)
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
        self.choice(postfix)
        return postfix

    def choice(self, postfix):
        self.binary(postfix, 1)
        if self.accept("?"):
            self.deeper()
            self.choice(postfix)
            self.expect(":")
            self.choice(postfix)
            self.depth -= 1
            postfix.append(("?:", None))

    def binary(self, postfix, loosest):
        self.unary(postfix)
        while self.kind == "operator" and PRECEDENCE.get(self.text, 0) >= loosest:
            operator, position = self.text, self.position
            self.advance()
            self.binary(postfix, PRECEDENCE[operator] + 1)
            postfix.append((operator, position if operator in ("<<", ">>", "/", "%") else None))

    def unary(self, postfix):
        waiting = []                                 # prefix operators, applied innermost first
        while True:
            if self.text in UNARY and self.kind == "operator":
                waiting.append((f"unary {self.text}" if self.text in "-+" else self.text, None))
                self.advance()
            elif self.accept("("):
                if not self.at_type():
                    self.deeper()
                    self.choice(postfix)
                    self.depth -= 1
                    self.expect(")")
                    break
                waiting.append(("cast", self.take_type()))
                self.expect(")")
            else:
                self.primary(postfix)
                break
        postfix.extend(reversed(waiting))

    def primary(self, postfix):
        position = self.position
        if self.kind == "number":
            postfix.append(("constant", integer_literal(self.source, self)))
            self.advance()
        elif self.kind == "name" and self.text not in self.types and self.tokens[self.index + 1].text == "(":
            self.call(postfix)
        elif self.kind == "name":
            postfix.append(self.load(self.place(), position))
        else:
            raise self.error(f"expected a variable, a number or '(', got {shown(self.text)}.")

    def call(self, postfix):
        position, name = self.position, self.take("name", "the name of a function")
        function = self.functions(name)
        if function is None:
            raise self.error(f"{shown(name)} is called, and no function above has that name. A program that needs a "
                             f"library can be compiled: --compile.", position)
        self.expect("(")
        self.deeper()
        count = 0
        while not count or self.accept(","):
            self.choice(postfix)
            count += 1
        self.depth -= 1
        self.expect(")")
        if count != len(function.parameters):
            raise self.error(f"{name} takes {len(function.parameters)} arguments, got {count}.", position)
        postfix.append(("call", function))


def spelled(place):
    name, index = place
    return shown(name if index is None else f"{name}[{index}]")
