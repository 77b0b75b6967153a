"""A table convolution as the routes see it: indices into the table, batch-last in memory.

Maps are (c, h, w, n) and kernels (m, c, kh, kw), sums (m, h_out, w_out, n), as in `patches`: every tap of every
window is a run of at least n neighbors in memory. One group is one problem, and a matrix product is the
convolution of 1x1 maps by 1x1 kernels.
"""
import math
import weakref
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from refapprox.ops.patches import Geometry, even_slices
from refapprox.ops.threads import Scratch, bounded, each

LARGEST_PRODUCTS = weakref.WeakKeyDictionary()      # multiplier -> max |lut|
CASTING_BYTES = 16 * np.getbufsize()      # what NumPy takes to convert dtypes on the way


@dataclass(frozen=True)
class TableConvolution:
    """Codes x (c, h, w, n) and w (m, c, kh, kw), trusted to lie in the table's range; integers of any width or
    floats that hold whole numbers, in any memory order. The padding of `window` is in numbers. Every worker has a
    Scratch, which the problems of all groups share."""

    x: np.ndarray
    w: np.ndarray
    multiplier: object
    window: Geometry
    pad_code: int = 0
    memory_limit: int = 128 << 20
    workers: int = 1
    scratches: list = field(default_factory=list, compare=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "workers", bounded(self.workers))
        self.scratches.extend(Scratch() for _ in range(self.workers - len(self.scratches)))

    def groups(self, count):
        """Pairs (problem, slice of outputs) of the `count` independent convolutions that this one consists of."""
        c, m = len(self.x) // count, len(self.w) // count
        for group in range(count):
            outputs = slice(group * m, (group + 1) * m)
            yield replace(self, x=self.x[group * c:(group + 1) * c], w=self.w[outputs]), outputs

    @cached_property
    def output_shape(self):
        """(m, h_out, w_out, n)."""
        _, h, w, n = self.x.shape
        return (self.w.shape[0], *self.window.output_size(h, w), n)

    @cached_property
    def k(self):
        """Products behind one output."""
        return math.prod(self.w.shape[1:])

    @cached_property
    def largest_product(self):
        """max |lut|."""
        return largest_product(self.multiplier)

    @cached_property
    def sum_dtype(self):
        """int32 where every partial sum fits it, else int64."""
        return np.dtype(np.int32 if self.k * self.largest_product < 2 ** 31 else np.int64)

    @cached_property
    def narrow(self):
        """A dtype for activations: of one byte where the table has no more codes."""
        return narrow_dtype(*self.multiplier.range_x)

    @cached_property
    def padded_size(self):
        """(height, width) of a padded map."""
        return self.window.padded_size(*self.x.shape[1:3])

    def w_index(self, outputs=slice(None), channels=slice(None)):
        """Columns of the table for the kernels of some outputs and channels, (m, c, kh, kw)."""
        codes = self.w[outputs, channels]
        index = np.empty(codes.shape, dtype=np.intp)
        return np.subtract(codes, self.multiplier.range_w[0], out=index, dtype=np.intp, casting="unsafe")

    def x_index(self, images, scratch, channels=slice(None)):
        """Rows of the table for the padded maps of `images` (a slice), (c, h, w, n)."""
        codes, ((top, _), (left, _)) = self.x[channels, ..., images], self.window.padding
        c, h, w, n = codes.shape
        index = scratch.array("index", (c, *self.padded_size, n), np.intp)
        qmin = self.multiplier.range_x[0]
        if self.padded_size != (h, w):
            index[...] = self.pad_code - qmin
        np.subtract(codes, qmin, out=index[:, top:top + h, left:left + w], dtype=np.intp, casting="unsafe")
        return index

    def image_blocks(self, bytes_of_one, target, least=1):
        """Slices of images of at most `target` bytes (one image at least), `least` of them where there are as many."""
        n = self.x.shape[3]
        return even_slices(n, min(n, max(least, -(-n // max(1, target // bytes_of_one)))))

    def row_bands(self, bytes_of_row, target):
        """Slices of rows of outputs of at most `target` bytes, one row at least."""
        h_out = self.output_shape[1]
        return even_slices(h_out, -(-h_out // max(1, target // bytes_of_row)))

    def check_memory(self, smallest):
        """Refuse a route whose smallest blocks, of all workers together, take more than the limit."""
        if smallest > self.memory_limit:
            raise MemoryLimitTooSmall(smallest, self.memory_limit)

    def each(self, work, jobs):
        """`work(job, scratch)` for every job, shared among the workers, each with a Scratch; results in order."""
        return each(lambda job, worker: work(job, self.scratches[worker]), jobs, self.workers)


class MemoryLimitTooSmall(ValueError):
    """A route needs more memory than it may take, `needed` bytes at least."""

    def __init__(self, needed, limit):
        super().__init__(f"memory_limit must allow every worker one row of outputs, {needed} bytes in all, "
                         f"got {limit}.")
        self.needed = needed


def narrow_dtype(qmin, qmax):
    """The smallest dtype for codes: of one byte where they fit, else that of indices."""
    return np.dtype("i1" if qmin < 0 else "u1") if qmax - qmin < 256 else np.dtype(np.intp)


def largest_product(multiplier):
    """max |lut| as a Python integer, remembered; without a table, the largest that the output word can say."""
    if not multiplier.has_table:
        return 2 ** (multiplier.output_bits - multiplier.signed)
    if multiplier not in LARGEST_PRODUCTS:
        LARGEST_PRODUCTS[multiplier] = max(-int(multiplier.lut.min()), int(multiplier.lut.max()))
    return LARGEST_PRODUCTS[multiplier]
