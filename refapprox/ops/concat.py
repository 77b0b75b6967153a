"""Feature maps of several branches behind one another, along the channels.

    y = (x_1, x_2, ...) along axis 1                                                   (1)
    dx_i = the part of dy that x_i became                                              (2)
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.validation import check_numbers


def forward(*parts: ArrayLike) -> tuple[NDArray, list]:
    """Concatenate `parts` (n, c_i, ...) along axis 1.

    Parameters
    ----------
    *parts : arrays, shapes (n, c_i, ...)

    Returns
    -------
    y : ndarray, shape (n, sum of c_i, ...)
    cache : list of int
        Where a part ends and the next one begins.

    Raises
    ------
    TypeError
        If a part does not hold real numbers.
    ValueError
        If there is no part, or the other axes differ.

    Examples
    --------
    >>> forward(np.zeros((1, 1)), np.ones((1, 2)))[0].tolist()
    [[0.0, 1.0, 1.0]]
    """
    parts = [check_numbers(f"part {index} of concat", part, floating=True) for index, part in enumerate(parts)]
    shapes = [part.shape for part in parts]
    if not parts or min(map(len, shapes)) < 2 or len({(s[0], *s[2:]) for s in shapes}) > 1:
        raise ValueError(f"concat needs arrays (n, c, ...) that differ in their channels only, got shapes {shapes}.")
    return np.concatenate(parts, axis=1), np.cumsum([s[1] for s in shapes])[:-1].tolist()      # (1)


def backward(dy: NDArray, cache: list) -> tuple[NDArray, ...]:
    """Gradients of all parts for the cotangent `dy`."""
    return tuple(np.split(dy, cache, axis=1))                                          # (2)
