"""The nets of one instance of a module or generate block: declarations, and the bits that a select denotes."""
from math import prod

from refapprox.multipliers.languages.verilog.constants import Constant, evaluate
from refapprox.multipliers.languages.verilog.tokens import NotStructural, VerilogError


class Net:
    """A declared port or net: its dimensions, unpacked before packed, and its bits with the rightmost index first."""

    def __init__(self, direction, unpacked, packed, bits, signed, where, line):
        self.direction, self.dims, self.unpacked = direction, (*unpacked, *packed), len(unpacked)
        self.bits, self.signed, self.where, self.line = bits, signed, where, line

    def shown(self):
        return "".join(f"[{left}:{right}]" for left, right in self.dims) or "a scalar"


class Names:
    """The names of one instance of a module or generate block, and what selects of them denote.

    `path`, such as "u1/", begins the label of every bit; names that the block does not know are those of its `parent`
    scope.
    """

    def __init__(self, graph, module, path, parent=None):
        self.graph, self.module, self.path, self.parent = graph, module, path, parent
        self.names = {}

    def error(self, line, reason, kind=VerilogError):
        return kind(f"{self.module.where}line {line}: {reason}")

    def find(self, name):
        """The `Net` or `Constant` of a name, or None."""
        scope = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def known(self, name):
        found = self.find(name)
        return found if isinstance(found, Constant) else None

    def constant(self, expression):
        """Value of a constant expression, an int."""
        return evaluate(expression, self.known, self.module.where).value

    def optional_constant(self, expression):
        """The value of an expression, or None where `constants` does not say it."""
        try:
            return self.constant(expression)
        except VerilogError:
            return None

    def declare(self, declaration):
        """A net of a declaration; a port may be declared as a net once more."""
        direction, name, packed, unpacked, signed, line = declaration
        dims = [tuple((self.constant(left), self.constant(right)) for left, right in ranges)
                for ranges in (unpacked, packed)]
        before = self.names.get(name)
        if before is not None:
            again = {direction, getattr(before, "direction", "")} & {"wire", "tri", "logic"}
            if not again or isinstance(before, Constant) or before.dims != (*dims[0], *dims[1]):
                raise self.error(line, f"{name} is declared twice.")
            before.signed |= signed
            if before.direction in ("wire", "tri", "logic"):
                before.direction = direction
            return
        size = prod(abs(left - right) + 1 for left, right in (*dims[0], *dims[1]))
        if not all(0 <= bound < 2 ** 16 for pair in (*dims[0], *dims[1]) for bound in pair) or size > 2 ** 16:
            raise self.error(line, f"{name} must have ranges within [65535:0] and at most 65536 bits.")
        labels = bit_labels(self.path + name, (*dims[0], *dims[1]))
        bits = [self.graph.net(label) for label in labels]
        self.names[name] = Net(direction, *dims, bits, signed, self.module.where, line)
        if direction in ("supply0", "supply1"):
            for bit in bits:
                self.graph.drive(bit, int(direction[-1]))

    def net(self, name, line, implicit=False):
        """The `Net` of a name; an undeclared one becomes a wire of one bit where Verilog allows that."""
        found = self.find(name)
        if found is None and implicit:
            self.names[name] = found = Net("wire", (), (), [self.graph.net(self.path + name)], False,
                                           self.module.where, line)
        if not isinstance(found, Net):
            raise self.error(line, f"{name} is not declared in module {self.module.name}." if found is None else
                             f"{name} is a constant, not a net.")
        return found

    def select(self, expression, implicit=False):
        """(bits, whether they are signed, whether they are an array) of a name with its selects."""
        _, name, selects, line = expression
        found = self.find(name)
        if isinstance(found, Constant):
            net = Net("wire", (), ((found.width - 1, 0),), found.bits(), found.signed, self.module.where, line)
        else:
            net = self.net(name, line, implicit and not selects)
        bits, dims = net.bits, list(net.dims)
        for position, select in enumerate(selects):
            if not dims:
                raise self.error(line, f"{name}{self.spelled(selects)} is outside {name}, {net.shown()}.")
            if select[0] == "index":
                index = self.optional_constant(select[1])
                bits = self.chosen(bits, dims[0], select[1], line) if index is None else \
                    self.part(bits, dims[0], index, index, name, selects, net, line)
            else:
                if position < len(selects) - 1:
                    raise self.error(line, f"{name}{self.spelled(selects)} selects from a range.", NotStructural)
                bits = self.part(bits, dims[0], *self.bounds(select, dims[0], line), name, selects, net, line)
            dims.pop(0)
        return bits, net.signed and len(selects) <= net.unpacked, len(selects) < net.unpacked

    def spelled(self, selects):
        """Selects as a message shows them."""
        texts = []
        for kind, *bounds in selects:
            values = [self.optional_constant(bound) for bound in bounds]
            separator = {"up": "+:", "down": "-:"}.get(kind, ":")
            texts.append(separator.join("..." if value is None else str(value) for value in values))
        return "".join(f"[{text}]" for text in texts)

    def bounds(self, select, dim, line):
        """(left, right) of a range select."""
        kind, first, second = select
        first, second = self.optional_constant(first), self.constant(second)
        if first is None:
            raise self.error(line, "a part select that begins at a variable index is not read natively.", NotStructural)
        if kind == "range":
            return first, second
        if second < 1:
            raise self.error(line, f"a part select must be at least 1 bit wide, got {second}.")
        low, high = (first, first + second - 1) if kind == "up" else (first - second + 1, first)
        return (high, low) if dim[0] >= dim[1] else (low, high)

    def part(self, bits, dim, left, right, name, selects, net, line):
        """The sub-blocks `left` to `right` of one dimension."""
        low, high = min(dim), max(dim)
        reversed_range = (left > right) != (dim[0] > dim[1]) and left != right and dim[0] != dim[1]
        if not (low <= left <= high and low <= right <= high) or reversed_range:
            raise self.error(line, f"{name}{self.spelled(selects)} is outside {name}, {net.shown()}.")
        block = len(bits) // (high - low + 1)
        return bits[abs(right - dim[1]) * block:(abs(left - dim[1]) + 1) * block]

    def chosen(self, bits, dim, expression, line):
        """The sub-block that a variable index chooses; every value of the index must be one of the dimension."""
        index = self.whole(expression)
        if dim[1] != 0 or dim[0] < 0 or 2 ** min(len(index), 20) > dim[0] + 1:
            raise self.error(line, f"an index may lie outside [{dim[0]}:{dim[1]}], which gives x.", NotStructural)
        block = len(bits) // (dim[0] + 1)
        blocks = [bits[i * block:(i + 1) * block] for i in range(2 ** len(index))]
        for bit in index:
            blocks = [[self.graph.choose(bit, odd, even) for even, odd in zip(*pair, strict=True)]
                      for pair in zip(blocks[::2], blocks[1::2], strict=True)]
        return blocks[0]

    def target(self, expression, line, arrays=False):
        """Bits that the left side of an assignment or a connected output drives, least significant first."""
        kind = expression[0]
        if kind == "concat":
            return [bit for part in reversed(expression[1]) for bit in self.target(part, line)]
        if kind != "name":
            raise self.error(line, "only nets, selects and concatenations of them can be driven.")
        bits, _, array = self.select(expression, implicit=True)
        if array != arrays:
            raise self.error(line, f"an array and a word are connected at {expression[1]}.", NotStructural)
        if self.net(expression[1], line).direction == "input":
            raise self.error(line, f"input {expression[1]} of module {self.module.name} must not be driven.")
        return bits


def bit_labels(name, dims):
    """The label of every bit of a net, the rightmost index first."""
    labels = [name]
    for left, right in dims:
        indices = range(right, left + 1) if left >= right else range(right, left - 1, -1)
        labels = [f"{label}[{i}]" for label in labels for i in indices]
    return labels
