"""Residual addition.

    y = a + b                                                                          (1)
    da = db = dy                                                                       (2)
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.ops.bands import elementwise
from refapprox.validation import check_numbers

__all__ = ["backward", "forward"]


def forward(a: ArrayLike, b: ArrayLike, *, workers: int = 1) -> tuple[NDArray, None]:
    """Add two arrays of one shape; broadcasting is refused, since (2) would then be wrong.

    Parameters
    ----------
    a, b : arrays of one shape
    workers : int, optional
        Threads over bands, at most one a core.

    Returns
    -------
    y : ndarray, that shape
    cache : None

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> forward([1.0, 2.0], [3.0, 4.0])[0].tolist()
    [4.0, 6.0]
    """
    a, b = check_numbers("a of add", a), check_numbers("b of add", b)
    if a.shape != b.shape:
        raise ValueError(f"add needs two arrays of one shape, got {a.shape} and {b.shape}: "
                         "does the shortcut change channels or stride like the branch does?")
    return elementwise(np.add, a, b, workers=workers), None                            # (1)


def backward(dy: ArrayLike, cache: None = None) -> tuple[NDArray, NDArray]:
    """Gradients for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape of y
    cache : None
        What `forward` returned.

    Returns
    -------
    da, db : ndarray, shape of y

    Raises
    ------
    TypeError
        If dy does not hold real numbers.

    Examples
    --------
    >>> [gradient.tolist() for gradient in backward([5.0, 6.0])]
    [[5.0, 6.0], [5.0, 6.0]]
    """
    dy = check_numbers("dy of add", dy)
    return dy, dy                                                                      # (2)


doors(__name__)
