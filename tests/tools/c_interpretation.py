"""What a parsed function computes, by definition: one NumPy operation for every operator of the source.

Values are int64 arrays that hold 64-bit two's-complement patterns; `narrow` is C's conversion to a narrower type.
refapprox itself turns the same sources into gates (`languages/c/synthesize`, `words`), and tests tie the two.
"""
import numpy as np

from refapprox.multipliers.languages.c.composite import Composite
from refapprox.multipliers.languages.c.types import INT, common_type, promoted


def narrow(values, ctype):
    """`values` converted to `ctype`: modulo 2**width, signed types with their sign extended."""
    if ctype.width == 64:
        return values
    if ctype.width == 1:
        return (values != 0).astype(np.int64)
    return values.astype(np.dtype(f"{'i' if ctype.signed else 'u'}{ctype.width // 8}")).astype(np.int64)


def evaluate(program, x, w):
    """The returned patterns of a `Function` or `Composite` for int64 arrays x and w of one shape (n,)."""
    if isinstance(program, Composite):
        return evaluate_composite(program, x, w)
    return call(program, (x, w), x.shape)


def call(function, arguments, shape):
    """The returned patterns of a `Function` for one int64 array a parameter."""
    memory = {(name, None): narrow(values, ctype)
              for (name, ctype), values in zip(function.parameters, arguments, strict=True)}
    for (name, index), postfix, _ in function.assignments:
        values, _ = evaluate_expression(postfix, memory, function.variables, shape)
        memory[name, index] = narrow(values, function.variables[name])
    values, _ = evaluate_expression(function.result, memory, function.variables, shape)
    return narrow(values, function.result_type)


def evaluate_composite(program, x, w):
    (_, x_type), (_, w_type) = program.parameters
    x, w = narrow(x, x_type), narrow(w, w_type)
    total = np.zeros(x.shape, dtype=np.int64)
    for term in program.terms:
        quarter = evaluate(term.function, x >> 8 * term.x_byte & 0xFF, w >> 8 * term.w_byte & 0xFF)
        total += narrow(narrow(quarter, term.stored_type) << term.shift, program.sum_type)
        total = narrow(total, program.sum_type)
    return narrow(total, program.result_type)


def evaluate_expression(postfix, memory, variables, shape):
    """(values, C type) of one expression."""
    stack = []
    for operator, argument in postfix:
        if operator == "load":
            stack.append((memory[argument], variables[argument[0]]))
        elif operator == "constant":
            value, ctype = argument
            stack.append((np.full(shape, np.uint64(value)).view(np.int64), ctype))
        elif operator == "call":
            arguments = [stack.pop()[0] for _ in argument.parameters][::-1]
            stack.append((call(argument, arguments, shape), argument.result_type))
        elif operator == "?:":
            (no, no_type), (yes, yes_type), (condition, _) = stack.pop(), stack.pop(), stack.pop()
            ctype = common_type(yes_type, no_type)
            stack.append((np.where(condition != 0, narrow(yes, ctype), narrow(no, ctype)), ctype))
        else:
            operands = [stack.pop() for _ in range(2 if operator in TWO else 1)][::-1]
            stack.append(apply(operator, argument, *operands))
    (result,) = stack
    return result


BINARY = {"|": np.bitwise_or, "^": np.bitwise_xor, "&": np.bitwise_and, "+": np.add, "-": np.subtract, "*": np.multiply}
COMPARISONS = {"==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater,
               ">=": np.greater_equal}
TWO = (*BINARY, *COMPARISONS, "<<", ">>", "&&", "||", "/", "%")


def apply(operator, argument, left, right=None):
    """One operator on (values, C type) operands: conversion to the type it computes in, and back into that type."""
    values, ctype = left
    if operator == "cast":
        return narrow(values, argument), argument
    if operator == "!":
        return (values == 0).astype(np.int64), INT
    if operator in ("&&", "||"):
        both = np.logical_and if operator == "&&" else np.logical_or
        return both(values, right[0]).astype(np.int64), INT
    if right is not None and operator not in ("<<", ">>"):
        result_type = common_type(ctype, right[1])
        a, b = (as_numbers(narrow(part, result_type), result_type) for part in (values, right[0]))
        if operator in COMPARISONS:
            return COMPARISONS[operator](a, b).astype(np.int64), INT
        if operator in ("/", "%"):
            return narrow(divided(operator, a, b).view(np.int64), result_type), result_type
        return narrow(BINARY[operator](a, b).view(np.int64), result_type), result_type
    result_type = promoted(ctype)
    if operator == "~":
        return narrow(~values, result_type), result_type
    if operator in ("unary -", "unary +"):
        return narrow(-values if operator[-1] == "-" else values, result_type), result_type
    amount = right[0]
    if not values.any() and amount.min() >= 0:         # 0 << 32, see `words.shift`
        return values, result_type
    if amount.min() < 0 or amount.max() >= result_type.width:
        wrong = amount.max() if amount.min() >= 0 else amount.min()
        raise ValueError(f"a shift by {wrong} is as wide as its operand of {result_type.width} bits or wider.")
    if operator == "<<":
        return narrow(values << amount, result_type), result_type
    if result_type.signed or result_type.width < 64:
        return values >> amount, result_type
    return (values.view(np.uint64) >> amount.astype(np.uint64)).view(np.int64), result_type     # logical


def as_numbers(values, ctype):
    """Patterns as the numbers that they are: uint64 for the type that has as many."""
    return values.view(np.uint64) if ctype.width == 64 and not ctype.signed else values


def divided(operator, a, b):
    """Quotient or remainder, truncated toward zero."""
    if (b == 0).any():
        raise ValueError("a division by zero.")
    if a.dtype == np.uint64:
        return a // b if operator == "/" else a % b
    quotient = a // b
    quotient += (quotient * b != a) & ((a < 0) != (b < 0))
    return quotient if operator == "/" else a - quotient * b
