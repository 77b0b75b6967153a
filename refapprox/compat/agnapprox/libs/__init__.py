"""Libraries of approximate multipliers under agnapprox's names: EvoApproxLib's signed 8-bit multipliers, by formula.

`EvoApproxLib` is the package that the published tutorial imports, with the names of release v1.1; `EvoApprox` is what
later versions of agnapprox have in its place, with those of v2022. Ten names exist in both, nine of them for another
circuit, so the two must not be mixed.
"""
from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from refapprox._lazy import doors
from refapprox.multipliers import MultiplierLibrary, load_library
from refapprox.multipliers.closed_forms import closed_form, closed_form_names
from refapprox.multipliers.formats import swap_order
from refapprox.validation import check_choice, shown

__all__ = ["ApproxLibrary", "ApproximateMultiplier", "EvoApprox", "EvoApproxLib"]


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

    Examples
    --------
    >>> ApproximateMultiplier("zero", 0.0, np.multiply.outer(np.arange(-128, 128), np.arange(-128, 128))).name
    'zero'
    """

    name: str
    performance_metric: float
    error_map: NDArray[np.integer]


class ApproxLibrary(ABC):
    """Source of tables and candidates.

    Examples
    --------
    >>> isinstance(EvoApproxLib(), ApproxLibrary)
    True
    """

    @abstractmethod
    def load_lut(self, name: str) -> NDArray[np.int32]:
        """Table of the multiplier called `name`, int32 (256, 256), two's-complement order."""

    @abstractmethod
    def search_space(self) -> list[ApproximateMultiplier]:
        """List of ApproximateMultiplier."""


class EvoApproxLib(ApproxLibrary):
    """The tutorial's search space: names of release v1.1, power in mW at 45 nm.

    Parameters
    ----------
    source : "builtin" or path, optional
        As in `refapprox.load_library`.

    Examples
    --------
    >>> library = EvoApproxLib()
    >>> library.search_space()[0].name, library.load_lut("mul8s_1KV8")[255, 2].item()      # row 255 is the operand -1
    ('mul8s_1KR3', -2)
    """

    def __init__(self, source: str | PathLike[str] = "builtin") -> None:
        self.library = load_library(source, signed=True, bits=8)

    def prepare(self, signed: bool = True) -> list[ApproximateMultiplier]:
        """The candidates, which are signed: unsigned tables do not fit the signed codes of the layers."""
        if not signed:
            raise ValueError("signed of prepare must be True: the layers multiply signed codes, and the built-in "
                             "multipliers are signed ones.")
        return self.search_space()

    def search_space(self) -> list[ApproximateMultiplier]:
        """The candidates for matching."""
        return [as_candidate(multiplier) for multiplier in self.library]

    def load_lut(self, name: str) -> NDArray[np.int32]:
        """Table of the multiplier called `name`, int32 (256, 256), two's-complement order."""
        return swap_order(self.library.load_lut(name))


class EvoApprox(EvoApproxLib):
    """The same circuits under the names of release v2022.

    Parameters
    ----------
    filter_str : str, optional
        Part of the names to keep.
    metric : {"PDK45_PWR"}, optional
        The cost: power in mW at 45 nm is what is known without the library's files.

    Raises
    ------
    ValueError
        If no name has `filter_str` in it.

    Examples
    --------
    >>> [multiplier.name for multiplier in EvoApprox("1KV").search_space()][:2]
    ['mul8s_1KV6', 'mul8s_1KV8']
    """

    def __init__(self, filter_str: str = "mul8s", metric: str = "PDK45_PWR") -> None:
        check_choice("metric", metric, ("PDK45_PWR",))
        names = [name for name in closed_form_names("v2022") if name.startswith("mul8s")]
        self.names, self.metric = [name for name in names if filter_str in name], metric
        if not self.names:
            raise ValueError(f"filter_str: no built-in multiplier has {shown(filter_str)} in its name: they are "
                             f"{', '.join(names)}.")
        self.library = MultiplierLibrary([closed_form("v2022", name) for name in self.names], "EvoApproxLib v2022")


def as_candidate(multiplier):
    """A refapprox Multiplier as agnapprox's class."""
    return ApproximateMultiplier(multiplier.name, multiplier.performance_metric, multiplier.error_map)


doors(__name__)
