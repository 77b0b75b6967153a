"""A bias for each channel.

    y[n, c, ...] = x[n, c, ...] + b[c]                                                 (1)

Vector-Jacobian product:

    dx = dy                                                                            (2)
    db[c] = sum of dy over every axis but the channel                                  (3)

This file also says, for every layer with one parameter a channel, where the channels are: axis 1.
"""


def forward(x, b):
    """Add `b` (c,) to `x` (n, c) or (n, c, h, w).

    Returns
    -------
    y : ndarray, shape of x
    cache : None

    Raises
    ------
    ValueError
        If b does not have one entry for each channel.

    Examples
    --------
    >>> import numpy as np
    >>> forward(np.zeros((1, 2)), np.array([3.0, 4.0]))[0].tolist()
    [[3.0, 4.0]]
    """
    check_per_channel("b of bias", b, x)
    return x + per_channel(b, x.ndim), None                                            # (1)


def backward(dy, cache=None):
    """Gradients (dx, db) for the cotangent `dy`."""
    return dy, dy.sum(axis=all_but_channel(dy.ndim))                                   # (2), (3)


def per_channel(parameter, ndim):
    """`parameter` (c,) in the shape (c, 1, ...) that broadcasts against (n, c, ...)."""
    return parameter.reshape(-1, *[1] * (ndim - 2))


def all_but_channel(ndim):
    """Every axis of an (n, c, ...) array except the channel."""
    return 0, *range(2, ndim)


def check_per_channel(name, parameter, x):
    """A ValueError unless `parameter` has the shape (c,) for x (n, c) or (n, c, h, w)."""
    if x.ndim not in (2, 4) or parameter.shape != (x.shape[1],):
        raise ValueError(f"{name} must have shape (c,) for x of shape (n, c) or (n, c, h, w), "
                         f"got {parameter.shape} for x {x.shape}.")
