"""Route "gather": tables of any rank by copying whole rows of them.

For one position of the kernel the products of an activation with every output's weight are a row:

    by_activations   T[code, o] = lut[code, w[o]]      sums[pixel, :] += T[x[pixel], :]
    by_weights       T[code, p] = lut[x[p], code]      sums[o, :]     += T[w[o], :]

A row is copied at memory speed where single entries are picked one by one, and integers add in vectors. The
first is for many pixels; the second, for few pixels and many outputs, builds T once for each channel and reads
it shifted for every kernel position. In the first, `tile` neighboring outputs of a row lengthen T's rows.
Only the range of codes that occurs is built. Sums are exact in int32 or int64 by k max |lut|. Workers share the
positions, and their sums are added up.
"""
import numpy as np

from refapprox.ops.table_convolution import CASTING_BYTES

BLOCK_ROWS = 16384       # rows of sums in a block by activations: T is built once for each, and calls are long
BLOCK_BYTES = 4 << 20    # of a block by weights


def occurring(codes, qmin):
    """(first, last + 1) index of the codes that occur."""
    return int(codes.min()) - qmin, int(codes.max()) - qmin + 1


def shares(problem, count):
    """Ranges of about count / workers positions, one for each worker."""
    workers = min(problem.workers, count)
    return [range(count * i // workers, count * (i + 1) // workers) for i in range(workers)]


def by_activations(problem, out, tile):
    """Fill `out` (m, h_out, w_out, n) with the sums of `problem`; `tile` divides w_out."""
    m, c, kh, kw = problem.w.shape
    (sh, sw), (dh, dw) = problem.window.stride, problem.window.dilation
    width, tiles = kw if tile == 1 else (tile - 1) * sw + kw, problem.output_shape[2] // tile
    dtype, qmin = problem.sum_dtype, problem.multiplier.range_x[0]
    first, last = occurring(problem.x, qmin)
    if problem.padded_size != problem.x.shape[1:3]:
        first, last = min(first, problem.pad_code - qmin), max(last, problem.pad_code - qmin + 1)

    def work(positions, scratch):
        shape = (rows.stop - rows.start, tiles, index.shape[3])
        sums = np.zeros((*shape, tile * m), dtype)            # returned, so not in scratch
        products = scratch.array("products", sums.shape, dtype)
        selected = scratch.array("selected", shape, np.intp)
        table = scratch.array("table", (last - first, tile, m), dtype)
        for position in positions:
            channel, i, j = position // (kh * width), position // width % kh, position % width
            weights = problem.w_index(channels=slice(channel, channel + 1))[:, 0, i].T
            build_rows(table, lut, weights, j, sw, kw)
            np.copyto(selected, index[channel, rows.start * sh + i * dh:(rows.stop - 1) * sh + i * dh + 1:sh,
                                      j * dw:j * dw + (tiles - 1) * sw * tile + 1:sw * tile])
            table.reshape(last - first, tile * m).take(selected, axis=0, out=products, mode="clip")
            np.add(sums, products, out=sums)
        return sums

    image_bytes = 8 * c * int(np.prod(problem.padded_size))
    row_bytes = problem.workers * tiles * (2 * tile * m * dtype.itemsize + 8)
    codes, columns = last - first, problem.multiplier.lut.shape[1]
    tables = (CASTING_BYTES + codes * columns * dtype.itemsize
              + problem.workers * m * (3 * codes * tile * dtype.itemsize + 8 * kh * kw))
    problem.check_memory(image_bytes + row_bytes + tables)
    lut = problem.multiplier.lut[first:last].astype(dtype)
    room = (problem.memory_limit - tables) // 2
    line_bytes = row_bytes // tiles
    for images in problem.image_blocks(image_bytes, max(room, image_bytes)):
        index = problem.x_index(images, problem.scratches[0])
        np.subtract(index, first, out=index)
        n = index.shape[3]
        for rows in problem.row_bands(row_bytes * n, max(min(BLOCK_ROWS * line_bytes, room), row_bytes)):
            height = rows.stop - rows.start
            band = out[:, rows, :, images].reshape(m, height, tiles, tile, n)         # a view: one axis is split
            band[...] = total(problem.each(work, shares(problem, c * kh * width))).reshape(
                height, tiles, n, tile, m).transpose(4, 0, 1, 3, 2)


def total(parts):
    """The sum of arrays, in the memory of the first."""
    first, *others = parts
    for other in others:
        first += other
    return first


def build_rows(table, lut, weights, j, stride, kw):
    """table[code, t, o] = lut[code, w[j - t * stride, o]], zero where the kernel of output t misses column j."""
    for t in range(table.shape[1]):
        tap = j - t * stride
        if 0 <= tap < kw:
            table[:, t] = lut.take(weights[tap], axis=1, mode="clip")
        else:
            table[:, t] = 0


def by_weights(problem, out):
    """Fill `out` (m, h_out, w_out, n) with the sums of `problem`, whatever the stride."""
    m, c, kh, kw = problem.w.shape
    (sh, sw), (dh, dw) = problem.window.stride, problem.window.dilation
    (height, width), (_, h_out, w_out, _) = problem.padded_size, problem.output_shape
    dtype, qmin = problem.sum_dtype, problem.multiplier.range_w[0]
    first, last = occurring(problem.w, qmin)

    def work(channels, scratch):
        n = index.shape[3]
        pixels = height * width * n
        size = (last - first) * pixels
        sums = np.zeros((m, pixels), dtype)                   # returned, so not in scratch
        products = scratch.array("products", sums.shape, dtype)
        # a shift by a kernel position runs over the end of every map, into pixels that no output reads
        table = scratch.array("table", (size + ((kh - 1) * dh * width + (kw - 1) * dw) * n,), dtype)
        table[size:] = 0
        for channel in channels:
            lut.take(index[channel].reshape(-1), axis=1, mode="clip", out=table[:size].reshape(last - first, pixels))
            weights = problem.w_index(channels=slice(channel, channel + 1))[:, 0].transpose(1, 2, 0) - first
            for i, j in np.ndindex(kh, kw):
                shift = (i * dh * width + j * dw) * n
                shifted = table[shift:shift + size].reshape(last - first, pixels)
                shifted.take(weights[i, j], axis=0, out=products, mode="clip")
                np.add(sums, products, out=sums)
        return sums

    image_bytes = height * width * (problem.workers * (2 * m + 2 * (last - first)) * dtype.itemsize + 8 * c)
    fixed = (CASTING_BYTES + (last - first) * problem.multiplier.lut.shape[0] * dtype.itemsize
             + problem.workers * 16 * m * kh * kw)
    problem.check_memory(image_bytes + fixed)
    lut = np.ascontiguousarray(problem.multiplier.lut.T[first:last], dtype=dtype)
    target = max(image_bytes, min(BLOCK_BYTES * problem.workers, (problem.memory_limit - fixed) // 2))
    for images in problem.image_blocks(image_bytes, target):
        index = problem.x_index(images, problem.scratches[0])
        out[..., images] = total(problem.each(work, shares(problem, c))).reshape(m, height, width, -1)[
            :, :(h_out - 1) * sh + 1:sh, :(w_out - 1) * sw + 1:sw]
