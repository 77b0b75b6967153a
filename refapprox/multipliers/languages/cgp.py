"""Chromosomes of Cartesian genetic programming, as ArithsGen writes them: one line of numbers for a whole circuit.

    {inputs, outputs, rows, columns, inputs a node, outputs a node, 0}([node]in,in,function)...(outputs)

The constants are 0 and 1, inputs count from 2 on, the least significant bit of the first operand first, and nodes
follow. Functions: 0 identity, 1 NOT, 2 AND, 3 OR, 4 XOR, 5 NAND, 6 NOR, 7 XNOR, 8 constant 1, 9 constant 0.
"""
import re

from refapprox.multipliers.circuits.builder import ONE, ZERO
from refapprox.multipliers.circuits.graph import Graph, netlist_of
from refapprox.multipliers.circuits.netlist import MAX_OPERAND_BITS, MAX_OUTPUT_BITS

MAX_CHARACTERS = 16 * 2 ** 20
FUNCTIONS = ("BUF", "NOT", "AND", "OR", "XOR", "NAND", "NOR", "XNOR", "1", "0")
HEADER = re.compile(r"\s*\{(\d+),(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)\}")
NODE = re.compile(r"\s*\(\[(\d+)\](\d+),(\d+),(\d+)\)")
OUTPUTS = re.compile(r"\s*\((\d+(?:,\d+)*)\)\s*")


def read_cgp(text, where="", *, name="chromosome", bits=None, fold=True):
    """(unsigned netlist, False) of a chromosome with operands A, B of `bits`, by default half of the inputs each.

    `where` begins every message, such as "mine.cgp, "; it goes on with the character.

    >>> read_cgp("{2,1,1,1,2,1,0}([4]2,3,2)(4)")[0](1, [0, 1]).tolist()
    [0, 1]
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"{where}a chromosome must have at most {MAX_CHARACTERS} characters, got {len(text)}.")
    header = HEADER.match(text)
    if not header:
        raise ValueError(f"{where}character 1: expected {{inputs,outputs,rows,columns,2,1,0}}, got {text[:40]!r}.")
    inputs, outputs, rows, columns, arity, node_outputs, _ = (count(number) for number in header.groups())
    bits_x, bits_w = bits or (inputs // 2, inputs - inputs // 2)
    if bits_x + bits_w != inputs or (bits is None and inputs % 2):
        raise ValueError(f"{where}{inputs} inputs are not two operands of {bits_x} and {bits_w} bits: state their "
                         f"widths (bits=(x, w), --bits XxW).")
    if not (min(bits_x, bits_w) >= 1 and max(bits_x, bits_w) <= MAX_OPERAND_BITS and 1 <= outputs <= MAX_OUTPUT_BITS):
        raise ValueError(f"{where}operands must have 1 to {MAX_OPERAND_BITS} bits and results 1 to {MAX_OUTPUT_BITS}, "
                         f"got {bits_x}, {bits_w} and {outputs}.")
    if (arity, node_outputs) != (2, 1):
        raise ValueError(f"{where}nodes must have two inputs and one output, got {arity} and {node_outputs}.")
    graph = Graph(name)
    nodes = [ZERO, ONE, *(graph.net(f"input {i}") for i in range(inputs))]
    given = nodes[2:]

    def bit(number):
        if count(number) >= len(nodes):
            raise ValueError(f"{where}character {position + 1}: node {number[:9]} is read before it is defined.")
        return nodes[count(number)]

    position = header.end()
    while (node := NODE.match(text, position)) is not None:
        number, left, right, function = node.groups()
        if count(number) != len(nodes) or count(function) >= len(FUNCTIONS):
            raise ValueError(f"{where}character {position + 1}: expected node [{len(nodes)}] with a function 0 to "
                             f"{len(FUNCTIONS) - 1}, got [{number[:9]}] with {function[:9]}. Inputs count from 2 "
                             f"on, as ArithsGen numbers them.")
        kind = FUNCTIONS[count(function)]
        sources = [] if kind in "01" else [bit(left)] if kind in ("BUF", "NOT") else [bit(left), bit(right)]
        nodes.append(int(kind) if not sources else sources[0] if kind == "BUF" else graph.gate(kind, *sources))
        position = node.end()
    end = OUTPUTS.fullmatch(text, position)
    if end is None:
        raise ValueError(f"{where}character {position + 1}: expected a node ([{len(nodes)}]in,in,function) or the "
                         f"outputs, got {text[position:position + 40]!r}.")
    results = [bit(number) for number in end[1].split(",")]
    if len(results) != outputs or len(nodes) - inputs - 2 != rows * columns:
        raise ValueError(f"{where}the header tells {outputs} outputs and {rows * columns} nodes, got {len(results)} "
                         f"and {len(nodes) - inputs - 2}.")
    operands = [("A", given[:bits_x]), ("B", given[bits_x:])]
    return netlist_of(graph, operands, results, fold=fold), False


def count(digits):
    """A number of at most nine digits; of longer ones the first nine, which are too many of anything as well."""
    return int(digits.lstrip("0")[:9] or "0")
