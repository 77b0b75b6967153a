"""From the text of a C source to its checked program: the function that is asked for, with the ones that it calls."""
from typing import NamedTuple

from refapprox.multipliers.languages.c.composite import parse_composite
from refapprox.multipliers.languages.c.parser import Parser
from refapprox.multipliers.languages.c.tokens import Token, tokenize
from refapprox.multipliers.languages.c.types import QUALIFIERS, WORDS
from refapprox.validation import shown

MAX_FUNCTIONS = 1000
MAX_CALLS = 40           # nested one in another


class Head(NamedTuple):
    """A function that was found and not yet read: its signature, where its body begins, and the names in it."""

    signature: tuple
    start: int
    names: frozenset


class File:
    """The functions of a source, read when they are asked for."""

    def __init__(self, source):
        self.source, self.tokens = source, tokenize(source)
        self.heads, self.types, self.globals, self.made, self.open = {}, {}, [], {}, []
        parser = Parser(source, self.tokens, self.types)
        while parser.kind != "end" or not self.heads:
            self.top_level(parser)
        self.globals.append(Token("end", "end of file", len(source.text)))

    def top_level(self, parser):
        """One function, prototype, constant or name of a type."""
        if parser.accept("typedef"):
            ctype = parser.take_type()
            parser.named[parser.take("name", "the name of a type")] = ctype
            self.types = parser.named
            parser.expect(";")
            return
        start = parser.index
        if self.is_main(parser):
            parser.index = self.closing(parser, next(i for i in range(start, len(self.tokens))
                                                     if self.tokens[i].text in ("{", "end of file")))
            parser.advance()
            return
        text = [token.text for token in self.tokens[start:start + 12]]
        after = next((t for t in text if t in ("(", "=", ";", "[", ",")), "(")
        if after != "(" and ("const" in text[:text.index(after)]):
            end = next((i for i in range(start, len(self.tokens)) if self.tokens[i].text == ";"), None)
            if end is None:
                raise parser.error("expected ';'.")
            self.globals.extend(self.tokens[start:end + 1])
            parser.index = end
            parser.advance()
            return
        if after != "(" and parser.at_type():
            raise parser.error("a variable outside of functions, which may change between calls, is not read unless it "
                               "is const.")
        signature = parser.signature()
        if parser.accept(";"):                         # a prototype
            return
        name = signature[0]
        if name in self.heads:
            raise parser.error(f"function {name!r} is defined twice.", signature[3])
        if len(self.heads) >= MAX_FUNCTIONS:
            raise parser.error(f"more than {MAX_FUNCTIONS} functions.", signature[3])
        start = parser.index
        if parser.text != "{":
            parser.expect("{")
        parser.index = self.closing(parser, start)
        names = frozenset(token.text for token in self.tokens[start:parser.index] if token.kind == "name")
        self.heads[name] = Head(signature, start, names)
        parser.advance()

    def is_main(self, parser):
        texts = [token.text for token in self.tokens[parser.index:parser.index + 4]]
        words = [text for text in texts if text not in (*WORDS, *QUALIFIERS, "void")]
        return words[:2] == ["main", "("]

    def closing(self, parser, start):
        """Index of the brace that closes the one at `start`; the end of the file where there is none."""
        depth = 0
        for index in range(start, len(self.tokens)):
            text = self.tokens[index].text if self.tokens[index].kind == "operator" else ""
            depth += (text == "{") - (text == "}")
            if depth == 0 and index >= start:
                return index
        return len(self.tokens) - 1

    def function(self, name):
        """The checked function of that name, or None."""
        if name in self.made or name not in self.heads:
            return self.made.get(name)
        head = self.heads[name]
        position = head.signature[3]
        if name in self.open or len(self.open) >= MAX_CALLS:
            raise self.source.error(position, f"{name} calls itself, or calls nest more than {MAX_CALLS} deep.")
        self.open.append(name)
        parser = Parser(self.source, self.tokens, self.types)
        parser.index = head.start - 1
        parser.advance()
        parser.expect("{")
        if parser.text == "static" and self.tokens[parser.index + 2].text == "*":
            functions = {other: self.function(other) for other in head.names & set(self.heads) if other != name}
            self.made[name] = parse_composite(parser, *head.signature[:4], functions)
        else:
            parser.functions = self.function
            self.made[name] = parser.body(*head.signature[:4], declarations=self.globals if self.globals[1:] else ())
        self.open.pop()
        self.made[name] = self.made[name]._replace(words=head.signature[4])
        return self.made[name]


def read_program(source, top=None):
    """The `Function` or `Composite` called `top`; by default the only function of two parameters that no other calls.

    What it needs and is outside of the grammar is a SourceError, which names file, line and token.
    """
    file = File(source)
    called = {name for caller, head in file.heads.items() for name in head.names if name != caller}
    fitting = [name for name, head in file.heads.items() if len(head.signature[2]) == 2]
    roots = [name for name in fitting if name not in called] or fitting
    if top is not None and top not in file.heads:
        raise source.error(0, f"top must be one of {', '.join(file.heads)}, got {shown(top)}.")
    if top is None and len(roots) != 1:
        raise source.error(0, f"expected one function of two parameters that no other calls, got "
                              f"{', '.join(roots[:12]) or 'none'}: name it with top= (--top NAME).")
    head = file.heads[top or roots[0]]
    name, _, parameters, position, _ = head.signature
    if len(parameters) != 2:
        raise source.error(position, f"{name} must have two parameters, the operands, got {len(parameters)}.")
    return file.function(name)


