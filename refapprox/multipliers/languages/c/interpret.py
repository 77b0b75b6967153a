"""What a parsed function computes, by definition: one NumPy operation for every operator of the source.

Values are int64 arrays that hold 64-bit two's-complement patterns; `narrow` is C's conversion to a narrower type.
This is the slow path, kept plain: `synthesize` turns the same sources into gates, and tests tie the two.
"""
import numpy as np

from refapprox.multipliers.languages.c.composite import Composite
from refapprox.multipliers.languages.c.types import INT, common_type, promoted


def narrow(values, ctype):
    """`values` converted to `ctype`: modulo 2**width, signed types with their sign extended."""
    if ctype.width == 64:
        return values
    return values.astype(np.dtype(f"{'i' if ctype.signed else 'u'}{ctype.width // 8}")).astype(np.int64)


def evaluate(program, x, w):
    """The returned patterns of a `Function` or `Composite` for int64 arrays x and w of one shape (n,)."""
    if isinstance(program, Composite):
        return evaluate_composite(program, x, w)
    memory = {(name, None): narrow(values, ctype)
              for (name, ctype), values in zip(program.parameters, (x, w), strict=True)}
    for (name, index), postfix, _ in program.assignments:
        values, _ = evaluate_expression(postfix, memory, program.variables, x.shape)
        memory[name, index] = narrow(values, program.variables[name])
    values, _ = evaluate_expression(program.result, memory, program.variables, x.shape)
    return narrow(values, program.result_type)


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
        else:
            operands = [stack.pop() for _ in range(2 if operator in BINARY else 1)][::-1]
            stack.append(apply(operator, argument, *operands))
    (result,) = stack
    return result


BINARY = {"|": np.bitwise_or, "^": np.bitwise_xor, "&": np.bitwise_and, "+": np.add, "*": np.multiply}


def apply(operator, argument, left, right=None):
    """One operator on (values, C type) operands: conversion to the type it computes in, and back into that type."""
    values, ctype = left
    if operator == "cast":
        return narrow(values, argument), argument
    if operator == "!":
        return (values == 0).astype(np.int64), INT
    if operator in BINARY:
        result_type = common_type(ctype, right[1])
        result = BINARY[operator](narrow(values, result_type), narrow(right[0], result_type))
        return narrow(result, result_type), result_type
    result_type = promoted(ctype)
    if operator == "~":
        return narrow(~values, result_type), result_type
    if operator == "<<":
        return narrow(values << argument, result_type), result_type
    if result_type.signed or result_type.width < 64:
        return values >> argument, result_type
    return (values.view(np.uint64) >> np.uint64(argument)).view(np.int64), result_type     # logical, not arithmetic
