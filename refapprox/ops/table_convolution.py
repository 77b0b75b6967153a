"""A table convolution as the routes see it: indices into the table, block by block.

Channels come last here, (n, h, w, c) and (m, kh, kw, c), and one group is one problem. A matrix product is the
convolution of 1x1 maps by 1x1 kernels.
"""
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from refapprox.multipliers.circuit import Circuit
from refapprox.ops.patches import Geometry


@dataclass(frozen=True)
class TableConvolution:
    """Codes x (n, h, w, c) and w (m, kh, kw, c), trusted to lie in the table's range; integers of any width or
    floats that hold whole numbers."""

    x: np.ndarray
    w: np.ndarray
    multiplier: object
    window: Geometry
    pad_code: int = 0
    memory_limit: int = 128 << 20
    workers: int = 1

    @cached_property
    def output_shape(self):
        """(n, h_out, w_out, m)."""
        n, h, w, _ = self.x.shape
        return (n, *self.window.output_size(h, w), self.w.shape[0])

    @property
    def k(self):
        """Products behind one output."""
        return self.w[0].size if self.w.shape[0] else 0

    @cached_property
    def largest_product(self):
        """max |lut|."""
        return largest_product(self.multiplier)

    @property
    def padded_width(self):
        return self.x.shape[2] + 2 * self.window.padding[1]

    @cached_property
    def w_index(self):
        """Columns of the table, (m, kh, kw, c)."""
        return table_index(self.w, self.multiplier.range_w[0])

    def rows_read(self, rows):
        """How many padded rows `rows` neighboring rows of outputs read."""
        return (rows - 1) * self.window.stride[0] + self.window.dilation[0] * (self.window.kernel[0] - 1) + 1

    def x_index(self, images, rows, scratch, channels_first=False):
        """Rows of the table for the padded rows behind output `rows` of `images` (ranges), as (n, h, w, c).

        With `channels_first` each channel is contiguous in memory; the returned view is (n, h, w, c) all the same.
        """
        _, h, w, c = self.x.shape
        top, left = self.window.padding
        height, first = self.rows_read(len(rows)), rows.start * self.window.stride[0] - top
        shape = (len(images), height, self.padded_width)
        if channels_first:
            index = scratch.array("index", (c, *shape), np.intp).transpose(1, 2, 3, 0)
        else:
            index = scratch.array("index", (*shape, c), np.intp)
        qmin = self.multiplier.range_x[0]
        if top or left:
            index[...] = self.pad_code - qmin
        inside = range(max(first, 0), min(first + height, h))
        target = index[:, inside.start - first:inside.stop - first, left:left + w]
        np.subtract(self.x[images.start:images.stop, inside.start:inside.stop], qmin, out=target,
                    dtype=np.intp, casting="unsafe")
        return index

    def blocks(self, bytes_of, target, reserved=0):
        """(images, output rows) of blocks near `target` bytes; `bytes_of(rows)` outputs' rows of one image take.

        Whole images where they fit, else bands of rows of one image; at least one row, else a ValueError. Every
        worker holds one block and `reserved` bytes beside it.
        """
        n, h_out = self.output_shape[:2]
        limit = self.memory_limit // self.workers - reserved
        if bytes_of(1) > limit:
            raise ValueError(f"memory_limit must allow each of {self.workers} worker(s) one row of outputs, "
                             f"{(bytes_of(1) + reserved) * self.workers} bytes in all, got {self.memory_limit}.")
        target = min(target, limit)
        if bytes_of(h_out) <= target:
            step = target // bytes_of(h_out)
            return [(range(i, min(i + step, n)), range(h_out)) for i in range(0, n, step)]
        rows = 1 + max(0, (target - bytes_of(1)) // (bytes_of(2) - bytes_of(1)))
        return [(range(i, i + 1), range(a, min(a + rows, h_out))) for i in range(n) for a in range(0, h_out, rows)]

    def each(self, work, jobs):
        """`work(job, scratch)` for every job, in threads where there are several workers; results in order."""
        if self.workers == 1 or len(jobs) < 2:
            scratch = Scratch()
            return [work(job, scratch) for job in jobs]
        workers = min(self.workers, len(jobs))
        results = [None] * len(jobs)

        def share(first):
            scratch = Scratch()
            for position in range(first, len(jobs), workers):
                results[position] = work(jobs[position], scratch)

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(share, range(workers)))
        return results


class Scratch:
    """Buffers that one worker reuses from block to block: fresh pages cost as much as filling them."""

    def __init__(self):
        self._buffers = {}

    def array(self, name, shape, dtype):
        """An uninitialized array, the memory of the last one called `name` where it suffices."""
        size = math.prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size or buffer.dtype != dtype:
            buffer = self._buffers[name] = np.empty(size, dtype=dtype)
        return buffer[:size].reshape(shape)


def largest_product(multiplier):
    """max |lut| as a Python integer; of a circuit without a table, the largest its output word can say."""
    if isinstance(multiplier, Circuit):
        return 2 ** (multiplier.output_bits - multiplier.signed)
    return max(-int(multiplier.lut.min()), int(multiplier.lut.max()))


def table_index(codes, qmin):
    """Indices of codes along an axis of the table, contiguous."""
    index = np.empty(codes.shape, dtype=np.intp)
    return np.subtract(codes, qmin, out=index, dtype=np.intp, casting="unsafe")
