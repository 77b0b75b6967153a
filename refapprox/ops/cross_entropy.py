"""Softmax cross-entropy, the mean over the batch.

    loss = -1/n * sum_i log p[i, label_i],   log p = z - log sum exp z,   z = logits - max(logits)     (1)
    dlogits = (p - onehot(labels)) / n                                                                 (2)

Taking the row maximum off first keeps exp within range and leaves p as it is.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.validation import check_array, check_codes, check_finite, check_numbers

__all__ = ["backward", "forward"]


def forward(logits: ArrayLike, labels: ArrayLike) -> tuple[float, tuple]:
    """Mean cross-entropy of `logits` against `labels`.

    Parameters
    ----------
    logits : array, shape (n, classes)
        Integers count as float64.
    labels : integer array, shape (n,)

    Returns
    -------
    loss : float
    cache : tuple (p, labels)
        p (n, classes) are the predicted probabilities.

    Raises
    ------
    TypeError
        If logits do not hold real numbers.
    ValueError
        If logits are not finite, labels are not integers in [0, classes), or the shapes do not match.

    Examples
    --------
    >>> round(forward([[0.0, 0.0]], [1])[0], 6)      # log 2
    0.693147
    """
    logits, labels = check_numbers("logits", logits, floating=True), check_array("labels", labels)
    if logits.ndim != 2 or logits.size == 0 or labels.shape != logits.shape[:1]:
        raise ValueError(f"cross_entropy needs logits of shape (n, classes) and labels of shape (n,), "
                         f"got {logits.shape} and {labels.shape}.")
    check_finite("logits", logits)
    labels = check_codes("labels", labels, 0, logits.shape[1] - 1).astype(np.intp)
    z = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(z)
    total = p.sum(axis=1, keepdims=True)
    log_p = z[np.arange(len(z)), labels] - np.log(total[:, 0])
    p /= total
    return float(-log_p.mean(dtype=np.float64)), (p, labels)                           # (1)


def backward(cache: tuple) -> NDArray:
    """Gradient of the loss.

    Parameters
    ----------
    cache : tuple
        What `forward` returned.

    Returns
    -------
    dlogits : ndarray, shape (n, classes)

    Examples
    --------
    >>> backward(forward([[0.0, 0.0]], [1])[1]).tolist()
    [[0.5, -0.5]]
    """
    p, labels = cache
    dlogits = p.copy()
    dlogits[np.arange(len(p)), labels] -= 1
    return dlogits / len(p)                                                            # (2)


doors(__name__)
