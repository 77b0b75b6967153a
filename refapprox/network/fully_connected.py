"""The linear layer, in the four modes of `multiplying`."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from refapprox.network.multiplying import MultiplyingLayer
from refapprox.ops import linear
from refapprox.ops.lut_matmul import matmul_sums, zero_point_terms
from refapprox.quantization import LayerQuantization
from refapprox.validation import check_integer


class Linear(MultiplyingLayer):
    """y = x w^T + b for x of shape (n, k) and w of shape (m, k).

    Parameters
    ----------
    k, m : int
        Inputs and outputs.
    bias : bool, optional
    rng : numpy.random.Generator
        Draws the initial weights.
    dtype : float32 or float64, optional
    quantization : LayerQuantization, optional

    Raises
    ------
    TypeError
        If k or m is no integer, or rng no Generator.
    ValueError
        If k or m is below 1.

    Examples
    --------
    >>> layer = Linear(4, 2, rng=np.random.default_rng(0))
    >>> layer.forward(np.zeros((3, 4))).shape, layer.fan_in, layer.opcount
    ((3, 2), 4, 8)
    """

    def __init__(self, k: int, m: int, *, bias: bool = True, rng: np.random.Generator, dtype: DTypeLike = np.float32,
                 quantization: LayerQuantization | None = None):
        k, m = check_integer("k of Linear", k, minimum=1), check_integer("m of Linear", m, minimum=1)
        super().__init__((m, k), bias=bias, rng=rng, dtype=dtype, quantization=quantization)

    def exact(self, x: NDArray, w: NDArray) -> tuple[NDArray, Any]:
        return linear.forward(x, w)

    def _exact_cache(self, x, w, pad_value=0.0):
        return x, w

    def _reweighted(self, cache, w):
        return cache[0].astype(w.dtype, copy=False), w

    def _exact_backward(self, dy, cache, need_dx):
        return linear.backward(dy, cache, need_dx=need_dx)

    def _table_sums(self, x_codes, w_codes, qx, qw):
        sums = matmul_sums(x_codes, w_codes.T, self.multiplier, workers=self.workers)
        if qx.zero_point or np.any(qw.zero_point):
            x_sums, w_sums = (codes.sum(axis=1).astype(np.int64) for codes in (x_codes, w_codes))
            sums = sums + zero_point_terms(x_sums[:, None], w_sums, self.fan_in, qx.zero_point, qw.zero_point)
        return sums

    def operands(self, x_codes: NDArray, w_codes: NDArray, pad_code: int) -> tuple[NDArray, NDArray]:
        return x_codes[None], w_codes.T[None]
