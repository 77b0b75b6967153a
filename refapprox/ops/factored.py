"""Route "factored": a table product as a few matrix products, bit-exact.

With lut[x, w] = sum_r F[x, r] G[w, r] (see `multipliers.factorization`),

    sum_k lut[x_k, w_k] = sum_(k, r) F[x_k, r] G[w_k, r]

is one ordinary matrix product over (k, r). The feature map is factored once, patches are gathered from the
factored map block by block, and `tile` neighboring outputs of a row share one patch: their kernels stand side
by side, shifted, in a banded matrix, which copies less and multiplies some zeros.

Exactness. Let bound = sum_(k, r) |F G| for an output. Integer factors: every product and partial sum is a
multiple of the quantum and at most bound, so float32 is exact up to 2**24 quanta and float64 up to 2**53, in any
order of summation, with or without fused multiply-adds. Floating factors: the sum is off by at most
gamma_(k r) bound + k slack; below 1/2, rounding gives the integer. Where a bound fails, k is split into chunks
that hold it, summed in the exact dtype of the result. Derived in docs/derivations/table_products.md.
"""
import math
from functools import partial

import numpy as np

BLOCK_BYTES = 4 << 20      # of patches: products stay large and operands near the cores
LIMIT = {"float32": 2.0 ** 24, "float64": 2.0 ** 53}
EPS = np.finfo(np.float64).eps / 2


def run(problem, out, tile, dtype, cuts):
    """Fill `out` (n, h_out, w_out, m) with the sums of `problem`; `tile` divides w_out, `cuts` come from `chunks`."""
    factors = problem.multiplier.factorization
    if factors.rank == 0:
        out[...] = 0
        return
    x_factors = np.ascontiguousarray(factors.x_factors, dtype=dtype)
    w_factors = np.ascontiguousarray(factors.w_factors, dtype=dtype)
    weights = banded(problem, np.take(w_factors, problem.w_index, axis=0), tile)

    def work(job, scratch):
        images, rows, kernels = job
        index = problem.x_index(images, rows, scratch)
        mapped = scratch.array("mapped", (*index.shape, factors.rank), x_factors.dtype)
        np.take(x_factors, index, axis=0, out=mapped, mode="clip")                  # "raise" would buffer the result
        lines = patches(problem, mapped, len(rows), tile, scratch)
        total = None
        for start, stop in zip(cuts, cuts[1:], strict=False):
            columns = slice(start * factors.rank, stop * factors.rank)
            part = scratch.array("part", (len(lines), len(weights[kernels])), x_factors.dtype)
            np.matmul(lines[:, columns], weights[kernels, columns].T, out=part)
            if not factors.is_integer:
                np.rint(part, out=part)
            if len(cuts) > 2:
                total = part.astype(out.dtype) if total is None else np.add(total, part, out=total, casting="unsafe")
        target = out[images.start:images.stop, rows.start:rows.stop]
        if tile == 1:
            target = target[..., kernels]
        target[...] = (part if total is None else total).reshape(target.shape)

    # kernels are packed anew for every block, so blocks must not be small beside them
    blocks = problem.blocks(partial(block_bytes, problem, factors.rank, tile, x_factors.itemsize),
                            max(BLOCK_BYTES, weights.nbytes))
    shares = problem.workers if tile == 1 and len(blocks) < problem.workers else 1
    bounds = np.linspace(0, len(weights), shares + 1).astype(int).tolist()
    problem.each(work, [(*block, slice(*share)) for block in blocks for share in zip(bounds, bounds[1:], strict=False)])


def patch_shape(problem, tile):
    """(kh, width, c) of the patch behind `tile` neighboring outputs."""
    _, kh, kw, c = problem.w.shape
    return kh, kw if tile == 1 else (tile - 1) * problem.window.stride[1] + kw, c


def block_bytes(problem, rank, tile, itemsize, rows):
    """Memory behind `rows` rows of outputs of one image: indices, factored map, patches and products."""
    kh, width, c = patch_shape(problem, tile)
    tiles, m = problem.output_shape[2] // tile, problem.output_shape[3]
    read = problem.rows_read(rows) * problem.padded_width * c
    return read * (8 + rank * itemsize) + rows * tiles * (kh * width * c * rank + 2 * tile * m) * itemsize


def patches(problem, mapped, rows, tile, scratch):
    """Lines (n * rows * tiles, kh * width * c * r) of the factored map (n, h, w, c, r); a view where it can be."""
    n, _, w, c, r = mapped.shape
    kh, width, _ = patch_shape(problem, tile)
    (sh, sw), (dh, dw) = problem.window.stride, problem.window.dilation
    image, row, pixel = mapped.strides[:3]
    shape = (n, rows, problem.output_shape[2] // tile, kh, width, c * r)
    view = np.lib.stride_tricks.as_strided(mapped, shape, (image, row * sh, pixel * sw * tile, row * dh, pixel * dw,
                                                           mapped.itemsize), writeable=False)
    if kh == 1 and width == 1 and (sh, sw) == (1, 1):
        return mapped.reshape(-1, c * r)
    lines = scratch.array("patches", shape, mapped.dtype)
    np.copyto(lines, view)
    return lines.reshape(-1, kh * width * c * r)


def banded(problem, weights, tile):
    """Kernels (m, kh, kw, c, r) as (tile * m, kh * width * c * r): shifted by a stride for each output of a tile."""
    m, kh, kw, c, r = weights.shape
    if tile == 1:
        return weights.reshape(m, kh * kw * c * r)
    _, width, _ = patch_shape(problem, tile)
    band = np.zeros((tile, m, kh, width, c, r), dtype=weights.dtype)
    for t in range(tile):
        start = t * problem.window.stride[1]
        band[t, :, :, start:start + kw] = weights
    return band.reshape(tile * m, kh * width * c * r)


def chunks(problem, tile, dtype):
    """Where to cut the columns (kh, width, c) of a patch so that every chunk is exact in `dtype`; None if nowhere."""
    factors = problem.multiplier.factorization
    columns, longest = math.prod(patch_shape(problem, tile)), longest_exact(factors, dtype)
    if longest == 0:
        return None
    count = 1 if problem.k <= longest else -(-columns // longest)
    return [columns * i // count for i in range(count + 1)]


def longest_exact(factors, dtype):
    """Largest k for which any sum of k products is exact in `dtype` (after rounding, if the factors are floating).

    Integer factors: k largest <= 2**24 or 2**53 quanta. Floating ones: gamma_(k r) k largest + k slack < 1/2.
    """
    if factors.is_integer:
        representable = max(np.abs(f).max(initial=0) for f in (factors.x_factors, factors.w_factors))
        limit = LIMIT[np.dtype(dtype).name]
        return 0 if representable > limit else int(limit * factors.quantum / max(1, factors.largest * (1 + 1e-9)))
    if dtype == np.float32:
        return 0
    k = int((0.49 / (1.01 * EPS * factors.rank * factors.largest)) ** 0.5)        # rounding alone, to start from
    while k and 1.01 * EPS * (k * factors.rank + 1) * k * factors.largest + k * factors.slack >= 0.49:
        k //= 2
    return k
