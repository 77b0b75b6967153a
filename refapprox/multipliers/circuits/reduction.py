"""From columns of partial products to one word: carry-save arrays, Wallace and Dadda trees, and the last addition.

A *plan* says what a tree does, as data: a tuple of stages, each a tuple of (cell, column, count) in ascending order of
columns, where `cell` takes `count` wires from the front of its column (after the outputs of cells placed before it in
the same stage have been set aside for the next stage). So a tree can be printed, compared and changed.

References
----------
C. S. Wallace, "A suggestion for a fast multiplier", IEEE Trans. Electronic Computers EC-13, 1964,
doi:10.1109/PGEC.1964.263830. L. Dadda, "Some schemes for parallel multipliers", Alta Frequenza 34, 1965.
H. R. Mahdiani et al., TCAS-I 57(4), 2010, doi:10.1109/TCSI.2009.2027626 (lower-part-OR adder).
"""
from refapprox.multipliers.circuits.builder import ZERO


def dadda_plan(heights):
    """Stages that bring column `heights` down to two with as few adders as possible.

    Each stage reduces to the next lower of 2, 3, 4, 6, 9, 13, ...: a full adder where a column, with the carries it
    receives in the same stage, is too high by two or more, else a half adder.
    """
    stages, heights = [], list(heights)
    while max(heights, default=0) > 2:
        limit = 2
        while limit * 3 // 2 < max(heights):
            limit = limit * 3 // 2
        stage, carries = [], 0
        for column, free in enumerate(heights):
            height, produced = free + carries, 0
            while height > limit and free >= 2:
                cell, count = ("FA", 3) if height > limit + 1 and free >= 3 else ("HA", 2)
                stage.append((cell, column, count))
                free, height, produced = free - count, height - count + 1, produced + 1
            heights[column], carries = height, produced
        stages.append(tuple(stage))
    return tuple(stages)


def wallace_plan(heights):
    """Stages that put a full adder on every three wires and a half adder on every two left over, until two remain."""
    stages, heights = [], list(heights)
    while max(heights, default=0) > 2:
        stage, carries, new = [], 0, []
        for column, height in enumerate(heights):
            full, rest = divmod(height, 3)
            stage += [("FA", column, 3)] * full + [("HA", column, 2)] * (rest == 2)
            new.append(full + (rest > 0) + carries)
            carries = full + (rest == 2)
        heights = new
        stages.append(tuple(stage))
    return tuple(stages)


def reduce_columns(builder, columns, plan, cells=None):
    """Columns of at most two wires, after the stages of `plan`.

    `cells` maps further names to functions (builder, *wires) -> (sum wires, carry wires) for compressors: sums stay in
    the column, carries go one column up. Carries out of the last column are lost, as modulo arithmetic wants.
    """
    cells = {"FA": full_adder, "HA": half_adder, **(cells or {})}
    columns = [list(column) for column in columns]
    for stage in plan:
        after = [[] for _ in columns]
        for cell, column, count in stage:
            if len(columns[column]) < count:
                raise ValueError(f"plan places {cell} on {count} wires of column {column}, which has "
                                 f"{len(columns[column])} left.")
            taken, columns[column] = columns[column][:count], columns[column][count:]
            sums, carries = cells[cell](builder, *taken)
            after[column].extend(sums)
            if column + 1 < len(columns):
                after[column + 1].extend(carries)
        columns = [rest + new for rest, new in zip(columns, after, strict=True)]
    tallest = max(map(len, columns))
    if tallest > 2:
        raise ValueError(f"plan must leave at most two wires in every column, got {tallest}.")
    return columns


def half_adder(builder, a, b):
    total, carry = builder.half_adder(a, b)
    return [total], [carry]


def full_adder(builder, a, b, c):
    total, carry = builder.full_adder(a, b, c)
    return [total], [carry]


def carry_save_array(builder, columns):
    """Columns of at most two wires by adding one row after the other, each full adder's carry one row down."""
    width = len(columns)
    sums, carries = [ZERO] * width, [ZERO] * width
    for row in range(max(map(len, columns))):
        new_sums, new_carries = [], [ZERO]
        for k in range(width):
            wire = columns[k][row] if row < len(columns[k]) else ZERO
            total, carry = builder.full_adder(sums[k], carries[k], wire)
            new_sums.append(total)
            new_carries.append(carry)
        sums, carries = new_sums, new_carries[:width]
    return [[s, c] for s, c in zip(sums, carries, strict=True)]


PLANS = {"dadda": dadda_plan, "wallace": wallace_plan}


def column_sum(builder, columns, tree="dadda", low_part=0):
    """The word that columns add up to, modulo 2**len(columns), by a tree "dadda", "wallace" or "array".

    `low_part` is the lower-part-OR adder in the last addition: that many low bits are ORed instead of added, and the
    two top bits of the low part give the carry a AND b.
    """
    columns = [[wire for wire in column if wire != ZERO] for column in columns]
    if tree == "array":
        columns = carry_save_array(builder, columns)
    else:
        columns = reduce_columns(builder, columns, PLANS[tree]([len(column) for column in columns]))
    return last_addition(builder, columns, low_part)


def last_addition(builder, columns, low_part=0):
    """The two rows that `columns` hold, added by a ripple-carry adder whose low part may be OR gates."""
    a = [column[0] if column else ZERO for column in columns]
    b = [column[1] if len(column) > 1 else ZERO for column in columns]
    low = [builder.gate("OR", a[i], b[i]) for i in range(low_part)]
    carry = builder.gate("AND", a[low_part - 1], b[low_part - 1]) if low_part else ZERO
    return low + builder.add(a[low_part:], b[low_part:], carry, width=len(columns) - low_part)
