"""A product table as a sum of few outer products, so that table products become ordinary matrix products.

    lut[x, w] = sum_r F[x, r] G[w, r] + residual[x, w],      |residual| <= slack                     (1)

Three ways, the first that works:

*bits*      The table is a bilinear form of the operands' bits, lut = sum_ij M[i, j] x_i w_j, as for every circuit
            that only leaves partial products out. Rows of M that are multiples of one primitive row p share a
            term:  F = sum of gcd_i x_i over those rows, G = sum_j p_j w_j. Integers, slack 0.
*integer*   Elimination with exact divisions: lut -= u v / pivot where the pivot divides its row or its column.
            Each step lowers the rank by one and stays integer. Slack 0.
*floating*  Singular value decomposition in float64; slack bounds what it leaves and the rounding of (1).

Why a floating sum can still be exact, and how far, is in docs/derivations/table_products.md.
"""
from dataclasses import dataclass
from functools import cached_property

import numpy as np

MAX_GROWTH = 64          # integer factors may make sum |F||G| this much larger than the table, not more
EPS = np.finfo(np.float64).eps / 2
MANTISSA = {"float32": 2.0 ** 24, "float64": 2.0 ** 53}


@dataclass(frozen=True, eq=False)
class Factorization:
    """Factors F (2**bits_x, r) and G (2**bits_w, r), float64, of a table; `kind` is bits, integer or floating.

    magnitude[x, w] = sum_r |F[x, r] G[w, r]| bounds every partial sum of (1), in any order; `largest` is its
    maximum, `largest_factor` that of |F| and |G|. `quantum` is a power of two that divides every term of (1),
    where they are integers.
    """

    x_factors: np.ndarray
    w_factors: np.ndarray
    kind: str
    slack: float = 0.0

    def __post_init__(self):
        magnitude = np.abs(self.x_factors) @ np.abs(self.w_factors).T
        object.__setattr__(self, "magnitude", magnitude)
        object.__setattr__(self, "largest", float(magnitude.max()))
        object.__setattr__(self, "largest_factor", max(float(np.abs(f).max(initial=0))
                                                       for f in (self.x_factors, self.w_factors)))
        object.__setattr__(self, "quantum", min(
            (power_of_two_content(f) * power_of_two_content(g)
             for f, g in zip(self.x_factors.T, self.w_factors.T, strict=True)), default=1)
            if self.is_integer else 1)
        for array in (self.x_factors, self.w_factors, magnitude):
            array.flags.writeable = False

    @property
    def rank(self):
        """Number of terms r."""
        return self.x_factors.shape[1]

    @property
    def is_integer(self):
        """Whether all factors are integers, so that (1) has no residual."""
        return self.kind != "floating"

    @cached_property
    def longest_exact(self):
        """dtype name -> largest k for which any sum of k products is exact in it, after rounding if floating.

        Integer factors: k largest <= 2**24 or 2**53 quanta. Floating ones: gamma_(k r) k largest + k slack < 1/2
        in float64, never in float32.
        """
        if self.is_integer:
            exact = self.largest < MANTISSA["float64"]                    # then so were the sums that made it
            largest = max(1, int(self.largest if exact else self.largest * (1 + 1e-9)) + (not exact))
            return {name: 0 if self.largest_factor > limit else int(limit) * int(self.quantum) // largest
                    for name, limit in MANTISSA.items()}
        square, linear = 1.01 * EPS * self.rank * self.largest, 1.01 * EPS * self.largest + self.slack
        k = int(0.98 / (linear + (linear ** 2 + 1.96 * square) ** 0.5)) + 2      # the bound's root, and more
        while k and square * k ** 2 + linear * k >= 0.49:
            k -= 1
        return {"float32": 0, "float64": k}


def power_of_two_content(values):
    """Largest power of two that divides all of `values`, whole numbers held as floats; 1 for zeros."""
    together = int(np.bitwise_or.reduce(np.abs(values).astype(np.int64)))
    return together & -together or 1


def factorize(lut, signed):
    """Factorization of an integer table in value order.

    >>> codes = np.arange(-8, 8)
    >>> f = factorize(np.multiply.outer(codes >> 1 << 1, codes >> 1 << 1), signed=True)
    >>> f.kind, f.rank
    ('bits', 1)
    """
    lut = np.asarray(lut, dtype=np.int64)
    for way in (bit_factors, integer_factors):
        factors = way(lut, signed)
        if factors is not None:
            return factors
    return floating_factors(lut)


def operand_bits(size, signed):
    """Bits (size, b) of all codes in value order, and the codes' sign convention as bit weights (b,)."""
    b = size.bit_length() - 1
    weights = 2 ** np.arange(b)
    if signed:
        weights[-1] *= -1
    codes = np.arange(size) - (size // 2 if signed else 0)
    return codes[:, None] >> np.arange(b) & 1, weights


def bit_factors(lut, signed):
    """Factors of a table that is a bilinear form of bits; None where it is not, or its rows share no terms."""
    (x_bits, x_weights), (w_bits, w_weights) = (operand_bits(size, signed) for size in lut.shape)
    offsets = [size // 2 if signed else 0 for size in lut.shape]
    form = lut[np.ix_(x_weights + offsets[0], w_weights + offsets[1])]            # M: lut at single bits
    if not np.array_equal(x_bits @ form @ w_bits.T, lut):
        return None
    terms = {}
    for bit, row in enumerate(form.tolist()):
        divisor = np.gcd.reduce(row).item()
        if divisor:
            divisor *= np.sign(next(value for value in row if value)).item()
            terms.setdefault(tuple(value // divisor for value in row), {})[bit] = divisor
    x_factors = np.zeros((lut.shape[0], len(terms)))
    w_factors = np.zeros((lut.shape[1], len(terms)))
    for term, (primitive, multiples) in enumerate(terms.items()):
        x_factors[:, term] = x_bits[:, list(multiples)] @ list(multiples.values())
        w_factors[:, term] = w_bits @ primitive
    return Factorization(x_factors, w_factors, "bits")


def integer_factors(lut, signed=None):
    """Factors by elimination with exact divisions; None where no pivot divides or the terms grow too large."""
    rest = lut.copy()
    limit = MAX_GROWTH * int(np.abs(lut).max(initial=1))
    x_factors, w_factors = [], []
    while rest.any():
        if len(x_factors) >= min(lut.shape) // 4:
            return None                                     # the rank is too high to be of use
        step = exact_step(rest)
        if step is None:
            return None
        u, v = step
        rest = rest - np.multiply.outer(u, v)
        if np.abs(rest).max() > limit:
            return None
        x_factors.append(u)
        w_factors.append(v)
    stack = [np.array(f, dtype=np.float64).reshape(-1, n).T for f, n in zip((x_factors, w_factors), lut.shape,
                                                                          strict=True)]
    factors = Factorization(*stack, "integer")
    return factors if factors.largest <= limit else None


def exact_step(rest):
    """(u, v) with rest - u v of lower rank by one, from the smallest pivot that divides its row or its column."""
    magnitude = np.abs(rest)
    for size in np.unique(magnitude[magnitude > 0])[:8]:
        for row, column in np.argwhere(magnitude == size)[:8]:
            pivot = rest[row, column]
            if not (rest[:, column] % pivot).any():
                return rest[:, column] // pivot, rest[row]
            if not (rest[row] % pivot).any():
                return rest[:, column], rest[row] // pivot
    return None


def floating_factors(lut):
    """Factors by singular values, the small ones dropped, with a proven bound on what is left."""
    u, s, vt = np.linalg.svd(lut.astype(np.float64))
    kept = s > s[0] * EPS * 8 * max(lut.shape)
    root = np.sqrt(s[kept])
    x_factors, w_factors = u[:, :root.size] * root, vt[:root.size].T * root
    # the residual as computed, plus the rounding of computing it: r + 2 operations an entry
    magnitude = np.abs(x_factors) @ np.abs(w_factors).T
    rounding = (root.size + 2) * EPS * (1 + 1e-6) * (magnitude + np.abs(lut)).max()
    slack = float(np.abs(lut - x_factors @ w_factors.T).max() + rounding)
    return Factorization(x_factors, w_factors, "floating", slack)
