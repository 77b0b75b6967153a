"""Logarithmic multipliers: products as sums of binary logarithms, read off the leading one.

With a = 2**k (1 + f), 0 <= f < 1, and K = k_x + k_w, Mitchell's product is

    s = f_x + f_w;   2**K (1 + s) where s < 1,   else 2**(K + 1) s                         (1)

In integers, with A = (x - 2**k_x) 2**k_w + (w - 2**k_w) 2**k_x = 2**K s, this is 2**K + A or 2 A, without rounding.
The product is zero where an operand is. Corrections are given in the unit of 2**K, and results are rounded down.

    iterative(c)   2**K + A, and c times more for the residues x - 2**k_x, w - 2**k_w      (2)
    mbm(c)         (1) with s + c in place of s, c / 2 after a carry (s >= 1)              (3)
    realm(M)       (1) plus 2**K s_ij, i and j the segments of f_x, f_w among M equal ones (4)
    alm_loa(m), alm_soa(m)   (1) with an approximate adder for the low m fraction bits     (5)

References
----------
J. N. Mitchell, "Computer multiplication and division using binary logarithms", IRE Trans. EC-11(4), 1962,
doi:10.1109/TEC.1962.5219391 (1). Z. Babic, A. Avramovic, P. Bulic, "An iterative logarithmic multiplier",
Microprocessors and Microsystems 35(1), 2011, doi:10.1016/j.micpro.2010.07.001 (2). H. Saadat, H. Bokhari,
S. Parameswaran, "Minimally biased multipliers for approximate integer and floating-point multiplication", IEEE TCAD
37(11), 2018, 2623 (3). H. Saadat, H. Javaid, A. Ignjatovic, S. Parameswaran, "REALM: reduced-error approximate
log-based integer multiplier", DATE 2020 (4). W. Liu et al., "Design and evaluation of approximate logarithmic
multipliers for low power error-tolerant applications", IEEE TCAS-I 65(9), 2018, 2856 (5).
"""
from fractions import Fraction
from functools import lru_cache

import numpy as np

from refapprox.multipliers.rules.segments import leading_one

ONE = np.int64(1)


def logarithms(x, w):
    """(k_x, k_w, K, A, whether both operands are positive); positions of zeros are set to 0."""
    kx, kw = np.maximum(leading_one(x), 0), np.maximum(leading_one(w), 0)
    both = (x > 0) & (w > 0)
    return kx, kw, kx + kw, (x - (ONE << kx) << kw) + (w - (ONE << kw) << kx), both


def mitchell(x, w, bits):
    """Mitchell's product (1)."""
    _, _, exponent, fractions, both = logarithms(x, w)
    power = ONE << exponent
    return np.where(both, np.where(fractions < power, power + fractions, 2 * fractions), 0)


def iterative(x, w, bits, c):
    """Iterative logarithmic multiplier (2) with `c` corrections; exact once a residue is zero."""
    total = np.zeros_like(x)
    for _ in range(c + 1):
        kx, kw, exponent, fractions, both = logarithms(x, w)
        total = total + np.where(both, (ONE << exponent) + fractions, 0)
        x, w = (np.where(both, a - (ONE << k), 0) for a, k in ((x, kx), (w, kw)))
    return total


def mbm(x, w, bits, c=Fraction(5, 64)):
    """Minimally biased multiplier (3) with correction `c`, a fraction of 2**K."""
    c = Fraction(c).limit_denominator(2 ** 16)
    _, _, exponent, fractions, both = logarithms(x, w)
    power = ONE << exponent
    correction = power * c.numerator // c.denominator          # after a carry: 2 (A + 2**K c / 2) = 2 A + 2**K c
    return np.where(both, np.where(fractions < power, power + fractions, 2 * fractions) + correction, 0)


@lru_cache(maxsize=16)
def realm_corrections(segments):
    """s_ij of (4), float64 (segments, segments): what makes the mean relative error of every segment pair zero,

        s_ij = integral of (1 - M / P) / integral of 1 / P,   P = (1 + f_x)(1 + f_w),

    M being (1) in units of 2**K. Gauss-Legendre quadrature, exact to rounding: cells that the line f_x + f_w = 1
    crosses are split along it, and the integrand is smooth on either side.
    """
    nodes, weights = np.polynomial.legendre.leggauss(24)
    nodes, weights = (nodes + 1) / 2, weights / 2
    u, v = np.meshgrid(nodes, nodes, indexing="ij")
    area = np.outer(weights, weights)

    def integral(i, j):
        left, low, side = i / segments, j / segments, 1 / segments
        f, g, a = left + side * u, low + side * v, area * side ** 2
        if i + j == segments - 1:                               # two triangles: (u, u v) mapped to either half
            f = np.concatenate([left + side * u * (1 - v), left + side * (1 - u * (1 - v))])
            g = np.concatenate([low + side * u * v, low + side * (1 - u * v)])
            a = np.tile(area * u, (2, 1)) * side ** 2
        product = (1 + f) * (1 + g)
        mitchell = np.where(f + g < 1, 1 + f + g, 2 * (f + g))
        return (a * (1 - mitchell / product)).sum() / (a / product).sum()
    return np.array([[integral(i, j) for j in range(segments)] for i in range(segments)])


def realm(x, w, bits, segments):
    """REALM (4) with M = `segments` a power of two, corrections not quantized, the result rounded down."""
    kx, kw, exponent, fractions, both = logarithms(x, w)
    power = ONE << exponent
    level = segments.bit_length() - 1
    rows, columns = ((a - (ONE << k) << level) >> k for a, k in ((x, kx), (w, kw)))
    corrections = realm_corrections(segments)[np.where(both, rows, 0), np.where(both, columns, 0)]
    base = np.where(fractions < power, power + fractions, 2 * fractions)
    return np.where(both, base + np.floor(power * corrections).astype(np.int64), 0)


def fixed_point_logarithm(a, bits):
    """Mitchell's logarithm (k + f) 2**(bits - 1), an exact integer for 0 < a < 2**bits."""
    k = np.maximum(leading_one(a), 0)
    return (k << bits - 1) + (a - (ONE << k) << bits - 1 - k)


def antilogarithm(total, bits):
    """2**k (1 + f) of a fixed-point logarithm, rounded down."""
    k, f = total >> bits - 1, total & (1 << bits - 1) - 1
    scaled = (ONE << bits - 1) + f
    return np.where(k >= bits - 1, scaled << np.maximum(k - bits + 1, 0), scaled >> np.maximum(bits - 1 - k, 0))


def alm(x, w, bits, m, low):
    """Mitchell (5) on fixed-point logarithms; `low` gives the low m bits of their sum, the carry is a AND b below."""
    a, b = fixed_point_logarithm(np.maximum(x, 1), bits), fixed_point_logarithm(np.maximum(w, 1), bits)
    carry = (a & b) >> m - 1 & 1 if m else 0
    total = ((a >> m) + (b >> m) + carry << m) + low(a, b)
    return np.where((x > 0) & (w > 0), antilogarithm(total, bits), 0)


def alm_loa(x, w, bits, m):
    """ALM with a lower-part-OR adder: the low `m` bits are ORed."""
    return alm(x, w, bits, m, lambda a, b: (a | b) & (1 << m) - 1)


def alm_soa(x, w, bits, m):
    """ALM with a set-one adder: the low `m` bits are ones."""
    return alm(x, w, bits, m, lambda a, b: (1 << m) - 1)
