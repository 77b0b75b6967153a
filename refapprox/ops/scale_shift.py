"""A fixed factor and a fixed summand for every position; neither is trained.

    y = factor * x + summand                                                           (1)
    dx = factor * dy                                                                   (2)
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.validation import check_numbers


def forward(x: ArrayLike, factor: ArrayLike = 1.0, summand: ArrayLike = 0.0) -> tuple[NDArray, NDArray]:
    """Scale and shift `x` (n, ...); the result keeps its shape.

    Parameters
    ----------
    x : array, shape (n, ...)
    factor, summand : arrays that broadcast against x[0]

    Returns
    -------
    y : ndarray, shape and dtype of x
    cache : ndarray
        The factor.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If factor or summand would widen x.

    Examples
    --------
    >>> forward(np.ones((1, 2)), factor=[2.0, 3.0], summand=1.0)[0].tolist()
    [[3.0, 4.0]]
    """
    x = check_numbers("x of scale_shift", x, floating=True)
    factor, summand = (check_numbers(name, value, floating=True).astype(x.dtype)
                       for name, value in (("factor", factor), ("summand", summand)))
    if np.broadcast_shapes(x.shape[1:], factor.shape, summand.shape) != x.shape[1:]:
        raise ValueError(f"factor and summand must broadcast against {x.shape[1:]}, got shapes {factor.shape} and "
                         f"{summand.shape}.")
    return x * factor + summand, factor                                                # (1)


def backward(dy: NDArray, cache: NDArray) -> NDArray:
    """Gradient dx for the cotangent `dy`."""
    return dy * cache                                                                  # (2)
