"""What a library of multipliers must offer, and what counts as a multiplier."""
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np


@dataclass
class ApproximateMultiplier:
    """A candidate for matching. Anything else with these three attributes will do.

    Attributes
    ----------
    name : str
    performance_metric : float
        What matching minimizes.
    error_map : integer array, shape (256, 256)
        exact - approximate, ``error_map[x + 128, w + 128]``.
    """

    name: str
    performance_metric: float
    error_map: np.ndarray


class ApproxLibrary(ABC):
    """Source of tables and candidates."""

    @abstractmethod
    def load_lut(self, name):
        """Table of the multiplier called `name`, int32 (256, 256), two's-complement order."""

    @abstractmethod
    def search_space(self):
        """List of ApproximateMultiplier."""
