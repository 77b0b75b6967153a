"""From the text of a C source to its checked program: the last function, with the ones that it needs."""
from refapprox.multipliers.languages.c.composite import parse_composite
from refapprox.multipliers.languages.c.parser import Parser

MAX_FUNCTIONS = 16


def read_program(source):
    """The last function of a `Source`: a `Function`, or a `Composite` of functions above it.

    Raises
    ------
    SourceError
        If anything is outside of the grammar; the message names file, line and token.
    """
    parser = Parser(source)
    functions = {}
    while parser.kind != "end" or not functions:
        signature = parser.signature()
        name = signature[0]
        if name in functions:
            raise parser.error(f"function {name!r} is defined twice.", signature[-1])
        if len(functions) == MAX_FUNCTIONS:
            raise parser.error(f"more than {MAX_FUNCTIONS} functions.", signature[-1])
        if parser.text == "static":
            program = parse_composite(parser, *signature, functions)
            if parser.kind != "end":
                raise parser.error(f"expected the end of the file after {name}, got {parser.text[:40]!r}.")
            return program
        functions[name] = program = parser.body(*signature)
    return program
