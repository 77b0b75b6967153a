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
import numpy as np

from refapprox.quantization import check_code_parameters, dequantize, round_to_codes
from refapprox.validation import check_finite


def forward(x, scale, zero_point, qmin, qmax):
    """Round `x` to the nearest representable real numbers.

    Parameters
    ----------
    x : float array
    scale : float or array that broadcasts against x, positive
    zero_point : int or array that broadcasts against x, within [qmin, qmax]
    qmin, qmax : int

    Returns
    -------
    y : ndarray, shape and dtype of x
    cache : bool array, shape of x
        Where the code was inside [qmin, qmax] before clipping.

    Raises
    ------
    ValueError
        If x or scale is not finite, scale not positive, or zero_point not a code.

    Examples
    --------
    >>> y, inside = forward(np.array([0.3, 9.0]), 0.25, 0, -8, 7)
    >>> y.tolist(), inside.tolist()
    ([0.25, 1.75], [True, False])
    """
    check_code_parameters(scale, zero_point, qmin, qmax)
    scale, zero_point = np.asarray(scale, x.dtype), np.asarray(zero_point, x.dtype)
    u = round_to_codes(check_finite("x of fake_quantize", x), scale, zero_point)
    inside = (u >= qmin) & (u <= qmax)
    return dequantize(np.clip(u, qmin, qmax), scale, zero_point), inside              # (1)


def backward(dy, cache):
    """Surrogate gradient dx for the cotangent `dy`."""
    return dy * cache                                                                  # (2)
