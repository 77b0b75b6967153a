"""Segment multipliers: both operands are cut to a short piece, the pieces multiplied exactly, the product shifted.

With k = floor(log2 a) the position of the leading one:

    dsm(k)    k bits from the leading one on, the rest zero
    drum(k)   the same with the lowest kept bit set to one where something was cut: unbiased on average
    letam(t)  t bits from the leading one on, and a one appended below them
    ssm(m)    the high m bits if any bit above the low m is one, else the low m bits
    essm(m)   three places for the segment: low, middle (n - m)/2 bits higher, and high

An operand that fits its segment is exact.

References
----------
S. Narayanamoorthy, H. A. Moghaddam, Z. Liu, T. Park, N. S. Kim, "Energy-efficient approximate multiplication for
digital signal processing and classification applications", IEEE TVLSI 23(6), 2015, 1180
(DSM, SSM, ESSM). S. Hashemi, R. I. Bahar, S. Reda, "DRUM: a dynamic range unbiased multiplier for approximate
applications", ICCAD 2015, doi:10.1109/ICCAD.2015.7372600. S. Vahdat, M. Kamal, A. Afzali-Kusha, M. Pedram, "LETAM: a
low energy truncation-based approximate multiplier", Computers & Electrical Engineering 63, 2017, 1.
"""
import numpy as np


def leading_one(a):
    """floor(log2 a) of int64 a >= 0, exactly; -1 for 0. `frexp` is exact below 2**53."""
    return np.frexp(a.astype(np.float64))[1].astype(np.int64) - 1


def from_leading_one(a, kept):
    """(`a` cut to `kept` bits from its leading one on, how many bits were cut off)."""
    cut = np.maximum(leading_one(a) - kept + 1, 0)
    return a >> cut << cut, cut


def dsm(x, w, bits, k):
    """DSM(k): dynamic segments, truncated."""
    return from_leading_one(x, k)[0] * from_leading_one(w, k)[0]


def drum(x, w, bits, k):
    """DRUM(k): dynamic segments whose lowest bit is one where bits were cut off."""
    kept = [(segment | np.where(cut > 0, np.int64(1) << cut, 0))
            for segment, cut in (from_leading_one(x, k), from_leading_one(w, k))]
    return kept[0] * kept[1]


def letam(x, w, bits, t):
    """LETAM(t): t bits from the leading one on and a one appended below, where there are bits below."""
    kept = [segment | np.where(cut > 0, (np.int64(1) << cut) >> 1, 0)
            for segment, cut in (from_leading_one(x, t), from_leading_one(w, t))]
    return kept[0] * kept[1]


def static_segment(a, bits, m, places):
    """`a` cut to the lowest of `places` (shifts in ascending order) whose m bits reach its leading one."""
    shift = np.full(a.shape, places[-1])
    for place in reversed(places[:-1]):
        shift = np.where(a >> m + place == 0, place, shift)
    return a >> shift << shift


def ssm(x, w, bits, m):
    """SSM(m): the segment is the high or the low m bits."""
    return static_segment(x, bits, m, (0, bits - m)) * static_segment(w, bits, m, (0, bits - m))


def essm(x, w, bits, m):
    """ESSM(m): high, middle or low m bits."""
    places = (0, (bits - m) // 2, bits - m)
    return static_segment(x, bits, m, places) * static_segment(w, bits, m, places)
