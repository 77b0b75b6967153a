"""Rung 7: behavioural simulation, the truth that every other rung predicts.

    error[k, j] = sum_i e(x[k, i], w[i, j]),     exact integers
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refapprox.error_stats.error_maps import ErrorMapLike, ErrorMapsLike, check_layer, fitting_map
from refapprox.error_stats.estimators import rung
from refapprox.error_stats.operands import LayerOperands
from refapprox.error_stats.result import ErrorEstimate
from refapprox.validation import check_array


def accumulated_errors(emap: ErrorMapLike, operands: LayerOperands) -> NDArray[Any]:
    """The accumulated error of every field and neuron, looked up product by product.

    Parameters
    ----------
    emap, operands
        As of `exact_moments`.

    Returns
    -------
    array, shape (fields, neurons); int64 for an integer error map, else float64

    Raises
    ------
    ValueError
        If the error map does not fit the operands, or these hold no codes.

    Examples
    --------
    >>> layer = LayerOperands.from_codes([[0, 1], [1, 1]], [[1, 0], [1, 1]], range_x=(0, 1), range_w=(0, 1))
    >>> accumulated_errors([[0, 0], [0, 2]], layer).tolist()
    [[2, 2], [4, 2]]
    """
    table = fitting_map(emap, operands)
    table = check_array("emap", table, dtype=np.int64 if table.dtype.kind in "iu" else np.float64)
    x, w = operands.x.index, operands.w.index
    sums = np.zeros((len(x), len(w)), table.dtype)
    for i in range(operands.fan_in):
        sums += table[:, w[:, i]][x[:, i]]      # the columns of this tap's weights, then one row per field
    return sums


@rung("With the codes of both sides.", mean=2.5, variance=0.75)
def simulation(emaps: ErrorMapsLike, operands: LayerOperands) -> ErrorEstimate:
    """Rung 7: mean and std over all fields and neurons of the simulated accumulated error."""
    maps, single = check_layer(emaps, operands)
    errors = [accumulated_errors(emap, operands) for emap in ([emaps] if single else emaps)]
    mean, std = (np.array(column) for column in zip(*((e.mean(), e.std(ddof=0)) for e in errors), strict=True))
    return ErrorEstimate(operands.fan_in, *((mean[0], std[0]) if single else (mean, std)))
