"""What a text of Verilog consists of: modules and the items in them. Expressions are those of `ExpressionParser`."""
from typing import NamedTuple

from refapprox.multipliers.languages.verilog.tokens import VerilogError


class Declaration(NamedTuple):
    """A port or net: `packed` and `unpacked` are lists of (left, right) expressions."""

    direction: str     # input, output, or the type of a net
    name: str
    packed: tuple
    unpacked: tuple
    signed: bool
    line: int


class Parameter(NamedTuple):
    name: str
    value: tuple
    local: bool
    packed: tuple
    signed: bool
    line: int


class Assign(NamedTuple):
    target: tuple      # expressions
    value: tuple
    line: int


class Instance(NamedTuple):
    module: str
    name: str
    array: tuple       # () or (left, right) of an array of instances
    parameters: dict   # name or position -> expression
    connections: dict  # port name or position -> expression, None where left open
    line: int


class Loop(NamedTuple):
    variable: str
    start: tuple
    condition: tuple
    step: tuple
    name: str
    body: tuple
    line: int


class Branch(NamedTuple):
    condition: tuple
    name: str
    yes: tuple
    no: tuple
    line: int


class Module(NamedTuple):
    name: str
    ports: tuple       # names in header order
    items: tuple       # all of the above, in text order
    where: str         # begins a message on this module: its file
    line: int
    text: str          # its tokens, so that a second definition can be told from a copy


class Unread(NamedTuple):
    """A module outside of the subset: refused only where it is needed.

    `ports` says whether it has any: a testbench has none, and no module of the circuit depends on it. `names` are all
    names in it, the modules that it instantiates among them.
    """

    name: str
    ports: bool
    names: frozenset
    span: tuple        # where it begins and ends in the text
    error: VerilogError
