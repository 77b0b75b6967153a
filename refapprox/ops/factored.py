"""Route "factored": a table product as a few matrix products, bit-exact.

With lut[x, w] = sum_r F[x, r] G[w, r] (see `multipliers.factorization`),

    sum_k lut[x_k, w_k] = sum_(k, r) F[x_k, r] G[w_k, r]

is one ordinary matrix product over (r, k): the convolution of r maps for each channel, which `rolling` does. The
factors of a row of the map are looked up when that row enters the rolling buffer: the factored map is never held whole.

Exactness. Let bound = sum_(k, r) |F G| for an output. Integer factors: every product and partial sum is a
multiple of the quantum and at most bound, so float32 is exact up to 2**24 quanta and float64 up to 2**53, in any
order of summation, with or without fused multiply-adds. Floating factors: the sum is off by at most
gamma_(k r) bound + k slack; below 1/2, rounding gives the integer. Where a bound fails, k is split into chunks
that hold it, summed in the exact dtype of the result. Derived in docs/derivations/table_products.md.
"""
import math
import weakref

import numpy as np

from refapprox.ops import rolling
from refapprox.ops.patches import even_slices
from refapprox.ops.table_convolution import CASTING_BYTES

RING_BYTES = 16 << 20      # of a rolling buffer: more images are taken one block after the other
CODES = 1 << 16            # looked up at once: fewer, and threads wait for each other; more, and they leave the cache
PREPARED = weakref.WeakKeyDictionary()      # multiplier -> dtype -> its factors
HELD_BYTES = 8 << 20       # of a factored map that is made at once, where rows are too short for calls of their own


def run(problem, out, dtype, cuts):
    """Fill `out` (m, h_out, w_out, n) with the sums of `problem`; `cuts` of the channels come from `chunks`."""
    factors = problem.multiplier.factorization
    if factors.rank == 0:
        out[...] = 0
        return
    x_factors, w_factors, masks = factors_in(dtype, problem.multiplier)
    kernel_bytes = math.prod(problem.w.shape) * factors.rank * x_factors.itemsize
    held, row = problem.x.size * factors.rank * x_factors.itemsize, problem.x[:, 0].size
    held = held if held <= min(HELD_BYTES, problem.memory_limit // 8) and row < CODES // 4 else 0
    looking_up = 16 * min(CODES + max(problem.k, row), max(problem.w.size, problem.x.size if held else 0))
    rotations = problem.window.kernel[0] if problem.output_shape[3] >= rolling.NARROW else 1
    fixed = (rotations * kernel_bytes + x_factors.nbytes + w_factors.nbytes + held
             + problem.workers * (looking_up + CASTING_BYTES))
    rolled, joined = bytes_of_image(problem, factors.rank, cuts, x_factors.itemsize)
    room = min(RING_BYTES, (problem.memory_limit - fixed) // problem.workers)
    wide, band_bytes = min(problem.output_shape[3], room // max(1, rolled)) >= rolling.NARROW, rolling.PRODUCT_BYTES
    image_bytes, band_bytes = (rolled, band_bytes) if wide else (joined, min(band_bytes, room // 8))
    problem.check_memory(problem.workers * (image_bytes if wide else 2 * image_bytes) + fixed)
    kernels = factored_kernels(problem, w_factors)
    (h_out, w_out), ((top, _), (left, _)) = problem.output_shape[1:3], problem.window.padding
    walk = rolling.Walk(problem.window.kernel, problem.window.stride, problem.window.dilation, (-top, -left),
                        (h_out, w_out))
    outputs = rolling.outputs_of(out, 1)
    direct = factors.is_integer and len(cuts) == 2
    for images in problem.image_blocks(image_bytes, room if wide else room // 2):
        for first, last in zip(cuts, cuts[1:], strict=False):
            source = factored_source(problem, x_factors, masks, slice(first, last), images, bool(held))
            source = source._replace(band_bytes=band_bytes)
            of_cut = kernels[..., first:last, :].reshape(1, len(kernels), *walk.kernel[::-1], -1)
            store = None if direct and out.dtype == dtype else storing(factors.is_integer, problem.sum_dtype, first > 0)
            rolling.correlate(source, of_cut, outputs[..., images], walk, workers=problem.workers,
                              scratches=problem.scratches, store=store)


def factors_in(dtype, multiplier):
    """(factors of x, factors of w, masks or None) of a multiplier, a row for each, remembered, for they take a tenth of
    a small product. Where x has masks, w has their scales."""
    prepared = PREPARED.setdefault(multiplier, {})
    if dtype not in prepared:
        factors = multiplier.factorization
        x_factors, w_factors = (np.ascontiguousarray(f.T, dtype=dtype) for f in (factors.x_factors, factors.w_factors))
        masks = masks_of(factors.x_factors.T, multiplier.range_x[0])
        if masks:
            scales = np.array([[scale] for _, scale in masks], dtype)
            x_factors, w_factors = x_factors / scales, w_factors * scales
        prepared[dtype] = x_factors, w_factors, masks
    return prepared[dtype]


def factored_source(problem, x_factors, masks, channels, images, held=False):
    """The `rolling.Source` of the factors of some channels: c * r channels, made when their row is needed, or all at
    once and `held`."""
    codes, (rank, c) = problem.x[channels, ..., images], (len(x_factors), channels.stop - channels.start)
    by_row, n = codes.transpose(1, 2, 0, 3), codes.shape[3]
    (qmin, _), narrow = problem.multiplier.range_x, problem.narrow
    if masks:
        masks = [np.array(mask).astype(narrow) for mask, _ in masks]
    else:
        tables = x_factors if narrow.itemsize > 1 else np.roll(padded(x_factors), qmin, axis=1)   # by pattern of bits

    def factor(codes, target, scratch):
        """Codes (..., c, n) as factors, into `target` (..., c * r, n)."""
        targets = target.reshape(*codes.shape[:-1], rank, n)
        if codes.dtype != narrow:
            narrowed = scratch.array("codes", codes.shape, narrow)
            np.copyto(narrowed, codes, casting="unsafe")
            codes = narrowed
        if masks:
            for r, mask in enumerate(masks):
                np.copyto(targets[..., r, :], codes if mask == -1 else np.bitwise_and(
                    codes, mask, out=scratch.array("masked", codes.shape, narrow)))
            return
        index = scratch.array("index", codes.shape, np.intp)
        terms = scratch.array("terms", codes.shape, x_factors.dtype)
        np.subtract(codes.view("u1") if narrow.itemsize == 1 else codes, 0 if narrow.itemsize == 1 else qmin, out=index,
                    dtype=np.intp)
        for r, table in enumerate(tables):
            table.take(index, out=terms, mode="wrap")                        # "raise" would buffer the result
            np.copyto(targets[..., r, :], terms)

    def fill(y, columns, target, scratch):
        factor(by_row[y, columns], target[0], scratch)

    pad = np.tile(x_factors[:, problem.pad_code - qmin], c)[None, None, :, None]
    if not held:
        return rolling.Source(codes.shape[1:3], (1, c * rank, n), x_factors.dtype, fill, pad)
    maps = np.empty((*by_row.shape[:2], c * rank, n), x_factors.dtype)
    problem.each(lambda rows, scratch: factor(by_row[rows], maps[rows], scratch),
                 even_slices(len(maps), min(len(maps), -(-codes.size // CODES))))
    return rolling.maps_source(maps.transpose(2, 0, 1, 3), 1, x_factors.dtype, pad)


def padded(x_factors):
    """Factors (r, codes) with as many zeros behind them as make up all patterns of 8 bits."""
    return np.pad(x_factors, ((0, 0), (0, 256 - x_factors.shape[1])))


def masks_of(x_factors, qmin):
    """Pairs (mask, scale), one a factor, where each is scale * (code & mask), as of circuits that leave products
    of bits out; else None. To mask a code takes a third of the time of looking it up."""
    if x_factors.shape[1] != 256:
        return None
    codes, found = np.arange(qmin, qmin + 256), []
    for f in x_factors:
        bits = [bit for bit in (1, 2, 4, 8, 16, 32, 64, 128 if qmin == 0 else -128) if f[bit - qmin]]
        mask = np.bitwise_or.reduce(bits) if bits else 0
        scale = float(f[bits[0] - qmin]) / bits[0] if bits else 0.0
        if not scale.is_integer() or not np.array_equal(scale * (codes & mask), f):
            return None
        found.append((mask, scale))
    return found


def storing(integer, sum_dtype, add):
    """How sums of one chunk of channels become, or are added to, sums in another dtype; floating ones are rounded."""
    def store(target, part):
        if not integer:
            np.rint(part, out=part)
        if target.dtype == np.int64:
            part = part.astype(sum_dtype)                       # by way of int32 it takes half the time
        if add:
            np.add(target, part, out=target, casting="unsafe")
        else:
            np.copyto(target, part, casting="unsafe")

    return store


def factored_kernels(problem, w_factors):
    """G of every weight, (m, kw, kh, c, r): all factors of one at once take a quarter of the time."""
    m, c, kh, kw = problem.w.shape
    kernels = np.empty((m, kw, kh, c, len(w_factors)), w_factors.dtype)
    table = np.ascontiguousarray(w_factors.T)

    def look_up(outputs, _):
        codes = np.ascontiguousarray(problem.w[outputs].transpose(0, 3, 2, 1))
        index = np.subtract(codes, problem.multiplier.range_w[0], dtype=np.intp, casting="unsafe")
        table.take(index, axis=0, out=kernels[outputs], mode="clip")

    problem.each(look_up, even_slices(m, min(m, -(-problem.w.size // CODES))))
    return kernels


def bytes_of_image(problem, rank, cuts, itemsize):
    """Memory of a worker behind one image: the rolling buffer, what is looked up for it, and products of a row; and
    where positions are joined, one row of them beside the rows of the input that it sees."""
    (kh, kw), dh = problem.window.kernel, problem.window.dilation[0]
    (m, _, w_out, _), columns = problem.output_shape, problem.padded_size[1]
    c = max(stop - start for start, stop in zip(cuts, cuts[1:], strict=False))
    others = columns * c * (8 + itemsize) + w_out * m * (3 * itemsize + 8)
    return (columns * c * kh * rank * itemsize + others,
            (columns * (dh * (kh - 1) + 1) + w_out * kh * kw) * c * rank * itemsize + others)


def chunks(problem, dtype):
    """Where to cut the channels so that the sum over every chunk is exact in `dtype`; None where one is too many."""
    c, kh, kw = problem.w.shape[1:]
    longest = problem.multiplier.factorization.longest_exact[np.dtype(dtype).name] // (kh * kw)
    if longest == 0:
        return None
    count = -(-c // longest)
    return tuple(c * i // count for i in range(count + 1))
