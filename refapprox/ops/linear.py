"""Fully connected layer, without bias.

    y = x w^T                                                                          (1)

Vector-Jacobian product:

    dx = dy w                                                                          (2)
    dw = dy^T x                                                                        (3)
"""


def forward(x, w):
    """Multiply `x` (n, k) by the weight `w` (m, k).

    Returns
    -------
    y : ndarray, shape (n, m)
    cache : tuple (x, w)

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> forward(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]))[0].tolist()
    [[11.0, 17.0]]
    """
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[1]:
        raise ValueError(f"linear needs x of shape (n, k) and w of shape (m, k), got {x.shape} and {w.shape}.")
    return x @ w.T, (x, w)                                                             # (1)


def backward(dy, cache, *, need_dx=True):
    """Gradients (dx, dw) for the cotangent `dy` (n, m); dx is None unless `need_dx`."""
    x, w = cache
    return (dy @ w if need_dx else None), dy.T @ x                                     # (2), (3)
