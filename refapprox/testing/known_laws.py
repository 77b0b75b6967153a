"""What assertions compare samples with: whole laws, or moments of laws whose pmf is not known."""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from refapprox.error_stats.exact_law import Law, law_of_sums
from refapprox.error_stats.result import ErrorMoments
from refapprox.error_stats.sum_moments import error_cumulants, joined, mixture_of_sums
from refapprox.validation import (
    WrongKindError,
    check_array,
    check_distribution,
    check_instance,
    check_integer,
    check_real,
)


def moments(mean: float, std: float, *, fourth: float | None = None, lower: float | None = None,
            upper: float | None = None) -> ErrorMoments:
    """What is known of a law whose pmf is not: for `assert_agrees`.

    Parameters
    ----------
    mean, std : float
        Of one sample, in its units; not negative the std.
    fourth : float, optional
        Fourth central moment E (S - mean)^4, or an upper bound.
    lower, upper : float, optional
        What a sample cannot leave.

    Returns
    -------
    ErrorMoments
        nan and infinities stand for what is not known.

    Raises
    ------
    ValueError
        If the mean lies outside the support, or the fourth moment is below std^4, which no law allows.

    Examples
    --------
    >>> float(moments(0.5, 12 ** -0.5, lower=0.0, upper=1.0).reach)
    0.5
    """
    mean, std = check_real("mean", mean), check_real("std", std, minimum=0.0)
    low = -math.inf if lower is None else check_real("lower", lower, maximum=mean)
    high = math.inf if upper is None else check_real("upper", upper, minimum=mean)
    variance, reach = std * std, max(high - mean, mean - low)      # a power of a float beyond 1.8e308 would be an error
    if fourth is None:
        fourth = variance * reach * reach if std and math.isfinite(reach) else math.nan if std else 0.0
    else:
        fourth = check_real("fourth", fourth, minimum=variance * variance * (1 - 1e-12))
    return ErrorMoments(mean, variance, math.nan, fourth, low, high)


def law_of(values: ArrayLike, probabilities: ArrayLike, num_summands: int = 1) -> Law:
    """The whole law of a sum of independent integers, of one by default.

    Parameters
    ----------
    values : integer array, shape (outcomes,)
    probabilities : float array, shape (outcomes,)
        Summing to 1.
    num_summands : int, optional

    Returns
    -------
    Law

    Raises
    ------
    ValueError
        If the probabilities are none.

    Examples
    --------
    Two dice:

    >>> law = law_of([1, 2, 3, 4, 5, 6], np.full(6, 1 / 6), num_summands=2)
    >>> law.start, round(float(law.pmf[5]), 12) == round(6 / 36, 12)
    (2, True)
    """
    values = check_array("values", values, kinds="iu", ndim=1, dtype=np.int64)
    probabilities = check_distribution("probabilities", probabilities, values.size)
    start = int(values[probabilities > 0].min())
    pmf = np.bincount(values[probabilities > 0] - start, weights=probabilities[probabilities > 0] / probabilities.sum())
    summands, counts = [(start, pmf)], np.array([[check_integer("num_summands", num_summands, minimum=1)]])
    return law_of_sums(summands, counts, moments_of_sums(summands, counts))


def moments_of_sums(summands, counts):
    """ErrorMoments of a Law's summands and counts: exact cumulants, not those of its rounded pmf."""
    laws = [error_cumulants(start + np.arange(len(pmf))[np.newaxis].astype(np.float64), pmf) for start, pmf in summands]
    return mixture_of_sums(joined(laws), counts)


def check_law(law):
    """`law`, a Law or the ErrorMoments of one."""
    check_instance("law", law, (Law, ErrorMoments))
    if isinstance(law, ErrorMoments) and np.ndim(law.mean):
        raise WrongKindError("law must hold the moments of one law, got those of several multipliers at once.")
    return law
