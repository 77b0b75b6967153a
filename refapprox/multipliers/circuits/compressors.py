"""Multipliers whose reduction tree uses 4:2 compressors, exact or approximate, the tree given as data.

Cells without carry input and output (sum in the column, carry one column up):

    momeni2      carry = (a + b)(c + d)     sum = ~(a ^ b) + ~(c ^ d)                      4 of 16 wrong
    venkatachalam-ko  carry = ab + cd       sum = (a ^ b) + (c ^ d) + abcd                 5 of 16 wrong

Cells with a fifth input cin from the column below and a second carry cout to the column above, in the same stage:

    exact42      a + b + c + d + cin = sum + 2 (carry + cout)
    momeni1      cout = (a + b)(c + d)    carry = cin    sum = ~cin (~(a ^ b) + ~(c ^ d))  12 of 32 wrong

(+ is OR, products are AND, ~ is NOT.) The trees of the papers are drawings; ours is `compressor_plan`, which brings
heights to the next power of two, column by column, and it can be replaced by any other plan.

References
----------
A. Momeni, J. Han, P. Montuschi, F. Lombardi, "Design and analysis of approximate compressors for multiplication",
IEEE Trans. Computers 64(4), 2015, doi:10.1109/TC.2014.2308214. S. Venkatachalam, S.-B. Ko, "Design of power and area
efficient approximate multipliers", IEEE TVLSI 25(5), 2017, doi:10.1109/TVLSI.2016.2643639.
"""
from refapprox.multipliers.circuits.builder import ZERO
from refapprox.multipliers.circuits.partial_products import partial_products
from refapprox.multipliers.circuits.reduction import full_adder, half_adder, last_addition


def exact42(builder, a, b, c, d, carry_in):
    """(sum, carry, carry out) of the exact compressor: two full adders."""
    inner, carry_out = builder.full_adder(a, b, c)
    total, carry = builder.full_adder(inner, d, carry_in)
    return total, carry, carry_out


def momeni1(builder, a, b, c, d, carry_in):
    """(sum, carry, carry out) of Momeni's first design."""
    carry_out = builder.gate("AND", builder.gate("OR", a, b), builder.gate("OR", c, d))
    equal = builder.gate("OR", builder.gate("XNOR", a, b), builder.gate("XNOR", c, d))
    return builder.gate("AND", builder.invert(carry_in), equal), carry_in, carry_out


def momeni2(builder, a, b, c, d, carry_in=ZERO):
    """(sum, carry, ZERO) of Momeni's second design; a carry input would be ignored and is never connected."""
    carry = builder.gate("AND", builder.gate("OR", a, b), builder.gate("OR", c, d))
    return builder.gate("OR", builder.gate("XNOR", a, b), builder.gate("XNOR", c, d)), carry, ZERO


def venkatachalam_ko(builder, a, b, c, d, carry_in=ZERO):
    """(sum, carry, ZERO) of Venkatachalam and Ko's compressor."""
    ab, cd = builder.gate("AND", a, b), builder.gate("AND", c, d)
    odd = builder.gate("OR", builder.gate("XOR", a, b), builder.gate("XOR", c, d))
    return builder.gate("OR", odd, builder.gate("AND", ab, cd)), builder.gate("OR", ab, cd), ZERO


COMPRESSORS = {"exact42": exact42, "momeni1": momeni1, "momeni2": momeni2, "venkatachalam-ko": venkatachalam_ko}
CHAINED = ("exact42", "momeni1")      # cells with a carry input and a carry output in the same stage


def compressor_plan(heights, chained):
    """Stages of ("42" | "42c" | "FA" | "HA", column, count) that bring `heights` down to two.

    Each stage aims at the largest power of two below the tallest column. In ascending order of columns, with what
    the column below sends up in the same stage counted in, a column too high by three or more gets a compressor on
    four wires, by two a full adder, by one a half adder. Columns for which ``chained(column)`` holds get "42c",
    compressors that take one carry output of the column below as their carry input while there are any.
    """
    stages, heights = [], list(heights)
    while max(heights, default=0) > 2:
        limit = 2
        while limit * 2 < max(heights):
            limit *= 2
        stage, carries, chain = [], 0, 0
        for column, free in enumerate(heights):
            height, produced, chain_out = free + carries + chain, 0, 0
            while height > limit and free >= 2:
                if height >= limit + 3 and free >= 4:
                    stage.append(("42c" if chained(column) else "42", column, 4))
                    absorbed = int(chained(column) and chain > 0)
                    chain, chain_out = chain - absorbed, chain_out + int(chained(column))
                    free, height = free - 4, height - 3 - absorbed
                else:
                    count = 3 if height >= limit + 2 and free >= 3 else 2
                    stage.append(("FA" if count == 3 else "HA", column, count))
                    free, height = free - count, height - count + 1
                produced += 1
            heights[column], carries, chain = height, produced, chain_out
        stages.append(tuple(stage))
    return tuple(stages)


def apply_plan(builder, columns, plan, compressor, approximate_columns):
    """Columns of at most two wires after the stages of `plan`.

    The compressor named so is used in columns below `approximate_columns`, the exact one above. Wires are taken from
    the front of a column; sums, carries and unused carry outputs of a stage join the back for the next one. A carry
    that is always zero (momeni1 without a carry input) keeps its place, as it does in a drawing of the tree.
    """
    columns = [list(column) for column in columns]
    for stage in plan:
        after, chain = [[] for _ in range(len(columns) + 1)], [[] for _ in range(len(columns) + 1)]
        for cell, column, count in stage:
            taken, columns[column] = columns[column][:count], columns[column][count:]
            if len(taken) < count:
                raise ValueError(f"plan places {cell} on {count} wires of column {column}, which has {len(taken)}.")
            if cell in ("42", "42c"):
                carry_in = chain[column].pop(0) if cell == "42c" and chain[column] else ZERO
                function = COMPRESSORS[compressor] if column < approximate_columns else exact42
                total, carry, carry_out = function(builder, *taken, carry_in)
                sums, carries = [total], [carry]
                if cell == "42c":
                    chain[column + 1].append(carry_out)
            else:
                sums, carries = {"FA": full_adder, "HA": half_adder}[cell](builder, *taken)
            after[column].extend(sums)
            after[column + 1].extend(carries)
        columns = [rest + new + unused for rest, new, unused in zip(columns, after, chain, strict=False)]
    if max(map(len, columns)) > 2:
        raise ValueError(f"plan must leave at most two wires in every column, got {max(map(len, columns))}.")
    return columns


def compressor_tree(builder, x, w, signed, cell="momeni2", columns=None, plan=None):
    """Multiplier with a 4:2 compressor tree; columns below `columns`, or all, use `cell`, the others the exact one.

    `plan` is the tree; `compressor_plan` of the column heights by default.
    """
    matrix = partial_products(builder, x, w, signed)
    columns = len(matrix) if columns is None else columns
    if plan is None:
        plan = compressor_plan([len(column) for column in matrix], lambda c: cell in CHAINED or c >= columns)
    return last_addition(builder, apply_plan(builder, matrix, plan, cell, columns))
