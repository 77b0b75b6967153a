"""Rectifier; `clip` is the one with a ceiling.

    y = max(x, 0)                                                                      (1)
    dx = dy where x > 0, else 0; at the kink x = 0 it is 0                             (2)
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.validation import check_numbers

__all__ = ["backward", "forward"]


def forward(x: ArrayLike) -> tuple[NDArray, NDArray]:
    """Rectify `x`.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    y : ndarray, shape of x
    cache : ndarray
        y itself, which is positive where x is.

    Raises
    ------
    TypeError
        If x does not hold real numbers.

    Examples
    --------
    >>> forward([-1.0, 2.0])[0].tolist()
    [0.0, 2.0]
    """
    y = np.maximum(check_numbers("x of relu", x), 0)                                   # (1)
    return y, y


def backward(dy: ArrayLike, cache: NDArray) -> NDArray:
    """Gradient for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape of y
    cache : ndarray
        What `forward` returned.

    Returns
    -------
    dx : ndarray, shape of y

    Raises
    ------
    TypeError
        If dy does not hold real numbers.

    Examples
    --------
    >>> backward([5.0, 6.0], forward([-1.0, 2.0])[1]).tolist()
    [0.0, 6.0]
    """
    return check_numbers("dy of relu", dy) * (cache > 0)                               # (2)
