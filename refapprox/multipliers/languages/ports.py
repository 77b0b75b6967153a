"""From the ports of a netlist to the two operands and the result: words, single bits by name, the top module."""
import re
from typing import NamedTuple

from refapprox.multipliers.circuits.netlist import MAX_OPERAND_BITS, MAX_OUTPUT_BITS

BIT = re.compile(r"(?P<word>.*?)(?:\[(?P<index>\d{1,4})\]|_(?P<under>\d{1,4})_?|(?P<tail>\d{1,4}))", re.DOTALL)


class Port(NamedTuple):
    """A port: its name, the bits that it has (anything: only their number counts here), and whether it is an input."""

    name: str
    bits: list
    is_input: bool
    signed: bool = False


class Words(NamedTuple):
    """The operands and the result words as [(name, bits)], and whether all inputs are declared signed."""

    operands: list
    results: list
    signed: bool


def words_of(ports):
    """The `Words` of a list of `Port`: ports of one bit are put together where their names say how.

    Single bits ``a[0], a[1]``, ``a_0, a_1`` or ``a0, a1`` are the word a, least significant bit first, if their
    numbers are 0 to n - 1 (or 1 to n). Ports that are words already stay as they are.
    """
    inputs = [port for port in ports if port.is_input]
    outputs = [port for port in ports if not port.is_input]
    return Words(grouped(inputs, most=2), grouped(outputs, most=1),
                 bool(inputs) and all(port.signed for port in inputs))


def grouped(ports, most):
    """[(name, bits)] of `ports` in order of first appearance; single bits put together."""
    if len(ports) <= most and not all(re.fullmatch(r".*\[\d+\]", port.name, re.DOTALL) for port in ports):
        return [(port.name, port.bits) for port in ports]
    words, numbered = {}, {}
    for port in ports:
        match = BIT.fullmatch(port.name) if len(port.bits) == 1 else None
        if match and match["word"]:
            number = int(match["index"] or match["under"] or match["tail"])
            words.setdefault(match["word"], None)
            numbered.setdefault(match["word"], {}).setdefault(number, []).append(port)
        else:
            words[port.name] = port.bits
    result = []
    for name, bits in words.items():
        bits_by_number = numbered.get(name)
        if bits_by_number is None:
            result.append((name, bits))
            continue
        first, whole = min(bits_by_number), bits is None and all(len(found) == 1 for found in bits_by_number.values())
        if not whole or first > 1 or max(bits_by_number) - first + 1 != len(bits_by_number):
            result.extend((port.name, port.bits) for found in bits_by_number.values() for port in found)
            if bits is not None:
                result.append((name, bits))
            continue
        result.append((name, [bit for number in sorted(bits_by_number) for bit in bits_by_number[number][0].bits]))
    return result


def fault_of(words):
    """None where two operands and one result can be read, or what is wrong with the ports."""
    if len(words.operands) != 2:
        return f"it has {listed(words.operands, 'operand')}, and a multiplier has two"
    if len(words.results) != 1:
        return f"it has {listed(words.results, 'output')}, and a multiplier has one output port, the result word"
    for bound, found in ((MAX_OPERAND_BITS, words.operands), (MAX_OUTPUT_BITS, words.results)):
        for name, bits in found:
            if not 1 <= len(bits) <= bound:
                return f"port {name} is {len(bits)} bits wide, and at most {bound} are read"
    return None


def listed(words, noun):
    """Words as a message shows them: "3 operands (a of 2 bits, b of 2 bits, cin of 1 bit)"."""
    shown = ", ".join(f"{name} of {len(bits)} bit{'s' * (len(bits) != 1)}" for name, bits in words[:6])
    more = ", ..." if len(words) > 6 else ""
    return f"{len(words) or 'no'} {noun}{'s' * (len(words) != 1)}" + (f" ({shown}{more})" if words else "")


def choose_top(roots, words, top=None, known=()):
    """The name of the module to read: `top`, which must be `known`, else by what `words(name)`, its `Words`, look like.

    It is the only one of `roots`, the modules that no other one instantiates; else the only root whose result is at
    least as wide as both operands together, so that a spare adder or a library of gates in the file does no harm; else
    the only root with two operands and one result. A ValueError where that leaves none, or several.
    """
    if top is not None:
        if top not in known:
            raise ValueError(f"top must be one of {', '.join(known)}, got {top!r}.")
        return top
    if len(roots) == 1:
        return roots[0]
    found, errors = {}, []
    for name in roots:
        try:
            found[name] = words(name)
        except ValueError as error:
            errors.append(error)
    fitting = [name for name, ports in found.items() if fault_of(ports) is None]
    full = [name for name in fitting
            if len(found[name].results[0][1]) >= sum(len(bits) for _, bits in found[name].operands)]
    for candidates in (full, fitting):
        if len(candidates) == 1:
            return candidates[0]
    if errors:
        raise errors[0]
    choices = full or fitting or roots
    shown = ", ".join(choices[:12]) + (", ..." if len(choices) > 12 else "")
    raise ValueError(f"expected one module that no other instantiates, got {shown or 'none'}: name the multiplier "
                     f"among them with top= (--top NAME).")
