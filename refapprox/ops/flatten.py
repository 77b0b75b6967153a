"""Everything but the batch in one axis, in the order (c, h, w).

    y[n, (c*H + h)*W + w] = x[n, c, h, w]                                              (1)
    dx = dy in the shape of x                                                          (2)
"""
import math

import numpy as np


def forward(x):
    """`x` (n, ...) as (n, k), a view where the memory allows it; the cache is the shape of x.

    Examples
    --------
    >>> forward(np.arange(4).reshape(1, 2, 2, 1))[0].tolist()
    [[0, 1, 2, 3]]
    """
    return x.reshape(x.shape[0], math.prod(x.shape[1:])), x.shape                      # (1)


def backward(dy, cache):
    """Gradient dx for the cotangent `dy`, batch-last in memory as the layers before like it."""
    n, *rest = cache
    return np.moveaxis(np.ascontiguousarray(dy.T).reshape(*rest, n), -1, 0)            # (2)
