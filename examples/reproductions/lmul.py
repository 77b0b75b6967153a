"""L-Mul against float8: "comparable precision", as relative errors of products of real operands; no data needed.

A product of x = (1 + a) 2^i and y = (1 + b) 2^j, a and b rounded to m bits, is approximated by

    L-Mul, as its equation reads      (1 + a + b + 2^-l) 2^(i+j),   l = m for m <= 3, 3 for m = 4, 4 for m > 4      (1)
    L-Mul, as integers are added      s = a + b + 2^-l: (1 + s) 2^(i+j) for s < 1, else 2 s 2^(i+j)                  (2)
    Mitchell                          as (2) without 2^-l                                                           (3)
    float8                            both operands rounded to e4m3 or e5m2, multiplied exactly, rounded or not      (4)

Errors are relative to x y of the operands before rounding. Operands are laws, not samples: every cell of a rounding is
integrated by Gauss-Legendre quadrature with POINTS nodes, so that all digits shown are right.
"""
import numpy as np
from figures import Figure, main
from scipy import special, stats

SOURCE = ("H. Luo, W. Sun, \"Addition is All You Need for Energy-efficient Language Models\", arXiv:2410.00907, "
          "abstract: 4-bit mantissa comparable to float8 e4m3, 3-bit mantissa better than float8 e5m2")
PROTOCOL = ("rms and mean relative error of products of independent operands, standard normal and uniform on (0, 1); "
            "ours, since the abstract does not say of which operands; comparable: rms within 25 %")
POINTS = 8
COMPARABLE = 1.25
EXPONENTS = range(-40, 5)      # of normal operands: what lies below weighs less than 1e-12
DENSITIES = {"normal": (lambda x: 2 * stats.norm.pdf(x), 9.0), "uniform": (lambda x: (x <= 1) * 1.0, 1.0)}


def values_of(mantissa_bits, smallest_exponent, largest):
    """All positive values of a small float format with subnormals, in order."""
    fractions = np.arange(2 ** mantissa_bits) / 2 ** mantissa_bits
    subnormal = fractions[1:] * 2.0 ** smallest_exponent
    exponents = np.arange(smallest_exponent, int(np.log2(largest)) + 1)
    normal = (2.0 ** exponents[:, None] * (1 + fractions)).ravel()
    return np.concatenate([[0.0], subnormal, normal[normal <= largest]])


FORMATS = {"e4m3": values_of(3, -6, 448.0), "e5m2": values_of(2, -14, 57344.0)}


def nodes(grid, law):
    """(x, weight, index into `grid` of x rounded) of quadrature nodes within every rounding cell of `grid`."""
    density, end = DENSITIES[law]
    edges = np.concatenate([[0.0], (grid[1:] + grid[:-1]) / 2, [max(grid[-1], end) * 2]])
    low, high = np.minimum(edges[:-1], end), np.minimum(edges[1:], end)
    t, w = special.roots_legendre(POINTS)
    x = (low + high)[:, None] / 2 + (high - low)[:, None] / 2 * t
    weight = density(x) * (high - low)[:, None] / 2 * w
    index = np.broadcast_to(np.arange(len(grid))[:, None], x.shape)
    used = (weight > 0) & (x > 0)
    return x[used], weight[used], index[used]


def relative_errors(grid, product, law):
    """(rms, mean) of product(rounded x, rounded y) / (x y) - 1."""
    x, weight, index = nodes(grid, law)
    weight = weight / weight.sum()
    table = product(grid[:, None], grid[None, :])
    mean = square = 0.0
    for block in np.array_split(np.arange(len(x)), -(-len(x) // 256)):
        error = table[index[block][:, None], index] / (x[block][:, None] * x) - 1
        mean += weight[block] @ error @ weight
        square += weight[block] @ error ** 2 @ weight
    return float(np.sqrt(square)), float(mean)


def by_mantissas(rule):
    """A product by a rule on the mantissas a, b of operands with exponents of any size."""
    def product(x, y):
        with np.errstate(divide="ignore", invalid="ignore"):
            (i, a), (j, b) = ((e, v / 2.0 ** e - 1) for v in (x, y) for e in [np.floor(np.log2(v))])
            return np.nan_to_num(rule(a, b) * 2.0 ** (i + j))
    return product


def lmul(offset, carry):
    def rule(a, b):
        s = a + b + offset
        return np.where((s >= 1) & carry, 2 * s, 1 + s)
    return by_mantissas(rule)


def rounded_to(grid):
    """Products rounded to the nearest value of `grid`, the even one of two; beyond the largest the largest."""
    def product(x, y):
        exact = x * y
        upper = np.clip(np.searchsorted(grid, exact), 1, len(grid) - 1)
        low, high = grid[upper - 1], grid[upper]
        up = (high - exact < exact - low) | ((high - exact == exact - low) & (upper % 2 == 0))
        return np.where(up, high, low)
    return product


def mantissa_grid(bits):
    """All values with `bits` of mantissa and exponents that operands of both laws have."""
    fractions = np.arange(2 ** bits) / 2 ** bits
    return np.concatenate([[0.0], (2.0 ** np.array(EXPONENTS)[:, None] * (1 + fractions)).ravel()])


def rows():
    """name -> (grid, product)"""
    found = {}
    for bits, l in ((3, 3), (4, 3)):
        found |= {f"L-Mul, {bits} bits, (1)": (mantissa_grid(bits), lmul(2.0 ** -l, False)),
                  f"L-Mul, {bits} bits, (2)": (mantissa_grid(bits), lmul(2.0 ** -l, True)),
                  f"Mitchell, {bits} bits": (mantissa_grid(bits), lmul(0.0, True))}
    for name, grid in FORMATS.items():
        found |= {name: (grid, np.multiply), f"{name}, product rounded": (grid, rounded_to(grid))}
    for name, bits in (("e4m3", 3), ("e5m2", 2)):      # what is left where no operand is subnormal
        grid = mantissa_grid(bits)
        found |= {f"{name}, any exponent": (grid, np.multiply),
                  f"{name}, any exponent, product rounded": (grid, rounded_to(grid))}
    return found


def figures(folder):
    for law in DENSITIES:
        found = {name: relative_errors(*row, law) for name, row in rows().items()}
        for name, (rms, mean) in found.items():
            yield Figure(f"{law}: {name}, rms (mean {mean:+.4f})", "", rms, "no figure published")
        for bits, name, word in ((4, "e4m3", "comparable"), (3, "e5m2", "better")):
            factor = COMPARABLE if word == "comparable" else 1.0
            # from the reading that favors the claim most to the one that favors it least
            for rival in (f"{name}, product rounded", name, f"{name}, any exponent, product rounded",
                          f"{name}, any exponent"):
                for reading in ("(2)", "(1)"):
                    ratio = found[f"L-Mul, {bits} bits, {reading}"][0] / found[rival][0]
                    yield Figure(f"{law}: L-Mul {bits} bits {reading} / {rival}", word, ratio,
                                 "holds" if ratio <= factor else "differs")


if __name__ == "__main__":
    main("__main__")
