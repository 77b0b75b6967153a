"""Batch normalization folded into the layer before it, as every deployment does.

    gamma (w x + b - mean) / sqrt(var + eps) + beta = w' x + b'                                   (1)
    w' = w gamma / sqrt(var + eps),   b' = beta + (b - mean) gamma / sqrt(var + eps)              (2)

Exact but for rounding: (2) is computed in float64 and rounded once to the dtype of the weight.

References
----------
B. Jacob et al., CVPR 2018, arXiv:1712.05877, section 3.2, equation 14.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.validation import check_numbers, check_real


def fold_batch_norm(weight: ArrayLike, bias: ArrayLike | None, gamma: ArrayLike, beta: ArrayLike, mean: ArrayLike,
                    var: ArrayLike, eps: float = 1e-5) -> tuple[NDArray, NDArray]:
    """Weight and bias of the layer that does the work of a layer and the batch norm behind it.

    Parameters
    ----------
    weight : array, shape (m, ...)
        An output along axis 0.
    bias : array, shape (m,), or None
    gamma, beta, mean, var : arrays, shape (m,)
        Parameters and running statistics of the batch norm.
    eps : float, optional

    Returns
    -------
    weight, bias : ndarray, shapes (m, ...) and (m,), the floating dtype of weight

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes do not match, or var + eps is not positive.

    Examples
    --------
    >>> w, b = fold_batch_norm([[2.0]], None, [3.0], [1.0], [4.0], [4.0], eps=0.0)
    >>> w.tolist(), b.tolist()      # 3 (2 x - 4) / 2 + 1
    ([[3.0]], [-5.0])
    """
    weight = check_numbers("weight", weight, floating=True)
    if weight.ndim == 0:
        raise ValueError("weight must have an axis of outputs, got a single number.")
    bias = np.zeros(weight.shape[:1]) if bias is None else bias
    bias, gamma, beta, mean, var = (
        check_numbers(name, value, floating=True).astype(np.float64) for name, value in
        (("bias", bias), ("gamma", gamma), ("beta", beta), ("mean", mean), ("var", var)))
    if {array.shape for array in (bias, gamma, beta, mean, var)} != {weight.shape[:1]}:
        raise ValueError(f"fold_batch_norm needs arrays ({len(weight)},) for a weight of shape {weight.shape}, "
                         f"got {', '.join(str(array.shape) for array in (bias, gamma, beta, mean, var))}.")
    spread = var + check_real("eps", eps, minimum=0.0)
    if not (spread > 0).all():
        raise ValueError(f"var + eps must be positive, got {spread.min()}.")
    factor = gamma / np.sqrt(spread)
    folded = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))                                # (2)
    return folded.astype(weight.dtype), (beta + (bias - mean) * factor).astype(weight.dtype)
