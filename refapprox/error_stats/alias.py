"""Drawing from a discrete distribution in constant time per draw.

The alias method stores for each of 2^b slots a threshold and two outcomes. One 64-bit random word makes a draw: its
top b bits choose the slot; the whole word against the threshold chooses between the slot's two outcomes. The
probabilities are met within 2^b / 2^64.

References
----------
A. J. Walker, "An efficient method for generating discrete random variables with general distributions", ACM TOMS 3
(1977), doi:10.1145/355744.355749; table construction by M. D. Vose, IEEE TSE 17 (1991), doi:10.1109/32.92917.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.validation import check_array, check_distribution, check_integer, check_rng

BLOCK_DRAWS = 1 << 16      # words in flight: half a MiB, so that every step stays in the cache


class AliasSampler:
    """Draws from `values` with `probabilities`.

    Parameters
    ----------
    values : array, any shape
        Equal values are merged, so that the table stays small.
    probabilities : float array, shape of `values`

    Examples
    --------
    >>> draws = AliasSampler([3, 7, 9], [0.5, 0.0, 0.5]).draw(1000, rng=np.random.default_rng(0))
    >>> sorted(set(draws.tolist()))
    [3, 9]
    """

    def __init__(self, values: ArrayLike, probabilities: ArrayLike) -> None:
        values = check_array("values", values).ravel()
        probabilities = check_array("probabilities", probabilities).ravel()
        probabilities = check_distribution("probabilities", probabilities, values.size)
        values, weights = merged(values, probabilities)
        bits = max(1, (len(values) - 1).bit_length())
        slots = 1 << bits
        scaled = np.zeros(slots)
        scaled[:len(values)] = weights * (slots / weights.sum())
        keep, alias = alias_table(scaled)
        self.shift = np.uint64(64 - bits)
        outcomes = np.zeros(slots, values.dtype)
        outcomes[:len(values)] = values
        # outcome 2s is the alias of slot s, outcome 2s + 1 its own: the comparison word < threshold picks
        self.outcomes = np.stack([outcomes[alias], outcomes], axis=1).ravel()
        start = np.arange(slots, dtype=np.uint64) << self.shift
        width = np.minimum(keep * 2.0 ** (64 - bits), 2.0 ** (64 - bits) * (1 - 2.0 ** -53)).astype(np.uint64)
        self.thresholds = start + width

    def draw(self, size: int, *, rng: np.random.Generator) -> NDArray[Any]:
        """Independent draws, 1-D, dtype of the values.

        Parameters
        ----------
        size : int
        rng : numpy.random.Generator
        """
        check_rng(rng)
        size = check_integer("size", size, minimum=0)
        draws = np.empty(size, self.outcomes.dtype)
        for first in range(0, size, BLOCK_DRAWS):
            words = rng.integers(0, 2 ** 64, size=min(BLOCK_DRAWS, size - first), dtype=np.uint64)
            slot = (words >> self.shift).view(np.int64)
            own = words < self.thresholds.take(slot)
            slot *= 2
            slot += own
            self.outcomes.take(slot, out=draws[first:first + BLOCK_DRAWS])
        return draws


def merged(values, probabilities):
    """Distinct values of positive probability, and their probabilities."""
    if values.dtype.kind in "iu":
        lowest, highest = int(values.min()), int(values.max())
        if highest - lowest < 4 * values.size:      # counting is faster than sorting
            weights = np.bincount(values.astype(np.int64) - lowest, weights=probabilities)
            possible = np.flatnonzero(weights)
            return (possible + lowest).astype(values.dtype), weights[possible]
    values, which = np.unique(values, return_inverse=True)
    weights = np.bincount(which, weights=probabilities)
    return values[weights > 0], weights[weights > 0]


def alias_table(scaled):
    """Vose's construction: (share of its own outcome, alias) for each slot; `scaled` sums to its length."""
    keep, alias = scaled.copy(), np.arange(len(scaled))
    small = [s for s, share in enumerate(scaled.tolist()) if share < 1]
    large = [s for s, share in enumerate(scaled.tolist()) if share >= 1]
    while small and large:
        poor, rich = small.pop(), large[-1]
        alias[poor] = rich
        keep[rich] -= 1 - keep[poor]
        if keep[rich] < 1:
            small.append(large.pop())
    keep[small + large] = 1      # what is left differs from 1 by rounding only
    return keep, alias
