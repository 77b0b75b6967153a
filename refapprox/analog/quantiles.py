"""A large set of weights replaced by fewer with the same distribution."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.validation import check_finite, check_sizes


def downsample(weights: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Quantiles of `weights`: sorted, interpolated linearly to prod(shape) values with both ends kept.

    Value i of n is at position i (N - 1) / (n - 1) of the N sorted weights; n = 1 gives the smallest.  More values than
    weights may be asked for.

    Parameters
    ----------
    weights : array of any shape, not empty, finite
    shape : tuple of int

    Returns
    -------
    float64 array of that shape, ascending in row-major order

    Raises
    ------
    ValueError
        For weights that are empty or not finite, or a shape without an element.

    Examples
    --------
    >>> downsample([3.0, 1.0, 2.0], (5,)).tolist()
    [1.0, 1.5, 2.0, 2.5, 3.0]
    """
    values = np.sort(np.ravel(check_finite("weights", weights, dtype=np.float64)))
    if values.size == 0:
        raise ValueError("weights must not be empty.")
    shape = check_sizes("shape", shape, minimum=1)
    count = int(np.prod(shape))
    position = np.arange(count) * ((values.size - 1) / max(count - 1, 1))
    return np.interp(position, np.arange(values.size), values).reshape(shape)
