"""From gates in any order, over named wires, to an order of evaluation: where cycles and undriven wires are found."""
import heapq
from collections.abc import Iterable

from refapprox.multipliers.circuits.gates import GATES
from refapprox.multipliers.circuits.netlist import Netlist

SHOWN = 8      # wires of a cycle that an error message lists


def evaluation_order(definitions, known, name):
    """Indices of `definitions` such that every wire is driven before it is read; the given order where it allows.

    Definitions are (wires read, wires driven); `known` wires are driven from outside; `name` is for messages. A
    ValueError names a wire that is driven twice, or read but driven by nothing, or a cycle.
    """
    driver = {}
    for index, (_, drives) in enumerate(definitions):
        for wire in drives:
            if wire in driver or wire in known:
                raise ValueError(f"wire {wire} of {name} is driven more than once.")
            driver[wire] = index
    waiting, readers = [], [[] for _ in definitions]
    for index, (reads, _) in enumerate(definitions):
        sources = set()
        for wire in reads:
            if wire in known:
                continue
            if wire not in driver:
                raise ValueError(f"wire {wire} of {name} is read but driven by nothing.")
            sources.add(driver[wire])
        waiting.append(len(sources))
        for source in sources:
            readers[source].append(index)
    ready = [index for index, count in enumerate(waiting) if count == 0]
    order = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for reader in readers[index]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heapq.heappush(ready, reader)
    if len(order) < len(definitions):
        raise ValueError(f"{name} has a cycle: {' <- '.join(map(str, find_cycle(definitions, driver, waiting)))}.")
    return order


def find_cycle(definitions, driver, waiting):
    """Wires along one cycle, each driven by a gate that reads the next; at most `SHOWN` of them."""
    index = next(i for i, count in enumerate(waiting) if count)
    seen, path = {}, []
    while index not in seen:
        seen[index] = len(path)
        wire = next(w for w in definitions[index][0] if w in driver and waiting[driver[w]])
        path.append(wire)
        index = driver[wire]
    cycle = path[seen[index]:] + [path[seen[index]]]
    return cycle if len(cycle) <= SHOWN else [*cycle[:SHOWN], "..."]


def from_wires(operands: Iterable, gates: Iterable, outputs: Iterable[str], signed: bool = False,
               name: str = "netlist") -> Netlist:
    """A `Netlist` from gates over named wires, in any order.

    Parameters
    ----------
    operands : sequence of (str, int)
        Names and widths; the bits of operand A are the wires "A[0]", "A[1]", ...
    gates : sequence of (kind, inputs, outputs)
        Wire names; "0" and "1" are the constants.
    outputs : sequence of str
        The wires of the output word, least significant bit first.
    signed : bool, optional
        Whether operands and output are two's complement.
    name : str, optional

    Returns
    -------
    Netlist

    Raises
    ------
    ValueError
        Naming an undriven wire, a wire driven twice, a cycle, or a gate with a wrong number of wires.

    Examples
    --------
    >>> half = from_wires([("A", 1), ("B", 1)], [("AND", ["A[0]", "B[0]"], ["c"]), ("NOT", ["c"], ["n"])], ["n"])
    >>> half(1, [0, 1]).tolist()
    [1, 0]
    """
    wires = {"0": 0, "1": 1}
    for label, bits in operands:
        wires.update({f"{label}[{i}]": len(wires) + i for i in range(bits)})
    gates = [(kind, tuple(inputs), tuple(drives)) for kind, inputs, drives in gates]
    for kind, _, drives in gates:
        if kind in GATES and len(drives) != GATES[kind].outputs:
            raise ValueError(f"{kind} of {name} drives {GATES[kind].outputs} wire(s), got {', '.join(drives)}.")
    order = evaluation_order([(reads, drives) for _, reads, drives in gates], set(wires), name)
    for index in order:
        for wire in gates[index][2]:
            wires[wire] = len(wires)
    for wire in outputs:
        if wire not in wires:
            raise ValueError(f"output {wire} of {name} is driven by nothing.")
    numbered = [(gates[i][0], [wires[w] for w in gates[i][1]]) for i in order]
    return Netlist(operands, numbered, [wires[w] for w in outputs], signed, name)
