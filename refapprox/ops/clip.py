"""Values held within two bounds.

    y = min(max(x, low), high)                                                         (1)
    dx = dy where low < x < high, else 0; at the kinks it is 0                         (2)
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.ops.bands import elementwise
from refapprox.validation import check_numbers


def forward(x: ArrayLike, low: float = -np.inf, high: float = np.inf, *, workers: int = 1
            ) -> tuple[NDArray, tuple]:
    """Clip `x` of any shape to [low, high].

    Parameters
    ----------
    x : array
    low, high : float, optional
        Bounds; infinite ones hold nothing back.
    workers : int, optional
        Threads over bands, at most one a core.

    Returns
    -------
    y : ndarray, shape of x
    cache : tuple

    Raises
    ------
    TypeError
        If x does not hold real numbers.
    ValueError
        If low exceeds high.

    Examples
    --------
    >>> forward([-1.0, 2.0, 9.0], 0.0, 6.0)[0].tolist()
    [0.0, 2.0, 6.0]
    """
    x = check_numbers("x of clip", x, floating=True)
    if not low <= high:
        raise ValueError(f"low of clip must not exceed high, got {low} and {high}.")
    low, high = x.dtype.type(low), x.dtype.type(high)

    def clip(band, out):
        np.clip(band, low, high, out=out)                                              # (1)

    return elementwise(clip, x, workers=workers), (x, low, high)


def backward(dy: NDArray, cache: tuple, *, workers: int = 1) -> NDArray:
    """Gradient dx for the cotangent `dy`."""
    x, low, high = cache

    def inside(dy, x, out):
        within = x > low
        within &= x < high
        np.multiply(dy, within, out=out)                                               # (2)

    return elementwise(inside, dy, x, dtype=dy.dtype, workers=workers)
