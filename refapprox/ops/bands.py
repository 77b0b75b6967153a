"""Elementwise passes over maps in bands: what one pass reads is still in cache when the next one reads it.

Images are taken as matrices with a row for one position or some neighbors, (h*w / k, k*c*n), which in batch-last memory
they are; (n, c) has a row for one image or some. Either way channels lie along a row. Rows are long because NumPy
takes twice as long to combine a matrix with a row of less than LONG elements, and bands because threads that share many
short calls wait for each other (`threads`). Bands are cut by shape alone and their sums added in order, so that no bit
depends on how many workers share them.
"""
import math

import numpy as np

from refapprox.ops.patches import even_slices, to_batch_last
from refapprox.ops.threads import Scratch, bounded, each

BAND_BYTES = 2 << 20       # of one array; less than two of them are not shared
LONG = 8192                # elements of a row: NumPy's own buffer is as long


def rows_of(x):
    """`x` with the batch first, of any number of axes, as a matrix: a view where memory allows."""
    if x.ndim == 4:
        n, c, h, w = x.shape
        return in_long_rows(to_batch_last(x).transpose(1, 2, 0, 3).reshape(h * w, c * n))
    return in_long_rows(np.ascontiguousarray(x).reshape(len(x) if x.ndim else 1, math.prod(x.shape[1:])))


def in_long_rows(matrix):
    """`matrix` with as many neighboring rows joined as divide it and make LONG elements, a view."""
    count, width = matrix.shape
    together = next((k for k in range(-(-LONG // max(1, width)), count) if count % k == 0), 1)
    return matrix.reshape(count // together, together * width)


def from_rows(rows, shape):
    """The array of `shape` that `rows_of` made the matrix of, a view."""
    if len(shape) == 4:
        n, c, h, w = shape
        return rows.reshape(h, w, c, n).transpose(3, 2, 0, 1)
    return rows.reshape(shape)


def in_bands(work, rows, workers=1):
    """``work(band, scratch)`` for slices of the rows of a matrix like `rows`; a list of results in their order."""
    count = max(1, min(round(rows.nbytes / BAND_BYTES), len(rows)))
    scratches = [Scratch() for _ in range(bounded(workers))]
    return each(lambda band, worker: work(band, scratches[worker]), even_slices(len(rows), count), workers)


def elementwise(function, *arrays, dtype=None, workers=1):
    """``function(*bands, out)`` for bands of arrays of one shape; returns what `out` is a band of, of that shape."""
    matrices = [rows_of(array) for array in arrays]
    result = np.empty(matrices[0].shape, dtype or np.result_type(*arrays))

    def work(band, _):
        function(*(matrix[band] for matrix in matrices), result[band])

    in_bands(work, result, workers)
    return from_rows(result, arrays[0].shape)


def extremes(x, workers=1):
    """The least and the largest element of an array that has one."""
    rows = rows_of(x)
    found = in_bands(lambda band, _: (rows[band].min(), rows[band].max()), rows, workers)
    return np.array(found).min(), np.array(found).max()


def channel_sums(function, *matrices, shape, workers=1):
    """For every row that ``function(*bands)`` returns, with neighbors as in arrays of `shape`, the sums over each
    channel of it and of all bands, (rows, c)."""
    c, n = channels_and_neighbors(shape)
    matrices = [matrix.reshape(-1, c * n) for matrix in matrices]

    def work(band, _):
        return np.stack(function(*(matrix[band] for matrix in matrices))).reshape(-1, c, n).sum(axis=-1)

    return np.sum(in_bands(work, matrices[0], workers), axis=0)


def moments(rows, shape, workers=1):
    """(mean, var) of each channel, with ddof 0, of the `rows_of` an array of `shape`: from the sums of x and x^2, and
    where this would lose digits by subtracting the means first."""
    count = rows.size // shape[1]
    mean, square = channel_sums(lambda x: (x.sum(axis=0), dots(x, x)), rows, shape=shape, workers=workers) / count
    if not far(mean, square - mean * mean):
        return mean, square - mean * mean
    center = along_rows(mean, rows, shape)[:math.prod(channels_and_neighbors(shape))]
    (square,) = channel_sums(lambda x: (dots(x - center, x - center),), rows, shape=shape, workers=workers) / count
    return mean, square


def far(mean, var):
    """Whether a mean is so many stds from zero that terms which cancel would cost more than 4 bits."""
    return bool((mean * mean > 16 * var).any())


def dots(a, b):
    """Sums along the columns of a product of two matrices, element by element."""
    return np.einsum("pk,pk->k", a, b)


def along_rows(parameter, rows, shape):
    """One number a channel, (c,), as the row of a matrix like `rows`, the `rows_of` an array of `shape`."""
    c, n = channels_and_neighbors(shape)
    return np.tile(np.repeat(parameter.astype(rows.dtype, copy=False), n), rows.shape[1] // (c * n))


def channels_and_neighbors(shape):
    """(c, n): a position has c channels with n neighbors each."""
    return shape[1], shape[0] if len(shape) == 4 else 1
