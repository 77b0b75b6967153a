"""Route "factored": a table product as a few matrix products, bit-exact.

With lut[x, w] = sum_r F[x, r] G[w, r] (see `multipliers.factorization`),

    sum_k lut[x_k, w_k] = sum_(k, r) F[x_k, r] G[w_k, r]

is one ordinary matrix product over (r, k). The feature map is factored once, patches are gathered from the
factored map band by band, and `tile` neighboring outputs of a row share one patch: their kernels stand one below
the other, shifted, in a banded matrix, which copies less and multiplies some zeros.

Exactness. Let bound = sum_(k, r) |F G| for an output. Integer factors: every product and partial sum is a
multiple of the quantum and at most bound, so float32 is exact up to 2**24 quanta and float64 up to 2**53, in any
order of summation, with or without fused multiply-adds. Floating factors: the sum is off by at most
gamma_(k r) bound + k slack; below 1/2, rounding gives the integer. Where a bound fails, k is split into chunks
that hold it, summed in the exact dtype of the result. Derived in docs/derivations/table_products.md.
"""
import math

import numpy as np

from refapprox.ops.patches import even_slices
from refapprox.ops.table_convolution import CASTING_BYTES
from refapprox.ops.threads import blas_threads

MAP_BYTES = 16 << 20       # of factored maps
KERNEL_CODES = 1 << 16     # looked up at once: fewer, and threads wait for each other; more, and they leave the cache
BAND_BYTES = 1 << 20       # of patches: they stay in a core's second-level cache until they are multiplied
SHARED_BAND_BYTES = 4 << 20      # where BLAS has several threads, which wait for each other after every product


def run(problem, out, tile, dtype, cuts):
    """Fill `out` (m, h_out, w_out, n) with the sums of `problem`; `tile` divides w_out, `cuts` come from `chunks`."""
    factors = problem.multiplier.factorization
    if factors.rank == 0:
        out[...] = 0
        return
    x_factors, w_factors = (np.ascontiguousarray(f.T, dtype=dtype) for f in (factors.x_factors, factors.w_factors))
    image_bytes, row_bytes = block_bytes(problem, factors.rank, tile, cuts, x_factors.itemsize)
    kernel_bytes = tile * len(problem.w) * factors.rank * math.prod(patch_shape(problem, tile)) * x_factors.itemsize
    copies = 1 if tile == 1 and (len(cuts) == 2 or factors.rank == 1) else 2
    looking_up = 16 * min(KERNEL_CODES + problem.k, problem.w.size)
    fixed = (copies * kernel_bytes + x_factors.nbytes + w_factors.nbytes
             + problem.workers * (looking_up + CASTING_BYTES))
    problem.check_memory(problem.workers * (image_bytes + row_bytes) + fixed)
    room = (problem.memory_limit - fixed) // problem.workers
    blocks = problem.image_blocks(max(image_bytes, row_bytes), min(MAP_BYTES, room // 2), problem.workers)
    kernels = banded(problem, factored_kernels(problem, w_factors), tile)
    chunked = [(slice(*cut), kernels[:, :, slice(*cut)].reshape(len(kernels), -1))
               for cut in zip(cuts, cuts[1:], strict=False)]

    def work(images, scratch):
        index = problem.x_index(images, scratch)
        mapped = scratch.array("mapped", (factors.rank, *index.shape), dtype)
        for term, f in zip(mapped, x_factors, strict=True):
            f.take(index, out=term, mode="clip")                            # "raise" would buffer the result
        # kernels are packed anew for every band, so bands must not be small beside them
        wanted = BAND_BYTES if blas_threads() == 1 else SHARED_BAND_BYTES
        band_bytes = min(max(wanted, kernel_bytes), room - image_bytes * index.shape[3])
        for rows in problem.row_bands(row_bytes * index.shape[3], band_bytes):
            total = None
            for channels, matrix in chunked:
                lines = patches(problem, mapped, channels, rows, tile, scratch)
                part = scratch.array("part", (len(matrix), lines.shape[1]), dtype)
                np.matmul(matrix, lines, out=part)
                if not factors.is_integer:
                    np.rint(part, out=part)
                if len(chunked) > 1:
                    total = part.astype(out.dtype) if total is None else np.add(total, part, out=total,
                                                                                casting="unsafe")
            store(out[:, rows, :, images], part if total is None else total, tile)

    problem.each(work, blocks)


def factored_kernels(problem, w_factors):
    """G of every weight, (m, r, c, kh, kw)."""
    m, *rest = problem.w.shape
    kernels = np.empty((m, len(w_factors), *rest), w_factors.dtype)

    def look_up(outputs, _):
        index = problem.w_index(outputs)
        for term, f in enumerate(w_factors):
            kernels[outputs, term] = f.take(index, mode="clip")

    problem.each(look_up, even_slices(m, min(m, -(-problem.w.size // KERNEL_CODES))))
    return kernels


def store(band, sums, tile):
    """Write `sums` (tile * m, pixels) into `band` (m, h, w, n) of the output."""
    m, h, w, n = band.shape
    np.copyto(band.reshape(m, h, w // tile, tile, n),                     # a view: an axis is split, none are merged
              sums.reshape(tile, m, h, w // tile, n).transpose(1, 2, 3, 0, 4), casting="unsafe")


def patch_shape(problem, tile):
    """(c, kh, width) of the patch behind `tile` neighboring outputs."""
    _, c, kh, kw = problem.w.shape
    return c, kh, kw if tile == 1 else (tile - 1) * problem.window.stride[1] + kw


def block_bytes(problem, rank, tile, cuts, itemsize):
    """Memory behind one image (indices and factored map), and behind one row of outputs of it (patches, products)."""
    c, kh, width = patch_shape(problem, tile)
    tiles, m = problem.output_shape[2] // tile, problem.output_shape[0]
    terms = max(stop - start for start, stop in zip(cuts, cuts[1:], strict=False)) * kh * width * rank
    return (c * math.prod(problem.padded_size) * (8 + rank * itemsize),
            tiles * (terms + tile * m) * itemsize + tiles * tile * m * 8 * (len(cuts) > 2))


def patches(problem, mapped, channels, rows, tile, scratch):
    """Lines (r * c * kh * width, rows * tiles * n) of some channels of the factored map (r, c, h, w, n), which is
    contiguous; a view where it can be."""
    r, _, _, _, n = mapped.shape
    _, kh, width = patch_shape(problem, tile)
    (sh, sw), (dh, dw) = problem.window.stride, problem.window.dilation
    c, height, tiles = channels.stop - channels.start, rows.stop - rows.start, problem.output_shape[2] // tile
    term, channel, row, pixel, image = mapped.strides
    view = np.ndarray(                                                    # `as_strided` takes eight times as long
        (r, c, kh, width, height, tiles, n), mapped.dtype, mapped, channels.start * channel + rows.start * sh * row,
        (term, channel, row * dh, pixel * dw, row * sh, pixel * sw * tile, image))
    if kh == width == 1 and view.flags.c_contiguous:
        return view.reshape(r * c, -1)
    lines = scratch.array("patches", view.shape, mapped.dtype)
    np.copyto(lines, view)
    return lines.reshape(r * c * kh * width, -1)


def banded(problem, kernels, tile):
    """Kernels (m, r, c, kh, kw) as (tile * m, r, c, kh, width): shifted by a stride for each output of a tile."""
    if tile == 1:
        return kernels
    m, r, c, kh, kw = kernels.shape
    band = np.zeros((tile, m, r, *patch_shape(problem, tile)), dtype=kernels.dtype)
    for t in range(tile):
        start = t * problem.window.stride[1]
        band[t, ..., start:start + kw] = kernels
    return band.reshape(tile * m, r, *patch_shape(problem, tile))


def chunks(problem, dtype):
    """Where to cut the channels so that the sum over every chunk is exact in `dtype`; None where one is too many."""
    c, kh, kw = problem.w.shape[1:]
    longest = problem.multiplier.factorization.longest_exact[np.dtype(dtype).name] // (kh * kw)
    if longest == 0:
        return None
    count = -(-c // longest)
    return tuple(c * i // count for i in range(count + 1))
