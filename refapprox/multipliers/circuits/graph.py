"""Bits and how each of them is made, in any order: what readers of netlists fill, and gates are made of.

A *bit* is a number: 0 and 1 are the constants, every other one a node of the graph. A net is a node that is driven,
once, by another one; gates, cells and arithmetic read bits and make new ones. Nothing is evaluated while the graph is
filled, so nets may be used before they are driven. `netlist_of` then walks the graph once, node by node, without
recursion: its time is proportional to the size of the text, however often a value is used.
"""
from refapprox.multipliers.circuits.builder import INVERSE, ONE, ZERO, Builder
from refapprox.multipliers.circuits.gates import GATES

MAX_NODES = 1_000_000
MAX_GATES = 300_000        # of the netlist that is made
SHOWN = 8                  # nets of a cycle that a message lists
CONSTANTS = ("0", "1")


class GraphError(ValueError):
    """A circuit that cannot be: an undriven net, one driven twice, a cycle, or more than the bounds allow."""


class Graph:
    """Nodes with a kind and the bits that they read; `name` is for messages.

    Kinds: "net"; "MUX"; a key of `gates.GATES` with one output, AND, OR and XOR of any number of bits; "HA", "FA" and
    ("+" | "-" | "*" | "NEG", width), which make several bits, each of them a node ("pin", i).
    """

    def __init__(self, name):
        self.name = name
        self.kinds, self.inputs = list(CONSTANTS), [(), ()]
        self.labels = {}           # net -> its name, or a sentence on why nothing drives it
        self.roots = []            # nets in the order in which they were driven
        self.conflicts = {}        # net that is driven more than once -> [(other bit, where)]
        self.place = ""            # begins a message on what is being filled in, such as "line 5: "

    def add(self, kind, inputs=()):
        """A new node."""
        if len(self.kinds) >= MAX_NODES:
            raise GraphError(f"{self.name} has more than {MAX_NODES} bits and gates.")
        self.kinds.append(kind)
        self.inputs.append(tuple(inputs))
        return len(self.kinds) - 1

    def net(self, label):
        """A bit that something else is to drive."""
        node = self.add("net")
        self.labels[node] = label
        return node

    def drive(self, net, source):
        """Connect a net to the bit that it carries; another one must turn out equal where an output needs it."""
        if net <= ONE:
            raise GraphError(f"{self.place}a constant of {self.name} is driven.")
        if self.inputs[net] and self.inputs[net] != (source,):
            self.conflicts.setdefault(net, []).append((source, self.place))
        elif not self.inputs[net]:
            self.inputs[net] = (source,)
            self.roots.append(net)

    def gate(self, kind, *bits):
        """One gate; of one bit an AND, OR or XOR is that bit."""
        if len(bits) == 1 and kind in INVERSE:
            return bits[0] if kind in ("AND", "OR", "XOR") else self.invert(bits[0])
        return self.add(kind, bits)

    def invert(self, bit):
        """NOT of a bit; of a gate, the gate with the inverted output, so that ~(a & b) is a single NAND."""
        kind = self.kinds[bit]
        return self.add(INVERSE[kind], self.inputs[bit]) if kind in INVERSE else self.add("NOT", (bit,))

    def choose(self, condition, yes, no):
        """``condition ? yes : no``."""
        return yes if yes == no else self.add("MUX", (condition, yes, no))

    def cell(self, kind, *bits):
        """All outputs of a gate of `gates.GATES`."""
        if GATES[kind].outputs == 1:
            return [self.gate(kind, *bits)]
        node = self.add(kind, bits)
        return [self.add(("pin", i), (node,)) for i in range(GATES[kind].outputs)]

    def word(self, operator, *operands):
        """Bits of a sum, difference, product or negation of equally wide words, modulo two to their width."""
        width = len(operands[0])
        node = self.add((operator, width), [bit for operand in operands for bit in operand])
        return [self.add(("pin", i), (node,)) for i in range(width)]

    less = Builder.less      # made of gates and choices, which a graph has, too

    def equal(self, left, right):
        """Whether two words of one width are equal."""
        differing = [self.gate("XOR", a, b) for a, b in zip(left, right, strict=True)]
        return self.invert(self.gate("OR", *differing))

    def shifted(self, word, amount, left, fill=ZERO):
        """A word shifted by a variable amount: one row of choices for every bit of the amount."""
        width = len(word)
        for i, bit in enumerate(amount):
            step = min(1 << min(i, 20), width)
            moved = ([fill] * step + word)[:width] if left else word[step:] + [fill] * step
            word = [self.choose(bit, yes, no) for yes, no in zip(moved, word, strict=True)]
        return word

    def truth_table(self, rows, bits):
        """OR over `rows` of the AND of `bits`, each row a text of 0, 1 and - (any); no row is the constant 0."""
        terms = []
        for row in rows:
            factors = [bit if letter == "1" else self.invert(bit)
                       for letter, bit in zip(row, bits, strict=True) if letter != "-"]
            if not factors:
                return ONE
            terms.append(self.gate("AND", *factors))
        return self.gate("OR", *terms) if terms else ZERO


def netlist_of(graph, operands, outputs, *, fold=True):
    """The `Netlist` of a filled graph.

    `operands` are (name, nets), least significant bit first; nothing else may drive these nets. With `fold` it is
    simplified as a synthesis tool would; else every gate is kept, in the order in which nets were driven. A GraphError
    if an output depends on a net that nothing drives, or on itself.
    """
    builder = Builder([(name, len(bits)) for name, bits in operands], fold, limit=MAX_GATES)
    wires = {0: ZERO, 1: ONE}
    for (_, bits), own in zip(operands, builder.operands, strict=True):
        for bit, wire in zip(bits, own, strict=True):
            if graph.inputs[bit]:
                raise GraphError(f"wire {graph.labels[bit]} of {graph.name} is an input and must not be driven.")
            wires[bit] = wire
    troubles = {}                                      # node -> why it has no value; matters only if an output needs it
    for root in graph.roots:
        settle(graph, builder, wires, troubles, root)
    for root in outputs:
        settle(graph, builder, wires, troubles, root)
        if root in troubles:
            raise GraphError(troubles[root])
    for net in graph.conflicts and needed(graph, outputs) & set(graph.conflicts):
        for source, place in graph.conflicts[net]:
            settle(graph, builder, wires, troubles, source)
            if wires.get(source) != wires[net]:
                raise GraphError(f"{place}wire {graph.labels[net]} of {graph.name} is driven more than once.")
    return builder.netlist([wires[bit] for bit in outputs], name=graph.name)


def needed(graph, outputs):
    """All nodes that the outputs depend on, as a set."""
    found, pending = set(), list(outputs)
    while pending:
        node = pending.pop()
        if node not in found:
            found.add(node)
            pending.extend(graph.inputs[node])
    return found


def settle(graph, builder, wires, troubles, root):
    """Emit what `root` needs into `wires`, or say in `troubles` why it has no value."""
    stack, open_nodes = [root], {}
    while stack:
        node = stack[-1]
        if node in wires:
            open_nodes.pop(node, None)
            stack.pop()
            continue
        if node in troubles:
            troubles.update(dict.fromkeys([root, *open_nodes], troubles[node]))
            return
        inputs = graph.inputs[node]
        missing = [bit for bit in inputs if bit not in wires]
        if not missing and (inputs or graph.kinds[node] != "net"):
            wires[node] = emitted(builder, graph.kinds[node], [wires[bit] for bit in inputs])
            continue
        trouble = next((troubles[bit] for bit in missing if bit in troubles), None)
        again = next((bit for bit in missing if bit in open_nodes), None)
        if trouble is None and not missing:
            label = graph.labels[node]
            trouble = label if label.endswith(".") else f"wire {label} of {graph.name} is read but driven by nothing."
        elif trouble is None and again is not None:
            trouble = cycle_of(graph, [*open_nodes, node], again)
        if trouble is not None:
            troubles.update(dict.fromkeys([root, node, *open_nodes], trouble))
            return
        open_nodes[node] = None
        stack.extend(reversed(missing))


def cycle_of(graph, path, start):
    """The message for a cycle: the nets from `start` to the end of the path of open nodes."""
    nets = [graph.labels[node] for node in path[path.index(start):] if graph.kinds[node] == "net"]
    nets = [*nets, nets[0]] if nets else ["?"]
    return (f"{graph.name} has a cycle: {' <- '.join(nets[:SHOWN])}{' <- ...' if len(nets) > SHOWN else ''}. "
            f"A circuit with memory is no multiplier.")


def emitted(builder, kind, wires):
    """The wire of a node, or the tuple of wires of one that makes several."""
    if kind == "net":
        return wires[0]
    if isinstance(kind, str):
        if kind in ("HA", "FA"):
            return builder.cell(kind, *wires)
        if kind == "MUX":
            return builder.choose(*wires)
        if kind not in INVERSE:
            return builder.gate(kind, *wires)
        wire = wires[0]                                # two-input gates from left to right, the last one of its kind
        for other in wires[1:-1]:
            wire = builder.gate(kind if kind in ("AND", "OR", "XOR") else INVERSE[kind], wire, other)
        return builder.gate(kind, wire, wires[-1])
    operator, number = kind
    if operator == "pin":
        return wires[0][number]
    return arithmetic(builder, operator, [wires[i:i + number] for i in range(0, len(wires), number)])


def arithmetic(builder, operator, operands):
    """Wires of a word operator; constants fold away whether or not the builder folds."""
    first, *others = operands
    width, fold, builder.fold = len(first), builder.fold, True
    if operator == "NEG":
        first, others, operator = [ZERO] * width, [first], "-"
    for other in others:
        if operator == "*":
            first = builder.multiply(other, first)
        elif operator == "-":
            first = builder.add(first, [builder.invert(wire) for wire in other], carry=ONE, width=width)
        else:
            first = builder.add(first, other, width=width)
    builder.fold = fold
    return tuple(first)
