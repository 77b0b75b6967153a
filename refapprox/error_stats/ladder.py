"""The ladder: every estimator of the error of a layer, from one histogram to exact, with what it assumes.

Each takes `(emaps, operands)` and returns an `ErrorEstimate`; a lower rung needs less of the operands.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from refapprox.error_stats.data_moments import exact_data
from refapprox.error_stats.error_maps import ErrorMapsLike
from refapprox.error_stats.histogram_rungs import (
    fixed_weights,
    matched,
    population,
    receptive_field,
    single_distribution,
)
from refapprox.error_stats.operands import LayerOperands
from refapprox.error_stats.result import ErrorEstimate
from refapprox.error_stats.simulated_errors import simulation
from refapprox.error_stats.tap_rungs import correlated_taps, exchangeable_taps, fixed_weights_by_tap
from refapprox.validation import check_choice


@dataclass(frozen=True)
class Rung:
    """An estimator and its assumption: the law under which its variance is exact.

    Attributes
    ----------
    label : str
        As tables and figures print it.
    estimate : callable
        (emaps, operands) -> ErrorEstimate.
    assumption : str

    Examples
    --------
    >>> RUNGS["matched"].label, RUNGS["matched"].assumption
    ('5', 'a random field meets a random neuron in random order')
    """

    label: str
    estimate: Callable[..., ErrorEstimate]
    assumption: str


RUNGS = {
    "single_distribution": Rung("1", single_distribution, "every activation and weight is drawn anew"),
    "population": Rung("2", population, "a random field; its activations are drawn anew from its histogram"),
    "receptive_field": Rung("3", receptive_field, "a random field with fixed contents; weights are drawn anew"),
    "fixed_weights": Rung("4", fixed_weights, "a random neuron with fixed weights; activations are drawn anew"),
    "fixed_weights_by_tap": Rung("4t", fixed_weights_by_tap, "as 4, each position with its own distribution"),
    "matched": Rung("5", matched, "a random field meets a random neuron in random order"),
    "exchangeable_taps": Rung("5e", exchangeable_taps, "as 4t, and all pairs of positions have one covariance"),
    "correlated_taps": Rung("5t", correlated_taps, "as 5e for what values and zeros leave unexplained"),
    "exact_data": Rung("6", exact_data, "none: the data themselves, by factored products"),
    "simulation": Rung("7", simulation, "none: the data themselves, product by product"),
}


def estimate(emaps: ErrorMapsLike, operands: LayerOperands, estimator: str = "exact_data") -> ErrorEstimate:
    """Error of a layer by any rung.

    Parameters
    ----------
    emaps : Multiplier, error map, or a sequence of them
    operands : LayerOperands
    estimator : str, optional
        A name in `RUNGS`.

    Returns
    -------
    ErrorEstimate

    Raises
    ------
    KeyError
        If there is no such rung.
    ValueError
        If the error maps do not fit the operands, or these do not hold what the rung needs.

    Examples
    --------
    >>> from refapprox import load_library
    >>> from refapprox.error_stats import LayerOperands
    >>> layer = LayerOperands.from_codes(x=[[3, 5], [1, 0]], w=[[7], [-3]])
    >>> multiplier = load_library()["mul8s_1L2H"]             # clears the lowest bit of both operands
    >>> float(estimate(multiplier, layer).accumulated_mean)   # ((21 - 12) + (-15 + 16) + (7 - 0) + 0) / 2
    8.5
    """
    return RUNGS[check_choice("estimator", estimator, RUNGS)].estimate(emaps, operands)
