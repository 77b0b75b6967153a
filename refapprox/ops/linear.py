"""Fully connected layer, without bias.

    y = x w^T                                                                          (1)

Vector-Jacobian product:

    dx = dy w                                                                          (2)
    dw = dy^T x                                                                        (3)
"""
from __future__ import annotations

from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.validation import check_numbers

__all__ = ["backward", "forward"]


def forward(x: ArrayLike, w: ArrayLike) -> tuple[NDArray, tuple]:
    """Multiply `x` by the weight `w`.

    Parameters
    ----------
    x : array, shape (n, k)
    w : array, shape (m, k)
        As a layer keeps it: a row per output.

    Returns
    -------
    y : ndarray, shape (n, m)
    cache : tuple (x, w)

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> forward([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]])[0].tolist()
    [[11.0, 17.0]]
    """
    x, w = check_numbers("x of linear", x), check_numbers("w of linear", w)
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x and w of linear must have shapes (n, k) and (m, k), got {x.shape} and {w.shape}.")
    return x @ w.T, (x, w)                                                             # (1)


def backward(dy: ArrayLike, cache: tuple, *, need_dx: bool = True) -> tuple[NDArray | None, NDArray]:
    """Gradients for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape (n, m)
    cache : tuple
        What `forward` returned.
    need_dx : bool, optional

    Returns
    -------
    dx : ndarray, shape (n, k); None unless `need_dx`
    dw : ndarray, shape (m, k)

    Raises
    ------
    TypeError
        If dy does not hold real numbers.

    Examples
    --------
    >>> dx, dw = backward([[1.0]], forward([[1.0, 2.0]], [[3.0, 4.0]])[1])
    >>> dx.tolist(), dw.tolist()
    ([[3.0, 4.0]], [[1.0, 2.0]])
    """
    x, w = cache
    dy = check_numbers("dy of linear", dy, shape=(len(x), len(w)))
    return (dy @ w if need_dx else None), dy.T @ x                                     # (2), (3)


doors(__name__)
