"""The loss by simulation, with its standard error: what the closed form is held against."""
from dataclasses import dataclass

import numpy as np

from refapprox.analog.aging import program_weights
from refapprox.analog.compensation import GLOBAL, PERFECT
from refapprox.analog.converters import normalizer
from refapprox.analog.objective import check_score_weights, check_times
from refapprox.validation import check_integer, check_rng


@dataclass(frozen=True)
class LossEstimate:
    """A simulated loss.

    Attributes
    ----------
    mean, standard_error : float
        Over the runs; ddof 1.
    per_time, per_time_standard_error : ndarray (T,)
    samples : ndarray (runs, T)
        The loss of each run at each time.
    """

    mean: float
    standard_error: float
    per_time: np.ndarray
    per_time_standard_error: np.ndarray
    samples: np.ndarray

    def __str__(self):
        return f"{self.mean:.6f} ± {self.standard_error:.6f}"


def monte_carlo_tnmse(converter, weights, device, t_steps, compensation=GLOBAL, *, rng, runs=20, aging="device",
                      readout=PERFECT):
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
