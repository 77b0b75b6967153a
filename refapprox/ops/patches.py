"""Where a convolution's window falls: output size, padding, and every patch as a view.

An output pixel (a, b) sees the padded pixels (a * stride + i * dilation, b * stride + j * dilation) for
i < kh, j < kw. Patches are a strided view of the padded map: nothing is copied until a block is reshaped.
"""
from dataclasses import dataclass

import numpy as np

from refapprox.validation import check_integer


@dataclass(frozen=True)
class Geometry:
    """Window of a 2D convolution: kernel, stride, padding and dilation as (vertical, horizontal) pairs."""

    kernel: tuple
    stride: tuple = (1, 1)
    padding: tuple = (0, 0)
    dilation: tuple = (1, 1)

    def output_size(self, height, width):
        """(h_out, w_out) of a map of `height` x `width`, at least 1 x 1, else a ValueError."""
        sizes = tuple((size + 2 * p - d * (k - 1) - 1) // s + 1 for size, k, s, p, d in
                      zip((height, width), self.kernel, self.stride, self.padding, self.dilation, strict=True))
        if min(sizes) < 1:
            raise ValueError(f"the kernel {self.kernel} with dilation {self.dilation} must fit the map "
                             f"{height}x{width} padded by {self.padding}, got an output of {sizes[0]}x{sizes[1]}.")
        return sizes

    def pad(self, x, value):
        """`x` (n, h, w, c) with `value` around every map; `x` itself where there is nothing to add."""
        (top, left), (n, h, w, c) = self.padding, x.shape
        if not (top or left):
            return x
        padded = np.full((n, h + 2 * top, w + 2 * left, c), value, dtype=x.dtype)
        padded[:, top:top + h, left:left + w] = x
        return padded

    def patches(self, padded):
        """View (n, h_out, w_out, kh, kw, c) of the padded map (n, h, w, c)."""
        (kh, kw), (sh, sw), (dh, dw) = self.kernel, self.stride, self.dilation
        windows = np.lib.stride_tricks.sliding_window_view(
            padded, (dh * (kh - 1) + 1, dw * (kw - 1) + 1), axis=(1, 2))
        return windows[:, ::sh, ::sw, :, ::dh, ::dw].transpose(0, 1, 2, 4, 5, 3)


def pair(name, value, minimum):
    """`value`, one integer or two, as a (vertical, horizontal) pair."""
    values = (value, value) if np.ndim(value) == 0 else tuple(value)
    if len(values) != 2:
        raise ValueError(f"{name} must be one integer or a (vertical, horizontal) pair, got {value!r}.")
    return tuple(check_integer(name, v, minimum=minimum) for v in values)


def geometry(where, kernel, stride=1, padding=0, dilation=1):
    """The Geometry of checked arguments; `where` names the caller in messages."""
    return Geometry(pair(f"kernel of {where}", kernel, 1), pair(f"stride of {where}", stride, 1),
                    pair(f"padding of {where}", padding, 0), pair(f"dilation of {where}", dilation, 1))
