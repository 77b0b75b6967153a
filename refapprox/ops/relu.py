"""Rectifier, with a ceiling where one is given: ReLU6 is the one with ceiling 6.

    y = min(max(x, 0), ceiling)                                                        (1)
    dx = dy where 0 < x < ceiling, else 0; at the kinks it is 0                        (2)
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.validation import check_numbers, check_real

__all__ = ["backward", "forward"]


def forward(x: ArrayLike, ceiling: float | None = None) -> tuple[NDArray, tuple]:
    """Rectify `x`.

    Parameters
    ----------
    x : array, any shape
    ceiling : float, optional
        Largest value of y, positive; none unless given.

    Returns
    -------
    y : ndarray, shape of x
    cache : tuple (y, ceiling)
        y is between the kinks where x is.

    Raises
    ------
    TypeError
        If x does not hold real numbers.
    ValueError
        If the ceiling is not positive.

    Examples
    --------
    >>> forward([-1.0, 2.0])[0].tolist(), forward([-1.0, 7.0], ceiling=6)[0].tolist()
    ([0.0, 2.0], [0.0, 6.0])
    """
    y = np.maximum(check_numbers("x of relu", x), 0)
    if ceiling is not None:
        if check_real("ceiling of relu", ceiling) <= 0:
            raise ValueError(f"ceiling of relu must be positive, got {ceiling}.")
        y = np.minimum(y, y.dtype.type(ceiling) if y.dtype.kind == "f" else ceiling)   # (1)
    return y, (y, ceiling)


def backward(dy: ArrayLike, cache: tuple) -> NDArray:
    """Gradient for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape of y
    cache : tuple
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
    y, ceiling = cache
    dx = check_numbers("dy of relu", dy) * (y > 0)                                     # (2)
    return dx if ceiling is None else dx * (y < ceiling)
