"""Elementwise passes over maps in bands: what one pass reads is still in cache when the next one reads it.

Images are taken as matrices with a row for every position, (h*w, c*n), which in batch-last memory they are; (n, c)
has a row for every image. Either way channels lie along a row, each for some neighbors. Bands are cut by shape alone
and their sums added in order, so that no bit depends on how many workers share them.
"""
import math

import numpy as np

from refapprox.ops.patches import to_batch_last
from refapprox.ops.threads import Scratch, each

BAND_BYTES = 256 << 10      # of one array: a few of them stay in a core's second-level cache


def rows_of(x):
    """`x` with the batch first, of any number of axes, as a matrix: a view where memory allows."""
    if x.ndim == 4:
        n, c, h, w = x.shape
        return to_batch_last(x).transpose(1, 2, 0, 3).reshape(h * w, c * n)
    return np.ascontiguousarray(x).reshape(len(x) if x.ndim else 1, math.prod(x.shape[1:]))


def from_rows(rows, shape):
    """The array of `shape` that `rows_of` made the matrix of, a view."""
    if len(shape) == 4:
        n, c, h, w = shape
        return rows.reshape(h, w, c, n).transpose(3, 2, 0, 1)
    return rows.reshape(shape)


def in_bands(work, rows, workers=1):
    """``work(band, scratch)`` for slices of the rows of a matrix like `rows`; a list of results in their order."""
    height = max(1, BAND_BYTES // max(1, rows.shape[1] * rows.itemsize))
    bands = [slice(start, start + height) for start in range(0, max(1, len(rows)), height)]
    scratches = [Scratch() for _ in range(workers)]
    return each(lambda band, worker: work(band, scratches[worker]), bands, workers)


def elementwise(function, *arrays, dtype=None, workers=1):
    """``function(*bands, out)`` for bands of arrays of one shape; returns what `out` is a band of, of that shape."""
    matrices = [rows_of(array) for array in arrays]
    result = np.empty(matrices[0].shape, dtype or np.result_type(*arrays))

    def work(band, _):
        function(*(matrix[band] for matrix in matrices), result[band])

    in_bands(work, result, workers)
    return from_rows(result, arrays[0].shape)


def channel_sums(work, rows, channels, workers=1):
    """Sums over every channel of what ``work(band, scratch)`` adds up along the rows of a band, (..., c * repeats)."""
    total = np.sum(in_bands(work, rows, workers), axis=0)
    return total.reshape(*total.shape[:-1], channels, -1).sum(axis=-1)


def along_rows(parameter, rows):
    """One number a channel, (c,), as the row of a matrix like `rows`, in its dtype."""
    return np.repeat(parameter.astype(rows.dtype, copy=False), rows.shape[1] // len(parameter))
