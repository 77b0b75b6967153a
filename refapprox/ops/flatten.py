"""Everything but the batch in one axis, in the order (c, h, w).

    y[n, (c*H + h)*W + w] = x[n, c, h, w]                                              (1)
    dx = dy in the shape of x                                                          (2)
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.ops.patches import from_batch_last, to_batch_last
from refapprox.validation import check_numbers

__all__ = ["backward", "forward"]


def forward(x: ArrayLike) -> tuple[NDArray, tuple]:
    """`x` with all axes but the first as one.

    Parameters
    ----------
    x : array, shape (n, ...)

    Returns
    -------
    y : ndarray, shape (n, k)
        A view where the memory allows it.
    cache : tuple of int
        The shape of x.

    Raises
    ------
    TypeError
        If x does not hold real numbers.
    ValueError
        If x has no axis.

    Examples
    --------
    >>> forward(np.arange(4).reshape(1, 2, 2, 1))[0].tolist()
    [[0, 1, 2, 3]]
    """
    x = check_numbers("x of flatten", x)
    if x.ndim == 0:
        raise ValueError(f"x of flatten must have a batch axis, got {x}.")
    return np.moveaxis(x, 0, -1).reshape(math.prod(x.shape[1:]), x.shape[0]).T, x.shape      # (1)


def backward(dy: ArrayLike, cache: tuple) -> NDArray:
    """Gradient for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape (n, k)
    cache : tuple
        What `forward` returned.

    Returns
    -------
    dx : ndarray, shape of x
        Batch-last in memory, as the layers before like it.

    Raises
    ------
    TypeError
        If dy does not hold real numbers.

    Examples
    --------
    >>> backward([[1, 2]], (1, 1, 2, 1)).tolist()
    [[[[1], [2]]]]
    """
    n, *rest = cache
    dy = check_numbers("dy of flatten", dy, shape=(n, math.prod(rest)))
    dx = np.moveaxis(dy.T.reshape(*rest, n), -1, 0)                                    # (2)
    return from_batch_last(to_batch_last(dx)) if dx.ndim == 4 else dx


doors(__name__)
