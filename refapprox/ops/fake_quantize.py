"""Fake quantization: real numbers replaced by the real numbers that their codes stand for.

    y = scale * (clip(u, qmin, qmax) - zero_point),   u = round(x / scale) + zero_point             (1)

Surrogate gradient
------------------
y is a staircase: its derivative is 0 almost everywhere. The straight-through estimator declares

    dx = dy  where qmin <= u <= qmax,  else 0                                                        (2)

the identity inside the clipping range. The scale and the zero point count as constants. (2) is tested as the
declaration that it is, not against finite differences.

References
----------
B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
CVPR 2018, arXiv:1712.05877. Y. Bengio, N. Leonard, A. Courville, arXiv:1308.3432 (straight-through estimator).
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.quantization.codes import check_code_parameters, round_to_codes
from refapprox.validation import check_broadcast, check_finite, check_numbers

__all__ = ["backward", "forward"]


def forward(x: ArrayLike, scale: ArrayLike, zero_point: ArrayLike, qmin: int, qmax: int
            ) -> tuple[NDArray, NDArray[np.bool_]]:
    """Round `x` to the nearest representable real numbers.

    Parameters
    ----------
    x : array
        Integers count as float64.
    scale : float or array that broadcasts against x, positive
    zero_point : int or array that broadcasts against x, within [qmin, qmax]
    qmin, qmax : int

    Returns
    -------
    y : ndarray, shape and floating dtype of x
    cache : bool array, shape of x
        Where the code was inside [qmin, qmax] before clipping.

    Raises
    ------
    TypeError
        If x or scale do not hold real numbers.
    ValueError
        If x or scale is not finite, scale not positive, or zero_point not a code.

    Examples
    --------
    >>> y, inside = forward([0.3, 9.0], 0.25, 0, -8, 7)
    >>> y.tolist(), inside.tolist()
    ([0.25, 1.75], [True, False])
    """
    x = check_finite("x of fake_quantize", check_numbers("x of fake_quantize", x, floating=True))
    scale, zero_point, qmin, qmax = check_code_parameters(scale, zero_point, qmin, qmax)
    check_broadcast(x.shape, x=x, scale=np.asarray(scale), zero_point=np.asarray(zero_point))
    u = round_to_codes(x, scale, zero_point, qmin, qmax)
    inside = (u >= qmin) & (u <= qmax)
    y = np.asarray(scale, u.dtype) * (np.clip(u, qmin, qmax) - np.asarray(zero_point, u.dtype))      # (1)
    return y.astype(x.dtype, copy=False), inside


def backward(dy: ArrayLike, cache: NDArray[np.bool_]) -> NDArray:
    """Surrogate gradient for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape of y
    cache : bool array
        What `forward` returned.

    Returns
    -------
    dx : ndarray, shape of y

    Raises
    ------
    TypeError
        If dy does not hold real numbers.

    Examples
    --------
    >>> backward([2.0, 3.0], forward([0.3, 9.0], 0.25, 0, -8, 7)[1]).tolist()
    [2.0, 0.0]
    """
    return np.where(cache, check_numbers("dy of fake_quantize", dy, shape=cache.shape), 0)                  # (2)


doors(__name__)
