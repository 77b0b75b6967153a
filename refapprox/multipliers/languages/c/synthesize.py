"""A parsed function as gates: every variable a word of wires, every C operator the logic that computes it (`words`)."""
from functools import lru_cache

from refapprox.multipliers.circuits.builder import ZERO
from refapprox.multipliers.languages.c.composite import Composite
from refapprox.multipliers.languages.c.expressions import PRECEDENCE
from refapprox.multipliers.languages.c.tokens import SourceError
from refapprox.multipliers.languages.c.types import INT, common_type
from refapprox.multipliers.languages.c.words import (
    BoundedBuilder,
    Word,
    any_of,
    apply,
    choose,
    convert,
    extended,
    shifted,
    trimmed,
)

MAX_GATES = 200_000     # the largest published circuit has about 2,700


def run(builder, program, operands, source):
    """The returned word of a `Function` or `Composite` for its operand words."""
    if isinstance(program, Composite):
        return run_composite(builder, program, operands, source)
    memory = {(name, None): convert(builder, word, ctype)
              for (name, ctype), word in zip(program.parameters, operands, strict=True)}
    position = program.position
    try:
        builder.take_on(len(memory))
        for assignment in program.assignments:
            position, place = assignment.position, assignment.place
            word = run_expression(builder, assignment.postfix, memory, source)
            memory[place] = convert(builder, word, program.variables[place[0]])
        return convert(builder, run_expression(builder, program.result, memory, source), program.result_type)
    except SourceError:
        raise
    except ValueError as error:
        raise source.error(position, str(error)) from None


def run_expression(builder, postfix, memory, source):
    stack = []
    for operator, argument in postfix:
        if operator == "load":
            stack.append(memory[argument])
        elif operator == "constant":
            stack.append(constant(*argument))
        elif operator == "call":
            arguments = [stack.pop() for _ in argument.parameters][::-1]
            stack.append(run(builder, argument, arguments, source))
        elif operator == "?:":
            no, yes, condition = stack.pop(), stack.pop(), any_of(builder, stack.pop())
            ctype = common_type(yes.ctype, no.ctype)
            yes, no = convert(builder, yes, ctype), convert(builder, no, ctype)
            stack.append(choose(builder, condition, yes, no, ctype))
        elif operator in PRECEDENCE:
            right = stack.pop()
            stack.append(apply(builder, operator, None, stack.pop(), right))
        else:
            stack.append(apply(builder, operator, argument, stack.pop()))
    (result,) = stack
    return result


@lru_cache(maxsize=256)
def constant(value, ctype):
    """The word of a literal."""
    return trimmed([value >> i & 1 for i in range(64)], value >> 63, ctype)


def run_composite(builder, program, operands, source):
    words = [convert(builder, word, ctype) for (_, ctype), word in zip(program.parameters, operands, strict=True)]
    total = Word([], 0, program.sum_type)
    for term in program.terms:
        halves = [trimmed(extended(word, 16)[8 * byte:8 * byte + 8], 0, INT)
                  for word, byte in zip(words, (term.x_byte, term.w_byte), strict=True)]
        quarter = convert(builder, run(builder, term.function, halves, source), term.stored_type)
        quarter = shifted(builder, "<<", convert(builder, quarter, program.sum_type), term.shift)
        total = convert(builder, apply(builder, "+", None, total, quarter), program.sum_type)
    return convert(builder, total, program.result_type)


def synthesize(program, source, *, bits_x, bits_w, output_bits, signed):
    """The `Netlist` of a parsed program for operands and result of the given widths.

    An operand is passed as C would: sign-extended to a signed parameter, by its own bits to an unsigned one; the low
    `output_bits` bits of the returned value are the result. A SourceError if a shift is too wide, the gates are too
    many, a parameter is narrower than its operand, or an unsigned result has bits beyond its width.
    """
    (x_name, x_type), (w_name, w_type) = program.parameters
    builder = BoundedBuilder([(x_name, bits_x), (w_name, bits_w)], limit=MAX_GATES)
    operands = []
    for ctype, bits, name in zip((x_type, w_type), builder.operands, (x_name, w_name), strict=True):
        if ctype.width < len(bits):
            raise source.error(program.position, f"parameter {name!r} of {ctype.width} bits cannot hold an operand "
                                                 f"of {len(bits)}.")
        operands.append(Word(list(bits), bits[-1] if signed and ctype.signed else ZERO, ctype))
    if program.result_type.width < output_bits:
        raise source.error(program.position, f"{program.name} returns {program.result_type.width} bits, and its "
                                             f"result has {output_bits}.")
    word = run(builder, program, operands, source)
    if not signed and output_bits < 64 and any(wire != ZERO for wire in [*word.bits[output_bits:], word.fill]):
        raise source.error(program.position, f"{program.name} returns bits above the {output_bits} of its result.")
    return builder.netlist(extended(word, output_bits), signed, program.name)
