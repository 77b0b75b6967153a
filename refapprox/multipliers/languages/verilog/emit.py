"""From bit definitions to gates: definitions in an order of evaluation, trees as gates of a builder."""
from refapprox.multipliers.circuits.builder import INVERSE, ONE, ZERO
from refapprox.multipliers.circuits.wiring import evaluation_order
from refapprox.multipliers.languages.verilog.tokens import VerilogError


def emit_all(builder, operands, definitions, name):
    """Wires of all labels, after emitting every definition in an order of evaluation."""
    wires = {"0": ZERO, "1": ONE}
    for position, labels in enumerate(operands.values()):
        wires.update(zip(labels, builder.operands[position], strict=True))
    reads = [sorted({label for tree in trees for label in labels_of(tree)}) for _, _, trees in definitions]
    try:
        order = evaluation_order([(r, d[0]) for r, d in zip(reads, definitions, strict=True)], set(wires), name)
    except ValueError as error:
        raise VerilogError(str(error)) from None
    emitter = Emitter(builder, wires)
    for index in order:
        drives, kind, trees = definitions[index]
        sources = [emitter.wire(tree) for tree in trees]
        if kind == "HA":
            sources = builder.half_adder(*sources)
        elif kind == "FA":
            sources = builder.full_adder(*sources)
        elif kind != "assign":
            sources = [builder.gate(kind, *sources)]
        wires.update(zip(drives, sources, strict=True))
    return wires


def labels_of(tree):
    """Labels that a tree reads, with repetitions."""
    pending = [tree]
    while pending:
        tree = pending.pop()
        if isinstance(tree, str):
            yield tree
        elif tree[0] == "word":
            pending.extend(part for operand in tree[1].operands for part in operand)
        elif tree[0] == "NOT":
            pending.append(tree[1])
        else:
            pending.extend(tree[1])


class Emitter:
    """Turns trees into gates of a builder."""

    def __init__(self, builder, wires):
        self.builder = builder
        self.wires = wires
        self.words = {}           # arithmetic results are built once, not once a bit

    def wire(self, tree):
        if isinstance(tree, str):
            return self.wires[tree]
        kind, operand, *index = tree
        if kind == "word":
            if id(operand) not in self.words:
                self.words[id(operand)] = self.arithmetic(operand)
            return self.words[id(operand)][index[0]]
        if kind == "NOT" and isinstance(operand, tuple) and operand[0] in INVERSE and len(operand[1]) > 1:
            return self.chain(*operand, INVERSE[operand[0]])
        if kind == "NOT":
            return self.builder.gate("NOT", self.wire(operand))
        return self.chain(kind, operand, kind)

    def chain(self, kind, trees, last):
        """Two-input gates from left to right, the last one of kind `last`."""
        wire = self.wire(trees[0])
        for i, tree in enumerate(trees[1:], 2):
            wire = self.builder.gate(last if i == len(trees) else kind, wire, self.wire(tree))
        return wire

    def arithmetic(self, word):
        """Wires of a sum, product or negation modulo two to the width of its operands; constants folded."""
        operands = [[self.wire(tree) for tree in operand] for operand in word.operands]
        builder, width = self.builder, len(operands[0])
        fold, builder.fold = builder.fold, True
        if word.operator == "NEG":
            result = builder.add([builder.invert(w) for w in operands[0]], [ONE], width=width)
        else:
            result = operands[0]
            for operand in operands[1:]:
                result = (builder.add(result, operand, width=width) if word.operator == "+"
                          else shift_and_add(builder, result, operand, width))
        builder.fold = fold
        return result


def shift_and_add(builder, a, b, width):
    """Product of two words modulo 2**width: a row of AND gates and a ripple adder per bit of `b`."""
    total = [ZERO] * width
    for i, bit in enumerate(b):
        row = [ZERO] * i + [builder.gate("AND", wire, bit) for wire in a[:width - i]]
        total = builder.add(total, row, width=width)
    return total
