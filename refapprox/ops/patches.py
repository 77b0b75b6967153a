"""Where a window falls: output size, padding, and every patch as a view.

A window of size (kh, kw) visits an image at multiples of its stride, its taps `dilation` apart:

    patches[y, x, i, j] = padded[y*sh + i*dh, x*sw + j*dw]                            (1)
    size_out = (size + before + after - dilation*(kernel - 1) - 1) // stride + 1      (2)

Padding is counted for every side. "same" is TensorFlow's rule, which depends on the size of the map:

    size_out = ceil(size / stride)                                                   (3)
    before + after = max((size_out - 1)*stride + dilation*(kernel - 1) + 1 - size, 0), before the smaller half of it

Taking patches is linear. Its adjoint, which every backward pass needs, adds what windows hold to where their taps fall:

    sum(patches(x) * d) = sum(x * u),   u = 0, then tap(u, i, j) += d[:, :, :, i, j] for every tap         (4)

A `Geometry` works on the two middle axes of an array with four. Channels-last (n, h, w, c) gives patches whose
rows are receptive fields; batch-last (c, h, w, n) makes every tap of every window a run of at least n neighbors
in memory, for one channel as well as for many. The layers hand each other (n, c, h, w) views of batch-last
memory; any other layout is taken, and gives the same numbers more slowly.

References
----------
TensorFlow documentation, tf.nn, "Notes on padding": (3).
"""
import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from refapprox.validation import check_integer, is_several, shown

LARGEST = 2 ** 31 - 1        # of a kernel, a stride, a border, a dilation
NO_PADDING = ((0, 0), (0, 0))
LINE, CONFLICT = 64, 512      # bytes of a line of the cache; of a distance that makes lines compete


@dataclass(frozen=True)
class Geometry:
    """A window: kernel, stride and dilation as (vertical, horizontal) pairs, padding as ((top, bottom), (left, right)),
    or "same"; made of checked arguments by `geometry`.

    Examples
    --------
    >>> Geometry(kernel=(5, 5), padding=((2, 2), (2, 2))).output_size(28, 28)
    (28, 28)
    """

    kernel: tuple
    stride: tuple = (1, 1)
    padding: tuple | str = NO_PADDING
    dilation: tuple = (1, 1)

    def on(self, height, width):
        """The geometry on maps of `height` x `width`: itself, or with the padding that "same" means there."""
        if self.padding != "same":
            return self
        return replace(self, padding=tuple(
            same_padding(*axis) for axis in zip((height, width), self.kernel, self.stride, self.dilation, strict=True)))

    def output_size(self, height, width):
        """(h_out, w_out) of a map of `height` x `width`, at least 1 x 1, else a ValueError."""
        padding = self.on(height, width).padding
        sizes = tuple((size + sum(p) - d * (k - 1) - 1) // s + 1 for size, k, s, p, d in
                      zip((height, width), self.kernel, self.stride, padding, self.dilation, strict=True))        # (2)
        if min(sizes) < 1:
            raise ValueError(f"the kernel {self.kernel} with dilation {self.dilation} must fit the map "
                             f"{height}x{width} of x padded by {padding}, got an output of {sizes[0]}x{sizes[1]}.")
        return sizes

    def padded_size(self, height, width):
        """(height, width) of a padded map."""
        (top, bottom), (left, right) = self.on(height, width).padding
        return height + top + bottom, width + left + right

    def pad(self, x, value):
        """`x` (a, h, w, b) with `value` around every map; `x` itself where there is nothing to add."""
        (top, _), (left, _) = self.padding
        a, h, w, b = x.shape
        if self.padding == NO_PADDING:
            return x
        padded = np.full_like(x, value, shape=(a, *self.padded_size(h, w), b))      # in the memory order of x
        padded[:, top:top + h, left:left + w] = x
        return padded

    def crop(self, padded):
        """The maps inside the border that `pad` put around them, a view."""
        (top, bottom), (left, right) = self.padding
        return padded[:, top:padded.shape[1] - bottom, left:padded.shape[2] - right]

    def patches(self, padded):
        """View (a, h_out, w_out, kh, kw, b) of the padded map (a, h, w, b), by (1)."""
        (kh, kw), (sh, sw), (dh, dw) = self.kernel, self.stride, self.dilation
        windows = np.lib.stride_tricks.sliding_window_view(
            padded, (dh * (kh - 1) + 1, dw * (kw - 1) + 1), axis=(1, 2))
        return windows[:, ::sh, ::sw, :, ::dh, ::dw].transpose(0, 1, 2, 4, 5, 3)                                # (1)

    def tap(self, padded, i, j, h_out, w_out):
        """View (a, h_out, w_out, b) of what tap (i, j) sees: ``patches(padded)[:, :, :, i, j]``, writable."""
        (sh, sw), (dh, dw) = self.stride, self.dilation
        top, left = i * dh, j * dw
        return padded[:, top:top + sh * (h_out - 1) + 1:sh, left:left + sw * (w_out - 1) + 1:sw]


def same_padding(size, kernel, stride, dilation):
    """(before, after) of one axis by (3)."""
    total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def pair(name, value, minimum):
    """`value`, one integer or two, as a (vertical, horizontal) pair."""
    values = value if is_several(value) else (value, value)
    if len(values) != 2:
        raise ValueError(f"{name} must be one integer or a (vertical, horizontal) pair, got {shown(value)}.")
    return tuple(check_integer(name, v, minimum=minimum, maximum=LARGEST) for v in values)


def sides(name, value):
    """Padding as ((top, bottom), (left, right)), or "same"; a single integer counts for both sides."""
    if isinstance(value, str):
        if value not in ("same", "valid"):
            raise ValueError(f"{name} must be numbers, 'same' or 'valid', got {shown(value)}.")
        return "same" if value == "same" else NO_PADDING
    axes = value if is_several(value) else (value, value)
    if len(axes) != 2:
        raise ValueError(f"{name} must be one integer or a (vertical, horizontal) pair, ((top, bottom), (left, right)) "
                         f"or 'same', got {shown(value)}.")
    return tuple(pair(name, axis, 0) for axis in axes)


def geometry(where, kernel, stride=1, padding=0, dilation=1):
    """The Geometry of checked arguments; `where` names the caller in messages."""
    return Geometry(pair(f"kernel of {where}", kernel, 1), pair(f"stride of {where}", stride, 1),
                    sides(f"padding of {where}", padding), pair(f"dilation of {where}", dilation, 1))


def even_slices(total, count):
    """`count` slices of nearly equal length that make up range(total), the longer ones first: a Scratch for the first
    need not grow for the others."""
    length, longer = divmod(total, count)
    starts = [length * i + min(i, longer) for i in range(count + 1)]
    return [slice(*ends) for ends in itertools.pairwise(starts)]


def to_batch_last(x):
    """`x` (n, c, h, w) as (c, h, w, n) in batch-last memory (h, w, c, n): a view where its memory is so already.

    Images that lie a power of two apart share few lines of the cache: then they are first moved a line farther apart,
    which makes copying them three to five times as fast.
    """
    turned = x.transpose(2, 3, 1, 0)
    size = math.prod(x.shape[1:])
    if x.flags.c_contiguous and size * x.itemsize % CONFLICT == 0 and not turned.flags.c_contiguous:
        apart = np.empty((len(x), size + LINE // x.itemsize), x.dtype)[:, :size]
        np.copyto(apart, x.reshape(apart.shape))
        turned = apart.reshape(x.shape).transpose(2, 3, 1, 0)
    return np.ascontiguousarray(turned).transpose(2, 0, 1, 3)


def from_batch_last(x):
    """`x` (c, h, w, n) as an (n, c, h, w) view."""
    return x.transpose(3, 0, 1, 2)


def empty_maps(c, h, w, n, dtype):
    """An uninitialized (c, h, w, n) array in batch-last memory."""
    return np.empty((h, w, c, n), dtype).transpose(2, 0, 1, 3)


def check_images(name, x):
    """A ValueError unless `x` has the four axes (n, c, h, w)."""
    if x.ndim != 4:
        raise ValueError(f"{name} must have shape (n, c, h, w), got {x.shape}.")
