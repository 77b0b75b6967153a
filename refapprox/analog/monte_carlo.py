"""The loss by simulation, with its standard error: what the closed form is held against."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.aging import program_weights
from refapprox.analog.compensation import GLOBAL
from refapprox.analog.converters import normalizer
from refapprox.analog.devices import DeviceModel
from refapprox.analog.objective import check_score_weights, check_times
from refapprox.analog.readout import PERFECT
from refapprox.validation import check_integer, check_rng


@dataclass(frozen=True)
class LossEstimate:
    """A simulated loss.

    Attributes
    ----------
    mean, standard_error : float
        Over the runs; ddof 1.
    per_time, per_time_standard_error : float64 array (T,)
    samples : float64 array (runs, T)
        The loss of each run at each time.

    Examples
    --------
    >>> print(LossEstimate(0.01, 0.0002, np.array([0.01]), np.array([0.0002]), np.array([[0.0098], [0.0102]])))
    0.010000 ± 0.000200
    """

    mean: float
    standard_error: float
    per_time: NDArray[np.float64]
    per_time_standard_error: NDArray[np.float64]
    samples: NDArray[np.float64]

    def __str__(self):
        return f"{self.mean:.6f} ± {self.standard_error:.6f}"


def monte_carlo_tnmse(converter: Any, weights: ArrayLike, device: DeviceModel, t_steps: Sequence[float],
                      compensation: Any = GLOBAL, *, rng: np.random.Generator, runs: int = 20, aging: str = "device",
                      readout: Any = PERFECT) -> LossEstimate:
    """Time-averaged normalized mean squared error of simulated arrays.

    Every run and time programs the weights anew, so that times are independent, as in aihwkit.

    Parameters
    ----------
    converter, weights, device, t_steps, compensation, readout
        As in `expected_tnmse`.
    rng : numpy.random.Generator
    runs : int, at least 2
    aging : "device" or "reconvert"

    Returns
    -------
    LossEstimate

    Raises
    ------
    TypeError
        If rng is no Generator.
    ValueError
        As of `expected_tnmse`; for fewer than 2 runs.

    Examples
    --------
    >>> from refapprox.analog import PCMLikeNoiseModel, SinglePairConductanceConverter, expected_tnmse
    >>> of = SinglePairConductanceConverter(), np.linspace(-1, 1, 201), PCMLikeNoiseModel(), [1.0, 3600.0]
    >>> estimate = monte_carlo_tnmse(*of, rng=np.random.default_rng(0))
    >>> abs(estimate.mean - expected_tnmse(*of)) < 5 * estimate.standard_error
    True
    """
    rng = check_rng(rng)
    runs = check_integer("runs", runs, minimum=2)
    weights, times = check_score_weights(weights), check_times(t_steps, device)
    unit = normalizer(weights)
    samples = np.empty((runs, len(times)))
    for run in range(runs):
        for step, t in enumerate(times):
            chip = program_weights(converter, weights, device, rng=rng, compensation=compensation, aging=aging,
                                   readout=readout)
            samples[run, step] = np.mean(((chip.read(t, rng=rng).effective - weights) / unit) ** 2)
    averages = samples.mean(axis=1)
    return LossEstimate(float(averages.mean()), float(averages.std(ddof=1) / np.sqrt(runs)), samples.mean(axis=0),
                        samples.std(axis=0, ddof=1) / np.sqrt(runs), samples)
