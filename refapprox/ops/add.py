"""Residual addition.

    y = a + b                                                                          (1)
    da = db = dy                                                                       (2)
"""


def forward(a, b):
    """Add two arrays of one shape; broadcasting is refused, since (2) would then be wrong.

    Examples
    --------
    >>> import numpy as np
    >>> forward(np.ones(2), np.ones(2))[0].tolist()
    [2.0, 2.0]
    """
    if a.shape != b.shape:
        raise ValueError(f"add needs two arrays of one shape, got {a.shape} and {b.shape}: "
                         "does the shortcut change channels or stride like the branch does?")
    return a + b, None                                                                 # (1)


def backward(dy, cache=None):
    """Gradients (da, db) for the cotangent `dy`."""
    return dy, dy                                                                      # (2)
