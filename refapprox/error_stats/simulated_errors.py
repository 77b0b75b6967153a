"""Rung 7: behavioural simulation, the truth that every other rung predicts.

    error[k, j] = sum_i e(x[k, i], w[i, j]),     exact integers
"""
import numpy as np

from refapprox.error_stats.operands import check_error_map, check_layer
from refapprox.error_stats.result import ErrorEstimate
from refapprox.validation import check_array


def accumulated_errors(emap, operands):
    """The accumulated error of every field and neuron, looked up product by product.

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
    operands : LayerOperands
        With the codes of both sides.

    Returns
    -------
    array, shape (fields, neurons); int64 for an integer error map, else float64
    """
    check_layer(emap, operands)
    table = check_error_map(emap)
    table = check_array("emap", table, dtype=np.int64 if table.dtype.kind in "iu" else np.float64)
    x, w = operands.x.index, operands.w.index
    sums = np.zeros((len(x), len(w)), table.dtype)
    for i in range(operands.fan_in):
        sums += table[:, w[:, i]][x[:, i]]      # the columns of this tap's weights, then one row per field
    return sums


def simulation(emaps, operands):
    """Rung 7: mean and std over all fields and neurons of the simulated accumulated error."""
    maps, single = check_layer(emaps, operands)
    errors = [accumulated_errors(emap, operands) for emap in ([emaps] if single else emaps)]
    mean, std = (np.array(column) for column in zip(*((e.mean(), e.std(ddof=0)) for e in errors), strict=True))
    return ErrorEstimate(operands.fan_in, *((mean[0], std[0]) if single else (mean, std)))
