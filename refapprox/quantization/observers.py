"""Where the range of a layer's activations comes from; see `LayerQuantization.ranges` for the names.

An observer owns the buffer `range` (low, high), nan before the first tensor, and says in `watches` during what it looks
at tensors: in training, in every forward pass, or in calibration only.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refapprox.validation import check_numbers, check_real


class MinMaxObserver:
    """Range of everything seen so far, measured in calibration and then kept.

    Examples
    --------
    >>> observer = MinMaxObserver()
    >>> observer.observe([1.0, 2.0]), observer.observe([-3.0])
    (None, None)
    >>> observer.bounds()
    (-3.0, 2.0)
    """

    watches = "calibration"

    def __init__(self):
        self.range = np.full(2, np.nan)

    def observe(self, x: ArrayLike) -> None:
        """Look at the activations `x` of one batch; a ValueError if they are not finite."""
        x = check_numbers("activations x", x)
        if not x.size:
            raise ValueError(f"activations x must hold at least one number, got shape {x.shape}.")
        low, high = float(x.min()), float(x.max())
        if not np.isfinite(low) or not np.isfinite(high):
            raise ValueError(f"activations x must be finite to have a range of codes, got values from {low} to {high}.")
        self.range[:] = self._merge(low, high)

    def _merge(self, low, high):
        return np.fmin(self.range[0], low), np.fmax(self.range[1], high)      # fmin ignores the initial nan

    def bounds(self) -> tuple[float, float]:
        """(low, high), or a ValueError before anything was observed."""
        if np.isnan(self.range).any():
            raise ValueError("the activations' range is unknown: run train_quant or calibrate the network, before "
                             "evaluating codes.")
        return float(self.range[0]), float(self.range[1])


class MovingAverageObserver(MinMaxObserver):
    """Exponential moving average of each training batch's range.

    Parameters
    ----------
    momentum : float, optional
        Weight of the newest range; PyTorch's averaging constant unless given.

    Examples
    --------
    >>> observer = MovingAverageObserver(momentum=0.5)
    >>> observer.observe([0.0, 2.0]), observer.observe([0.0, 4.0])
    (None, None)
    >>> observer.bounds()
    (0.0, 3.0)
    """

    watches = "training"

    def __init__(self, momentum: float = 0.01):
        super().__init__()
        self.momentum = check_real("momentum of MovingAverageObserver", momentum, minimum=0.0, maximum=1.0)

    def _merge(self, low, high):
        if np.isnan(self.range[0]):
            return low, high
        return self.range + self.momentum * (np.array((low, high)) - self.range)


class BatchObserver(MinMaxObserver):
    """Range of the batch at hand, in training and in evaluation.

    Examples
    --------
    >>> observer = BatchObserver()
    >>> observer.observe([0.0, 2.0]), observer.observe([1.0])
    (None, None)
    >>> observer.bounds()
    (1.0, 1.0)
    """

    watches = "every forward pass"

    def _merge(self, low, high):
        return low, high
