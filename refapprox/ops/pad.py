"""A constant around feature maps, and before and after their channels.

    y[n, c + before_c, p + top, q + left] = x[n, c, p, q],   the value elsewhere       (1)
    dx = dy cropped to where x stands                                                  (2)
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.ops.patches import LARGEST
from refapprox.validation import check_array, check_integer, check_numbers


def forward(x: ArrayLike, widths: tuple, value: float = 0.0) -> tuple[NDArray, tuple]:
    """Pad `x` (n, ...) with `value`.

    Parameters
    ----------
    x : array, shape (n, ...)
    widths : tuple of (before, after)
        One pair per axis after the batch, none negative.
    value : float, optional

    Returns
    -------
    y : ndarray
    cache : tuple of slice

    Raises
    ------
    TypeError
        If x does not hold real numbers, or a width is no integer.
    ValueError
        If a width is negative, or there is not one pair per axis.

    Examples
    --------
    >>> forward(np.ones((1, 1, 2)), ((0, 0), (1, 0)), 7.0)[0].tolist()
    [[[7.0, 1.0, 1.0]]]
    """
    x = check_numbers("x of pad", x, floating=True)
    widths = check_array("widths of pad", widths, kinds="iu")
    if widths.shape != (x.ndim - 1, 2):
        raise ValueError(f"widths of pad must be one (before, after) for each of {x.ndim - 1} axes, got shape "
                         f"{widths.shape}.")
    widths = [[check_integer("widths of pad", int(w), minimum=0, maximum=LARGEST) for w in pair] for pair in widths]
    inside = (slice(None), *(slice(before, before + size) for (before, _), size in zip(widths, x.shape[1:],
                                                                                      strict=True)))
    return np.pad(x, ((0, 0), *widths), constant_values=value), inside                 # (1)


def backward(dy: NDArray, cache: tuple) -> NDArray:
    """Gradient dx for the cotangent `dy`."""
    return dy[cache]                                                                   # (2)
