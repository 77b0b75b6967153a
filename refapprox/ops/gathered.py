"""Route "gathered": tables of any rank by copying whole rows of them.

For one position of the kernel the products of an activation with every output's weight are a row:

    by_activations   T[code, o] = lut[code, w[o]]      sums[pixel, :] += T[x[pixel], :]
    by_weights       T[code, p] = lut[x[p], code]      sums[o, :]     += T[w[o], :]

A row is copied at memory speed where single entries are picked one by one, and integers add in vectors. The
first is for many pixels; the second, for few pixels and many outputs, builds T once for each channel and reads
it shifted for every kernel position. In the first, `tile` neighboring outputs of a row lengthen T's rows.
Only the range of codes that occurs is built. Sums are exact in int32 or int64 by k max |lut|.
"""
import numpy as np

BLOCK_ROWS = 8192        # rows of sums in a block by activations: T is built once for each, calls cost little
BLOCK_BYTES = 4 << 20    # of a block by weights


def sum_dtype(problem):
    """int32 where every partial sum fits it."""
    return np.int32 if problem.k * problem.largest_product < 2 ** 31 else np.int64


def occurring(codes, qmin):
    """(first, last + 1) index of the codes that occur."""
    return int(codes.min()) - qmin, int(codes.max()) - qmin + 1


def by_activations(problem, out, tile):
    """Fill `out` (n, h_out, w_out, m) with the sums of `problem`; `tile` divides w_out."""
    dtype = sum_dtype(problem)
    m, kh, kw, c = problem.w.shape
    (sh, sw), (dh, dw) = problem.window.stride, problem.window.dilation
    width = kw if tile == 1 else (tile - 1) * sw + kw
    tiles = problem.output_shape[2] // tile
    first, last = occurring(problem.x, problem.multiplier.range_x[0])
    if any(problem.window.padding):
        pad = problem.pad_code - problem.multiplier.range_x[0]
        first, last = min(first, pad), max(last, pad + 1)
    lut = problem.multiplier.lut[first:last].astype(dtype)
    weights = np.ascontiguousarray(problem.w_index.transpose(1, 2, 3, 0))

    def work(job, scratch):
        images, rows, (start, stop) = job
        shape = (len(images), len(rows), tiles)
        index = problem.x_index(images, rows, scratch, channels_first=True)
        np.subtract(index, first, out=index)
        sums, products = (scratch.array(name, (*shape, tile * m), dtype) for name in ("sums", "products"))
        selected = scratch.array("selected", shape, np.intp)
        table = scratch.array("table", (last - first, tile, m), dtype)
        sums[...] = 0
        for position in range(start, stop):
            channel, i, j = np.unravel_index(position, (c, kh, width))
            build_rows(table, lut, weights[i, :, channel], j, sw, kw)
            np.copyto(selected, index[:, i * dh:i * dh + (len(rows) - 1) * sh + 1:sh,
                                      j * dw:j * dw + (tiles - 1) * sw * tile + 1:sw * tile, channel])
            table.reshape(last - first, tile * m).take(selected, axis=0, out=products, mode="clip")
            np.add(sums, products, out=sums)
        target = out[images.start:images.stop, rows.start:rows.stop]
        if stop - start == positions:
            target[...] = sums.reshape(target.shape)
            return None
        return target, sums.reshape(target.shape).copy()

    positions = c * kh * width
    def bytes_of(rows):
        return (rows * tiles * (2 * tile * m * lut.itemsize + 8)
                + 8 * problem.rows_read(rows) * problem.padded_width * c)

    tables = 3 * len(lut) * tile * m * lut.itemsize                     # one, and what building it takes
    blocks = problem.blocks(bytes_of, bytes_of(-(-BLOCK_ROWS // tiles)), reserved=tables)
    parts = problem.workers if len(blocks) < problem.workers and positions >= 4 * problem.workers else 1
    cuts = np.linspace(0, positions, parts + 1).astype(int).tolist()
    jobs = [(*block, cut) for block in blocks for cut in zip(cuts, cuts[1:], strict=False)]
    if parts > 1:
        out[...] = 0
    for partial in problem.each(work, jobs):
        if partial is not None:
            target, sums = partial
            target += sums.astype(out.dtype, copy=False)


def build_rows(table, lut, weights, j, stride, kw):
    """table[code, t, o] = lut[code, w[j - t * stride, o]], zero where the kernel of output t misses column j."""
    tile = table.shape[1]
    for t in range(tile):
        tap = j - t * stride if tile > 1 else j
        if 0 <= tap < kw:
            table[:, t] = lut.take(weights[tap], axis=1, mode="clip")
        else:
            table[:, t] = 0


def by_weights(problem, out):
    """Fill `out` (n, h_out, w_out, m) with the sums of `problem`, whatever the stride."""
    dtype = sum_dtype(problem)
    m, kh, kw, c = problem.w.shape
    (sh, sw), (dh, dw) = problem.window.stride, problem.window.dilation
    first, last = occurring(problem.w, problem.multiplier.range_w[0])
    lut = np.ascontiguousarray(problem.multiplier.lut.T[first:last].astype(dtype))
    weights = np.ascontiguousarray(problem.w_index.transpose(3, 1, 2, 0)) - first
    width, w_out = problem.padded_width, problem.output_shape[2]

    def work(job, scratch):
        images, rows, (start, stop) = job
        index = problem.x_index(images, rows, scratch, channels_first=True)
        height = index.shape[1]
        pixels = len(images) * height * width
        sums, products = (scratch.array(name, (m, pixels), dtype) for name in ("sums", "products"))
        # a shift by a kernel position runs over the end of every map, into pixels that no output reads
        table = scratch.array("table", ((last - first) * pixels + ((kh - 1) * dh * width + (kw - 1) * dw),), dtype)
        sums[...] = 0
        table[(last - first) * pixels:] = 0
        for channel in range(start, stop):
            lut.take(index[..., channel].reshape(-1), axis=1, mode="clip",
                     out=table[:(last - first) * pixels].reshape(last - first, pixels))
            for i, j in np.ndindex(kh, kw):
                shift = i * dh * width + j * dw
                shifted = table[shift:shift + (last - first) * pixels].reshape(last - first, pixels)
                shifted.take(weights[channel, i, j], axis=0, out=products, mode="clip")
                np.add(sums, products, out=sums)
        used = sums.reshape(m, len(images), height, width)[:, :, :(len(rows) - 1) * sh + 1:sh, :(w_out - 1) * sw + 1:sw]
        target = out[images.start:images.stop, rows.start:rows.stop]
        if stop - start == c:
            target[...] = used.transpose(1, 2, 3, 0)
            return None
        return target, used.transpose(1, 2, 3, 0).copy()

    def bytes_of(rows):
        return problem.rows_read(rows) * width * ((2 * m + last - first) * lut.itemsize + 8 * c)

    blocks = problem.blocks(bytes_of, BLOCK_BYTES)
    parts = min(c, problem.workers) if len(blocks) < problem.workers else 1
    cuts = np.linspace(0, c, parts + 1).astype(int).tolist()
    jobs = [(*block, cut) for block in blocks for cut in zip(cuts, cuts[1:], strict=False)]
    if parts > 1:
        out[...] = 0
    for partial in problem.each(work, jobs):
        if partial is not None:
            target, sums = partial
            target += sums.astype(out.dtype, copy=False)
