"""Unsigned families that change how partial products are made: 2x2 blocks and rows compressed by OR.

References
----------
P. Kulkarni, P. Gupta, M. Ercegovac, "Trading accuracy for power with an underdesigned multiplier architecture",
VLSI Design 2011, doi:10.1109/VLSID.2011.51. I. Qiqieh et al., "Energy-efficient approximate multiplier design using
bit significance-driven logic compression", DATE 2017, doi:10.23919/DATE.2017.7926950.
"""
from refapprox.multipliers.circuits.builder import ZERO
from refapprox.multipliers.circuits.reduction import column_sum


def underdesigned(builder, x, w):
    """Kulkarni's multiplier: 2x2 blocks that give 7 for 3 * 3, combined by exact adders.

    Recursion only regroups exact additions, so the product is the sum over base-4 digits of
    block(x_i, w_j) 4**(i + j); an odd width has a top digit of one bit.
    """
    columns = [[] for _ in range(len(x) + len(w))]
    for i in range(0, len(x), 2):
        for j in range(0, len(w), 2):
            for position, wire in enumerate(block(builder, *digit(x, i), *digit(w, j)), i + j):
                if wire != ZERO:
                    columns[position].append(wire)
    return column_sum(builder, columns)


def digit(word, position):
    """The two bits of a base-4 digit, the missing one of an odd width being zero."""
    return word[position], word[position + 1] if position + 1 < len(word) else ZERO


def block(builder, x0, x1, w0, w1):
    """Three product bits of the 2x2 block: x0 w0, x1 w0 OR x0 w1, x1 w1."""
    cross = builder.gate("OR", builder.gate("AND", x1, w0), builder.gate("AND", x0, w1))
    return builder.gate("AND", x0, w0), cross, builder.gate("AND", x1, w1)


def significance_driven(builder, x, w):
    """SDLC of depth 2: rows 2 r and 2 r + 1 share their cells by OR in columns up to n - 1 + r, the rest is added."""
    columns = [[] for _ in range(len(x) + len(w))]
    for r in range(0, len(w), 2):
        for column in range(r, r + len(x) + 1):
            pair = [builder.gate("AND", x[column - row], w[row])
                    for row in (r, r + 1) if row < len(w) and 0 <= column - row < len(x)]
            if len(pair) == 2 and column <= len(x) - 1 + r // 2:
                pair = [builder.gate("OR", *pair)]
            columns[column].extend(pair)
    return column_sum(builder, columns)
