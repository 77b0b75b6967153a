"""What the search pays a layer for the noise that it tolerates.

    value = -lmbd * sum_l share_l * min(|sigma_l|, sigma_max)                          (1)
    dvalue/dsigma_l = -lmbd * share_l * sign(sigma_l)  where |sigma_l| < sigma_max,
                      0 at and beyond the cap and at sigma_l = 0                       (2)

share_l is the layer's part of the network's multiplications. The loss falls as the noise grows, until the
cross-entropy stops it or the cap does; at the two kinks of (1) the gradient is declared to be 0.

References
----------
E. Trommer, B. Waschneck, A. Kumar, ICCAD 2022, arXiv:2208.07265.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.validation import check_distribution, check_finite, check_real

__all__ = ["backward", "forward"]


def forward(sigmas: ArrayLike, shares: ArrayLike, *, lmbd: float, sigma_max: float = 0.5) -> tuple[float, tuple]:
    """Noise term of the loss.

    Parameters
    ----------
    sigmas : float array, shape (layers,)
        Relative noise levels; the sign is irrelevant to the noise.
    shares : float array, shape (layers,)
        Parts of the multiplications, non-negative, sum 1.
    lmbd : float
        Weight of the term, at least 0.
    sigma_max : float, optional
        No layer earns more than this.

    Returns
    -------
    value : float
    cache : tuple

    Raises
    ------
    ValueError
        If lmbd is negative, sigma_max not positive, shares do not sum to 1, or the shapes differ.

    Examples
    --------
    >>> value, cache = forward([0.25, -0.75], [0.5, 0.5], lmbd=0.5)
    >>> value, backward(cache).tolist()
    (-0.1875, [-0.25, 0.0])
    """
    sigmas = check_finite("sigmas", sigmas, dtype=np.float64)
    shares = check_distribution("shares", shares)
    if sigmas.shape != shares.shape:
        raise ValueError(f"sigmas and shares need one entry for each layer, got {sigmas.shape} and {shares.shape}.")
    lmbd = check_real("lmbd", lmbd, minimum=0)
    sigma_max = check_real("sigma_max", sigma_max)
    if sigma_max <= 0:
        raise ValueError(f"sigma_max must be positive, got {sigma_max}.")
    value = -lmbd * float(shares @ np.minimum(np.abs(sigmas), sigma_max))              # (1)
    return value, (sigmas, shares, lmbd, sigma_max)


def backward(cache: tuple) -> NDArray[np.float64]:
    """Gradient of the term.

    Parameters
    ----------
    cache : tuple
        What `forward` returned.

    Returns
    -------
    dsigmas : float64 array, shape (layers,)

    Examples
    --------
    >>> backward(forward([0.25, 0.75], [0.5, 0.5], lmbd=1.0)[1]).tolist()
    [-0.5, 0.0]
    """
    sigmas, shares, lmbd, sigma_max = cache
    earning = np.abs(sigmas) < sigma_max
    return np.where(earning, -lmbd * shares * np.sign(sigmas), 0.0)                    # (2)


doors(__name__)
