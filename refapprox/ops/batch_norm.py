"""Batch normalization of (n, c) or (n, c, h, w), statistics of each channel.

Training, N = n*h*w values per channel, mean and var (ddof 0) those of the batch:

    xhat = (x - mean) / sqrt(var + eps)                                                (1)
    y = gamma * xhat + beta                                                            (2)
    running_mean <- (1 - momentum) * running_mean + momentum * mean                    (3)
    running_var  <- (1 - momentum) * running_var  + momentum * var * N / (N - 1)       (4)

The running variance is the unbiased one (ddof 1), as PyTorch defines it. Evaluation puts the running statistics
into (1). Passes go in bands (`bands`): they multiply x and add a constant, or, where a mean is `bands.far` from zero,
make x - mean anew.
Vector-Jacobian product, sums over all but the channel:

    dbeta = sum(dy),   dgamma = sum(dy * xhat)                                         (5)
    training:    dx = gamma / sqrt(var + eps) * (dy - dbeta / N - xhat * dgamma / N)   (6)
    evaluation:  dx = gamma / sqrt(var + eps) * dy                                     (7)

The running statistics are state: no gradient passes through (3) and (4).

References
----------
S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167, Algorithm 1 and section 3.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.ops.bands import along_rows, channel_sums, dots, far, from_rows, in_bands, moments, rows_of
from refapprox.ops.bias import check_per_channel
from refapprox.validation import check_numbers, check_real

__all__ = ["backward", "forward"]


@dataclass(frozen=True)
class Cache:
    """What `backward` needs: the input as `bands.rows_of` gives it, mean, 1 / sqrt(var + eps), gamma, the mode, and
    whether means are `bands.far` from zero."""

    rows: np.ndarray
    mean: np.ndarray
    inverse_std: np.ndarray
    gamma: np.ndarray
    training: bool
    far: bool


def forward(x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, running_mean: ArrayLike, running_var: ArrayLike, *,
            training: bool, momentum: float = 0.1, eps: float = 1e-5, workers: int = 1
            ) -> tuple[NDArray, tuple, Cache]:
    """Normalize `x` channel by channel.

    Parameters
    ----------
    x : array, shape (n, c) or (n, c, h, w)
        Integers count as float64.
    gamma, beta, running_mean, running_var : arrays, shape (c,)
    training : bool
        Use and record the statistics of the batch, else use the running ones.
    momentum, eps : float, optional
    workers : int, optional
        Threads over bands, at most one a core; no bit depends on it.

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
    if running_var.min(initial=0) < 0:
        raise ValueError(f"running_var of batch_norm must not be negative, got {running_var.min()}.")
    eps = check_real("eps of batch_norm", eps, minimum=0)
    if not x.size:
        raise ValueError(f"x of batch_norm must hold at least one sample, got shape {x.shape}.")
    rows, channels = rows_of(x), x.shape[1]
    count = x.size // channels
    if training:
        if count < 2:
            raise ValueError(f"batch_norm in training needs at least 2 values per channel, got x of shape {x.shape}.")
        mean, var = moments(rows, x.shape, workers)
        running_mean = (1 - momentum) * running_mean + momentum * mean                 # (3)
        running_var = (1 - momentum) * running_var + momentum * var * (count / (count - 1))    # (4)
    else:
        mean, var = running_mean, running_var
    if eps + var.min(initial=1) <= 0:
        raise ValueError("eps of batch_norm must be positive where a variance is 0.")
    inverse_std = 1 / np.sqrt(var + eps)
    cache, scale = Cache(rows, mean, inverse_std, gamma, training, far(mean, var)), gamma * inverse_std
    y, row = np.empty_like(rows), partial(along_rows, rows=rows, shape=x.shape)
    scale_row, shift_row = row(scale), row(beta if cache.far else beta - mean * scale)
    center = row(mean) if cache.far else None

    def normalize(band, _):
        np.multiply(minus(rows[band], center, y[band]), scale_row, out=y[band])        # (1) and gamma
        y[band] += shift_row                                                           # (2)

    in_bands(normalize, rows, workers)
    return from_rows(y, x.shape), (running_mean, running_var), cache


def backward(dy: ArrayLike, cache: Cache, *, workers: int = 1) -> tuple[NDArray, NDArray, NDArray]:
    """Gradients for the cotangent `dy`.

    Parameters
    ----------
    dy : array, shape of y
    cache : Cache
        What `forward` returned.
    workers : int, optional
        As of `forward`.

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
    if dy.ndim not in (2, 4) or dy.shape[1] != len(cache.gamma) or dy.size != cache.rows.size:
        raise ValueError(f"dy of batch_norm must have the shape of y, got {dy.shape}.")
    rows, d = cache.rows, rows_of(dy)
    row = partial(along_rows, rows=d, shape=dy.shape)
    center = row(cache.mean) if cache.far else None
    dbeta, dgamma = channel_sums(lambda d, x: (d.sum(axis=0), dots(d, minus(x, center))), d, rows,
                                 shape=dy.shape, workers=workers)
    if not cache.far:
        dgamma = dgamma - cache.mean * dbeta
    dgamma = dgamma * cache.inverse_std                                                # (5)
    slope = cache.inverse_std * dgamma * (-dy.shape[1] / dy.size)                      # of x - mean, in (6)
    constant = dbeta * (-dy.shape[1] / dy.size)
    scale_row, dx = row(cache.gamma * cache.inverse_std), np.empty_like(d)
    slope_row, constant_row = row(slope), row(constant if cache.far else constant - slope * cache.mean)

    def normalize(band, _):
        out = dx[band]
        if cache.training:
            np.multiply(minus(rows[band], center, out), slope_row, out=out)
            out += constant_row
            out += d[band]
            out *= scale_row                                                           # (6)
        else:
            np.multiply(d[band], scale_row, out=out)                                   # (7)

    in_bands(normalize, d, workers)
    return from_rows(dx, dy.shape), dgamma, dbeta


def minus(x, center, out=None):
    """x - center, in the memory of `out` if there is one; x itself where center is None. Rows of x may be shorter."""
    return x if center is None else np.subtract(x, center[:x.shape[1]], out=out)


doors(__name__)
