"""Convolution as small matrix products, one for every position, out of a buffer that rolls down the image.

The field of an output position is a matrix X of K = kw*kh*c taps by n images, and its outputs are

    Y[p, q] = W X[p, q],     (m, K) x (K, n)                                                      (1)

The buffer holds the kh rows of the input that one row of outputs sees, (columns, kh, c, n) in memory. The field of
position q starts at column q*sw and is contiguous; neighbors overlap, so nothing is copied kw times. For the next row
of outputs sh of the kh rows are replaced where they lie: row y of the input is in slot y mod kh, so the taps of a field
come in a rotated order, and W is rotated alike. So every element of the input is copied once, not kh*kw times.

Small products are the point: up to SMALL multiply-adds OpenBLAS (on processors with AVX-512) multiplies operands where
they lie; larger ones it first rearranges, which costs more than multiplying where outputs are few, and it wakes its
threads, which wait for each other. So larger products are cut. The definition is `conv2d.definition`.
"""
import itertools
import math
from functools import partial
from typing import NamedTuple

import numpy as np

from refapprox.ops.patches import even_slices
from refapprox.ops.threads import Scratch, bounded, each

SMALL = 1_000_000        # multiply-adds of a product: OpenBLAS's own bound is 100**3
ROWS, COLUMNS = 16, 64   # of a product, which are cut no smaller
NARROW = 24              # images from which on a product of one position is worth it
TRANSPOSED = 1024        # elements of a product with a transposed operand, which more of them would make slow
BANDS = 8                # jobs of a map that several workers share, for few images
STACKED = 1024           # elements of kernels that are taken for several rows at once
SHARED = 2_000_000       # multiply-adds of a product, 40 microseconds, from which on workers share them
PRODUCT_BYTES = 1 << 20  # of one gradient a position, held until they are added


class Walk(NamedTuple):
    """Where windows fall: tap (i, j) of output (p, q) sees input (p*sh + i*dh + top, q*sw + j*dw + left)."""

    kernel: tuple
    stride: tuple
    dilation: tuple
    origin: tuple      # (top, left), usually negative: the padding
    size: tuple        # (h_out, w_out)


class Source(NamedTuple):
    """What windows fall on, read row by row: g groups of c channels, n images.

    ``fill(y, columns, target, scratch)`` writes some columns of row y into `target` (g, columns, c, n). `pad`, a number
    or (1, 1, c, 1), stands outside the image. `by_row` (h, g, w, c, n) is all of it, where it lies in memory already;
    `band_bytes` bounds the matrix of joined positions, which is one row of them at least.
    """

    image: tuple       # (h, w)
    shape: tuple       # (g, c, n)
    dtype: np.dtype
    fill: object
    pad: object = 0.0
    by_row: object = None
    band_bytes: int = PRODUCT_BYTES


def maps_source(maps, groups, dtype, pad_value=0.0):
    """The Source of maps (c, h, w, n) as they are."""
    c, h, w, n = maps.shape
    by_row = in_groups(maps, groups).transpose(2, 0, 3, 1, 4)

    def fill(y, columns, target, _):
        np.copyto(target, by_row[y, :, columns])

    lies = maps.dtype == dtype and maps.strides[3] == maps.itemsize
    return Source((h, w), (groups, c // groups, n), np.dtype(dtype), fill, pad_value, by_row if lies else None)


def kernels_of(w, groups):
    """Weights (m, c / groups, kh, kw) as `correlate` takes them, a view."""
    return in_groups(w, groups).transpose(0, 1, 4, 3, 2)


def outputs_of(maps, groups):
    """Maps (m, h_out, w_out, n) as `correlate` takes them, a view."""
    return in_groups(maps, groups).transpose(2, 0, 3, 1, 4)


def correlate(source, kernels, outputs, walk, *, store=None, scratches=None, workers=1):
    """Fill `outputs` (h_out, g, w_out, m, n) with the sums over all taps of `kernels` (g, m, kw, kh, c) times what
    `walk` sees of `source`; or ``store(part of outputs, sums)`` them, where their dtype is another."""
    rows = rows_at_once(walk, source, kernels.shape[1])
    kernels, walk = stacked(kernels, walk, rows) if rows > 1 else (kernels, walk)
    turned, m = rotations(kernels, walk, source.shape[2]), kernels.shape[1]

    def work(job, x, scratch):
        if isinstance(job, slice):
            products = scratch.array("products", (len(x), 1, m, x.shape[3]), source.dtype)
            multiply(turned[0], x, products, scratch)
            (store or np.copyto)(outputs[job], spread(products, outputs[job].shape))
            return
        in_place = rows == 1 and store is None
        products = outputs[job] if in_place else scratch.array("products", (*x.shape[:2], m, x.shape[3]), source.dtype)
        multiply(turned[rotation_of(job, walk)], x, products, scratch)                                  # (1)
        if not in_place:
            products = split(products, 2, m // rows).transpose(2, 0, 1, 3, 4)
            (store or np.copyto)(outputs[job * rows:(job + 1) * rows], products)

    run(work, walk, source, m, workers, scratches)


def rows_at_once(walk, source, m):
    """How many rows of outputs are taken as one, so that a product takes SHARED multiply-adds: for many images and
    small kernels."""
    (g, c, n), (kh, kw), (h_out, w_out) = source.shape, walk.kernel, walk.size
    if n < NARROW or kh == 1 or walk.dilation[0] > 1 or g * m * c * kh * kw > STACKED:
        return 1
    return next((rows for rows in range(1, 5) if h_out % rows == 0 and rows * m * g * c * n * kw * w_out
                 * (kh + (rows - 1) * walk.stride[0]) >= SHARED), 1)


def stacked(kernels, walk, rows):
    """Kernels and walk of an equal convolution whose outputs are those of `rows` rows: each kernel once for every row,
    zero where that row does not look."""
    g, m, kw, kh, c = kernels.shape
    sh = walk.stride[0]
    tall = np.zeros((g, rows, m, kw, kh + (rows - 1) * sh, c), kernels.dtype)
    for row in range(rows):
        tall[:, row, :, :, row * sh:row * sh + kh] = kernels
    return tall.reshape(g, rows * m, *tall.shape[3:]), walk._replace(
        kernel=(tall.shape[4], kw), stride=(rows * sh, walk.stride[1]), size=(walk.size[0] // rows, walk.size[1]))


def spread(products, shape):
    """Products (g, 1, m, rows * w_out * n) as (rows, g, w_out, m, n), a view."""
    rows, g, w_out, m, n = shape
    return products.reshape(g, m, rows, w_out, n).transpose(2, 0, 3, 1, 4)


def correlate_kernels(source, cotangents, walk, m, *, workers=1):
    """The gradient of `correlate` with respect to its kernels, (g, m, kw, kh, c), for `cotangents`
    (h_out, g, w_out, m, n).

    For every position D X^T, added along a row, and the rows in their order, whoever worked on them. BLAS multiplies
    with a transposed operand where it lies if the result is small; else X D^T, with D transposed by a copy, is faster.
    """
    (groups, c, n), (kh, kw), (h_out, w_out), dtype = source.shape, walk.kernel, walk.size, source.dtype
    k, copied = c * kh * kw, m > ROWS and n >= NARROW
    shape = (groups, k, m) if copied else (groups, m, k)
    of_rows = np.zeros((h_out, *shape), dtype)
    step = max(1, PRODUCT_BYTES // max(1, groups * k * m * dtype.itemsize))

    def work(row, x, scratch):
        d = cotangents[row]
        if isinstance(row, slice):
            joined = scratch.array("joined", (groups, m, len(d), w_out, n), dtype)
            np.copyto(joined, d.transpose(1, 3, 0, 2, 4))
            np.matmul(joined.reshape(groups, m, x.shape[3]), x[:, 0].transpose(0, 2, 1), out=of_rows[row.start])
            return
        if copied:
            transposed = scratch.array("transposed", (groups, w_out, n, m), dtype)
            np.copyto(transposed, d.transpose(0, 1, 3, 2))
        for span in (slice(start, min(w_out, start + step)) for start in range(0, w_out, step)):
            products = scratch.array("products", (groups, span.stop - span.start, *shape[1:]), dtype)
            if copied:
                multiply(x[:, span], transposed[:, span], products, scratch)
            else:
                x_transposed = x[:, span].transpose(0, 1, 3, 2)
                for cut in even_slices(k, -(-k * m // TRANSPOSED)):
                    multiply(d[:, span], x_transposed[..., cut], products[..., cut], scratch)
            if span.start:
                of_rows[row] += products.sum(axis=1)
            else:
                products.sum(axis=1, out=of_rows[row])

    run(work, walk, source, m, workers)
    total = np.zeros((groups, m, kw, kh, c), dtype)
    for turn in range(kh) if n >= NARROW else (0,):
        turned = of_rows[[row for row in range(h_out) if n < NARROW or rotation_of(row, walk) == turn]].sum(axis=0)
        turned = (turned.transpose(0, 2, 1) if copied else turned).reshape(total.shape)
        total += rolled(turned, kh - turn)
    return total


def jobs_of(walk, source):
    """Rows of outputs; for few images slices of them, always the same, so that no bit depends on workers."""
    h_out, w_out = walk.size
    if not w_out:
        return []
    if source.shape[2] >= NARROW:
        return range(h_out)
    row_bytes = max(1, math.prod(source.shape) * math.prod(walk.kernel) * w_out * source.dtype.itemsize)
    most = max(1, source.band_bytes // row_bytes)
    return [slice(band.start + cut.start, band.start + cut.stop) for band in even_slices(h_out, min(h_out, BANDS))
            for height in [band.stop - band.start] for cut in even_slices(height, -(-height // most))]


def fields(walk, source, scratch):
    """A function from a row of outputs to X, a view (g, w_out, K, n), of the rolling buffer where it is one.

    K runs over (j, slot, c), slot holding tap (slot - rotation) mod kh. For few images, products would be too small:
    then X of a slice of rows is a copy, (g, 1, K, rows * w_out * n), and slots are in order.
    """
    last_row, last_column = (stride * (size - 1) for stride, size in zip(walk.stride, walk.size, strict=True))
    if source.shape[2] < NARROW:
        return partial(joined_field, walk, source, scratch)
    if (source.by_row is not None and walk.kernel == (1, 1) and walk.origin == (0, 0)
            and last_row < source.image[0] and last_column < source.image[1]):
        return lambda row: source.by_row[row * walk.stride[0], :, :last_column + 1:walk.stride[1]]
    return rolling_field(walk, source, scratch)


def rolling_field(walk, source, scratch):
    """`fields` of many images: of the rows that one before has seen nothing is copied again."""
    (kh, kw), (sh, sw), (dh, dw), (top, _), (_, w_out) = walk
    g, c, n = source.shape
    columns, inside, seen = columns_of(walk, source)
    ring = scratch.array("ring", (g, columns, kh, c, n), source.dtype)
    ring[:, :inside.start] = ring[:, inside.stop:] = source.pad
    group, column, _, channel, image = ring.strides
    view = np.ndarray((g, w_out, kw, kh * c, n), ring.dtype, ring,
                      strides=(group, column * sw, column * dw, channel, image))
    held = [None] * kh

    def field(row):
        for i in range(kh):
            y = row * sh + top + i * dh
            slot = y % kh if dh == 1 else i
            if held[slot] != y:
                held[slot] = y
                put_row(source, y, seen, ring[:, inside, slot], scratch)
        return view.reshape(g, w_out, kw * kh * c, n)      # a view unless dw > 1

    return field


def joined_field(walk, source, scratch, rows):
    """`fields` of few images: neighboring rows as one matrix."""
    (kh, kw), (sh, sw), (dh, dw), (top, _), (_, w_out) = walk
    (g, c, n), height = source.shape, rows.stop - rows.start
    columns, inside, seen = columns_of(walk, source)
    lines = scratch.array("lines", (g, c, (height - 1) * sh + dh * (kh - 1) + 1, columns, n), source.dtype)
    lines[:, :, :, :inside.start] = lines[:, :, :, inside.stop:] = np.reshape(source.pad, (1, -1, 1, 1, 1))
    for line in range(lines.shape[2]):
        put_row(source, rows.start * sh + top + line, seen, lines[:, :, line, inside].transpose(0, 2, 1, 3), scratch)
    group, channel, line, column, image = lines.strides
    view = np.ndarray((g, kw, kh, c, height, w_out, n), lines.dtype, lines,
                      strides=(group, column * dw, line * dh, channel, line * sh, column * sw, image))
    x = scratch.array("x", view.shape, lines.dtype)
    np.copyto(x, view)
    return x.reshape(g, 1, kw * kh * c, height * w_out * n)


def columns_of(walk, source):
    """(columns, inside, seen): how many columns a row of outputs sees, which of them lie in the image, and where."""
    columns = walk.stride[1] * (walk.size[1] - 1) + walk.dilation[1] * (walk.kernel[1] - 1) + 1
    left = walk.origin[1]
    first = min(max(0, -left), columns)
    last = max(first, min(columns, source.image[1] - left))
    return columns, slice(first, last), slice(first + left, last + left)


def put_row(source, y, columns, target, scratch):
    """Row y of a Source, which may lie outside the image."""
    if 0 <= y < source.image[0]:
        source.fill(y, columns, target, scratch)
    else:
        target[...] = source.pad


def rotation_of(row, walk):
    """By how many slots the taps of a field are rotated."""
    return (row * walk.stride[0] + walk.origin[0]) % walk.kernel[0] if walk.dilation[0] == 1 else 0


def rotations(kernels, walk, n):
    """Kernels (g, m, kw, kh, c) as matrices (g, 1, m, K), a list with one for every rotation that `fields` give."""
    g, m, kw, kh, c = kernels.shape
    turns = kh if walk.dilation[0] == 1 and n >= NARROW else 1
    return [rolled(kernels, turn).reshape(g, 1, m, kw * kh * c)
            for turn in range(turns)]


def rolled(kernels, turn):
    """Kernels (g, m, kw, kh, c) with slot i at i + turn, as `np.roll`, which takes five times as long."""
    kept = kernels.shape[3] - turn
    return np.concatenate((kernels[:, :, :, kept:], kernels[:, :, :, :kept]), axis=3) if turn and kept else kernels


def multiply(a, b, out, scratch):
    """out = a @ b for stacks (g, w, ., .) of matrices (m, k) and (k, n), in products of at most SMALL multiply-adds."""
    (m, k), n = a.shape[2:], b.shape[3]
    if m * k * n <= SMALL or out.dtype.kind == "i":
        np.matmul(a, b, out=out)
        return
    longest = max(1, SMALL // (min(m, ROWS) * min(n, COLUMNS)))
    if k > longest:
        part = scratch.array("part", out.shape, out.dtype)
        for cut in even_slices(k, -(-k // longest)):
            multiply(a[..., cut], b[:, :, cut], part if cut.start else out, scratch)
            if cut.start:
                out += part
        return
    columns = min(n, 2 * COLUMNS if min(m, ROWS) * k * 2 * COLUMNS <= SMALL else COLUMNS)
    rows = min(m, max(1, SMALL // (k * columns)))
    rows -= rows % ROWS if rows > ROWS else 0
    for of_a, of_b in itertools.product(whole_and_rest(m, rows), whole_and_rest(n, columns)):
        height, width = min(rows, of_a.stop - of_a.start), min(columns, of_b.stop - of_b.start)
        np.matmul(split(a[:, :, of_a], 2, height)[:, :, None],
                  split(b[..., of_b], 3, width).transpose(0, 1, 3, 2, 4)[:, :, :, None],
                  out=split(split(out[:, :, of_a, of_b], 3, width), 2, height).transpose(0, 1, 4, 2, 3, 5))


def whole_and_rest(size, piece):
    """Slices of range(size): the whole pieces together, and what is left."""
    whole = size - size % piece
    return [cut for cut in (slice(0, whole), slice(whole, size)) if cut.start < cut.stop]


def split(array, axis, size):
    """`array` with one axis as two, (count, size): a view."""
    return array.reshape(*array.shape[:axis], -1, size, *array.shape[axis + 1:])


def in_groups(array, groups):
    """`array` with its first axis as two, (groups, .): a view."""
    return array.reshape(groups, array.shape[0] // groups, *array.shape[1:])


def run(work, walk, source, m, workers, scratches=None):
    """``work(job, X, scratch)`` for every row of m outputs a group, or slice of them; workers share long ones."""
    scratches, jobs = scratches or [Scratch() for _ in range(bounded(workers))], jobs_of(walk, source)
    field_of = [None] * len(scratches)

    def take(job, worker):
        if field_of[worker] is None:
            field_of[worker] = fields(walk, source, scratches[worker])
        work(job, field_of[worker](job), scratches[worker])

    row = m * math.prod(source.shape) * math.prod(walk.kernel) * walk.size[1]
    each(take, jobs, workers if row * walk.size[0] >= SHARED * len(jobs) else 1)
