"""Sums of table products in Python integers, right and wrong.

`how` holds the deviations of a known mistake; empty, it is the definition.
"""
import numpy as np

from refapprox.conformance.generator.tables import product

TERMS = {"x": 1, "w": 1, "cross": 1}      # factors of the terms of a correction


def lookup(m, x, w, signed, how=None):
    """m(x, w), or what a mistaken look-up reads."""
    if how is None:
        return m(x, w)
    if how == "transposed table":
        return m(w, x)
    if how == "exact instead of table":
        return x * w
    if how == "int16 table":
        return (m(x, w) + 2 ** 15) % 2 ** 16 - 2 ** 15
    if how == "32768 left in the table":
        return m(x, w) + 2 ** 15
    if how == "product not sign-extended":
        return m(x, w) % 2 ** 16
    if how == "last entry repeated":
        return m(x, w - (x == w == 255))
    if how == "two's-complement order":
        qmin = -128 if signed else 0
        return m((x % 256) + qmin, (w % 256) + qmin)
    if how == "unsigned codes by sign and magnitude":
        (x_sign, x), (w_sign, w) = ((-1, 256 - v) if v > 127 else (1, v) for v in (x, w))
        return x_sign * w_sign * m(x, w)
    if how == "negative quadrant from magnitudes":
        return m(magnitude8(x), magnitude8(w)) if x < 0 and w < 0 else m(x, w)
    x_size, w_size = (min(abs(v), 127 if signed else 255) for v in (x, w))
    sign = -1 if (x < 0) != (w < 0) else 1
    return sign * m(x_size, w_size)                                       # sign-magnitude table


def magnitude8(code):
    """|code| in 8 bits, where -128 is its own magnitude."""
    return (abs(code) + 128) % 256 - 128


LOOKUPS = ("transposed table", "two's-complement order", "negative quadrant from magnitudes", "sign-magnitude table",
           "exact instead of table", "int16 table", "32768 left in the table", "product not sign-extended")
UNSIGNED_LOOKUPS = ("transposed table", "unsigned codes by sign and magnitude", "exact instead of table", "int16 table",
                    "32768 left in the table", "last entry repeated")


def accumulate(terms, how=None):
    """Sum of integers, or what a narrow accumulator makes of it."""
    if how == "float32 accumulator":
        total = np.float32(0)
        for term in terms:
            total = np.float32(total + np.float32(term))
        return int(total)
    total = sum(terms)
    if how == "int16 accumulator":
        return (total + 2 ** 15) % 2 ** 16 - 2 ** 15
    if how == "int32 wraparound":
        return (total + 2 ** 31) % 2 ** 32 - 2 ** 31
    if how == "saturating accumulator":
        return min(max(total, -2 ** 15), 2 ** 15 - 1)
    return total


ACCUMULATORS = ("int16 accumulator", "float32 accumulator", "saturating accumulator")


def neuron(table, pairs, x_zero_point=0, w_zero_point=0, *, look=None, sum_by=None, tile=0, terms=None,
           real_sums_of_1=False):
    """One output: the accumulated table products of `pairs` (x, w, looked up?), zero points corrected.

    y = sum m(x, w) - z_x sum w - z_w sum x + k z_x z_w
    """
    m, signed, _ = product(table)
    total = accumulate([lookup(m, x, w, signed, look) for x, w, real in pairs if real], sum_by)
    if tile:
        total += -len(pairs) % tile * m(0, 0)
    x_sum, w_sum = sum(x for x, _, _ in pairs), sum(w for _, w, _ in pairs)
    if real_sums_of_1:
        x_sum, w_sum = 1 + len(pairs) * x_zero_point, 1 + len(pairs) * w_zero_point
    factors = {**TERMS, **(terms or {})}
    return (total - factors["x"] * x_zero_point * w_sum - factors["w"] * w_zero_point * x_sum
            + factors["cross"] * len(pairs) * x_zero_point * w_zero_point)


def per_output(zero_point, output):
    return int(zero_point[output]) if np.ndim(zero_point) else int(zero_point)


def matmul(table, x, w, **how):
    """x (n, k), w (k, m) -> (n, m)."""
    return np.array([[neuron(table, [(int(x[i, k]), int(w[k, j]), True) for k in range(x.shape[1])], **how)
                      for j in range(w.shape[1])] for i in range(x.shape[0])], dtype=np.int64)


def linear(table, x, w, x_zero_point=0, w_zero_point=0, *, one_zero_point=False, **how):
    """x (n, k), w (m, k) -> (n, m)."""
    return np.array([[neuron(table, [(int(x[i, k]), int(w[o, k]), True) for k in range(x.shape[1])], x_zero_point,
                             per_output(w_zero_point, 0 if one_zero_point else o), **how)
                      for o in range(w.shape[0])] for i in range(x.shape[0])], dtype=np.int64)


def output_sizes(size, kernel, stride, padding, dilation, ceiling=False):
    """floor((size + 2 p - d (k - 1) - 1) / s) + 1 for both image axes."""
    spans = [s + 2 * p - d * (k - 1) - 1 for s, k, p, d in zip(size, kernel, padding, dilation, strict=True)]
    return [(-(-span // s) if ceiling else span // s) + 1 for span, s in zip(spans, stride, strict=True)]


def patch(x, image, channels, row, column, kernel, dilation, pad, flipped=False):
    """[(value or pad, inside the image?)] of the taps (channel, i, j), in the order of a kernel's elements."""
    kh, kw = kernel
    taps = []
    for c in channels:
        for i in range(kh):
            for j in range(kw):
                i_tap, j_tap = (kh - 1 - i, kw - 1 - j) if flipped else (i, j)
                r, q = row + i_tap * dilation[0], column + j_tap * dilation[1]
                inside = 0 <= r < x.shape[2] and 0 <= q < x.shape[3]
                taps.append((x[image, c, r, q].item() if inside else pad, inside))
    return taps


def conv2d(table, x, w, *, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, x_zero_point=0, w_zero_point=0,
           pad="zero point", flipped=False, swapped=False, ceiling=False, interleaved=False, one_zero_point=False,
           **how):
    """x (n, c, h, w), w (m, c / groups, kh, kw) -> (n, m, oh, ow)."""
    if swapped:
        stride, padding, dilation = stride[::-1], padding[::-1], dilation[::-1]
    m, per_group, *kernel = w.shape
    sizes = output_sizes(x.shape[2:], kernel, stride, padding, dilation, ceiling)
    if min(sizes) < 1:
        return None
    y = np.empty((x.shape[0], m, *sizes), dtype=np.int64)
    pad_code = 0 if pad == "code 0" else x_zero_point
    for image, o, p, q in np.ndindex(y.shape):
        group = o % groups if interleaved else o // (m // groups)
        taps = patch(x, image, range(group * per_group, (group + 1) * per_group), p * stride[0] - padding[0],
                     q * stride[1] - padding[1], kernel, dilation, pad_code, flipped)
        pairs = [(a, int(b), inside or pad != "skipped") for (a, inside), b in zip(taps, w[o].ravel(), strict=True)]
        y[image, o, p, q] = neuron(table, pairs, x_zero_point, per_output(w_zero_point, 0 if one_zero_point else o),
                                   **how)
    return y
