"""EvoApproxLib's 8x8-bit multipliers of release v2022, by formula, under torchapprox's names.

Error maps are **approximate - exact**, as published there; everything else in `refapprox` has exact - approximate.
Circuits without a formula are read from a checkout by `refapprox.load_library`.
"""
from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from refapprox.multipliers import Multiplier
from refapprox.multipliers.closed_forms import closed_form, closed_form_names
from refapprox.multipliers.formats import swap_order
from refapprox.validation import check_choice

RELEASE = "v2022"
ATTRIBUTES = ("PDK45_PWR",)


def module_names(filter_str: str = "") -> list[str]:
    """Names of the multipliers that contain `filter_str`."""
    return [name for name in closed_form_names(RELEASE) if re.match(r"mul8[su]_", name) and filter_str in name]


def load_multiplier(multiplier_name: str) -> Multiplier:
    """The `refapprox.Multiplier`; an ImportError where the name is not there, as published."""
    if multiplier_name not in module_names():
        raise ImportError(f"{multiplier_name} has no closed form in EvoApproxLib {RELEASE}; refapprox.load_library "
                          f"reads it from a checkout.")
    return closed_form(RELEASE, multiplier_name)


def attribute(multiplier_name: str, attr_name: str) -> float:
    """A published figure; PDK45_PWR, the power in mW at 45 nm, is what is known without the library's files."""
    check_choice("attr_name", attr_name, ATTRIBUTES)
    return load_multiplier(multiplier_name).performance_metric


def error_map(multiplier_name: str) -> NDArray[np.int32]:
    """approximate - exact, int32 (256, 256), value order.

    Examples
    --------
    >>> int(error_map("mul8s_1KV8").min())
    -5
    """
    return -load_multiplier(multiplier_name).error_map


def error_distribution(multiplier_name: str, fan_in: int = 1) -> tuple[float, float]:
    """(mean, std) of the sum of `fan_in` independent errors of uniformly distributed operands, ddof 0."""
    error = error_map(multiplier_name)
    return error.mean() * fan_in, error.std(ddof=0) * math.sqrt(fan_in)


def bitwidth_from_name(multiplier_name: str) -> int:
    """8 for `mul8s_...`."""
    return int(re.sub("[^0-9]", "", multiplier_name.split("_")[0]))


def signedness_from_name(multiplier_name: str) -> bool:
    """True for `mul8s_...`."""
    return multiplier_name.split("_")[0].endswith("s")


def lut(multiplier_name: str) -> NDArray[np.int32]:
    """Table as the operators take it: bit patterns index it, which is two's-complement order for signed ones.

    Published tables of unsigned multipliers read codes above 127 by sign and magnitude; these do not.
    """
    multiplier = load_multiplier(multiplier_name)
    return swap_order(multiplier.lut) if multiplier.signed else multiplier.lut.copy()
