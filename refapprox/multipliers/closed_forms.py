"""Known circuits by formula: every signed multiplier of EvoApproxLib needs no data file.

Two two-parameter families contain them all. With bit weights W_i = 2**i, and W_(n-1) = -2**(n-1) for
signed operands of n bits:

    T(t)    = (x >> t << t) * (w >> t << t)                         operand truncation (floor)
    B(h, v) = sum over i >= h, i + j >= v of W_i W_j x_i w_j        broken array, i = bit of x

References
----------
H. R. Mahdiani et al., "Bio-inspired imprecise computational blocks", TCAS-I 2010, doi:10.1109/TCSI.2009.2027626
(broken-array multiplier); the identification of EvoApproxLib's circuits is exhaustive over their tables.
"""
import numpy as np

from refapprox.multipliers.multiplier import Multiplier, codes


def truncated_products(t, bits=8, signed=True):
    """Product table of T(t), int64, value order."""
    kept = codes(bits, signed) >> t << t
    return np.multiply.outer(kept, kept)


def broken_array_products(h, v, bits=8, signed=True):
    """Product table of B(h, v), int64, value order.

    Row i of the array adds W_i x_i times the weight, whose bits below v - i are dropped; dropping low
    bits of a two's-complement number is a shift right and left again.
    """
    operands = codes(bits, signed)
    products = np.zeros((operands.size, operands.size), dtype=np.int64)
    for i in range(h, bits):
        weight = -(2 ** i) if signed and i == bits - 1 else 2 ** i
        dropped = min(max(v - i, 0), bits)
        kept = operands >> dropped << dropped if dropped < bits else np.zeros_like(operands)
        products += weight * np.multiply.outer(operands >> i & 1, kept)
    return products


# name in release v1.1 -> (family, parameters, published power in mW at 45 nm)
SIGNED_8BIT_V1_1 = {
    "mul8s_1KR3": ("B", (6, 0), 0.052),
    "mul8s_1KR6": ("B", (1, 3), 0.363),
    "mul8s_1KR8": ("B", (1, 0), 0.369),
    "mul8s_1KRC": ("B", (1, 4), 0.351),
    "mul8s_1KTY": ("B", (3, 0), 0.237),
    "mul8s_1KV8": ("T", (0,), 0.425),
    "mul8s_1KVA": ("B", (0, 2), 0.422),
    "mul8s_1KVB": ("B", (0, 3), 0.410),
    "mul8s_1KVL": ("B", (2, 5), 0.289),
    "mul8s_1KX2": ("B", (0, 4), 0.391),
    "mul8s_1L1G": ("T", (3,), 0.126),
    "mul8s_1L2D": ("T", (2,), 0.200),
    "mul8s_1L2H": ("T", (1,), 0.301),
}

FAMILIES = {"T": truncated_products, "B": broken_array_products}


def signed_search_space():
    """The 13 signed 8x8 circuits of EvoApproxLib release v1.1, in order of their names."""
    return [Multiplier(name, FAMILIES[family](*parameters), True, power, "v1.1",
                       {"family": f"{family}({', '.join(map(str, parameters))})"})
            for name, (family, parameters, power) in sorted(SIGNED_8BIT_V1_1.items())]
