"""The parsers of the command line, as they really are: for the test of every --help, and for the reference in docs/."""
import argparse
from unittest import mock

from refapprox.cli import COMMANDS, main


class Caught(Exception):
    """Carries the parser out of the program instead of its result."""


def command_parser(name):
    """The parser that `refapprox name` uses, with all its actions."""
    def catch(self, *args, **kwargs):
        raise Caught(self)

    with mock.patch.object(argparse.ArgumentParser, "parse_args", catch):
        try:
            main([name])
        except Caught as caught:
            return subparsers(caught.args[0])[name]
    raise AssertionError("the program did not parse its arguments")


def subparsers(parser):
    """name -> parser of the commands directly below `parser`."""
    return next((action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)), {})


def all_parsers(*names):
    """prog ("refapprox multipliers show") -> parser, of the commands named and their actions; of all by default."""
    found = {}

    def add(parser):
        found[parser.prog] = parser
        for below in subparsers(parser).values():
            add(below)

    for name in names or COMMANDS:
        add(command_parser(name))
    return found
