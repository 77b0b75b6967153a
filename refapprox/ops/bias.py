"""A bias for each channel.

    y[n, c, ...] = x[n, c, ...] + b[c]                                                 (1)

Vector-Jacobian product:

    dx = dy                                                                            (2)
    db[c] = sum of dy over every axis but the channel                                  (3)

This file also says, for every layer with one parameter per channel, where the channels are: axis 1.
"""
from __future__ import annotations

from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.validation import check_numbers

__all__ = ["backward", "forward"]


def forward(x: ArrayLike, b: ArrayLike) -> tuple[NDArray, None]:
    """Add `b` to every channel of `x`.

    Parameters
    ----------
    x : array, shape (n, c) or (n, c, h, w)
    b : array, shape (c,)

    Returns
    -------
    y : ndarray, shape of x
    cache : None

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If b does not have one entry for each channel.

    Examples
    --------
    >>> forward([[0.0, 0.0]], [3.0, 4.0])[0].tolist()
    [[3.0, 4.0]]
    """
    x = check_numbers("x of bias", x)
    b = check_per_channel("b of bias", check_numbers("b of bias", b), x)
    return x + per_channel(b, x.ndim), None                                            # (1)


def backward(dy: ArrayLike, cache: None = None) -> tuple[NDArray, NDArray]:
    """Gradients for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape of y
    cache : None
        What `forward` returned.

    Returns
    -------
    dx : ndarray, shape of y
    db : ndarray, shape (c,)

    Raises
    ------
    TypeError
        If dy does not hold real numbers.

    Examples
    --------
    >>> backward([[1.0, 2.0], [3.0, 4.0]])[1].tolist()
    [4.0, 6.0]
    """
    dy = check_numbers("dy of bias", dy)
    if dy.ndim not in (2, 4):
        raise ValueError(f"dy of bias must have shape (n, c) or (n, c, h, w), got {dy.shape}.")
    return dy, dy.sum(axis=all_but_channel(dy.ndim))                                   # (2), (3)


def per_channel(parameter, ndim):
    """`parameter` (c,) in the shape (c, 1, ...) that broadcasts against (n, c, ...)."""
    return parameter.reshape(-1, *[1] * (ndim - 2))


def all_but_channel(ndim):
    """Every axis of an (n, c, ...) array except the channel."""
    return 0, *range(2, ndim)


def check_per_channel(name, parameter, x):
    """`parameter`, if it has the shape (c,) for x (n, c) or (n, c, h, w); else a ValueError."""
    if x.ndim not in (2, 4) or parameter.shape != (x.shape[1],):
        raise ValueError(f"{name} must have shape (c,) for x of shape (n, c) or (n, c, h, w), "
                         f"got {parameter.shape} for x {x.shape}.")
    return parameter


doors(__name__)
