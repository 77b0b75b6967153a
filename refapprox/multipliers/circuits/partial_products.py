"""The partial-product matrix of an n x m multiplier, signed or not, and what families drop from it.

With bit weights W_i = 2**i, and W_(n-1) = -2**(n-1) for signed operands,

    x * w = sum over i, j of W_i W_j x_i w_j                                               (1)

A cell whose weight is negative is built as Baugh and Wooley do, -2**k t = 2**k (1 - t) - 2**k: a NAND in column k and
-2**k in a constant that all such cells share. A dropped cell drops both, so what remains is (1) over the kept cells
exactly (in hardware: the dropped NAND becomes the constant 1).

References
----------
C. R. Baugh, B. A. Wooley, "A two's complement parallel array multiplication algorithm", IEEE Trans. Computers
C-22(12), 1973, doi:10.1109/T-C.1973.223648.
"""
from refapprox.multipliers.circuits.builder import ONE


def cell_sign(i, j, bits_x, bits_w, signed):
    """Sign of W_i W_j in (1)."""
    return -1 if signed and (i == bits_x - 1) != (j == bits_w - 1) else 1


def partial_products(builder, x, w, signed, keep=None, shift=None):
    """Columns of the matrix: ``columns[k]`` holds the wires of weight 2**k, modulo 2**(n + m).

    ``keep(i, j)`` says which cells x_i w_j there are, by default all; ``shift(i, j)``, 0 or 1, how many columns further
    up one is added than its own.
    """
    width = len(x) + len(w)
    columns, constant = [[] for _ in range(width)], 0
    for j, bit_w in enumerate(w):
        for i, bit_x in enumerate(x):
            if keep is not None and not keep(i, j):
                continue
            column = i + j + (shift(i, j) if shift else 0)
            negative = cell_sign(i, j, len(x), len(w), signed) < 0
            columns[column].append(builder.gate("NAND" if negative else "AND", bit_x, bit_w))
            constant -= 2 ** column if negative else 0
    return add_constant(columns, constant)


def add_constant(columns, constant):
    """`columns` with the bits of `constant` modulo 2**len(columns) added as wires of constant one."""
    for k in range(len(columns)):
        if constant >> k & 1:
            columns[k].append(ONE)
    return columns


def expected_dropped(bits, signed, keep):
    """Mean of what `keep` drops under uniform operands, as a fraction (numerator over 4): sum of W_i W_j / 4.

    Every bit is one half of the time, so a cell x_i w_j is one a quarter of the time.
    """
    return sum(cell_sign(i, j, bits, bits, signed) * 2 ** (i + j)
               for i in range(bits) for j in range(bits) if not keep(i, j))
