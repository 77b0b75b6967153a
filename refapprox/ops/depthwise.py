"""Depthwise table convolution: every output sees one channel, so no sum runs over channels.

    S[o, a, b] = sum_(i, j) lut[x[o // q, a + i, b + j], w[o, i, j]],      q = outputs of a channel

There is no matrix product in it. One table of 2**bits_x entries for every weight, its column of the table, stays in
the nearest cache while a whole map is looked up in it; exact in int32 or int64 by k max |lut|.
"""
import numpy as np

BLOCK_BYTES = 2 << 20      # of one channel's indices and sums


def run(problem, out):
    """Fill `out` (m, h_out, w_out, n); the kernels of `problem` are (m, 1, kh, kw), its maps (c, h, w, n), c | m."""
    (m, _, kh, kw), (_, h_out, w_out, _) = problem.w.shape, problem.output_shape
    per_channel, dtype = m // problem.x.shape[0], problem.sum_dtype
    columns = np.ascontiguousarray(problem.multiplier.lut.T, dtype=dtype)
    # indices count twice: NumPy 1 holds them once more while they are made
    image_bytes = 16 * int(np.prod(problem.padded_size)) + (8 + 2 * dtype.itemsize) * h_out * w_out
    problem.check_memory(problem.workers * image_bytes + columns.nbytes)
    target = max(image_bytes, min(BLOCK_BYTES, (problem.memory_limit - columns.nbytes) // problem.workers))

    def work(job, scratch):
        channel, images = job
        index = problem.x_index(images, scratch, slice(channel, channel + 1))
        shape = (1, h_out, w_out, index.shape[3])
        selected, products, sums = (scratch.array(name, shape, kind) for name, kind in
                                    (("selected", np.intp), ("products", dtype), ("sums", dtype)))
        for o in range(channel * per_channel, (channel + 1) * per_channel):
            sums[...] = 0
            weights = problem.w_index(slice(o, o + 1))[0, 0]
            for i, j in np.ndindex(kh, kw):
                np.copyto(selected, problem.window.tap(index, i, j, h_out, w_out))
                columns[weights[i, j]].take(selected, out=products, mode="clip")
                np.add(sums, products, out=sums)
            out[o, ..., images] = sums[0]

    problem.each(work, [(channel, images) for channel in range(problem.x.shape[0])
                        for images in problem.image_blocks(image_bytes, target)])
