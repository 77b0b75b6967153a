"""Multipliers that round or linearize operands: RoBA, TOSAM, ETM and OU.

    roba         r_x w + r_w x - r_x r_w, r the nearest power of two                       (1)
    tosam(h, t)  2**K (1 + x_t + w_t + (x_h + 2**-(h+1)) (w_h + 2**-(h+1)))                (2)
    etm          high halves exactly, low halves by a run of ones; low halves exactly where both high ones are zero (3)
    ou(level)    tangent planes: m_x w + m_w x - m_x m_w, m the midpoints of 2**level equal parts, at least 0      (4)

In (2) x = 2**k (1 + f), x_t is f truncated to t bits, and results are rounded down.

References
----------
R. Zendegani et al., "RoBA multiplier: a rounding-based approximate multiplier for high-speed yet energy-efficient
digital signal processing", IEEE TVLSI 25(2), 2017, doi:10.1109/TVLSI.2016.2587696; the same algebra in M. S. Ansari,
B. F. Cockburn, J. Han, "A hardware-efficient logarithmic multiplier with improved accuracy", DATE 2019. S. Vahdat,
M. Kamal, A. Afzali-Kusha, M. Pedram, "TOSAM: an energy-efficient truncation- and rounding-based scalable approximate
multiplier", IEEE TVLSI 27(5), 2019, doi:10.1109/TVLSI.2018.2890712. K. Y. Kyaw, W. L. Goh, K. S. Yeo, "Low-power
high-speed multiplier for error-tolerant application", EDSSC 2010. C. Chen et al., "Optimally approximated and
unbiased floating-point multiplier with runtime configurability", ICCAD 2020,
doi:10.1145/3400302.3415702 (floating point; the integer form here is ours).
"""
import numpy as np

from refapprox.multipliers.rules.segments import leading_one

ONE = np.int64(1)


def nearest_power(a):
    """The power of two nearest to a > 0; 3 * 2**p, halfway, goes up, except that 3 goes to 2; 0 stays 0."""
    k = np.maximum(leading_one(a), 0)
    up = (a >= 3 * (ONE << k) >> 1) & (k > 0) & (a != 3)
    return np.where(a > 0, ONE << k + up, 0)


def roba(x, w, bits):
    """RoBA (1)."""
    rx, rw = nearest_power(x), nearest_power(w)
    return rx * w + rw * x - rx * rw


def tosam(x, w, bits, h, t):
    """TOSAM (2)."""
    kx, kw = np.maximum(leading_one(x), 0), np.maximum(leading_one(w), 0)
    fx, fw = (((a - (ONE << k)) << t) >> k for a, k in ((x, kx), (w, kw)))             # t-bit fractions
    hx, hw = ((f >> t - h << 1) + 1 for f in (fx, fw))                              # in units of 2**-(h + 1)
    point = max(t, 2 * h + 2)
    total = (ONE << point) + (fx + fw << point - t) + (hx * hw << point - 2 * h - 2)
    return np.where((x > 0) & (w > 0), total << kx + kw >> point, 0)


def etm(x, w, bits):
    """Error-tolerant multiplier (3).

    The low halves, l bits each, are scanned from their top: from the first position p where either has a one, the low
    2 l bits of the product are ones from position p + l down.
    """
    low = bits // 2
    mask = (1 << low) - 1
    position = leading_one((x | w) & mask)
    ones = (ONE << np.where(position >= 0, position + low + 1, 0)) - 1
    split = ((x >> low) * (w >> low) << 2 * low) + ones
    return np.where((x | w) >> low == 0, x * w, split)


def ou(x, w, bits, level):
    """OU (4): 2**level parts an axis, each of 2**(bits - level) codes with its midpoint."""
    side = bits - level
    mx, mw = ((a >> side << side) + (ONE << side >> 1) for a in (x, w))
    return np.maximum(mx * w + mw * x - mx * mw, 0)
