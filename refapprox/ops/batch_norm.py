"""Batch normalization of (n, c) or (n, c, h, w), statistics of each channel.

Training, N = n*h*w values per channel, mean and var (ddof 0) those of the batch:

    xhat = (x - mean) / sqrt(var + eps)                                                (1)
    y = gamma * xhat + beta                                                            (2)
    running_mean <- (1 - momentum) * running_mean + momentum * mean                    (3)
    running_var  <- (1 - momentum) * running_var  + momentum * var * N / (N - 1)       (4)

The running variance is the unbiased one (ddof 1), as PyTorch defines it. Evaluation puts the running statistics
into (1). Vector-Jacobian product, sums over all but the channel:

    dbeta = sum(dy),   dgamma = sum(dy * xhat)                                         (5)
    training:    dx = gamma / sqrt(var + eps) * (dy - dbeta / N - xhat * dgamma / N)   (6)
    evaluation:  dx = gamma / sqrt(var + eps) * dy                                     (7)

The running statistics are state: no gradient passes through (3) and (4).

References
----------
S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167, Algorithm 1 and section 3.
"""
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.ops.bias import all_but_channel, check_per_channel, per_channel
from refapprox.validation import check_numbers

__all__ = ["Cache", "backward", "forward"]


@dataclass(frozen=True)
class Cache:
    """What `backward` needs: normalized input, 1 / sqrt(var + eps), gamma and the mode."""

    xhat: np.ndarray
    inverse_std: np.ndarray
    gamma: np.ndarray
    training: bool


def forward(x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, running_mean: ArrayLike, running_var: ArrayLike, *,
            training: bool, momentum: float = 0.1, eps: float = 1e-5) -> tuple[NDArray, tuple, Cache]:
    """Normalize `x` channel by channel.

    Parameters
    ----------
    x : array, shape (n, c) or (n, c, h, w)
        Integers count as float64.
    gamma, beta, running_mean, running_var : arrays, shape (c,)
    training : bool
        Use and record the statistics of the batch, else use the running ones.
    momentum, eps : float, optional

    Returns
    -------
    y : ndarray, shape and floating dtype of x
    running : tuple (running_mean, running_var)
        New arrays in training, the given ones in evaluation.
    cache : Cache

    Raises
    ------
    TypeError
        If an array does not hold real numbers.
    ValueError
        If a parameter does not have shape (c,), or training sees one value per channel, which has no variance.

    Examples
    --------
    >>> y, (mean, var), _ = forward([[1.0], [3.0]], [1.0], [0.0], [0.0], [1.0], training=True, eps=0.0)
    >>> y.ravel().tolist(), mean.tolist(), var.tolist()
    ([-1.0, 1.0], [0.2], [1.1])
    """
    x = check_numbers("x of batch_norm", x, floating=True)
    gamma, beta, running_mean, running_var = (
        check_per_channel(f"{name} of batch_norm", check_numbers(f"{name} of batch_norm", value, floating=True), x)
        for name, value in (("gamma", gamma), ("beta", beta), ("running_mean", running_mean),
                            ("running_var", running_var)))
    axes, count = all_but_channel(x.ndim), x.size // x.shape[1]
    if training:
        if count < 2:
            raise ValueError(f"batch_norm in training needs at least 2 values per channel, got x of shape {x.shape}.")
        mean = x.mean(axis=axes)
        centered = x - per_channel(mean, x.ndim)
        var = channel_sums(centered, centered) / count
        running_mean = (1 - momentum) * running_mean + momentum * mean                 # (3)
        running_var = (1 - momentum) * running_var + momentum * var * (count / (count - 1))    # (4)
    else:
        centered, var = x - per_channel(running_mean, x.ndim), running_var
    inverse_std = 1 / np.sqrt(var + eps)
    xhat = centered
    xhat *= per_channel(inverse_std, x.ndim)                                           # (1), in place
    y = xhat * per_channel(gamma, x.ndim)
    y += per_channel(beta, x.ndim)                                                     # (2)
    return y, (running_mean, running_var), Cache(xhat, inverse_std, gamma, training)


def backward(dy: ArrayLike, cache: Cache) -> tuple[NDArray, NDArray, NDArray]:
    """Gradients for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape of y
    cache : Cache
        What `forward` returned.

    Returns
    -------
    dx : ndarray, shape of y
    dgamma, dbeta : ndarray, shape (c,)

    Raises
    ------
    TypeError
        If dy does not hold real numbers.

    Examples
    --------
    >>> one = [1.0]
    >>> _, _, cache = forward([[1.0], [3.0]], one, one, one, one, training=False, eps=0.0)
    >>> [gradient.tolist() for gradient in backward([[1.0], [1.0]], cache)]
    [[[1.0], [1.0]], [2.0], [2.0]]
    """
    dy = check_numbers("dy of batch_norm", dy, floating=True)
    axes, count, ndim = all_but_channel(dy.ndim), dy.size // dy.shape[1], dy.ndim
    dbeta = dy.sum(axis=axes)
    dgamma = channel_sums(dy, cache.xhat)                                              # (5)
    scale = per_channel(cache.gamma * cache.inverse_std, ndim)
    if not cache.training:
        return dy * scale, dgamma, dbeta                                               # (7)
    dx = cache.xhat * per_channel(-dgamma / count, ndim)
    dx += dy
    dx -= per_channel(dbeta / count, ndim)
    dx *= scale                                                                        # (6), in place
    return dx, dgamma, dbeta


def channel_sums(a, b):
    """sum(a * b) over all but the channel without a temporary of their size, images first: short sums round less."""
    return np.einsum("nc...,nc...->c...", a, b).reshape(a.shape[1], -1).sum(axis=1)
